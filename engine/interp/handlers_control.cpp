// SPDX-License-Identifier: Apache-2.0
// Branches, fuel, bulk operations and the ends of execution.
#include "engine/interp/bulk_charge.h"
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "engine/runtime/operations.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <atomic>

namespace wsb::interp {

using lower::Single;

WSB_HANDLER trap_exit(WSB_STATE) {
    WSB_BODY
    context->trap = static_cast<TrapCode>(acc);
    context->trap_ip = ip;
    context->trap_sp = sp;
    context->fuel_left = fuel;
#if !WSB_TAIL_DISPATCH
    ip = nullptr;
#endif
}

WSB_HANDLER leave(WSB_STATE) {
    WSB_BODY
    context->trap = TrapCode::none;
    context->fuel_left = fuel;
#if !WSB_TAIL_DISPATCH
    ip = nullptr;
#endif
}

namespace {
/// Apart, because a handler has no frame: AddressSanitizer would give it one for the result.
[[gnu::noinline]] bool has_place(const runtime::VmContext& context, const Word* ip) noexcept {
    return find_code(context, ip).code != nullptr;
}

/// From a settlement point on, the stepping form.
[[gnu::noinline]] WSB_HANDLER change_form(WSB_STATE) {
    WSB_BODY
    const SteppingPlace stepping = stepping_place(*context, ip, sp);
    if (stepping.cell == nullptr) [[unlikely]]
        WSB_TRAP_WITH(lack_of_code(*context));
    ip = stepping.cell;
    fuel -= static_cast<int64_t>(stepping.potential);
    WSB_DISPATCH();
}
}  // namespace

WSB_HANDLER fuel_low(WSB_STATE) {
    WSB_BODY
    if (context->fuel_reserve != 0) {
        const runtime::NextSlice next =
            context->store->next_slice(fuel < 0 ? static_cast<uint64_t>(-fuel) : 0);
        fuel += static_cast<int64_t>(next.units);
        // A return to no function is not the guest's: it gets as far as where it has a place.
        if (next.is_interrupted && has_place(*context, ip))
            WSB_TRAP_WITH(TrapCode::interrupted);
        if (fuel >= 0 && context->store->is_time_to_look())
            ip = sampled_place(*context, ip, sp);
        if (fuel >= 0 || next.is_interrupted)
            WSB_DISPATCH();
    }
    WSB_CONTINUE(change_form);
}

WSB_HANDLER bulk_low(WSB_STATE) {
    WSB_BODY
    const bool is_stepping = (ip[3] >> 32) != 0;
    if (context->fuel_reserve != 0) {
        const auto wanted = static_cast<uint64_t>(context->fuel_asked + fuel_bias);
        const runtime::NextSlice next = context->store->next_slice(wanted);
        if (next.is_interrupted)
            WSB_TRAP_WITH(TrapCode::interrupted);
        fuel += static_cast<int64_t>(next.units);
        if (next.units != 0) {
            fuel += wide_field(ip);  // the cell begins anew
            WSB_DISPATCH();
        }
    }
    if (is_stepping)
        WSB_TRAP_WITH(TrapCode::out_of_fuel);
    WSB_CONTINUE(change_form);  // nobody is asked again: the cell has settled, and must not begin anew
}

namespace {

/// Stepping form: one instruction costs more than there is in this slice.
[[gnu::noinline]] WSB_HANDLER step_low(WSB_STATE) {
    WSB_BODY
    const runtime::NextSlice next =
        context->fuel_reserve != 0 ? context->store->next_slice(0) : runtime::NextSlice();
    if (next.is_interrupted)
        WSB_TRAP_WITH(TrapCode::interrupted);
    if (next.units == 0)
        WSB_TRAP_WITH(TrapCode::out_of_fuel);
    fuel += static_cast<int64_t>(next.units);
    WSB_DISPATCH();
}

WSB_HANDLER br(WSB_STATE) {
    WSB_BODY
    fuel -= field_at<int32_t>(ip, 12);
    ip += field_at<int32_t>(ip, 8);
    WSB_DISPATCH();
}

WSB_HANDLER br_back(WSB_STATE) {
    WSB_BODY
    fuel -= field_at<int32_t>(ip, 12);
    ip += field_at<int32_t>(ip, 8);
    if (fuel < 0) [[unlikely]]
        WSB_CONTINUE(fuel_low);
    WSB_DISPATCH();
}

template <bool in_accumulator>
WSB_HANDLER br_table(WSB_STATE) {
    WSB_BODY
    const uint32_t index =
        in_accumulator ? static_cast<uint32_t>(acc) : read_slot<uint32_t>(sp + field<0>(ip));
    const uint32_t last = wide_field(ip) - 1;
    const size_t edge_byte = 16 + 8 * size_t{std::min(index, last)};
    fuel -= field_at<int32_t>(ip, edge_byte + 4);
    ip += field_at<int32_t>(ip, edge_byte);
    WSB_DISPATCH();
}

WSB_HANDLER unreachable(WSB_STATE) {
    WSB_BODY
    WSB_TRAP_WITH(TrapCode::unreachable);
}

WSB_HANDLER fuel_check(WSB_STATE) {
    WSB_BODY
    fuel -= wide_field(ip);
    ip += 2;
    if (fuel < 0) [[unlikely]]
        WSB_CONTINUE(fuel_low);
    WSB_DISPATCH();
}

/// Stepping form: charges one instruction, or stops before it.
WSB_HANDLER fuel_step(WSB_STATE) {
    WSB_BODY
    const auto cost = static_cast<int64_t>(ip[1]);
    if (fuel - cost < -fuel_bias) [[unlikely]]
        WSB_CONTINUE(step_low);
    fuel -= cost;
    WSB_NEXT(2);
}

WSB_HANDLER count_execution(WSB_STATE) {
    WSB_BODY
    // SAFETY: the address of a counter of OpCounts, which outlives the code (LowerSink::count_execution).
    reinterpret_cast<std::atomic<uint64_t>*>(ip[1])->fetch_add(1, std::memory_order_relaxed);
    WSB_NEXT(2);
}

[[nodiscard]] TrapCode run_bulk_memory(VmInstance& instance, Op op, Word indices,
                                       const Slot* operands) noexcept {
    const auto index = static_cast<uint32_t>(indices);
    const auto index2 = static_cast<uint32_t>(indices >> 32);
    if (op == Op::memory_init)
        return runtime::memory_init(instance, index, index2, operands[0], operands[1], operands[2]);
    if (op == Op::memory_copy)
        return runtime::memory_copy(instance, index, index2, operands[0], operands[1], operands[2]);
    return runtime::memory_fill(instance, index, operands[0], static_cast<uint8_t>(operands[1]), operands[2]);
}

WSB_HANDLER bulk_memory(WSB_STATE) {
    WSB_BODY
    Slot* const base = sp + field<0>(ip);
    fuel -= wide_field(ip);
    const int64_t charged = charge_bulk(ip, base[2], fuel);
    if (charged == denied) [[unlikely]]
        WSB_BULK_DENIED(base[2]);
    fuel = charged;
    const TrapCode trap = run_bulk_memory(*instance, static_cast<Op>(field<1>(ip)), ip[2], base);
    if (trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(trap);
    WSB_NEXT(4);
}

[[nodiscard]] TrapCode run_bulk_table(VmInstance& instance, Op op, Word indices, Slot* operands) noexcept {
    const auto index = static_cast<uint32_t>(indices);
    const auto index2 = static_cast<uint32_t>(indices >> 32);
    if (op == Op::table_init)
        return runtime::table_init(instance, index, index2, operands[0], operands[1], operands[2]);
    if (op == Op::table_copy)
        return runtime::table_copy(instance, index, index2, operands[0], operands[1], operands[2]);
    if (op == Op::table_fill)
        return runtime::table_fill(instance, index, operands[0], operands[1], operands[2]);
    const int64_t before = runtime::table_grow(instance, index, operands[0], operands[1]);
    operands[0] = index2 != 0 ? static_cast<uint64_t>(before) : static_cast<uint32_t>(before);
    return TrapCode::none;
}

WSB_HANDLER bulk_table(WSB_STATE) {
    WSB_BODY
    Slot* const base = sp + field<0>(ip);
    const auto op = static_cast<Op>(field<1>(ip));
    fuel -= wide_field(ip);
    const uint64_t units = base[op == Op::table_grow ? 1 : 2];
    const int64_t charged = charge_bulk(ip, units, fuel);
    if (charged == denied) [[unlikely]]
        WSB_BULK_DENIED(units);
    fuel = charged;
    const TrapCode trap = run_bulk_table(*instance, op, ip[2], base);
    if (trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(trap);
    WSB_NEXT(4);
}

WSB_HANDLER bulk_drop(WSB_STATE) {
    WSB_BODY
    fuel -= wide_field(ip);
    const int64_t charged = charge_bulk(ip, 0, fuel);
    if (charged == denied) [[unlikely]]
        WSB_BULK_DENIED(0);
    fuel = charged;
    const auto index = static_cast<uint32_t>(ip[2]);
    if (static_cast<Op>(field<1>(ip)) == Op::data_drop)
        runtime::data_drop(*instance, index);
    else
        runtime::elem_drop(*instance, index);
    WSB_NEXT(4);
}

}  // namespace

void fill_control(lower::HandlerTable& table) {
    const auto enter = [&](Single which, Handler handler) {
        table.single[static_cast<size_t>(which)] = {address_of(handler)};
    };
    table.single[static_cast<size_t>(Single::br)] = entry_with_prefixes<br>();
    table.single[static_cast<size_t>(Single::br_back)] = entry_with_prefixes<br_back>();
    table.single[static_cast<size_t>(Single::br_table_slot)] = entry_with_prefixes<br_table<false>>();
    table.single[static_cast<size_t>(Single::br_table_accumulator)] = entry_with_prefixes<br_table<true>>();
    enter(Single::unreachable, unreachable);
    enter(Single::fuel_check, fuel_check);
    enter(Single::fuel_step, fuel_step);
    enter(Single::count_execution, count_execution);
    enter(Single::bulk_memory, bulk_memory);
    enter(Single::bulk_table, bulk_table);
    enter(Single::bulk_drop, bulk_drop);
}

}  // namespace wsb::interp
