// SPDX-License-Identifier: Apache-2.0
// Long work in pieces, between which the store may be interrupted.
#pragma once

#include "engine/runtime/store.h"

#include <algorithm>
#include <cstdint>

namespace wsb::runtime {

/// Bytes that are handled without asking: 50 to 400 µs, the longest where all pages are new.
inline constexpr uint64_t piece_bytes = uint64_t{1} << 20;

/// Calls `work(offset, count)` for pieces that make up [0, count), the last one first if `is_descending`.
/// @return false if it was interrupted; what was done stays.
template <class Work>
[[nodiscard]] bool in_pieces(Store& store, uint64_t count, uint64_t piece, bool is_descending,
                             Work work) noexcept {
    // A poll takes less than a percent of what is left then.
    if (count <= piece / 16) [[likely]] {
        work(uint64_t{0}, count);
        return true;
    }
    for (uint64_t done = 0; done < count;) {
        if (store.is_interrupted())
            return false;
        const uint64_t next = std::min(piece, count - done);
        work(is_descending ? count - done - next : done, next);
        done += next;
    }
    return true;
}

}  // namespace wsb::runtime
