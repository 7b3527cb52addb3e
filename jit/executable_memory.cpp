// SPDX-License-Identifier: Apache-2.0
#include "jit/executable_memory.h"

#include "engine/base/huge_pages.h"

#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace wsb::jit {

std::unique_ptr<ExecutableSpace> ExecutableSpace::reserve(size_t size_bytes) {
    void* const place =
        mmap(nullptr, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        return nullptr;
    // Pieces begin where huge pages do, if there is so much.
    void* begin = place;
    size_t room = size_bytes;
    if (std::align(huge_page_bytes, huge_page_bytes, begin, room) != nullptr && room != size_bytes &&
        munmap(place, size_bytes - room) != 0)
        begin = place, room = size_bytes;
    return std::unique_ptr<ExecutableSpace>(new ExecutableSpace({static_cast<uint8_t*>(begin), room}));
}

ExecutableSpace::~ExecutableSpace() {
    munmap(m_bytes.data(), m_bytes.size());
}

std::span<uint8_t> ExecutableSpace::open(size_t size_bytes) noexcept {
    const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (size_bytes == 0 || size_bytes > m_left.size())
        return {};
    const size_t taken = (size_bytes + page_bytes - 1) / page_bytes * page_bytes;
    if (taken > m_left.size() || mprotect(m_left.data(), taken, PROT_READ | PROT_WRITE) != 0)
        return {};
    const std::span<uint8_t> piece = m_left.first(taken);
    m_left = m_left.subspan(taken);
    provide_pages(piece.data(), piece.size());
    return piece;
}

void ExecutableSpace::close() noexcept {
    if (!m_left.empty() && munmap(m_left.data(), m_left.size()) == 0)
        m_bytes = m_bytes.first(m_bytes.size() - m_left.size());
    m_left = {};
}

bool ExecutableSpace::seal(std::span<uint8_t> pages) noexcept {
    return mprotect(pages.data(), pages.size(), PROT_READ | PROT_EXEC) == 0;
}

bool ExecutableSpace::seal() noexcept {
    return seal(m_bytes.first(m_bytes.size() - m_left.size()));
}

}  // namespace wsb::jit
