// SPDX-License-Identifier: Apache-2.0
// Structures, arrays, casts. Cells that allocate say where they are first, so that a collection finds the
// frames; objects do not move.
#include "engine/interp/bulk_charge.h"
#include "engine/interp/dispatch.h"
#include "engine/runtime/object_operations.h"
#include "engine/runtime/store.h"

#include <type_traits>

namespace wsb::interp {

using lower::FieldKind;
using lower::Single;
using runtime::Array;
using runtime::Object;

namespace {

/// How a field is held in memory, and what it is read as: numbers extended to at least 32 bits.
template <class M, class V>
struct FieldOf {
    using Memory = M;
    using Value = V;
};
using I8Signed = FieldOf<int8_t, uint32_t>;
using I8Unsigned = FieldOf<uint8_t, uint32_t>;
using I16Signed = FieldOf<int16_t, uint32_t>;
using I16Unsigned = FieldOf<uint16_t, uint32_t>;
using I32 = FieldOf<uint32_t, uint32_t>;
using I64 = FieldOf<uint64_t, uint64_t>;
using F32 = FieldOf<float, float>;
using F64 = FieldOf<double, double>;
struct Bits128 {
    uint64_t halves[2];
};
using V128 = FieldOf<Bits128, Bits128>;

// Fields lie at multiples of min(width, 8), elements too.
template <class Field>
[[nodiscard, gnu::always_inline]] inline typename Field::Value read_field(const uint8_t* at) noexcept {
    typename Field::Memory value;
    std::memcpy(&value, at, sizeof value);
    if constexpr (std::is_signed_v<typename Field::Memory> && std::is_integral_v<typename Field::Memory>)
        return static_cast<typename Field::Value>(int32_t{value});
    else
        return value;
}

template <class Field>
[[gnu::always_inline]] inline void write_field(uint8_t* at, const Slot* from) noexcept {
    std::memcpy(at, from, sizeof(typename Field::Memory));
}

/// Leaves what a field holds in its accumulator, if it has one, and its slot.
#define WSB_GIVE_FIELD(Field, at)                                    \
    do {                                                             \
        if constexpr (std::is_same_v<Field, V128>) {                 \
            std::memcpy(sp + field<0>(ip), at, sizeof(Bits128));     \
        } else if constexpr (is_float_type<typename Field::Value>) { \
            facc = to_accumulator(read_field<Field>(at));            \
            write_slot(sp + field<0>(ip), facc);                     \
        } else {                                                     \
            acc = read_field<Field>(at);                             \
            write_slot(sp + field<0>(ip), acc);                      \
        }                                                            \
        WSB_NEXT(2);                                                 \
    } while (false)

/// [to | object | offset in bytes]
template <class Field>
WSB_HANDLER struct_get(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (reference == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_structure_reference);
    WSB_GIVE_FIELD(Field, reinterpret_cast<const uint8_t*>(reference) + wide_field(ip));
}

/// [value | object | offset in bytes]
template <class Field>
WSB_HANDLER struct_set(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (reference == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_structure_reference);
    write_field<Field>(reinterpret_cast<uint8_t*>(reference) + wide_field(ip), sp + field<0>(ip));
    WSB_NEXT(2);
}

template <class Field>
[[nodiscard, gnu::always_inline]] inline uint8_t* element_at(Slot reference, uint32_t index) noexcept {
    return reinterpret_cast<uint8_t*>(reference) + array_header_bytes +
           uint64_t{index} * sizeof(typename Field::Memory);
}

#define WSB_CHECK_ELEMENT()                                                          \
    do {                                                                             \
        if (reference == 0) [[unlikely]]                                             \
            WSB_TRAP_WITH(TrapCode::null_array_reference);                           \
        if (index >= reinterpret_cast<const Array*>(reference)->length) [[unlikely]] \
            WSB_TRAP_WITH(TrapCode::array_out_of_bounds);                            \
    } while (false)

/// [to | array | index]
template <class Field>
WSB_HANDLER array_get(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    const auto index = read_slot<uint32_t>(sp + field<2>(ip));
    WSB_CHECK_ELEMENT();
    WSB_GIVE_FIELD(Field, element_at<Field>(reference, index));
}

/// [value | array | index]
template <class Field>
WSB_HANDLER array_set(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    const auto index = read_slot<uint32_t>(sp + field<2>(ip));
    WSB_CHECK_ELEMENT();
    write_field<Field>(element_at<Field>(reference, index), sp + field<0>(ip));
    WSB_NEXT(2);
}

WSB_HANDLER array_len(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (reference == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_array_reference);
    acc = reinterpret_cast<const Array*>(reference)->length;
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(2);
}

/// [base slot | type]: fields begin at the base slot, which the reference replaces.
template <bool has_values>
WSB_HANDLER struct_new(WSB_STATE) {
    WSB_BODY
    Slot* const base = sp + field<0>(ip);
    context->trap_ip = ip;
    context->trap_sp = sp;
    const Object* object = runtime::new_struct(*instance, wide_field(ip), has_values ? base : nullptr);
    if (object == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::allocation_failure);
    *base = runtime::reference_to(object);
    WSB_NEXT(2);
}

/// [base slot | descriptor | type]: the same; the descriptor lies behind the fields, or alone.
template <bool has_values>
WSB_HANDLER struct_new_desc(WSB_STATE) {
    WSB_BODY
    Slot* const base = sp + field<0>(ip);
    if (sp[field<1>(ip)] == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_descriptor);
    context->trap_ip = ip;
    context->trap_sp = sp;
    Object* object = runtime::new_struct(*instance, wide_field(ip), has_values ? base : nullptr);
    if (object == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::allocation_failure);
    if constexpr (!has_values)
        std::memcpy(reinterpret_cast<uint8_t*>(object) + object->type->descriptor_offset_bytes, base,
                    sizeof *base);
    *base = runtime::reference_to(object);
    WSB_NEXT(2);
}

/// [to | object | offset in bytes]
WSB_HANDLER ref_get_desc(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (reference == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_reference);
    sp[field<0>(ip)] = read_field<I64>(reinterpret_cast<const uint8_t*>(reference) + wide_field(ip));
    WSB_NEXT(2);
}

/// [to | reference | descriptor | takes null]
[[nodiscard, gnu::always_inline]] inline bool is_described(const Word* ip, const Slot* sp) noexcept {
    const Slot reference = sp[field<1>(ip)];
    return reference == 0 ? field<3>(ip) != 0 : runtime::has_descriptor(reference, sp[field<2>(ip)]);
}

WSB_HANDLER ref_test_desc(WSB_STATE) {
    WSB_BODY
    if (sp[field<2>(ip)] == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_descriptor);
    acc = is_described(ip, sp) ? 1 : 0;
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(2);
}

WSB_HANDLER ref_cast_desc(WSB_STATE) {
    WSB_BODY
    if (sp[field<2>(ip)] == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_descriptor);
    if (!is_described(ip, sp)) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::descriptor_cast_failure);
    sp[field<0>(ip)] = sp[field<1>(ip)];
    WSB_NEXT(2);
}

WSB_HANDLER array_bulk(WSB_STATE) {
    WSB_BODY
    Slot* const base = sp + field<0>(ip);
    const auto op = static_cast<Op>(field<1>(ip));
    const auto type = static_cast<uint32_t>(ip[2]);
    const auto index2 = static_cast<uint32_t>(ip[2] >> 32);
    fuel -= wide_field(ip);
    const uint64_t size_bytes = runtime::array_bulk_bytes(*instance, op, type, index2, base);
    const int64_t charged = charge_bulk(ip, size_bytes, fuel);
    if (charged == denied) [[unlikely]]
        WSB_BULK_DENIED(size_bytes);
    fuel = charged;
    context->trap_ip = ip;
    context->trap_sp = sp;
    const TrapCode trap = runtime::array_bulk(*instance, op, type, index2, base);
    if (trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(trap);
    WSB_NEXT(4);
}

/// The second operand word of tests and casts: [heap type | takes null].
[[nodiscard, gnu::noinline]] bool matches(const VmInstance& instance, Slot reference, Word target) noexcept {
    if (reference == 0)
        return (target >> 32) != 0;
    return runtime::reference_matches(instance.context->store->registry(), reference,
                                      HeapType::from_bits(static_cast<uint32_t>(target)));
}

WSB_HANDLER ref_test(WSB_STATE) {
    WSB_BODY
    acc = matches(*instance, sp[field<1>(ip)], ip[2]) ? 1 : 0;
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(3);
}

WSB_HANDLER ref_cast(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (!matches(*instance, reference, ip[2])) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::cast_failure);
    sp[field<0>(ip)] = reference;
    WSB_NEXT(3);
}

WSB_HANDLER ref_i31(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = runtime::i31_reference(sp[field<1>(ip)]);
    WSB_NEXT(2);
}

template <bool is_signed>
WSB_HANDLER i31_get(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (reference == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_i31_reference);
    // The value's sign is bit 31 of the reference.
    const auto low = static_cast<uint32_t>(reference);
    acc = is_signed ? static_cast<uint32_t>(static_cast<int32_t>(low) >> 1) : low >> 1;
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(2);
}

template <class Field>
void enter_fields(lower::HandlerTable& table, FieldKind kind) {
    const auto row = static_cast<size_t>(kind);
    table.struct_get[row] = address_of(struct_get<Field>);
    table.struct_set[row] = address_of(struct_set<Field>);
    table.array_get[row] = address_of(array_get<Field>);
    table.array_set[row] = address_of(array_set<Field>);
}

}  // namespace

void fill_objects(lower::HandlerTable& table) {
    enter_fields<I8Signed>(table, FieldKind::i8_s);
    enter_fields<I8Unsigned>(table, FieldKind::i8_u);
    enter_fields<I16Signed>(table, FieldKind::i16_s);
    enter_fields<I16Unsigned>(table, FieldKind::i16_u);
    enter_fields<I32>(table, FieldKind::i32);
    enter_fields<I64>(table, FieldKind::i64);
    enter_fields<F32>(table, FieldKind::f32);
    enter_fields<F64>(table, FieldKind::f64);
    enter_fields<V128>(table, FieldKind::v128);
    const auto enter = [&](Single which, Handler handler) {
        table.single[static_cast<size_t>(which)] = {address_of(handler)};
    };
    enter(Single::struct_new, struct_new<true>);
    enter(Single::struct_new_default, struct_new<false>);
    enter(Single::struct_new_desc, struct_new_desc<true>);
    enter(Single::struct_new_default_desc, struct_new_desc<false>);
    enter(Single::ref_get_desc, ref_get_desc);
    enter(Single::ref_test_desc, ref_test_desc);
    enter(Single::ref_cast_desc, ref_cast_desc);
    enter(Single::array_bulk, array_bulk);
    enter(Single::array_len, array_len);
    enter(Single::ref_test, ref_test);
    enter(Single::ref_cast, ref_cast);
    enter(Single::ref_i31, ref_i31);
    enter(Single::i31_get_s, i31_get<true>);
    enter(Single::i31_get_u, i31_get<false>);
}

}  // namespace wsb::interp
