// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/object_operations.h"

#include "engine/runtime/instance.h"
#include "engine/runtime/pieces.h"

#include <algorithm>
#include <cstring>

namespace wsb::runtime {

namespace {

[[nodiscard]] const TypeInfo& type_of(const VmInstance& instance, uint32_t type) noexcept {
    return *instance.type_infos[type];
}

[[nodiscard]] uint32_t value_slots(const TypeInfo& type) noexcept {
    return type.element_bytes == 16 ? 2 : 1;
}

/// Whether [offset, offset + count) is inside [0, size), without overflow.
[[nodiscard]] constexpr bool inside(uint64_t offset, uint64_t count, uint64_t size) noexcept {
    return count <= size && offset <= size - count;
}

/// Elements that are handled without asking.
[[nodiscard]] uint64_t piece_of(const TypeInfo& type) noexcept {
    return piece_bytes / type.element_bytes;
}

[[nodiscard]] constexpr TrapCode outcome(bool is_done) noexcept {
    return is_done ? TrapCode::none : TrapCode::interrupted;
}

[[nodiscard]] TrapCode fill(Store& store, Array& array, uint64_t from, uint64_t count,
                            const Slot* value) noexcept {
    const uint32_t width = array.type->element_bytes;
    return outcome(
        in_pieces(store, count, piece_of(*array.type), false, [&](uint64_t offset, uint64_t piece) {
            for (uint64_t i = 0; i < piece; ++i)
                copy_value(array.element(from + offset + i), value, width);
        }));
}

/// Elements as they lie in memory; ranges may overlap.
[[nodiscard]] TrapCode copy(Store& store, Array& array, uint64_t to, const void* from, uint64_t count,
                            bool is_descending) noexcept {
    const uint64_t width = array.type->element_bytes;
    return outcome(
        in_pieces(store, count, piece_of(*array.type), is_descending, [&](uint64_t offset, uint64_t piece) {
            if (piece != 0)
                std::memmove(array.element(to + offset), static_cast<const uint8_t*>(from) + offset * width,
                             piece * width);
        }));
}

/// Allocates, and leaves the reference in `operands[0]`, which no longer counts as an operand.
[[nodiscard]] Array* new_array(VmInstance& instance, const TypeInfo& type, uint32_t length) noexcept {
    Object* object = instance.context->store->new_object(type, type.array_size_bytes(length));
    if (object == nullptr)
        return nullptr;
    auto* array = static_cast<Array*>(object);
    array->length = length;
    return array;
}

[[nodiscard]] TrapCode make_array(VmInstance& instance, Op op, const TypeInfo& type, uint32_t index2,
                                  Slot* operands) noexcept {
    const uint32_t width = value_slots(type);
    const Instance& owner = owner_of(instance);
    uint64_t length = index2;
    if (op == Op::array_new)
        length = static_cast<uint32_t>(operands[width]);
    else if (op == Op::array_new_default)
        length = static_cast<uint32_t>(operands[0]);
    else if (op != Op::array_new_fixed)
        length = static_cast<uint32_t>(operands[1]);
    const uint64_t source = static_cast<uint32_t>(operands[0]);
    if (op == Op::array_new_data && !inside(source, length * type.element_bytes, owner.data(index2).size()))
        return TrapCode::memory_out_of_bounds;
    if (op == Op::array_new_elem && !inside(source, length, owner.elem(index2).size()))
        return TrapCode::table_out_of_bounds;
    Array* array = new_array(instance, type, static_cast<uint32_t>(length));
    if (array == nullptr)
        return TrapCode::allocation_failure;
    Store& store = *instance.context->store;
    TrapCode trap = TrapCode::none;
    if (op == Op::array_new)
        trap = fill(store, *array, 0, length, operands);
    for (uint64_t i = 0; op == Op::array_new_fixed && i < length; ++i)
        copy_value(array->element(i), operands + i * width, type.element_bytes);
    if (op == Op::array_new_data && length != 0)
        trap = copy(store, *array, 0, owner.data(index2).data() + source, length, false);
    if (op == Op::array_new_elem && length != 0)
        trap = copy(store, *array, 0, owner.elem(index2).data() + source, length, false);
    operands[0] = reference_to(array);
    return trap;
}

[[nodiscard]] TrapCode copy_array(Store& store, Slot* operands) noexcept {
    if (operands[0] == 0 || operands[2] == 0)
        return TrapCode::null_array_reference;
    auto& to = static_cast<Array&>(*object_at(operands[0]));
    auto& from = static_cast<Array&>(*object_at(operands[2]));
    const uint64_t to_index = static_cast<uint32_t>(operands[1]);
    const uint64_t from_index = static_cast<uint32_t>(operands[3]);
    const uint64_t count = static_cast<uint32_t>(operands[4]);
    if (!inside(to_index, count, to.length) || !inside(from_index, count, from.length))
        return TrapCode::array_out_of_bounds;
    // SAFETY: both ranges were checked above; they may overlap. Widths are equal by validation.
    return copy(store, to, to_index, from.element(from_index), count, to_index > from_index);
}

/// array.fill, array.init_data, array.init_elem: [array][index][value or source][count]
[[nodiscard]] TrapCode write_array(VmInstance& instance, Op op, const TypeInfo& type, uint32_t index2,
                                   Slot* operands) noexcept {
    if (operands[0] == 0)
        return TrapCode::null_array_reference;
    auto& array = static_cast<Array&>(*object_at(operands[0]));
    const uint64_t index = static_cast<uint32_t>(operands[1]);
    const uint64_t count = static_cast<uint32_t>(operands[op == Op::array_fill ? 2 + value_slots(type) : 3]);
    if (!inside(index, count, array.length))
        return TrapCode::array_out_of_bounds;
    Store& store = *instance.context->store;
    if (op == Op::array_fill)
        return fill(store, array, index, count, operands + 2);
    const uint64_t source = static_cast<uint32_t>(operands[2]);
    const Instance& owner = owner_of(instance);
    if (op == Op::array_init_data) {
        const auto data = owner.data(index2);
        if (!inside(source, count * type.element_bytes, data.size()))
            return TrapCode::memory_out_of_bounds;
        return count == 0 ? TrapCode::none : copy(store, array, index, data.data() + source, count, false);
    }
    const auto elems = owner.elem(index2);
    if (!inside(source, count, elems.size()))
        return TrapCode::table_out_of_bounds;
    return count == 0 ? TrapCode::none : copy(store, array, index, elems.data() + source, count, false);
}

}  // namespace

Object* new_struct(VmInstance& instance, uint32_t type_index, const Slot* values) noexcept {
    const TypeInfo& type = type_of(instance, type_index);
    Store& store = *instance.context->store;
    Object* object = store.heap().allocate_at_hand(type);
    if (object == nullptr)
        object = store.new_object(type, type.size_bytes);
    if (object == nullptr || values == nullptr)
        return object;
    auto* bytes = reinterpret_cast<uint8_t*>(object);
    for (const TypeInfo::Field& field : type.fields) {
        copy_value(bytes + field.offset_bytes, values, field.width_bytes);
        values += field.width_bytes == 16 ? 2 : 1;
    }
    return object;
}

Exception* new_exception(VmContext& context, const Tag& tag, const Slot* values, uint64_t count) noexcept {
    const TypeInfo& type = context.store->heap().exception_info();
    Object* object = context.store->new_object(type, sizeof(Exception) + count * sizeof(Slot));
    if (object == nullptr)
        return nullptr;
    auto* exception = static_cast<Exception*>(object);
    exception->tag = &tag;
    exception->value_slots = count;
    std::copy_n(values, count, exception->values());
    return exception;
}

uint64_t array_bulk_bytes(const VmInstance& instance, Op op, uint32_t type_index, uint32_t index2,
                          const Slot* operands) noexcept {
    const TypeInfo& type = type_of(instance, type_index);
    uint64_t count = 0;
    switch (op) {
        case Op::array_new: count = operands[value_slots(type)]; break;
        case Op::array_new_default: count = operands[0]; break;
        case Op::array_new_fixed: count = index2; break;
        case Op::array_new_data:
        case Op::array_new_elem: count = operands[1]; break;
        case Op::array_fill: count = operands[2 + value_slots(type)]; break;
        case Op::array_copy: count = operands[4]; break;
        default: count = operands[3]; break;
    }
    return uint64_t{static_cast<uint32_t>(count)} * type.element_bytes;
}

TrapCode array_bulk(VmInstance& instance, Op op, uint32_t type_index, uint32_t index2,
                    Slot* operands) noexcept {
    const TypeInfo& type = type_of(instance, type_index);
    switch (op) {
        case Op::array_new:
        case Op::array_new_default:
        case Op::array_new_fixed:
        case Op::array_new_data:
        case Op::array_new_elem: return make_array(instance, op, type, index2, operands);
        case Op::array_copy: return copy_array(*instance.context->store, operands);
        default: return write_array(instance, op, type, index2, operands);
    }
}

}  // namespace wsb::runtime
