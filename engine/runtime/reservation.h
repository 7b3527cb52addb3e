// SPDX-License-Identifier: Apache-2.0
// Address space for the whole possible size of a linear memory, made accessible from its beginning on.
#pragma once

#include "engine/isa/types.h"
#include "engine/runtime/page_watch.h"

#include <cstdint>

namespace wsb::runtime {

/// The most pages that a memory of this type can ever have here.
[[nodiscard]] uint64_t possible_pages(const MemoryType& type) noexcept;

/// One memory's bytes. Given back when destroyed, unless they are others'.
class Reservation {
public:
    Reservation() noexcept = default;
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation();

    /// Once. The base is never null afterwards. @return false if there is no address space.
    [[nodiscard]] bool reserve(const MemoryType& type) noexcept;
    /// Instead of reserve: inaccessible pages that outlive this. @return false if they are too few.
    [[nodiscard]] bool use(PageRange pages, const MemoryType& type) noexcept;
    /// No page faults in more than itself from now on.
    void forbid_huge_pages() const noexcept;
    /// Makes [old_size_bytes, new_size_bytes) accessible, and the rest of the system's page that the end is
    /// in; what is below is accessible already. Callers asked has_room.
    [[nodiscard]] bool commit(uint64_t old_size_bytes, uint64_t new_size_bytes) const noexcept;
    /// The opposite of commit: what is taken away reads as zero when it is accessible again.
    [[nodiscard]] bool withdraw(uint64_t old_size_bytes, uint64_t new_size_bytes) const noexcept;
    /// The pages that hold the first `size_bytes`.
    [[nodiscard]] PageRange pages(uint64_t size_bytes) const noexcept;
    /// Whether `delta_pages` more than `pages` are within the type and the reservation.
    [[nodiscard]] bool has_room(uint64_t pages, uint64_t delta_pages) const noexcept;
    [[nodiscard]] uint8_t* base() const noexcept { return m_base; }

private:
    uint8_t* m_base = nullptr;
    uint64_t m_reserved_bytes = 0;
    bool m_is_owner = false;
    uint64_t m_possible_pages = 0;
    uint8_t m_page_size_log2 = 0;
};

}  // namespace wsb::runtime
