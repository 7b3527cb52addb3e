// SPDX-License-Identifier: Apache-2.0
// How often each instruction was executed: for tools that ask (wasm-spec), never counted otherwise.
#pragma once

#include "engine/isa/opcode.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace wsb {

/// By Op. Threads count in it at the same time.
using OpCounts = std::array<std::atomic<uint64_t>, op_count>;

/// Does nothing where nobody asks.
inline void count_execution(OpCounts* counts, Op op) noexcept {
    if (counts != nullptr)
        (*counts)[static_cast<size_t>(op)].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace wsb
