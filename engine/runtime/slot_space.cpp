// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/slot_space.h"

#include <algorithm>
#include <sys/mman.h>

namespace wsb::runtime {

namespace {

/// At most 2^40 bytes come in (reserve).
[[nodiscard]] uint64_t whole_pages(uint64_t size_bytes) noexcept {
    const uint64_t page = system_page_bytes();
    return (size_bytes + page - 1) / page * page;
}

/// Of each part; all address space is 2^47 bytes.
constexpr uint64_t most_bytes = uint64_t{1} << 40;

}  // namespace

bool make_inaccessible(PageRange pages) noexcept {
    if (pages.begin == pages.end)
        return true;
    // SAFETY: replaces pages of the caller's.
    void* const mapping = ::mmap(pages.begin, pages.size_bytes(), PROT_NONE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (mapping == MAP_FAILED)
        return false;
    ::madvise(mapping, pages.size_bytes(), MADV_NOHUGEPAGE);
    return true;
}

SlotSpace::~SlotSpace() {
    if (m_whole.begin != nullptr)
        ::munmap(m_whole.begin, m_whole.size_bytes());
}

bool SlotSpace::reserve(uint64_t memory_bytes, uint64_t guard_bytes, uint64_t stack_bytes) noexcept {
    const uint64_t page = system_page_bytes();
    const uint64_t memory = whole_pages(std::clamp(memory_bytes, page, most_bytes));
    const uint64_t guard = whole_pages(std::clamp(guard_bytes, page, most_bytes));
    const uint64_t stack = whole_pages(std::clamp(stack_bytes, page, most_bytes));
    const uint64_t whole = page + memory + guard + stack + page;
    void* const mapping =
        ::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return false;
    ::madvise(mapping, whole, MADV_NOHUGEPAGE);
    auto* const begin = static_cast<uint8_t*>(mapping);
    uint8_t* const stack_begin = begin + page + memory + guard;
    if (::mprotect(stack_begin, stack, PROT_READ | PROT_WRITE) != 0) {
        ::munmap(mapping, whole);
        return false;
    }
    m_whole = {begin, begin + whole};
    m_memory = {{begin + page, begin + page + memory}, guard};
    m_stack.begin({stack_begin, stack_begin + stack}, {});
    return true;
}

bool SlotSpace::clear_memory() const noexcept {
    return make_inaccessible(m_memory.pages);
}

}  // namespace wsb::runtime
