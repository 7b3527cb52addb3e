// SPDX-License-Identifier: Apache-2.0
// Clocks, random bytes, yielding.
#include "wasi/preview1.h"

#include <algorithm>
#include <sched.h>

namespace wsb::wasi::p1 {
namespace {
Outcome<ClockId> clock_id(uint32_t clock) noexcept {
    if (clock > static_cast<uint32_t>(ClockId::thread_cpu))
        return refuse(Errno::inval);
    return static_cast<ClockId>(clock);
}
}  // namespace

Outcome<void> clock_res_get(Call& call, uint32_t clock, uint32_t resolution_out) {
    WSB_TRY_ASSIGN(const ClockId id, clock_id(clock));
    WSB_TRY_ASSIGN(const uint64_t resolution_ns, call.policy().clock_resolution_ns(id));
    return call.memory.store(resolution_out, resolution_ns);
}

Outcome<void> clock_time_get(Call& call, uint32_t clock, uint64_t, uint32_t time_out) {
    WSB_TRY_ASSIGN(const ClockId id, clock_id(clock));
    WSB_TRY_ASSIGN(const uint64_t time_ns, call.policy().clock_time_ns(id));
    return call.memory.store(time_out, time_ns);
}

Outcome<void> random_get(Call& call, uint32_t buffer, uint32_t buffer_length) {
    // Straight into the guest's memory: nothing of the guest's size is allocated here.
    WSB_TRY_ASSIGN(std::span<uint8_t> target, call.memory.bytes(buffer, buffer_length));
    WSB_TRY(call.policy().charge(Charge::random_bytes, target.size(), nullptr));
    constexpr size_t piece_bytes = size_t{1} << 16;
    while (!target.empty()) {
        const size_t taken = std::min(target.size(), piece_bytes);
        WSB_TRY(call.policy().random(target.first(taken)));
        WSB_TRY(call.policy().checkpoint());
        target = target.subspan(taken);
    }
    return {};
}

Outcome<void> sched_yield(Call&) {
    ::sched_yield();
    return {};
}

}  // namespace wsb::wasi::p1
