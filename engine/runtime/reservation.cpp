// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/reservation.h"

#include "engine/isa/limits.h"
#include "engine/runtime/slot_space.h"

#include <algorithm>
#include <sys/mman.h>

namespace wsb::runtime {

uint64_t possible_pages(const MemoryType& type) noexcept {
    const uint64_t by_address =
        std::min(limits::memory_pages(type.address == AddressType::i64, type.page_size_log2),
                 limits::memory_size_bytes >> type.page_size_log2);
    return std::min(by_address, type.limits_pages.max.value_or(by_address));
}

namespace {

/// At most 2^34 bytes come in, see possible_pages.
[[nodiscard]] constexpr uint64_t round_up(uint64_t size_bytes, uint64_t unit_bytes) noexcept {
    return (size_bytes + unit_bytes - 1) / unit_bytes * unit_bytes;
}

[[nodiscard]] uint64_t round_up_to_system_page(uint64_t size_bytes) noexcept {
    return round_up(size_bytes, system_page_bytes());
}

}  // namespace

Reservation::~Reservation() {
    if (m_is_owner)
        ::munmap(m_base, m_reserved_bytes);
}

bool Reservation::reserve(const MemoryType& type, uint64_t reach_bytes) noexcept {
    m_possible_pages = possible_pages(type);
    m_page_size_log2 = type.page_size_log2;
    // Not empty, so that the base is never null.
    const uint64_t least =
        round_up(std::max<uint64_t>({type.limits_pages.min << m_page_size_log2, reach_bytes, 1}),
                 limits::page_size_bytes);
    uint64_t wanted =
        std::max(least, round_up(m_possible_pages << m_page_size_log2, limits::page_size_bytes));
    for (;;) {
        void* address =
            ::mmap(nullptr, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (address != MAP_FAILED) {
            m_base = static_cast<uint8_t*>(address);
            m_reserved_bytes = m_reach_bytes = wanted;
            m_is_owner = true;
            return true;
        }
        // Where address space is limited, less room to grow is better than no memory.
        if (wanted == least)
            return false;
        wanted = std::max(least, wanted / 2 / limits::page_size_bytes * limits::page_size_bytes);
    }
}

bool Reservation::use(const MemorySpace& space, const MemoryType& type, uint64_t reach_bytes) noexcept {
    m_possible_pages = possible_pages(type);
    m_page_size_log2 = type.page_size_log2;
    const uint64_t size_bytes = space.pages.size_bytes();
    if (std::max<uint64_t>(type.limits_pages.min << m_page_size_log2, 1) > size_bytes ||
        reach_bytes > size_bytes + space.guard_bytes)
        return false;
    m_base = space.pages.begin;
    m_reserved_bytes = size_bytes;
    m_reach_bytes = size_bytes + space.guard_bytes;
    return true;
}

void Reservation::forbid_huge_pages() const noexcept {
    ::madvise(m_base, m_reserved_bytes, MADV_NOHUGEPAGE);
}

bool Reservation::commit(uint64_t old_size_bytes, uint64_t new_size_bytes) const noexcept {
    const uint64_t from = round_up_to_system_page(old_size_bytes);
    const uint64_t to = round_up_to_system_page(new_size_bytes);
    // SAFETY: both ends are inside the reservation: callers asked has_room first, and it is of whole pages.
    return from == to || ::mprotect(m_base + from, to - from, PROT_READ | PROT_WRITE) == 0;
}

bool Reservation::withdraw(uint64_t old_size_bytes, uint64_t new_size_bytes) const noexcept {
    return make_inaccessible({pages(new_size_bytes).end, pages(old_size_bytes).end});
}

PageRange Reservation::pages(uint64_t size_bytes) const noexcept {
    return {m_base, m_base + round_up_to_system_page(size_bytes)};
}

bool Reservation::has_room(uint64_t pages, uint64_t delta_pages) const noexcept {
    const uint64_t most_pages = std::min(m_possible_pages, m_reserved_bytes >> m_page_size_log2);
    return delta_pages <= most_pages - std::min(pages, most_pages);
}

}  // namespace wsb::runtime
