// SPDX-License-Identifier: Apache-2.0
#include "jit/executable_memory.h"

#include "engine/base/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

namespace wsb::jit {

std::unique_ptr<ExecutableMemory> ExecutableMemory::create(size_t size_bytes) {
    void* const place = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return nullptr;
    prefer_huge_pages(place, size_bytes);
#ifdef MADV_POPULATE_WRITE
    // All of it is written next: one call instead of a fault for each page. Older kernels say no.
    static_cast<void>(madvise(place, size_bytes, MADV_POPULATE_WRITE));
#endif
    return std::unique_ptr<ExecutableMemory>(
        new ExecutableMemory({static_cast<uint8_t*>(place), size_bytes}));
}

ExecutableMemory::~ExecutableMemory() {
    munmap(m_bytes.data(), m_bytes.size());
}

bool ExecutableMemory::seal() noexcept {
    return mprotect(m_bytes.data(), m_bytes.size(), PROT_READ | PROT_EXEC) == 0;
}

std::unique_ptr<ExecutableSpace> ExecutableSpace::reserve(size_t size_bytes) {
    void* const place =
        mmap(nullptr, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        return nullptr;
    return std::unique_ptr<ExecutableSpace>(new ExecutableSpace({static_cast<uint8_t*>(place), size_bytes}));
}

ExecutableSpace::~ExecutableSpace() {
    munmap(m_bytes.data(), m_bytes.size());
}

std::span<uint8_t> ExecutableSpace::open(size_t size_bytes) noexcept {
    const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t taken = (size_bytes + page_bytes - 1) / page_bytes * page_bytes;
    if (size_bytes == 0 || taken > m_left.size() ||
        mprotect(m_left.data(), taken, PROT_READ | PROT_WRITE) != 0)
        return {};
    const std::span<uint8_t> piece = m_left.first(taken);
    m_left = m_left.subspan(taken);
    return piece.first(size_bytes);
}

bool ExecutableSpace::seal(std::span<uint8_t> piece) noexcept {
    return mprotect(piece.data(), piece.size(), PROT_READ | PROT_EXEC) == 0;
}

}  // namespace wsb::jit
