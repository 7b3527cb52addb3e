// SPDX-License-Identifier: Apache-2.0
// Where a load or store goes, checked. Plain accesses address a 32-bit memory 0, whose base and size are
// in registers. Spec: exec/instructions#memory-instructions
#pragma once

#include "engine/interp/dispatch.h"
#include "engine/semantics/atomic.h"

namespace wsb::interp {

/// The end of a plain access: its address, and the offset with the width of the access added, which the cell
/// has as one number. What lies at `memory + end - width` is inside if the end is not beyond the size.
/// Both summands are below 2^32, so nothing wraps in 64 bits: slots and accumulators hold i32 zero-extended.
template <lower::Address address>
[[nodiscard, gnu::always_inline]] inline uint64_t plain_end(const Word* ip, const Slot* sp,
                                                            uint64_t acc) noexcept {
    if constexpr (address == lower::Address::slot)
        return sp[field<1>(ip)] + wide_field(ip);
    else if constexpr (address == lower::Address::accumulator)
        return acc + wide_field(ip);
    else
        return wide_field(ip);
}

/// `address + offset` in a memory; null unless `width_bytes` from there on are inside.
template <bool may_be_shared>
[[nodiscard, gnu::always_inline]] inline uint8_t* place_in(const runtime::VmMemory& memory, Slot address,
                                                           Word offset, size_t width_bytes) noexcept {
    const Word at = address + offset;
    const bool wraps = at < address;
    const uint64_t size_bytes = may_be_shared ? memory.current_size_bytes() : memory.size_bytes;
    if (wraps || size_bytes < width_bytes || at > size_bytes - width_bytes) [[unlikely]]
        return nullptr;
    return memory.base + at;
}

/// The place of an access to any memory, 32 or 64 bit; null if it is outside.
/// Cell: [... | address slot | memory][offset].
template <bool is_shared>
[[nodiscard, gnu::always_inline]] inline uint8_t* general_place(const Word* ip, const Slot* sp,
                                                                const VmInstance* instance,
                                                                size_t width_bytes) noexcept {
    return place_in<is_shared>(*instance->memories[field<2>(ip)], sp[field<1>(ip)], ip[2], width_bytes);
}

/// A value of a plain access, at a place that was checked.
template <class T, bool is_shared>
[[nodiscard, gnu::always_inline]] inline T read_place(const uint8_t* place) noexcept {
    if constexpr (is_shared) {
        return semantics::read_shared<T>(place);
    } else {
        T value;
        std::memcpy(&value, place, sizeof value);
        return value;
    }
}
template <bool is_shared, class T>
[[gnu::always_inline]] inline void write_place(uint8_t* place, const T& value) noexcept {
    if constexpr (is_shared)
        semantics::write_shared(place, value);
    else
        std::memcpy(place, &value, sizeof value);
}

}  // namespace wsb::interp
