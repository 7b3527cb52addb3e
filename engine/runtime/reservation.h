// SPDX-License-Identifier: Apache-2.0
// Address space for the whole possible size of a linear memory, made accessible from its beginning on.
#pragma once

#include "engine/isa/types.h"
#include "engine/runtime/page_watch.h"

#include <cstdint>

namespace wsb::runtime {

/// The most pages that a memory of this type can ever have here.
[[nodiscard]] uint64_t possible_pages(const MemoryType& type) noexcept;

/// So far reaches machine code that checks no bounds: a 32-bit index, and an offset and a width that make
/// less than 2^31 together. All of it has to be the memory's, or inaccessible.
inline constexpr uint64_t guarded_bytes = (uint64_t{1} << 32) + (uint64_t{1} << 31);

/// Whether memories of this type have a guard region where an engine has them at all. An import has to match
/// in whatever this depends on, so whoever knows a memory by a type knows this of it. Smaller pages may end
/// inside one of the system's, whose rest is accessible.
[[nodiscard]] constexpr bool can_be_guarded(const MemoryType& type) noexcept {
    return type.address == AddressType::i32 && !type.is_shared && type.page_size_log2 == 16;
}

/// Address space for a memory, and inaccessible pages behind it.
struct MemorySpace {
    PageRange pages;
    uint64_t guard_bytes = 0;
};

/// One memory's bytes. Given back when destroyed, unless they are others'.
class Reservation {
public:
    Reservation() noexcept = default;
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation();

    /// Once, of `reach_bytes` at least. The base is never null afterwards. @return false if there is no
    /// address space.
    [[nodiscard]] bool reserve(const MemoryType& type, uint64_t reach_bytes) noexcept;
    /// Instead of reserve: inaccessible pages that outlive this. @return false if they are too few.
    [[nodiscard]] bool use(const MemorySpace& space, const MemoryType& type, uint64_t reach_bytes) noexcept;
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
    /// So many bytes from the base on are the memory's, or inaccessible.
    [[nodiscard]] uint64_t reach_bytes() const noexcept { return m_reach_bytes; }

private:
    uint8_t* m_base = nullptr;
    uint64_t m_reserved_bytes = 0;
    uint64_t m_reach_bytes = 0;
    bool m_is_owner = false;
    uint64_t m_possible_pages = 0;
    uint8_t m_page_size_log2 = 0;
};

}  // namespace wsb::runtime
