// SPDX-License-Identifier: Apache-2.0
// Memory for machine code: written once, then executable and no longer writable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace wsb::jit {

class ExecutableMemory {
public:
    /// Zeroed, writable. @return null if the system has none.
    [[nodiscard]] static std::unique_ptr<ExecutableMemory> create(size_t size_bytes);
    ExecutableMemory(const ExecutableMemory&) = delete;
    ExecutableMemory& operator=(const ExecutableMemory&) = delete;
    ~ExecutableMemory();

    [[nodiscard]] std::span<uint8_t> bytes() noexcept { return m_bytes; }
    /// From here on it can be executed and not be written. @return false if the system refuses.
    [[nodiscard]] bool seal() noexcept;

private:
    explicit ExecutableMemory(std::span<uint8_t> bytes) noexcept : m_bytes(bytes) {}

    std::span<uint8_t> m_bytes;
};

}  // namespace wsb::jit
