// SPDX-License-Identifier: Apache-2.0
#include "jit/executable_memory.h"

#include <sys/mman.h>

namespace wsb::jit {

std::unique_ptr<ExecutableMemory> ExecutableMemory::create(size_t size_bytes) {
    void* const place = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return nullptr;
    return std::unique_ptr<ExecutableMemory>(
        new ExecutableMemory({static_cast<uint8_t*>(place), size_bytes}));
}

ExecutableMemory::~ExecutableMemory() {
    munmap(m_bytes.data(), m_bytes.size());
}

bool ExecutableMemory::seal() noexcept {
    return mprotect(m_bytes.data(), m_bytes.size(), PROT_READ | PROT_EXEC) == 0;
}

}  // namespace wsb::jit
