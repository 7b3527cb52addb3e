// SPDX-License-Identifier: Apache-2.0
// Atomic instructions, on shared and other memories. Operands are in slots:
// [handler] [destination, address, operand, operand] [offset] [memory]
// Results are zero-extended, so i32 and i64 instructions of one width are the same.
// Spec: the threads proposal, core/exec/instructions
#include "engine/interp/memory_access.h"
#include "engine/runtime/parking.h"
#include "engine/runtime/store.h"
#include "engine/semantics/atomic.h"

namespace wsb::interp {

namespace {

using semantics::AtomicKind;

constexpr int cell_words = 4;

template <Op op>
using ValueOf = typename semantics::Bits<op_info(op).width_bytes>::Value;

/// Where an instruction works, or why it cannot.
struct Place {
    uint8_t* at = nullptr;
    TrapCode trap = TrapCode::none;
};

[[nodiscard]] inline const runtime::VmMemory& memory_of(const Word* ip, const VmInstance* instance) noexcept {
    return *instance->memories[ip[3]];
}

template <class T>
[[nodiscard]] inline Place atomic_place(const Word* ip, const Slot* sp, const VmInstance* instance) noexcept {
    const Slot address = sp[field<1>(ip)];
    const Word offset = ip[2];
    if ((address + offset) % sizeof(T) != 0) [[unlikely]]
        return {nullptr, TrapCode::unaligned_atomic};
    uint8_t* const at = place_in<true>(memory_of(ip, instance), address, offset, sizeof(T));
    return {at, at == nullptr ? TrapCode::memory_out_of_bounds : TrapCode::none};
}

template <AtomicKind kind, class T>
WSB_HANDLER access(WSB_STATE) {
    WSB_BODY
    const Place place = atomic_place<T>(ip, sp, instance);
    if (place.trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(place.trap);
    if constexpr (kind == AtomicKind::load) {
        sp[field<0>(ip)] = semantics::atomic_load<T>(place.at);
    } else if constexpr (kind == AtomicKind::store) {
        semantics::atomic_store(place.at, read_slot<T>(sp + field<2>(ip)));
    } else if constexpr (kind == AtomicKind::cmpxchg) {
        sp[field<0>(ip)] = semantics::atomic_cmpxchg(place.at, read_slot<T>(sp + field<2>(ip)),
                                                     read_slot<T>(sp + field<3>(ip)));
    } else {
        sp[field<0>(ip)] = semantics::atomic_rmw<kind>(place.at, read_slot<T>(sp + field<2>(ip)));
    }
    WSB_NEXT(cell_words);
}

template <class T>
WSB_HANDLER wait(WSB_STATE) {
    WSB_BODY
    const Place place = atomic_place<T>(ip, sp, instance);
    if (place.trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(place.trap);
    if (!memory_of(ip, instance).is_shared()) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::expected_shared_memory);
    runtime::Store& store = *context->store;
    const runtime::WaitResult result =
        runtime::wait(place.at, read_slot<T>(sp + field<2>(ip)), read_slot<int64_t>(sp + field<3>(ip)),
                      &store.interrupts());
    if (result == runtime::WaitResult::interrupted) [[unlikely]] {
        static_cast<void>(store.is_interrupted());  // so that it knows the reason
        WSB_TRAP_WITH(TrapCode::interrupted);
    }
    sp[field<0>(ip)] = static_cast<Slot>(result);
    WSB_NEXT(cell_words);
}

/// Nobody sleeps at a memory that is not shared.
WSB_HANDLER notify(WSB_STATE) {
    WSB_BODY
    const Place place = atomic_place<uint32_t>(ip, sp, instance);
    if (place.trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(place.trap);
    sp[field<0>(ip)] = memory_of(ip, instance).is_shared()
                           ? runtime::notify(place.at, read_slot<uint32_t>(sp + field<2>(ip)))
                           : 0;
    WSB_NEXT(cell_words);
}

WSB_HANDLER fence(WSB_STATE) {
    WSB_BODY
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    WSB_NEXT(1);
}

template <Op op>
[[nodiscard]] constexpr Handler handler_of() noexcept {
    if constexpr (op == Op::memory_atomic_notify)
        return notify;
    else if constexpr (op == Op::memory_atomic_wait32 || op == Op::memory_atomic_wait64)
        return wait<ValueOf<op>>;
    else if constexpr (op == Op::atomic_fence)
        return fence;
    else
        return access<semantics::atomic_kind(op), ValueOf<op>>;
}

}  // namespace

void fill_atomics(lower::HandlerTable& table) {
#define WSB_OP(id, ...) table.atomic[lower::atomic_index(Op::id)] = address_of(handler_of<Op::id>());
#include "engine/isa/ops_threads.def"
#undef WSB_OP
}

}  // namespace wsb::interp
