// SPDX-License-Identifier: Apache-2.0
#include "engine/semantics/atomic.h"

#include <functional>

namespace wsb::semantics {

namespace {

template <class T>
void copy_one(uint8_t* to, const uint8_t* from) noexcept {
    __atomic_store_n(cell_at<T>(to), __atomic_load_n(cell_at<T>(from), __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

/// Whether both are aligned to eight bytes at the same time.
bool is_in_step(const uint8_t* to, const uint8_t* from) noexcept {
    return (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from)) % 8 == 0;
}

/// Ascending, for targets in front of their source or apart from it.
void copy_up(uint8_t* to, const uint8_t* from, uint64_t count) noexcept {
    uint64_t done = 0;
    if (is_in_step(to, from)) {
        for (; done < count && !is_aligned(to + done, 8); ++done)
            copy_one<uint8_t>(to + done, from + done);
        for (; count - done >= 8; done += 8)
            copy_one<uint64_t>(to + done, from + done);
    }
    for (; done < count; ++done)
        copy_one<uint8_t>(to + done, from + done);
}

/// Descending, for targets behind their source.
void copy_down(uint8_t* to, const uint8_t* from, uint64_t count) noexcept {
    if (is_in_step(to, from)) {
        for (; count > 0 && !is_aligned(to + count, 8); --count)
            copy_one<uint8_t>(to + count - 1, from + count - 1);
        for (; count >= 8; count -= 8)
            copy_one<uint64_t>(to + count - 8, from + count - 8);
    }
    for (; count > 0; --count)
        copy_one<uint8_t>(to + count - 1, from + count - 1);
}

}  // namespace

void copy_shared(uint8_t* to, const uint8_t* from, uint64_t count) noexcept {
    // Addresses of different memories have an order only through std::less.
    const std::less<const uint8_t*> before;
    if (before(from, to) && before(to, from + count))
        copy_down(to, from, count);
    else
        copy_up(to, from, count);
}

void fill_shared(uint8_t* to, uint8_t value, uint64_t count) noexcept {
    uint64_t done = 0;
    for (; done < count && !is_aligned(to + done, 8); ++done)
        __atomic_store_n(to + done, value, __ATOMIC_RELAXED);
    const uint64_t eight = value * uint64_t{0x0101'0101'0101'0101};
    for (; count - done >= 8; done += 8)
        __atomic_store_n(cell_at<uint64_t>(to + done), eight, __ATOMIC_RELAXED);
    for (; done < count; ++done)
        __atomic_store_n(to + done, value, __ATOMIC_RELAXED);
}

}  // namespace wsb::semantics
