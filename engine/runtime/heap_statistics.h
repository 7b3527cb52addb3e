// SPDX-License-Identifier: Apache-2.0
// What a store's heap of objects has done. Self-contained: the public API re-exports it.
#pragma once

#include <cstdint>

namespace wsb {

/// Of one store, since it was made. Times are wall time.
struct HeapStatistics {
    uint64_t collections = 0;
    uint64_t pause_ns = 0;          ///< of all collections together
    uint64_t longest_pause_ns = 0;  ///< of one
    uint64_t live_bytes = 0;        ///< at the end of the last collection
    uint64_t capacity_bytes = 0;    ///< now; counts against StoreLimits::memory_bytes
};

}  // namespace wsb
