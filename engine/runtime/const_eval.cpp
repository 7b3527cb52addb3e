// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/const_eval.h"

#include <cstring>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/binary/instr_reader.h"

namespace wsb::runtime {

namespace {

class Evaluator {
public:
    explicit Evaluator(const ConstScope& scope) noexcept : m_scope(scope) {}

    Result<ConstValue> run(const ConstExpr& expression) {
        binary::InstrReader reader(
            Cursor(m_scope.module.view(expression.range), expression.range.offset_bytes));
        binary::Instr instr;
        for (;;) {
            WSB_TRY(reader.next(instr));
            if (instr.op == Op::end)
                return pop();
            WSB_TRY(step(instr));
        }
    }

private:
    Result<void> step(const binary::Instr& instr) {
        switch (instr.op) {
            case Op::i32_const:
            case Op::f32_const: push(static_cast<uint32_t>(instr.bits)); return {};
            case Op::i64_const:
            case Op::f64_const: push(instr.bits); return {};
            case Op::v128_const: {
                ConstValue value;
                std::memcpy(value.data(), instr.lanes.data(), sizeof value);
                m_stack.push_back(value);
                return {};
            }
            case Op::global_get: {
                const VmGlobal& global = *m_scope.globals[instr.index];
                m_stack.push_back({global.value[0], global.value[1]});
                return {};
            }
            case Op::ref_null: push(0); return {};
            case Op::ref_func:
                // SAFETY: a function reference is the address of its VmFunc (vm_context.h).
                push(reinterpret_cast<uintptr_t>(m_scope.funcs[instr.index]));
                return {};
            default: return arithmetic(instr);
        }
    }

    /// The extended constant expressions. Spec: exec/numerics
    Result<void> arithmetic(const binary::Instr& instr) {
        uint64_t (*operation)(uint64_t, uint64_t) = nullptr;
        bool is_32 = false;
        switch (instr.op) {
            case Op::i32_add: is_32 = true; [[fallthrough]];
            case Op::i64_add: operation = [](uint64_t a, uint64_t b) { return a + b; }; break;
            case Op::i32_sub: is_32 = true; [[fallthrough]];
            case Op::i64_sub: operation = [](uint64_t a, uint64_t b) { return a - b; }; break;
            case Op::i32_mul: is_32 = true; [[fallthrough]];
            case Op::i64_mul: operation = [](uint64_t a, uint64_t b) { return a * b; }; break;
            default:
                return fail(ErrorCode::feature_disabled, instr.offset_bytes,
                            std::string(op_info(instr.op).text) +
                                " in a constant expression is not executable");
        }
        const Slot right = pop()[0];
        const Slot left = pop()[0];
        const uint64_t value = operation(left, right);
        push(is_32 ? static_cast<uint32_t>(value) : value);
        return {};
    }

    void push(Slot slot) { m_stack.push_back({slot, 0}); }
    ConstValue pop() noexcept {
        WSB_CHECK(!m_stack.empty());
        const ConstValue value = m_stack.back();
        m_stack.pop_back();
        return value;
    }

    const ConstScope& m_scope;
    std::vector<ConstValue> m_stack;
};

}  // namespace

Result<ConstValue> evaluate(const ConstScope& scope, const ConstExpr& expression) {
    return Evaluator(scope).run(expression);
}

}  // namespace wsb::runtime
