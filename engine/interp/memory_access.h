// SPDX-License-Identifier: Apache-2.0
// Where a load or store goes, checked. Plain accesses address a 32-bit memory 0, whose base and size are
// in registers. Spec: exec/instructions#memory-instructions
#pragma once

#include "engine/interp/dispatch.h"

namespace wsb::interp {

/// Both summands are below 2^32, so nothing wraps in 64 bits.
[[nodiscard, gnu::always_inline]] inline bool is_outside(uint64_t address, size_t width,
                                                         uint64_t size) noexcept {
    return address + width > size;
}

template <lower::Address address>
[[nodiscard, gnu::always_inline]] inline uint64_t plain_address(const Word* ip, const Slot* sp,
                                                                uint64_t acc) noexcept {
    if constexpr (address == lower::Address::slot)
        return read_slot<uint32_t>(sp + field<1>(ip));
    else if constexpr (address == lower::Address::accumulator)
        return static_cast<uint32_t>(acc);
    else
        return 0;
}

/// The place of an access to any memory, 32 or 64 bit; null if it is outside.
/// Cell: [... | address slot | memory][offset].
[[nodiscard, gnu::always_inline]] inline uint8_t* general_place(const Word* ip, const Slot* sp,
                                                                const VmInstance* instance,
                                                                size_t width_bytes) noexcept {
    const runtime::VmMemory& memory = *instance->memories[field<2>(ip)];
    const Slot address = sp[field<1>(ip)];
    const Word offset = ip[2];
    const Word at = address + offset;
    const bool wraps = at < address;
    if (wraps || memory.size_bytes < width_bytes || at > memory.size_bytes - width_bytes) [[unlikely]]
        return nullptr;
    return memory.base + at;
}

}  // namespace wsb::interp
