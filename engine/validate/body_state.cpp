// SPDX-License-Identifier: Apache-2.0
// Operands, locals, numbers, memories, tables, references and calls.
#include "engine/validate/body_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace wsb::validate {

void BodyState::reset(FuncIdx func) noexcept {
    m_func = func;
    m_locals.clear();
    m_is_initialized.clear();
    m_initialized.clear();
    m_operands.clear();
    m_frames.clear();
    m_single_results.clear();
    m_fuel = {};
    if (m_error.code != ErrorCode::none)
        m_error = {};
}

void BodyState::add_parameters(std::span<const ValType> types) {
    m_locals.assign(types.begin(), types.end());
    m_is_initialized.assign(types.size(), 1);
    m_are_defaultable = true;
}

void BodyState::add_locals(const LocalRun& run) {
    m_locals.insert(m_locals.end(), run.count, run.type);
    m_is_initialized.insert(m_is_initialized.end(), run.count, run.type.is_defaultable() ? 1 : 0);
    m_are_defaultable = m_are_defaultable && run.type.is_defaultable();
}

void BodyState::open_body(std::span<const ValType> results) {
    ControlFrame frame;
    frame.shape.results = results;
    m_frames.push_back(frame);
}

bool BodyState::fail(ErrorCode code, std::string detail) {
    if (m_error.code != ErrorCode::none)
        return false;
    m_error.code = code;
    m_error.offset_bytes = m_instr.offset_bytes;
    m_error.func = m_func.value;
    m_error.detail = std::move(detail);
    return false;
}

bool BodyState::fail_type(ValType expected, ValType found) {
    return fail(ErrorCode::type_mismatch, fmt::format("expected {}, found {} ({})", to_string(expected),
                                                      to_string(found), op_info(m_instr.op).text.view()));
}

bool BodyState::fail_underflow(std::string_view expected) {
    return fail(ErrorCode::type_mismatch,
                fmt::format("expected {}, found nothing ({})", expected, op_info(m_instr.op).text.view()));
}

bool BodyState::pop_all(std::span<const ValType> expected) {
    for (size_t i = expected.size(); i-- > 0;)
        if (!pop(expected[i]))
            return false;
    return true;
}

bool BodyState::pop_any(ValType& found) {
    const ControlFrame& frame = m_frames.back();
    if (m_operands.size() == frame.height) {
        found = ValType::bottom;
        return frame.is_unreachable || fail_underflow("a value");
    }
    found = m_operands.back();
    m_operands.pop_back();
    return true;
}

bool BodyState::pop_reference(ValType& found) {
    if (!pop_any(found))
        return false;
    if (found.is_bottom() || found.is_ref())
        return true;
    return fail(ErrorCode::type_mismatch, fmt::format("expected a reference, found {} ({})", to_string(found),
                                                      op_info(m_instr.op).text.view()));
}

bool BodyState::refuse_feature(const OpInfo& row) {
    return fail(ErrorCode::feature_disabled,
                fmt::format("{} needs the feature {}", row.text.view(), feature_name(row.feature)));
}

namespace {

/// The type of a letter in the table (opcode.h); `address` is that of the memory or table named.
[[nodiscard]] constexpr ValType type_of(char letter, ValType address) noexcept {
    switch (letter) {
        case 'i': return ValType::i32;
        case 'l': return ValType::i64;
        case 'f': return ValType::f32;
        case 'd': return ValType::f64;
        case 'v': return ValType::v128;
        default: return address;  // a, t
    }
}

/// The letters of a row that has no addresses, at most two operands and at most one result, as types.
struct Signature {
    bool is_plain = false;
    bool has_result = false;
    uint8_t param_count = 0;
    std::array<ValType, 2> params{};
    ValType result;
};

constexpr auto signatures = [] {
    std::array<Signature, op_count> table{};
    for (size_t op = 0; op < op_count; ++op) {
        const OpInfo& row = op_table[op];
        Signature& signature = table[op];
        if (row.imm == Imm::memarg || row.imm == Imm::memarg_lane || row.imm == Imm::mem ||
            row.params.size() > signature.params.size() || row.results.size() > 1)
            continue;
        signature.is_plain = true;
        signature.param_count = static_cast<uint8_t>(row.params.size());
        for (size_t i = 0; i < row.params.size(); ++i)
            signature.params[i] = type_of(row.params[i], ValType::i32);
        signature.has_result = !row.results.empty();
        if (signature.has_result)
            signature.result = type_of(row.results[0], ValType::i32);
    }
    return table;
}();

}  // namespace

bool BodyState::check_exact(Op op) {
    const Signature& signature = signatures[static_cast<size_t>(op)];
    const size_t count = signature.param_count;
    if (!signature.is_plain || m_operands.size() < m_frames.back().height + count ||
        !std::equal(m_operands.end() - static_cast<ptrdiff_t>(count), m_operands.end(),
                    signature.params.begin()))
        return false;
    m_operands.resize(m_operands.size() - count);
    if (signature.has_result)
        push(signature.result);
    return true;
}

bool BodyState::check_fixed(const OpInfo& row) {
    if (check_exact(m_instr.op)) [[likely]]
        return true;
    ValType address = ValType::i32;
    if (row.imm == Imm::memarg || row.imm == Imm::memarg_lane) {
        if (!check_memarg(row))
            return false;
        address = address_of_memory(m_instr.memarg.memory.value);
    } else if (row.imm == Imm::mem) {
        if (!check_memory(m_instr.index))
            return false;
        address = address_of_memory(m_instr.index);
    }
    for (size_t i = row.params.size(); i-- > 0;)
        if (!pop(type_of(row.params[i], address)))
            return false;
    for (const char letter : row.results)
        push(type_of(letter, address));
    return true;
}

/// Spec: valid/instructions#valid-memarg
bool BodyState::check_memarg(const OpInfo& row) {
    const binary::MemArg& arg = m_instr.memarg;
    if (!check_memory(arg.memory.value))
        return false;
    const uint64_t align_bytes = uint64_t{1} << arg.align_log2;
    if (row.cls == OpClass::atomic && align_bytes != row.width_bytes)
        return fail(ErrorCode::atomic_alignment, std::string(row.text));
    if (align_bytes > row.width_bytes)
        return fail(ErrorCode::alignment_too_large, std::string(row.text));
    if (arg.offset_bytes > UINT32_MAX && m_module.memories[arg.memory.value].type.address == AddressType::i32)
        return fail(ErrorCode::offset_out_of_range);
    return true;
}

bool BodyState::check_simd(const OpInfo& row) {
    if (row.imm == Imm::lanes) {
        for (const uint8_t lane : m_instr.lanes)
            if (lane >= 32)
                return fail(ErrorCode::invalid_lane_index, fmt::format("{} (i8x16.shuffle)", lane));
    }
    if ((row.imm == Imm::lane || row.imm == Imm::memarg_lane) && m_instr.index >= 16u / row.width_bytes)
        return fail(ErrorCode::invalid_lane_index, fmt::format("{} ({})", m_instr.index, row.text.view()));
    return check_fixed(row);
}

bool BodyState::check_parametric(ValType& operand) {
    return m_instr.op == Op::drop ? pop_any(operand) : check_select(operand);
}

/// Spec: valid/instructions#valid-select
bool BodyState::check_select(ValType& operand) {
    if (m_instr.op == Op::select_t) {
        if (m_instr.val_types.size() != 1)
            return fail(ErrorCode::invalid_result_arity);
        operand = m_instr.val_types[0];
        if (!check_val_type(operand) || !pop(ValType::i32) || !pop(operand) || !pop(operand))
            return false;
        push(operand);
        return true;
    }
    ValType other;
    if (!pop(ValType::i32) || !pop_any(operand) || !pop_any(other))
        return false;
    if (operand.is_bottom())
        operand = other;
    if (operand.is_ref() || other.is_ref())
        return fail(ErrorCode::type_mismatch, "select without a type needs numbers or vectors");
    if (!other.is_bottom() && operand != other)
        return fail_type(operand, other);
    push(operand);
    return true;
}

bool BodyState::check_local(ValType& type) {
    const uint32_t local = m_instr.index;
    if (local >= m_locals.size())
        return fail(ErrorCode::unknown_local, std::to_string(local));
    type = m_locals[local];
    if (m_instr.op == Op::local_get) {
        if (!m_is_initialized[local])
            return fail(ErrorCode::uninitialized_local, std::to_string(local));
        push(type);
        return true;
    }
    if (!pop(type))
        return false;
    if (!m_is_initialized[local]) {
        m_is_initialized[local] = 1;
        m_initialized.push_back(local);
    }
    if (m_instr.op == Op::local_tee)
        push(type);
    return true;
}

/// Forgets what was initialised inside a frame that ends.
bool BodyState::check_global(ValType& type) {
    if (m_instr.index >= m_module.globals.size())
        return fail(ErrorCode::unknown_global, std::to_string(m_instr.index));
    const GlobalType& global = m_module.globals[m_instr.index].type;
    type = global.type;
    if (m_instr.op == Op::global_get) {
        push(type);
        return true;
    }
    if (!global.is_mutable)
        return fail(ErrorCode::global_is_immutable, std::to_string(m_instr.index));
    return pop(type);
}

bool BodyState::check_table(ValType& element) {
    if (!check_table_index(m_instr.index))
        return false;
    element = m_module.tables[m_instr.index].type.element;
    const ValType address = address_of_table(m_instr.index);
    switch (m_instr.op) {
        case Op::table_get:
            if (!pop(address))
                return false;
            push(element);
            return true;
        case Op::table_set: return pop(element) && pop(address);
        case Op::table_grow:
            if (!pop(address) || !pop(element))
                return false;
            push(address);
            return true;
        default: push(address); return true;  // table.size
    }
}

bool BodyState::check_bulk() {
    const uint32_t index = m_instr.index;
    const uint32_t index2 = m_instr.index2;
    const auto smaller = [](ValType a, ValType b) {
        return a == ValType(ValType::i32) || b == ValType(ValType::i32) ? ValType(ValType::i32) : a;
    };
    const auto pop_three = [&](ValType target, ValType middle, ValType count) {
        return pop(count) && pop(middle) && pop(target);
    };
    switch (m_instr.op) {
        case Op::memory_init:
            return check_memory(index2) && check_data(index) &&
                   pop_three(address_of_memory(index2), ValType::i32, ValType::i32);
        case Op::memory_fill:
            return check_memory(index) &&
                   pop_three(address_of_memory(index), ValType::i32, address_of_memory(index));
        case Op::memory_copy: {
            if (!check_memory(index) || !check_memory(index2))
                return false;
            const ValType target = address_of_memory(index);
            const ValType source = address_of_memory(index2);
            return pop_three(target, source, smaller(target, source));
        }
        case Op::data_drop: return check_data(index);
        case Op::elem_drop: return check_elem(index);
        case Op::table_init:
            if (!check_table_index(index2) || !check_elem(index))
                return false;
            if (!matches(m_module, m_module.elems[index].type, m_module.tables[index2].type.element))
                return fail_type(m_module.tables[index2].type.element, m_module.elems[index].type);
            return pop_three(address_of_table(index2), ValType::i32, ValType::i32);
        case Op::table_fill: {
            if (!check_table_index(index))
                return false;
            const ValType address = address_of_table(index);
            return pop_three(address, m_module.tables[index].type.element, address);
        }
        default: {  // table.copy
            if (!check_table_index(index) || !check_table_index(index2))
                return false;
            const ValType target_element = m_module.tables[index].type.element;
            const ValType source_element = m_module.tables[index2].type.element;
            if (!matches(m_module, source_element, target_element))
                return fail_type(target_element, source_element);
            const ValType target = address_of_table(index);
            const ValType source = address_of_table(index2);
            return pop_three(target, source, smaller(target, source));
        }
    }
}

bool BodyState::check_reference(ValType& operand) {
    switch (m_instr.op) {
        case Op::ref_null:
            if (!check_heap_type(m_instr.heap))
                return false;
            operand = ValType::reference(m_instr.heap, true);
            push(operand);
            return true;
        case Op::ref_func: {
            if (m_instr.index >= m_module.funcs.size())
                return fail(ErrorCode::unknown_func, std::to_string(m_instr.index));
            if (!m_module.declared_funcs[m_instr.index])
                return fail(ErrorCode::undeclared_function_reference, std::to_string(m_instr.index));
            operand = m_module.func_reference(FuncIdx(m_instr.index));
            push(operand);
            return true;
        }
        case Op::ref_is_null:
            if (!pop_reference(operand))
                return false;
            push(ValType::i32);
            return true;
        case Op::ref_eq: {
            const ValType eq = ValType::reference(HeapType::eq, true);
            if (!pop(eq) || !pop(eq))
                return false;
            push(ValType::i32);
            return true;
        }
        default:  // ref.as_non_null
            if (!pop_reference(operand))
                return false;
            push(operand.as_non_null());
            return true;
    }
}

bool BodyState::check_call(const FuncType*& type) {
    const bool is_tail = op_info(m_instr.op).flags == OpFlags::ends_block;
    if (m_instr.op == Op::call || m_instr.op == Op::return_call) {
        if (m_instr.index >= m_module.funcs.size())
            return fail(ErrorCode::unknown_func, std::to_string(m_instr.index));
        type = &m_module.func_type(FuncIdx(m_instr.index));
    } else if (m_instr.op == Op::call_ref || m_instr.op == Op::return_call_ref) {
        type = func_type_at(TypeIdx(m_instr.index));
        if (type == nullptr || !pop(ValType::reference(HeapType(TypeIdx(m_instr.index)), true)))
            return false;
    } else {
        if (!check_table_index(m_instr.index2))
            return false;
        const ValType element = m_module.tables[m_instr.index2].type.element;
        if (!matches(m_module, element, ValType::funcref()))
            return fail_type(ValType::funcref(), element);
        type = func_type_at(TypeIdx(m_instr.index));
        if (type == nullptr || !pop(address_of_table(m_instr.index2)))
            return false;
    }
    if (!pop(type->params))
        return false;
    if (!is_tail) {
        push(type->results);
        return true;
    }
    if (!matches(m_module, type->results, m_frames[0].shape.results))
        return fail(ErrorCode::type_mismatch,
                    fmt::format("results of the callee are not those of the function ({})",
                                op_info(m_instr.op).text.view()));
    mark_unreachable();
    return true;
}

bool BodyState::check_throw() {
    if (m_instr.op == Op::throw_ref) {
        if (!pop(ValType::reference(HeapType::exn, true)))
            return false;
    } else {
        if (m_instr.index >= m_module.tags.size())
            return fail(ErrorCode::unknown_tag, std::to_string(m_instr.index));
        if (!pop(m_module.types[m_module.tags[m_instr.index].type.value].func()->params))
            return false;
    }
    mark_unreachable();
    return true;
}

// Index spaces

bool BodyState::check_type_index(TypeIdx type) {
    return type.value < m_module.types.size() || fail(ErrorCode::unknown_type, std::to_string(type.value));
}

bool BodyState::check_heap_type(HeapType type) {
    if (type.is_exact() && !m_module.features.has(Feature::custom_descriptors))
        return fail(ErrorCode::feature_disabled, "exact types need the feature custom-descriptors");
    return !type.is_defined() || check_type_index(type.type_index());
}

bool BodyState::check_val_type(ValType type) {
    return !type.is_ref() || check_heap_type(type.heap());
}

bool BodyState::check_memory(uint32_t memory) {
    return memory < m_module.memories.size() || fail(ErrorCode::unknown_memory, std::to_string(memory));
}

bool BodyState::check_table_index(uint32_t table) {
    return table < m_module.tables.size() || fail(ErrorCode::unknown_table, std::to_string(table));
}

bool BodyState::check_elem(uint32_t elem) {
    return elem < m_module.elems.size() || fail(ErrorCode::unknown_elem_segment, std::to_string(elem));
}

bool BodyState::check_data(uint32_t data) {
    if (!m_module.data_count)
        return fail(ErrorCode::data_count_required);
    return data < *m_module.data_count || fail(ErrorCode::unknown_data_segment, std::to_string(data));
}

const FuncType* BodyState::func_type_at(TypeIdx type) {
    if (!check_type_index(type))
        return nullptr;
    const FuncType* found = m_module.types[type.value].func();
    if (found == nullptr)
        fail(ErrorCode::type_mismatch, fmt::format("type {} is not a function type", type.value));
    return found;
}

const StructType* BodyState::struct_type_at(TypeIdx type) {
    if (!check_type_index(type))
        return nullptr;
    const StructType* found = m_module.types[type.value].structure();
    if (found == nullptr)
        fail(ErrorCode::type_mismatch, fmt::format("type {} is not a structure type", type.value));
    return found;
}

const ArrayType* BodyState::array_type_at(TypeIdx type) {
    if (!check_type_index(type))
        return nullptr;
    const ArrayType* found = m_module.types[type.value].array();
    if (found == nullptr)
        fail(ErrorCode::type_mismatch, fmt::format("type {} is not an array type", type.value));
    return found;
}

}  // namespace wsb::validate
