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

    CallResult<ConstValue> run(const ConstExpr& expression) {
        binary::InstrReader reader(
            Cursor(m_scope.module.view(expression.range), expression.range.offset_bytes));
        binary::Instr instr;
        for (;;) {
            WSB_TRY(reader.next(instr));
            count_execution(m_scope.executed, instr.op);
            if (instr.op == Op::end)
                return pop();
            WSB_TRY(step(instr));
        }
    }

private:
    CallResult<void> step(const binary::Instr& instr) {
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
    CallResult<void> arithmetic(const binary::Instr& instr) {
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

    /// Structures, arrays and conversions. Nothing is collected while constants are evaluated.
    /// Spec: exec/instructions#aggregate-reference-instructions
    CallResult<void> object(const binary::Instr& instr) {
        switch (instr.op) {
            case Op::struct_new:
            case Op::struct_new_default:
            case Op::struct_new_desc:
            case Op::struct_new_default_desc: return make_struct(instr);
            case Op::array_new: {
                const auto length = static_cast<uint32_t>(pop()[0]);
                const ConstValue element = pop();
                return make_array(instr, length, [&](size_t) { return element; });
            }
            case Op::array_new_default: {
                const auto length = static_cast<uint32_t>(pop()[0]);
                return make_array(instr, length, [](size_t) { return ConstValue{}; });
            }
            case Op::array_new_fixed: {
                const size_t first = m_stack.size() - instr.index2;
                const std::vector<ConstValue> elements(m_stack.begin() + static_cast<ptrdiff_t>(first),
                                                       m_stack.end());
                m_stack.resize(first);
                return make_array(instr, instr.index2, [&](size_t i) { return elements[i]; });
            }
            case Op::ref_i31: push(i31_reference(pop()[0])); return {};
            default: return {};  // any.convert_extern, extern.convert_any: the same representation
        }
    }

    CallResult<void> make_struct(const binary::Instr& instr) {
        const TypeInfo& type = type_info(instr);
        // The descriptor is the last operand and the last field.
        if (type.descriptor_offset_bytes != 0 && m_stack.back()[0] == 0)
            return std::unexpected(Failure(Trap{TrapCode::null_descriptor, "constant expression", {}}));
        WSB_TRY_ASSIGN(Object * object, allocate(instr, type, type.size_bytes));
        const bool is_default = instr.op == Op::struct_new_default || instr.op == Op::struct_new_default_desc;
        const std::span fields(type.fields);
        const auto given = is_default ? fields.last(type.descriptor_offset_bytes != 0 ? 1 : 0) : fields;
        auto* bytes = reinterpret_cast<uint8_t*>(object);
        const size_t first = m_stack.size() - given.size();
        for (size_t i = 0; i < given.size(); ++i)
            copy_value(bytes + given[i].offset_bytes, m_stack[first + i].data(), given[i].width_bytes);
        m_stack.resize(first);
        push(reference_to(object));
        return {};
    }

    template <class ElementAt>
    CallResult<void> make_array(const binary::Instr& instr, uint32_t length, ElementAt element_at) {
        const TypeInfo& type = type_info(instr);
        WSB_TRY_ASSIGN(Object * object, allocate(instr, type, type.array_size_bytes(length)));
        auto* array = static_cast<Array*>(object);
        array->length = length;
        for (size_t i = 0; i < length; ++i) {
            const ConstValue element = element_at(i);
            copy_value(array->element(i), element.data(), type.element_bytes);
        }
        push(reference_to(array));
        return {};
    }

    const TypeInfo& type_info(const binary::Instr& instr) {
        return m_scope.store->heap().type_info(m_scope.module.canonical_types[instr.index]);
    }

    Result<Object*> allocate(const binary::Instr& instr, const TypeInfo& type, uint64_t size_bytes) {
        Object* object = m_scope.store->heap().allocate(type, size_bytes);
        if (object == nullptr)
            return fail(ErrorCode::limit_exceeded, instr.offset_bytes, "objects exceed the memory limit");
        return object;
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

CallResult<ConstValue> evaluate(const ConstScope& scope, const ConstExpr& expression) {
    return Evaluator(scope).run(expression);
}

}  // namespace wsb::runtime
