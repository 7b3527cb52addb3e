// SPDX-License-Identifier: Apache-2.0
// Threads that sleep at an address of a shared memory until another one wakes them.
// Spec: the threads proposal, memory.atomic.wait and memory.atomic.notify
#pragma once

#include "engine/runtime/interrupt.h"

#include <cstdint>

namespace wsb::runtime {

/// The results of the wait instructions.
enum class WaitResult : uint32_t {
    woken = 0,
    not_equal = 1,
    timed_out = 2,
    interrupted,  ///< none of the guest's: the call is to end
};

/// Sleeps if T at `place` is `expected`; the comparison and going to sleep are one step for notify. `place`
/// is aligned, inside a shared memory, which the caller keeps alive. T is uint32_t or uint64_t; a negative
/// time-out never ends. `interrupts`, if not null, may end it within 2 ms.
template <class T>
[[nodiscard]] WaitResult wait(const uint8_t* place, T expected, int64_t timeout_ns,
                              Interrupts* interrupts = nullptr) noexcept;

/// Wakes those that sleep at `place`, the longest sleeping first. @return how many, at most `most`.
[[nodiscard]] uint32_t notify(const uint8_t* place, uint32_t most) noexcept;

}  // namespace wsb::runtime
