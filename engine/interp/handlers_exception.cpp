// SPDX-License-Identifier: Apache-2.0
// Throwing: frames are searched for a catch clause by their return addresses. Spec:
// exec/instructions#exec-throw-ref
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <memory>
#include <new>

namespace wsb::interp {

using lower::CatchRange;
using lower::Single;
using runtime::Exception;

namespace {

/// A frame while it is searched.
struct Place {
    const Word* cell;
    Slot* sp;
    VmInstance* instance;
    bool is_return;
};

/// The clause of a frame that catches `exception`; null if there is none.
[[nodiscard]] const CatchRange* find_clause(const Code& code, const Place& place,
                                            const Exception& exception) {
    const auto word = static_cast<uint32_t>(place.cell - code.entry) - (place.is_return ? 1 : 0);
    const auto& owner = runtime::owner_of(*place.instance);
    const auto clause = std::ranges::find_if(code.catches, [&](const CatchRange& range) {
        return word >= range.begin_word && word < range.end_word &&
               (range.catches_all || owner.tag(range.tag) == exception.tag);
    });
    return clause == code.catches.end() ? nullptr : &*clause;
}

/// Goes to the caller's frame.
void pop_frame(Place& place, const Code& code) noexcept {
    const Slot* const header = place.sp + code.header_slot;
    place.cell = reinterpret_cast<const Word*>(header[0]);
    place.sp = reinterpret_cast<Slot*>(header[1]);
    place.is_return = true;
    if (place.cell == header + 2) {
        place.instance = reinterpret_cast<VmInstance*>(header[3]);
        place.cell = reinterpret_cast<const Word*>(header[4]);
    }
}

/// Finds who catches, and leaves where to go on in the context.
/// @return none, uncaught_exception, or allocation_failure.
[[nodiscard]] TrapCode unwind(VmContext& context, Place place, const Exception& exception,
                              std::unique_ptr<Exception> owned) {
    while (true) {
        const FoundCode found = find_code(context, place.cell);
        if (found.code == nullptr)
            return TrapCode::uncaught_exception;
        const Code& code =
            found.is_stepping ? found.code->stepping.load(std::memory_order_acquire)->code : *found.code;
        const CatchRange* clause = find_clause(code, place, exception);
        if (clause == nullptr) {
            pop_frame(place, code);
            continue;
        }
        Slot* to = place.sp + clause->base_slot;
        if (!clause->catches_all)
            to = std::ranges::copy(exception.values, to).out;
        if (clause->wants_reference) {
            const Exception* kept = owned ? context.store->keep_exception(std::move(owned)) : &exception;
            if (kept == nullptr)
                return TrapCode::allocation_failure;
            *to = reinterpret_cast<Slot>(kept);
        }
        context.trap_ip = code.entry + clause->landing_word;
        context.trap_sp = place.sp;
        context.handler_instance = place.instance;
        return TrapCode::none;
    }
}

[[nodiscard, gnu::noinline]] TrapCode throw_new(VmContext& context, VmInstance* instance, const Word* ip,
                                                Slot* sp) noexcept {
    try {
        auto exception = std::make_unique<Exception>();
        exception->tag = runtime::owner_of(*instance).tag(TagIdx(static_cast<uint32_t>(ip[2])));
        const Slot* const values = sp + field<0>(ip);
        exception->values.assign(values, values + (ip[2] >> 32));
        const Exception& thrown = *exception;
        return unwind(context, {ip, sp, instance, false}, thrown, std::move(exception));
    } catch (const std::bad_alloc&) {
        return TrapCode::allocation_failure;
    }
}

[[nodiscard, gnu::noinline]] TrapCode throw_again(VmContext& context, VmInstance* instance, const Word* ip,
                                                  Slot* sp) noexcept {
    const auto* exception = reinterpret_cast<const Exception*>(sp[field<0>(ip)]);
    if (exception == nullptr)
        return TrapCode::null_exception_reference;
    try {
        return unwind(context, {ip, sp, instance, false}, *exception, nullptr);
    } catch (const std::bad_alloc&) {
        return TrapCode::allocation_failure;
    }
}

template <auto unwinder>
WSB_HANDLER throwing(WSB_STATE) {
    WSB_BODY
    const TrapCode trap = unwinder(*context, instance, ip, sp);
    if (trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(trap);
    fuel -= wide_field(ip);
    ip = context->trap_ip;
    sp = context->trap_sp;
    instance = context->handler_instance;
    memory = instance->first_memory->base;
    memory_size = instance->first_memory->size_bytes;
    if (fuel < 0) [[unlikely]]
        WSB_CONTINUE(fuel_low);
    WSB_DISPATCH();
}

}  // namespace

void fill_exceptions(lower::HandlerTable& table) {
    table.single[static_cast<size_t>(Single::throw_)] = address_of(throwing<throw_new>);
    table.single[static_cast<size_t>(Single::throw_ref)] = address_of(throwing<throw_again>);
}

}  // namespace wsb::interp
