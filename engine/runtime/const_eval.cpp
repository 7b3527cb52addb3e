// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/const_eval.h"

#include "engine/base/check.h"
#include "engine/binary/instr_reader.h"
#include "engine/isa/limits.h"
#include "engine/runtime/operations.h"
#include "engine/runtime/store.h"

#include <cstring>
#include <string>
#include <vector>

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
            default: return op_info(instr.op).cls == OpClass::gc ? object(instr) : arithmetic(instr);
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
            default: WSB_UNREACHABLE();  // validated
        }
        const Slot right = pop()[0];
        const Slot left = pop()[0];
        const uint64_t value = operation(left, right);
        push(is_32 ? static_cast<uint32_t>(value) : value);
        return {};
    }

    /// Structures, arrays and conversions. Spec: exec/instructions#aggregate-reference-instructions
    Result<void> object(const binary::Instr& instr) {
        switch (instr.op) {
            case Op::struct_new:
            case Op::struct_new_default: {
                const StructType& type = *m_scope.module.types[instr.index].structure();
                return make(
                    instr, type.fields.size(), [&](size_t i) -> const FieldType& { return type.fields[i]; },
                    instr.op == Op::struct_new);
            }
            case Op::array_new: {
                const auto length = static_cast<uint32_t>(pop()[0]);
                const ConstValue element = pop();
                WSB_TRY(check_length(instr, length));
                m_stack.insert(m_stack.end(), length, element);
                return make_array(instr, length, true);
            }
            case Op::array_new_default: {
                const auto length = static_cast<uint32_t>(pop()[0]);
                WSB_TRY(check_length(instr, length));
                return make_array(instr, length, false);
            }
            case Op::array_new_fixed: return make_array(instr, instr.index2, true);
            case Op::ref_i31: push(i31_reference(pop()[0])); return {};
            default: return {};  // any.convert_extern, extern.convert_any: the same representation
        }
    }

    Result<void> make_array(const binary::Instr& instr, size_t length, bool has_values) {
        const FieldType& field = m_scope.module.types[instr.index].array()->field;
        return make(instr, length, [&](size_t) -> const FieldType& { return field; }, has_values);
    }

    /// Before anything as long as the guest says is allocated.
    Result<void> check_length(const binary::Instr& instr, uint64_t length) const {
        if (length * sizeof(ConstValue) <= m_scope.store.limits().memory_bytes &&
            length <= limits::table_elements)
            return {};
        return fail(ErrorCode::limit_exceeded, instr.offset_bytes,
                    "array of " + std::to_string(length) + " elements");
    }

    /// Makes an object of the topmost `count` values, or of zeros and nulls.
    template <class FieldOf>
    Result<void> make(const binary::Instr& instr, size_t count, FieldOf field_of, bool has_values) {
        std::vector<Slot> slots;
        const size_t first = m_stack.size() - (has_values ? count : 0);
        for (size_t i = 0; i < count; ++i) {
            const ConstValue value = has_values ? m_stack[first + i] : ConstValue{};
            slots.insert(slots.end(), value.begin(), value.begin() + slot_count(field_of(i).storage.type));
        }
        m_stack.resize(first);
        const CanonId type = m_scope.module.canonical_types[instr.index];
        WSB_TRY_ASSIGN(const Object* made, m_scope.store.new_object(type, std::move(slots)));
        // SAFETY: a reference is the object's address, stable while the store lives.
        push(reinterpret_cast<uintptr_t>(made));
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
