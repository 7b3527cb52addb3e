// SPDX-License-Identifier: Apache-2.0
// Moves, locals, globals, select, tables and references. Moves leave the accumulators alone.
#include "engine/interp/dispatch.h"
#include "engine/runtime/operations.h"

namespace wsb::interp {

using lower::Single;

namespace {

WSB_HANDLER copy(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = sp[field<1>(ip)];
    WSB_NEXT(2);
}

/// The second copy sees what the first one wrote.
WSB_HANDLER copy_pair(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = sp[field<1>(ip)];
    sp[field<2>(ip)] = sp[field<3>(ip)];
    WSB_NEXT(2);
}

WSB_HANDLER copy_wide(WSB_STATE) {
    WSB_BODY
    const Slot* from = sp + field<1>(ip);
    Slot* to = sp + field<0>(ip);
    to[0] = from[0];
    to[1] = from[1];
    WSB_NEXT(2);
}

WSB_HANDLER copy_many(WSB_STATE) {
    WSB_BODY
    std::memmove(sp + field<0>(ip), sp + field<1>(ip), wide_field(ip) * sizeof(Slot));
    WSB_NEXT(2);
}

WSB_HANDLER constant(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = ip[2];
    WSB_NEXT(3);
}

WSB_HANDLER constant_short(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = wide_field(ip);
    WSB_NEXT(2);
}

WSB_HANDLER constant_wide(WSB_STATE) {
    WSB_BODY
    std::memcpy(sp + field<0>(ip), ip + 2, 16);
    WSB_NEXT(4);
}

WSB_HANDLER store_int_accumulator(WSB_STATE) {
    WSB_BODY
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(2);
}

WSB_HANDLER store_float_accumulator(WSB_STATE) {
    WSB_BODY
    write_slot(sp + field<0>(ip), facc);
    WSB_NEXT(2);
}

WSB_HANDLER global_get(WSB_STATE) {
    WSB_BODY
    acc = instance->globals[wide_field(ip)]->value[0];
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(2);
}

WSB_HANDLER global_get_float(WSB_STATE) {
    WSB_BODY
    facc = to_accumulator(read_slot<double>(instance->globals[wide_field(ip)]->value));
    write_slot(sp + field<0>(ip), facc);
    WSB_NEXT(2);
}

WSB_HANDLER global_get_wide(WSB_STATE) {
    WSB_BODY
    std::memcpy(sp + field<0>(ip), instance->globals[wide_field(ip)]->value, 16);
    WSB_NEXT(2);
}

WSB_HANDLER global_set(WSB_STATE) {
    WSB_BODY
    instance->globals[wide_field(ip)]->value[0] = sp[field<0>(ip)];
    WSB_NEXT(2);
}

WSB_HANDLER global_set_wide(WSB_STATE) {
    WSB_BODY
    std::memcpy(instance->globals[wide_field(ip)]->value, sp + field<0>(ip), 16);
    WSB_NEXT(2);
}

/// The condition of a select: an i32.
template <bool in_accumulator>
[[nodiscard, gnu::always_inline]] inline bool chosen(const Word* ip, const Slot* sp, uint64_t acc) noexcept {
    return (in_accumulator ? static_cast<uint32_t>(acc) : read_slot<uint32_t>(sp + field<3>(ip))) != 0;
}

template <bool in_accumulator>
WSB_HANDLER select_int(WSB_STATE) {
    WSB_BODY
    const Slot a = sp[field<1>(ip)];
    const Slot b = sp[field<2>(ip)];
    acc = chosen<in_accumulator>(ip, sp, acc) ? a : b;
    write_slot(sp + field<0>(ip), acc);
    WSB_NEXT(2);
}

template <bool in_accumulator>
WSB_HANDLER select_float(WSB_STATE) {
    WSB_BODY
    const size_t from = chosen<in_accumulator>(ip, sp, acc) ? field<1>(ip) : field<2>(ip);
    facc = to_accumulator(read_slot<double>(sp + from));
    write_slot(sp + field<0>(ip), facc);
    WSB_NEXT(2);
}

WSB_HANDLER select_wide(WSB_STATE) {
    WSB_BODY
    const Slot* from = sp + (chosen<false>(ip, sp, acc) ? field<1>(ip) : field<2>(ip));
    std::memmove(sp + field<0>(ip), from, 16);
    WSB_NEXT(2);
}

// Tables. Indices are i32 or i64, zero-extended either way.

WSB_HANDLER table_get(WSB_STATE) {
    WSB_BODY
    const runtime::VmTable& table = *instance->tables[wide_field(ip)];
    const uint64_t index = sp[field<1>(ip)];
    if (index >= table.size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::table_out_of_bounds);
    sp[field<0>(ip)] = table.elements[index];
    WSB_NEXT(2);
}

WSB_HANDLER table_set(WSB_STATE) {
    WSB_BODY
    runtime::VmTable& table = *instance->tables[wide_field(ip)];
    const uint64_t index = sp[field<1>(ip)];
    if (index >= table.size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::table_out_of_bounds);
    table.elements[index] = sp[field<0>(ip)];
    WSB_NEXT(2);
}

WSB_HANDLER table_size(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = instance->tables[wide_field(ip)]->size;
    WSB_NEXT(2);
}

// References

WSB_HANDLER ref_func(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = reinterpret_cast<Slot>(runtime::func_ref(*instance, wide_field(ip)));
    WSB_NEXT(2);
}

WSB_HANDLER ref_is_null(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = sp[field<1>(ip)] == 0 ? 1 : 0;
    WSB_NEXT(2);
}

WSB_HANDLER ref_eq(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = sp[field<1>(ip)] == sp[field<2>(ip)] ? 1 : 0;
    WSB_NEXT(2);
}

WSB_HANDLER ref_as_non_null(WSB_STATE) {
    WSB_BODY
    const Slot reference = sp[field<1>(ip)];
    if (reference == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_reference);
    sp[field<0>(ip)] = reference;
    WSB_NEXT(2);
}

}  // namespace

void fill_state(lower::HandlerTable& table) {
    const auto enter = [&](Single which, Handler handler) {
        table.single[static_cast<size_t>(which)] = {address_of(handler)};
    };
    enter(Single::copy, copy);
    enter(Single::copy_pair, copy_pair);
    enter(Single::copy_wide, copy_wide);
    enter(Single::copy_many, copy_many);
    enter(Single::constant, constant);
    table.single[static_cast<size_t>(Single::constant_short)] = entry_with_prefixes<constant_short>();
    enter(Single::constant_wide, constant_wide);
    enter(Single::store_int_accumulator, store_int_accumulator);
    enter(Single::store_float_accumulator, store_float_accumulator);
    enter(Single::global_get, global_get);
    enter(Single::global_get_float, global_get_float);
    enter(Single::global_get_wide, global_get_wide);
    enter(Single::global_set, global_set);
    enter(Single::global_set_wide, global_set_wide);
    enter(Single::select_int_slot, select_int<false>);
    enter(Single::select_int_accumulator, select_int<true>);
    enter(Single::select_float_slot, select_float<false>);
    enter(Single::select_float_accumulator, select_float<true>);
    enter(Single::select_wide, select_wide);
    enter(Single::table_get, table_get);
    enter(Single::table_set, table_set);
    enter(Single::table_size, table_size);
    enter(Single::ref_func, ref_func);
    enter(Single::ref_is_null, ref_is_null);
    enter(Single::ref_eq, ref_eq);
    enter(Single::ref_as_non_null, ref_as_non_null);
}

}  // namespace wsb::interp
