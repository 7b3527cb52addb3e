// SPDX-License-Identifier: Apache-2.0
#include "engine/validate/const_expr.h"

#include <fmt/format.h>

namespace wsb::validate {

Result<void> ConstReader::run(const ConstExpr& expr, ValType expected, uint32_t visible_globals) {
    reset(FuncIdx(no_function));
    m_visible_globals = visible_globals;
    open_body({&expected, 1});
    binary::InstrReader reader(Cursor(m_module.view(expr.range), expr.range.offset_bytes));
    while (!m_frames.empty()) {
        if (auto read = reader.next(m_instr); !read)
            return read;
        if (!step())
            return std::unexpected(take_error());
    }
    return {};
}

bool ConstReader::step() {
    const OpInfo& row = op_info(m_instr.op);
    if (!check_feature(row))
        return false;
    if (m_instr.op == Op::end) {
        if (!check_end())
            return false;
        m_frames.pop_back();
        return true;
    }
    if (row.flags != OpFlags::const_ok)
        return fail(ErrorCode::constant_expression_required, std::string(row.text));
    switch (row.cls) {
        case OpClass::constant: return check_fixed(row);
        case OpClass::binary:
            if (!m_module.features.has(Feature::extended_const))
                return fail(ErrorCode::constant_expression_required,
                            "arithmetic needs the feature extended-const");
            return check_fixed(row);
        case OpClass::global: return check_constant_global();
        case OpClass::reference: return check_constant_reference();
        case OpClass::gc: return check_gc();
        default: return fail(ErrorCode::constant_expression_required, std::string(row.text));
    }
}

bool ConstReader::check_constant_global() {
    if (m_instr.index >= m_visible_globals)
        return fail(ErrorCode::unknown_global, std::to_string(m_instr.index));
    if (m_module.globals[m_instr.index].type.is_mutable)
        return fail(ErrorCode::constant_expression_required,
                    fmt::format("global {} is mutable", m_instr.index));
    const bool any_global =
        m_module.features.has(Feature::gc) || m_module.features.has(Feature::extended_const);
    if (!any_global && m_instr.index >= m_module.imported_globals)
        return fail(ErrorCode::unknown_global, std::to_string(m_instr.index));
    ValType type;
    return check_global(type);
}

/// ref.func in a constant expression declares the function for all bodies.
bool ConstReader::check_constant_reference() {
    if (m_instr.op == Op::ref_func && m_instr.index < m_declared_funcs.size()) {
        m_declared_funcs[m_instr.index] = true;
        push(m_module.func_reference(FuncIdx(m_instr.index)));
        return true;
    }
    if (m_instr.op == Op::ref_func)
        return fail(ErrorCode::unknown_func, std::to_string(m_instr.index));
    ValType operand;
    return check_reference(operand);
}

}  // namespace wsb::validate
