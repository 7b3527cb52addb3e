// SPDX-License-Identifier: Apache-2.0
// Throwing: frames are searched for a catch clause by their return addresses. Spec:
// exec/instructions#exec-throw-ref
#include "engine/interp/frames.h"
#include "engine/lower/catch_index.h"
#include "engine/runtime/object_operations.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <span>

namespace wsb::interp {

using lower::CatchRange;
using lower::Single;
using runtime::Exception;

namespace {

/// The first clause of the innermost block around a frame's place; CatchRange::none if there is none.
[[nodiscard]] uint32_t innermost_block(const FoundCode& found, const Place& place) {
    if (found.is_machine())
        return found.site(place.cell_under_way()).clause;
    const Code& code = found.form();
    return lower::innermost_clause(code, static_cast<uint32_t>(place.cell_under_way() - code.words));
}

/// The clause of a frame that catches `exception`; null if there is none.
[[nodiscard]] const CatchRange* find_clause(const FoundCode& found, const Place& place,
                                            const Exception& exception) {
    const auto& owner = runtime::owner_of(*place.instance);
    const std::span<const CatchRange> clauses = found.form().catches;
    for (uint32_t block = innermost_block(found, place); block != CatchRange::none;) {
        uint32_t outer = clauses[block].outer_clause;
        for (const CatchRange& clause : clauses.subspan(block, clauses[block].end_clause - block)) {
            if (!clause.is_delegate) {
                if (clause.catches_all || owner.tag(clause.tag) == exception.tag)
                    return &clause;
                continue;
            }
            while (outer != CatchRange::none && outer < clause.next_clause)
                outer = clauses[outer].outer_clause;
        }
        block = outer;
    }
    return nullptr;
}

/// The cell where a frame that catches goes on.
[[nodiscard]] const Word* landing_of(const FoundCode& found, const CatchRange& clause) noexcept {
    const Code& code = found.form();
    if (!found.is_machine())
        return code.words + clause.landing_word;
    const lower::MachineCode& machine = *code.machine.load(std::memory_order_acquire);
    // SAFETY: cells lie aligned behind the code.
    return reinterpret_cast<const Word*>(
        machine.begin + machine.landings[static_cast<size_t>(&clause - code.catches.data())]);
}

/// Finds who catches, and leaves where to go on in the context.
/// @return none or uncaught_exception.
[[nodiscard]] TrapCode unwind(VmContext& context, Place place, const Exception& exception) noexcept {
    while (true) {
        const FoundCode found = find_code(context, place.cell);
        if (found.code == nullptr) {
            context.uncaught = &exception;
            return TrapCode::uncaught_exception;
        }
        const CatchRange* const clause = find_clause(found, place, exception);
        if (clause == nullptr) {
            place.to_caller(found.form().header_slot);
            continue;
        }
        if (!clause->catches_all)
            std::copy_n(exception.values(), exception.value_slots, place.sp + clause->base_slot);
        if (clause->reference_slot != CatchRange::none)
            place.sp[clause->reference_slot] = runtime::reference_to(&exception);
        context.trap_ip = landing_of(found, *clause);
        context.trap_sp = place.sp;
        context.handler_instance = place.instance;
        return TrapCode::none;
    }
}

[[nodiscard, gnu::noinline]] TrapCode throw_new(VmContext& context, VmInstance* instance, const Word* ip,
                                                Slot* sp) noexcept {
    context.trap_ip = ip;
    context.trap_sp = sp;
    const runtime::Tag& tag = *runtime::owner_of(*instance).tag(TagIdx(static_cast<uint32_t>(ip[2])));
    const Exception* exception = runtime::new_exception(context, tag, sp + field<0>(ip), ip[2] >> 32);
    if (exception == nullptr)
        return TrapCode::allocation_failure;
    return unwind(context, {ip, sp, instance, false}, *exception);
}

[[nodiscard, gnu::noinline]] TrapCode throw_again(VmContext& context, VmInstance* instance, const Word* ip,
                                                  Slot* sp) noexcept {
    const Slot reference = sp[field<0>(ip)];
    if (reference == 0)
        return TrapCode::null_exception_reference;
    return unwind(context, {ip, sp, instance, false},
                  static_cast<const Exception&>(*runtime::object_at(reference)));
}

/// Throws VmContext::uncaught out of a host call; a tail call's frame is gone already.
template <bool is_tail>
[[nodiscard, gnu::noinline]] TrapCode throw_from_host(VmContext& context, VmInstance* instance,
                                                      const Word* ip, Slot* sp) noexcept {
    Place place{ip, sp, instance, false};
    if (is_tail)
        place.to_caller(static_cast<uint16_t>(ip[3]));
    const TrapCode trap = unwind(context, place, *context.uncaught);
    if (trap == TrapCode::none)
        context.store->drop_pending();
    return trap;
}

/// Goes on where an exception was caught.
#define WSB_LAND()                                        \
    do {                                                  \
        ip = context->trap_ip;                            \
        sp = context->trap_sp;                            \
        instance = context->handler_instance;             \
        memory = instance->first_memory->base;            \
        memory_size = instance->first_memory->size_bytes; \
        if (fuel < 0) [[unlikely]]                        \
            WSB_CONTINUE(fuel_low);                       \
        WSB_DISPATCH();                                   \
    } while (false)

template <auto unwinder>
WSB_HANDLER throwing(WSB_STATE) {
    WSB_BODY
    const TrapCode trap = unwinder(*context, instance, ip, sp);
    if (trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(trap);
    fuel -= wide_field(ip);
    WSB_LAND();
}

}  // namespace

/// Behind a host call: [argument base | callee slot | settle][target], and for tail calls the header slot.
template <bool is_tail>
WSB_HANDLER host_threw(WSB_STATE) {
    WSB_BODY
    const TrapCode trap = throw_from_host<is_tail>(*context, instance, ip, sp);
    if (trap != TrapCode::none) [[unlikely]] {
        fuel += wide_field(ip);
        WSB_TRAP_WITH(trap);
    }
    WSB_LAND();
}
template WSB_HANDLER host_threw<false>(WSB_STATE);
template WSB_HANDLER host_threw<true>(WSB_STATE);

void fill_exceptions(lower::HandlerTable& table) {
    table.single[static_cast<size_t>(Single::throw_)] = {address_of(throwing<throw_new>)};
    table.single[static_cast<size_t>(Single::throw_ref)] = {address_of(throwing<throw_again>)};
}

}  // namespace wsb::interp
