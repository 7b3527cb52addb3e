// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/stack.h"

#include <sys/mman.h>
#include <unistd.h>

namespace wsb::runtime {

GuestStack::~GuestStack() {
    if (m_mapping != nullptr)
        ::munmap(m_mapping, m_mapping_bytes);
}

Result<void> GuestStack::reserve(size_t size_bytes) noexcept {
    const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t usable = (size_bytes + page - 1) / page * page;
    const size_t whole = usable + 2 * page;
    void* mapping = ::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return fail(ErrorCode::out_of_memory, "guest stack");
    m_mapping = mapping;
    m_mapping_bytes = whole;
    uint8_t* first = static_cast<uint8_t*>(mapping) + page;
    if (::mprotect(first, usable, PROT_READ | PROT_WRITE) != 0)
        return fail(ErrorCode::out_of_memory, "guest stack");
    use({first, first + usable});
    return {};
}

void GuestStack::use(PageRange pages) noexcept {
    // SAFETY: page-aligned memory that nothing else uses, so slots may live in it.
    m_begin = reinterpret_cast<Slot*>(pages.begin);
    m_end = reinterpret_cast<Slot*>(pages.end);
}

}  // namespace wsb::runtime
