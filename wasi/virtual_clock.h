// SPDX-License-Identifier: Apache-2.0
// Time that does not come from the host: for runs that can be repeated exactly.
//
// A policy gives its clocks and Policy::wait to it: with nothing ready, waiting for a time lets just that
// time pass, at once.
#pragma once

#include "wasi/abi.h"

#include <limits>

namespace wsb::wasi {

class VirtualClock {
public:
    struct Options {
        uint64_t start_ns = 0;  ///< of the real time; the other clocks begin at 0
        uint64_t step_ns = 0;   ///< that passes with each question; 0: frozen but for waiting
        uint64_t resolution_ns = 1;
    };
    explicit VirtualClock(Options options) noexcept : m_options(options) {}

    [[nodiscard]] uint64_t resolution_ns() const noexcept { return m_options.resolution_ns; }
    [[nodiscard]] uint64_t time_ns(ClockId clock) noexcept {
        const uint64_t now_ns = m_elapsed_ns;
        advance(m_options.step_ns);
        return clock == ClockId::realtime ? sum(m_options.start_ns, now_ns) : now_ns;
    }
    void advance(uint64_t duration_ns) noexcept { m_elapsed_ns = sum(m_elapsed_ns, duration_ns); }

private:
    /// Time stops at its end.
    static uint64_t sum(uint64_t a, uint64_t b) noexcept {
        constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
        return a > most - b ? most : a + b;
    }
    Options m_options;
    uint64_t m_elapsed_ns = 0;
};

}  // namespace wsb::wasi
