// SPDX-License-Identifier: Apache-2.0
// Structures, arrays, i31 and casts. Spec: valid/instructions#aggregate-reference-instructions
#include "engine/validate/body_state.h"
#include "engine/validate/fuel_cost.h"

#include <fmt/format.h>

namespace wsb::validate {

namespace {

/// The type on the stack of a field: packed ones are i32.
[[nodiscard]] ValType unpacked(const FieldType& field) noexcept {
    return field.storage.packing == StorageType::unpacked ? field.storage.type : ValType(ValType::i32);
}

[[nodiscard]] bool is_packed(const FieldType& field) noexcept {
    return field.storage.packing != StorageType::unpacked;
}

[[nodiscard]] ValType defined_ref(uint32_t type, bool nullable) noexcept {
    return ValType::reference(HeapType(TypeIdx(type)), nullable);
}

}  // namespace

bool BodyState::check_gc() {
    switch (m_instr.op) {
        case Op::struct_new:
        case Op::struct_new_default:
        case Op::struct_new_desc:
        case Op::struct_new_default_desc:
        case Op::struct_get:
        case Op::struct_get_s:
        case Op::struct_get_u:
        case Op::struct_set: return check_struct();
        case Op::array_new:
        case Op::array_new_default:
        case Op::array_new_fixed:
        case Op::array_new_data:
        case Op::array_new_elem: return check_array_new();
        case Op::array_get:
        case Op::array_get_s:
        case Op::array_get_u:
        case Op::array_set:
        case Op::array_len: return check_array_access();
        case Op::array_fill:
        case Op::array_copy:
        case Op::array_init_data:
        case Op::array_init_elem: return check_array_bulk();
        case Op::ref_get_desc: return check_get_descriptor();
        case Op::ref_cast_desc_eq:
        case Op::ref_cast_desc_eq_null: return check_descriptor_cast();
        default: return check_cast();
    }
}

bool BodyState::check_struct() {
    const StructType* type = struct_type_at(TypeIdx(m_instr.index));
    if (type == nullptr)
        return false;
    if (is_struct_new(m_instr.op))
        return check_struct_new(*type);
    if (m_instr.index2 >= type->fields.size())
        return fail(ErrorCode::unknown_field, std::to_string(m_instr.index2));
    const FieldType& field = type->fields[m_instr.index2];
    const ValType structure = defined_ref(m_instr.index, true);
    if (m_instr.op == Op::struct_set) {
        if (!field.is_mutable)
            return fail(ErrorCode::immutable_field, std::to_string(m_instr.index2));
        return pop(unpacked(field)) && pop(structure);
    }
    if (is_packed(field) != (m_instr.op != Op::struct_get))
        return fail(is_packed(field) ? ErrorCode::field_is_packed : ErrorCode::field_is_unpacked);
    if (!pop(structure))
        return false;
    push(unpacked(field));
    return true;
}

bool BodyState::check_struct_new(const StructType& type) {
    const bool is_default = m_instr.op == Op::struct_new_default || m_instr.op == Op::struct_new_default_desc;
    const bool takes_descriptor =
        m_instr.op == Op::struct_new_desc || m_instr.op == Op::struct_new_default_desc;
    const auto& descriptor = m_module.types[m_instr.index].descriptor;
    if (descriptor && !takes_descriptor)
        return fail(ErrorCode::type_with_descriptor, std::to_string(m_instr.index));
    if (!descriptor && takes_descriptor)
        return fail(ErrorCode::type_without_descriptor, "requires non-descriptor allocation");
    if (descriptor && !pop(ValType::reference(HeapType::exact(*descriptor), true)))
        return false;
    for (size_t i = type.fields.size(); i-- > 0;) {
        const ValType field = unpacked(type.fields[i]);
        if (is_default && !field.is_defaultable())
            return fail(ErrorCode::not_defaultable, fmt::format("field {}", i));
        if (!is_default && !pop(field))
            return false;
    }
    push(m_module.exact_reference(TypeIdx(m_instr.index)));
    return true;
}

/// The descriptor is exactly known if the object is.
bool BodyState::check_get_descriptor() {
    const TypeIdx type(m_instr.index);
    if (!check_type_index(type))
        return false;
    const auto& descriptor = m_module.types[type.value].descriptor;
    if (!descriptor)
        return fail(ErrorCode::type_without_descriptor, std::to_string(type.value));
    ValType operand;
    if (!pop_any(operand))
        return false;
    if (!matches(m_module, operand, defined_ref(type.value, true)))
        return fail_type(defined_ref(type.value, true), operand);
    const bool is_exact = matches(m_module, operand, ValType::reference(HeapType::exact(type), true));
    push(ValType::reference(is_exact ? HeapType::exact(*descriptor) : HeapType(*descriptor), false));
    return true;
}

/// Pops the descriptor of a cast, exact if the cast's target is.
bool BodyState::pop_cast_descriptor(HeapType target) {
    const auto descriptor =
        target.is_defined() ? m_module.types[target.type_index().value].descriptor : std::nullopt;
    if (!descriptor)
        return fail(ErrorCode::cast_without_descriptor, to_string(target) + " does not have a descriptor");
    return pop(ValType::reference(target.with_index(*descriptor), true));
}

bool BodyState::check_descriptor_cast() {
    if (!check_heap_type(m_instr.heap) || !pop_cast_descriptor(m_instr.heap) ||
        !pop(ValType::reference(HeapType::any, true)))
        return false;
    push(ValType::reference(m_instr.heap, takes_null(m_instr.op)));
    return true;
}

bool BodyState::check_array_new() {
    const ArrayType* type = array_type_at(TypeIdx(m_instr.index));
    if (type == nullptr)
        return false;
    const ValType element = unpacked(type->field);
    switch (m_instr.op) {
        case Op::array_new:
            if (!pop(ValType::i32) || !pop(element))
                return false;
            break;
        case Op::array_new_default:
            if (!element.is_defaultable())
                return fail(ErrorCode::not_defaultable, to_string(element));
            if (!pop(ValType::i32))
                return false;
            break;
        case Op::array_new_fixed:
            if (m_instr.index2 > limits::array_new_fixed_operands)
                return fail(ErrorCode::limit_exceeded,
                            fmt::format("array.new_fixed of {} elements", m_instr.index2));
            for (uint32_t i = 0; i < m_instr.index2; ++i)
                if (!pop(element))
                    return false;
            break;
        case Op::array_new_data:
            if (!check_data(m_instr.index2))
                return false;
            if (element.is_ref())
                return fail(ErrorCode::array_not_numeric, to_string(element));
            if (!pop(ValType::i32) || !pop(ValType::i32))
                return false;
            break;
        default:  // array.new_elem
            if (!check_elem(m_instr.index2))
                return false;
            if (!matches(m_module, m_module.elems[m_instr.index2].type, element))
                return fail_type(element, m_module.elems[m_instr.index2].type);
            if (!pop(ValType::i32) || !pop(ValType::i32))
                return false;
            break;
    }
    push(m_module.exact_reference(TypeIdx(m_instr.index)));
    return true;
}

bool BodyState::check_array_access() {
    if (m_instr.op == Op::array_len) {
        if (!pop(ValType::reference(HeapType::array, true)))
            return false;
        push(ValType::i32);
        return true;
    }
    const ArrayType* type = array_type_at(TypeIdx(m_instr.index));
    if (type == nullptr)
        return false;
    const ValType array = defined_ref(m_instr.index, true);
    if (m_instr.op == Op::array_set) {
        if (!type->field.is_mutable)
            return fail(ErrorCode::immutable_array);
        return pop(unpacked(type->field)) && pop(ValType::i32) && pop(array);
    }
    if (is_packed(type->field) != (m_instr.op != Op::array_get))
        return fail(is_packed(type->field) ? ErrorCode::array_is_packed : ErrorCode::array_is_unpacked);
    if (!pop(ValType::i32) || !pop(array))
        return false;
    push(unpacked(type->field));
    return true;
}

bool BodyState::check_array_bulk() {
    const ArrayType* type = array_type_at(TypeIdx(m_instr.index));
    if (type == nullptr)
        return false;
    if (!type->field.is_mutable)
        return fail(ErrorCode::immutable_array);
    const ValType element = unpacked(type->field);
    const ValType array = defined_ref(m_instr.index, true);
    switch (m_instr.op) {
        case Op::array_fill: return pop(ValType::i32) && pop(element) && pop(ValType::i32) && pop(array);
        case Op::array_copy: {
            const ArrayType* source = array_type_at(TypeIdx(m_instr.index2));
            if (source == nullptr)
                return false;
            if (!matches(m_module, source->field.storage, type->field.storage))
                return fail(ErrorCode::array_types_do_not_match);
            return pop(ValType::i32) && pop(ValType::i32) && pop(defined_ref(m_instr.index2, true)) &&
                   pop(ValType::i32) && pop(array);
        }
        case Op::array_init_data:
            if (!check_data(m_instr.index2))
                return false;
            if (element.is_ref())
                return fail(ErrorCode::array_not_numeric, to_string(element));
            break;
        default:  // array.init_elem
            if (!check_elem(m_instr.index2))
                return false;
            if (!matches(m_module, m_module.elems[m_instr.index2].type, element))
                return fail_type(element, m_module.elems[m_instr.index2].type);
            break;
    }
    return pop(ValType::i32) && pop(ValType::i32) && pop(ValType::i32) && pop(array);
}

/// ref.test, ref.cast, conversions and i31
bool BodyState::check_cast() {
    const auto convert = [&](ValType from, ValType to) {
        if (!pop(from))
            return false;
        push(to);
        return true;
    };
    switch (m_instr.op) {
        case Op::ref_i31: return convert(ValType::i32, ValType::reference(HeapType::i31, false));
        case Op::i31_get_s:
        case Op::i31_get_u: return convert(ValType::reference(HeapType::i31, true), ValType::i32);
        case Op::any_convert_extern:
        case Op::extern_convert_any: {
            const bool to_any = m_instr.op == Op::any_convert_extern;
            const HeapType from = to_any ? HeapType::extern_ : HeapType::any;
            const HeapType to = to_any ? HeapType::any : HeapType::extern_;
            ValType operand;
            if (!pop_reference(operand))
                return false;
            const bool nullable = operand.is_bottom() ? false : operand.is_nullable();
            if (!matches(m_module, operand, ValType::reference(from, true)))
                return fail_type(ValType::reference(from, true), operand);
            push(ValType::reference(to, nullable));
            return true;
        }
        default: break;
    }
    // ref.test, ref.cast: any type above the target may come.
    if (!check_heap_type(m_instr.heap))
        return false;
    if (!pop(ValType::reference(top_of(m_module, m_instr.heap), true)))
        return false;
    const bool is_test = m_instr.op == Op::ref_test || m_instr.op == Op::ref_test_null;
    push(is_test ? ValType(ValType::i32) : ValType::reference(m_instr.heap, takes_null(m_instr.op)));
    return true;
}

}  // namespace wsb::validate
