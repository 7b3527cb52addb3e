// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/shared_memory.h"

#include <new>

namespace wsb::runtime {

Result<std::shared_ptr<SharedMemory>> SharedMemory::create(const MemoryType& type) {
    if (type.limits_pages.min > possible_pages(type))
        return fail(ErrorCode::limit_exceeded, "memory of more pages than are possible here");
    std::shared_ptr<SharedMemory> memory(new SharedMemory(type));
    if (!memory->m_reservation.reserve(type, 0))
        return fail(ErrorCode::out_of_memory, "address space of a linear memory");
    if (memory->grow(type.limits_pages.min) < 0)
        return fail(ErrorCode::out_of_memory, "linear memory");
    return memory;
}

int64_t SharedMemory::grow(uint64_t delta_pages) noexcept {
    const std::lock_guard lock(m_growth);
    const uint64_t old_size_bytes = m_size_bytes;
    const uint64_t old_pages = old_size_bytes >> m_type.page_size_log2;
    if (!m_reservation.has_room(old_pages, delta_pages))
        return -1;
    const uint64_t new_size_bytes = old_size_bytes + (delta_pages << m_type.page_size_log2);
    if (!m_reservation.commit(old_size_bytes, new_size_bytes))
        return -1;
    m_size_bytes = new_size_bytes;  // after the bytes are there
    return static_cast<int64_t>(old_pages);
}

}  // namespace wsb::runtime
