// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/reservation.h"

#include "engine/isa/limits.h"

#include <algorithm>
#include <sys/mman.h>

namespace wsb::runtime {

uint64_t possible_pages(const MemoryType& type) noexcept {
    const uint64_t by_address =
        type.address == AddressType::i32
            ? limits::memory32_pages
            : std::min(limits::memory64_pages, limits::memory_size_bytes / limits::page_size_bytes);
    return std::min(by_address, type.limits_pages.max.value_or(by_address));
}

Reservation::~Reservation() {
    if (m_base != nullptr)
        ::munmap(m_base, m_reserved_bytes);
}

bool Reservation::reserve(const MemoryType& type) noexcept {
    m_possible_pages = possible_pages(type);
    // One page at least, so that the base is never null.
    const uint64_t least = std::max<uint64_t>(type.limits_pages.min, 1) * limits::page_size_bytes;
    uint64_t wanted = std::max(least, m_possible_pages * limits::page_size_bytes);
    for (;;) {
        void* address =
            ::mmap(nullptr, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (address != MAP_FAILED) {
            m_base = static_cast<uint8_t*>(address);
            m_reserved_bytes = wanted;
            return true;
        }
        // Where address space is limited, less room to grow is better than no memory.
        if (wanted == least)
            return false;
        wanted = std::max(least, wanted / 2 / limits::page_size_bytes * limits::page_size_bytes);
    }
}

bool Reservation::commit(uint64_t old_size_bytes, uint64_t new_size_bytes) const noexcept {
    // SAFETY: both ends are inside the reservation: callers asked has_room first.
    return old_size_bytes == new_size_bytes ||
           ::mprotect(m_base + old_size_bytes, new_size_bytes - old_size_bytes, PROT_READ | PROT_WRITE) == 0;
}

bool Reservation::has_room(uint64_t pages, uint64_t delta_pages) const noexcept {
    const uint64_t most_pages = std::min(m_possible_pages, m_reserved_bytes / limits::page_size_bytes);
    return delta_pages <= most_pages - std::min(pages, most_pages);
}

}  // namespace wsb::runtime
