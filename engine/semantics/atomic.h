// SPDX-License-Identifier: Apache-2.0
// Memory that other threads may change at the same time: what the atomic instructions do to it, and how plain
// accesses read and write it without a data race in C++. Places are inside a linear memory.
// Spec: the threads proposal, core/exec/relaxed
#pragma once

#include "engine/isa/opcode.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wsb::semantics {

/// The integer of a width, and the same as an lvalue in memory, where other types may lie as well.
template <size_t width_bytes>
struct Bits;
template <>
struct Bits<1> {
    using Value = uint8_t;
    using Cell [[gnu::may_alias]] = uint8_t;
};
template <>
struct Bits<2> {
    using Value = uint16_t;
    using Cell [[gnu::may_alias]] = uint16_t;
};
template <>
struct Bits<4> {
    using Value = uint32_t;
    using Cell [[gnu::may_alias]] = uint32_t;
};
template <>
struct Bits<8> {
    using Value = uint64_t;
    using Cell [[gnu::may_alias]] = uint64_t;
};
/// SAFETY: callers have checked bounds and alignment.
template <class T>
[[nodiscard, gnu::always_inline]] inline auto* cell_at(uint8_t* place) noexcept {
    return reinterpret_cast<typename Bits<sizeof(T)>::Cell*>(place);
}
template <class T>
[[nodiscard, gnu::always_inline]] inline const auto* cell_at(const uint8_t* place) noexcept {
    return reinterpret_cast<const typename Bits<sizeof(T)>::Cell*>(place);
}

[[nodiscard]] inline bool is_aligned(const uint8_t* place, size_t width_bytes) noexcept {
    return reinterpret_cast<uintptr_t>(place) % width_bytes == 0;
}

// Atomic instructions

/// What an atomic access does; the order is that of the rows of the table, seven widths of each.
enum class AtomicKind : uint8_t { load, store, add, sub, and_, or_, xor_, xchg, cmpxchg };

[[nodiscard]] constexpr AtomicKind atomic_kind(Op op) noexcept {
    constexpr int widths = 7;
    return static_cast<AtomicKind>((static_cast<int>(op) - static_cast<int>(Op::i32_atomic_load)) / widths);
}
static_assert(atomic_kind(Op::i32_atomic_store) == AtomicKind::store);
static_assert(atomic_kind(Op::i32_atomic_rmw_add) == AtomicKind::add);
static_assert(atomic_kind(Op::i32_atomic_rmw_sub) == AtomicKind::sub);
static_assert(atomic_kind(Op::i32_atomic_rmw_and) == AtomicKind::and_);
static_assert(atomic_kind(Op::i32_atomic_rmw_or) == AtomicKind::or_);
static_assert(atomic_kind(Op::i32_atomic_rmw_xor) == AtomicKind::xor_);
static_assert(atomic_kind(Op::i32_atomic_rmw_xchg) == AtomicKind::xchg);
static_assert(atomic_kind(Op::i32_atomic_rmw_cmpxchg) == AtomicKind::cmpxchg);
static_assert(atomic_kind(Op::i64_atomic_rmw32_cmpxchg_u) == AtomicKind::cmpxchg);

/// Sequentially consistent; T is the unsigned integer of the access, `place` is aligned for it. Operands are
/// wrapped to T by the caller, results are zero-extended by it.
template <class T>
[[nodiscard, gnu::always_inline]] inline T atomic_load(const uint8_t* place) noexcept {
    return __atomic_load_n(cell_at<T>(place), __ATOMIC_SEQ_CST);
}
template <class T>
[[gnu::always_inline]] inline void atomic_store(uint8_t* place, T value) noexcept {
    __atomic_store_n(cell_at<T>(place), value, __ATOMIC_SEQ_CST);
}
/// @return the value before.
template <AtomicKind kind, class T>
[[nodiscard, gnu::always_inline]] inline T atomic_rmw(uint8_t* place, T value) noexcept {
    auto* const cell = cell_at<T>(place);
    if constexpr (kind == AtomicKind::add)
        return __atomic_fetch_add(cell, value, __ATOMIC_SEQ_CST);
    else if constexpr (kind == AtomicKind::sub)
        return __atomic_fetch_sub(cell, value, __ATOMIC_SEQ_CST);
    else if constexpr (kind == AtomicKind::and_)
        return __atomic_fetch_and(cell, value, __ATOMIC_SEQ_CST);
    else if constexpr (kind == AtomicKind::or_)
        return __atomic_fetch_or(cell, value, __ATOMIC_SEQ_CST);
    else if constexpr (kind == AtomicKind::xor_)
        return __atomic_fetch_xor(cell, value, __ATOMIC_SEQ_CST);
    else
        return __atomic_exchange_n(cell, value, __ATOMIC_SEQ_CST);
}
/// @return the value before.
template <class T>
[[nodiscard, gnu::always_inline]] inline T atomic_cmpxchg(uint8_t* place, T expected,
                                                          T replacement) noexcept {
    __atomic_compare_exchange_n(cell_at<T>(place), &expected, replacement, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return expected;
}

// Plain accesses to shared memory. Guests may race, the host must not: every access is a relaxed atomic one,
// whole if it is aligned (as the proposal wants it for integers), byte by byte if not; vectors are two
// halves.

template <class T>
[[nodiscard, gnu::always_inline]] inline T read_shared(const uint8_t* place) noexcept {
    if constexpr (sizeof(T) == 16) {
        const std::array halves{read_shared<uint64_t>(place), read_shared<uint64_t>(place + 8)};
        return std::bit_cast<T>(halves);
    } else {
        typename Bits<sizeof(T)>::Value bits = 0;
        if (is_aligned(place, sizeof(T))) [[likely]] {
            bits = __atomic_load_n(cell_at<T>(place), __ATOMIC_RELAXED);
        } else {
            uint8_t bytes[sizeof(T)];
            for (size_t i = 0; i < sizeof(T); ++i)
                bytes[i] = __atomic_load_n(place + i, __ATOMIC_RELAXED);
            std::memcpy(&bits, bytes, sizeof(T));
        }
        return std::bit_cast<T>(bits);
    }
}

template <class T>
[[gnu::always_inline]] inline void write_shared(uint8_t* place, T value) noexcept {
    if constexpr (sizeof(T) == 16) {
        const auto halves = std::bit_cast<std::array<uint64_t, 2>>(value);
        write_shared(place, halves[0]);
        write_shared(place + 8, halves[1]);
    } else {
        const auto bits = std::bit_cast<typename Bits<sizeof(T)>::Value>(value);
        if (is_aligned(place, sizeof(T))) [[likely]] {
            __atomic_store_n(cell_at<T>(place), bits, __ATOMIC_RELAXED);
        } else {
            uint8_t bytes[sizeof(T)];
            std::memcpy(bytes, &bits, sizeof(T));
            for (size_t i = 0; i < sizeof(T); ++i)
                __atomic_store_n(place + i, bytes[i], __ATOMIC_RELAXED);
        }
    }
}

/// As memmove and memset; either side may be shared.
void copy_shared(uint8_t* to, const uint8_t* from, uint64_t count) noexcept;
void fill_shared(uint8_t* to, uint8_t value, uint64_t count) noexcept;

}  // namespace wsb::semantics
