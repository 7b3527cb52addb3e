// SPDX-License-Identifier: Apache-2.0
// The address space of a pool's slot: reserved once, whatever modules are served there one after another.
#pragma once

#include "engine/runtime/reservation.h"
#include "engine/runtime/resettable_range.h"

#include <cstdint>

namespace wsb::runtime {

/// [guard page][memory][guard][stack][guard page]. Without huge pages, so that faults tell what was touched.
class SlotSpace {
public:
    SlotSpace() noexcept = default;
    SlotSpace(const SlotSpace&) = delete;
    SlotSpace& operator=(const SlotSpace&) = delete;
    ~SlotSpace();

    /// Once. Sizes are rounded up to pages. @return false if there is no address space for it.
    [[nodiscard]] bool reserve(uint64_t memory_bytes, uint64_t guard_bytes, uint64_t stack_bytes) noexcept;
    [[nodiscard]] bool is_reserved() const noexcept { return m_whole.begin != nullptr; }
    /// Inaccessible at first.
    [[nodiscard]] const MemorySpace& memory() const noexcept { return m_memory; }
    /// Accessible, and of zeros at first.
    [[nodiscard]] ResettableRange& stack() noexcept { return m_stack; }
    /// The memory as it was at first. @return false if the system refuses: then it must not be used again.
    [[nodiscard]] bool clear_memory() const noexcept;

private:
    PageRange m_whole;
    MemorySpace m_memory;
    ResettableRange m_stack;
};

/// Takes pages away and forbids access. @return false if the system refuses.
[[nodiscard]] bool make_inaccessible(PageRange pages) noexcept;

}  // namespace wsb::runtime
