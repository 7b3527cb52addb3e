// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/memory.h"

#include "engine/isa/limits.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <sys/mman.h>

namespace wsb::runtime {

namespace {

/// The most pages that a memory of this type can ever have here.
uint64_t possible_pages(const MemoryType& type) noexcept {
    const uint64_t by_address =
        type.address == AddressType::i32
            ? limits::memory32_pages
            : std::min(limits::memory64_pages, limits::memory_size_bytes / limits::page_size_bytes);
    return std::min(by_address, type.limits_pages.max.value_or(by_address));
}

}  // namespace

Result<std::unique_ptr<Memory>> Memory::create(Store& store, const MemoryType& type) {
    const uint64_t min_pages = type.limits_pages.min;
    if (min_pages > possible_pages(type))
        return fail(ErrorCode::limit_exceeded, "memory of more pages than are possible here");
    if (!store.charge_memory(0, 1))
        return fail(ErrorCode::limit_exceeded, "number of memories of the store");
    // From here on the destructor gives back what was charged.
    std::unique_ptr<Memory> memory(new (std::nothrow) Memory(store, type));
    if (memory == nullptr) {
        store.release_memory(0, 1);
        return fail(ErrorCode::out_of_memory, "linear memory");
    }
    if (!memory->reserve())
        return fail(ErrorCode::out_of_memory, "address space of a linear memory");
    const uint64_t size_bytes = min_pages * limits::page_size_bytes;
    if (!store.charge_memory(size_bytes, 0))
        return fail(ErrorCode::limit_exceeded, "memory of the store");
    if (!memory->commit(size_bytes)) {
        store.release_memory(size_bytes, 0);
        return fail(ErrorCode::out_of_memory, "linear memory");
    }
    return memory;
}

Memory::~Memory() {
    if (base != nullptr)
        ::munmap(base, m_reserved_bytes);
    m_store->release_memory(size_bytes, 1);
}

bool Memory::reserve() noexcept {
    // One page at least, so that the base is never null.
    const uint64_t least = std::max<uint64_t>(m_type.limits_pages.min, 1) * limits::page_size_bytes;
    uint64_t wanted = std::max(least, possible_pages(m_type) * limits::page_size_bytes);
    for (;;) {
        void* address =
            ::mmap(nullptr, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (address != MAP_FAILED) {
            base = static_cast<uint8_t*>(address);
            m_reserved_bytes = wanted;
            return true;
        }
        // Where address space is limited, less room to grow is better than no memory.
        if (wanted == least)
            return false;
        wanted = std::max(least, wanted / 2 / limits::page_size_bytes * limits::page_size_bytes);
    }
}

bool Memory::commit(uint64_t new_size_bytes) noexcept {
    const uint64_t delta_bytes = new_size_bytes - size_bytes;
    // SAFETY: both ends are inside the reservation: callers compare with m_reserved_bytes first.
    if (delta_bytes != 0 && ::mprotect(base + size_bytes, delta_bytes, PROT_READ | PROT_WRITE) != 0)
        return false;
    size_bytes = new_size_bytes;
    return true;
}

int64_t Memory::grow(uint64_t delta_pages) noexcept {
    const uint64_t old_pages = size_bytes / limits::page_size_bytes;
    const uint64_t most_pages = std::min(possible_pages(m_type), m_reserved_bytes / limits::page_size_bytes);
    if (delta_pages > most_pages - std::min(old_pages, most_pages))
        return -1;
    const uint64_t delta_bytes = delta_pages * limits::page_size_bytes;
    if (!m_store->charge_memory(delta_bytes, 0))
        return -1;
    if (!commit(size_bytes + delta_bytes)) {
        m_store->release_memory(delta_bytes, 0);
        return -1;
    }
    return static_cast<int64_t>(old_pages);
}

MemoryType Memory::current_type() const noexcept {
    MemoryType type = m_type;
    type.limits_pages.min = size_bytes / limits::page_size_bytes;
    return type;
}

}  // namespace wsb::runtime
