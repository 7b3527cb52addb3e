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

/// Address space for machine code that comes piece by piece. Each piece has pages of its own, so none that
/// can be executed is ever written again. One thread at a time.
class ExecutableSpace {
public:
    /// @return null if the system has none.
    [[nodiscard]] static std::unique_ptr<ExecutableSpace> reserve(size_t size_bytes);
    ExecutableSpace(const ExecutableSpace&) = delete;
    ExecutableSpace& operator=(const ExecutableSpace&) = delete;
    ~ExecutableSpace();

    [[nodiscard]] std::span<const uint8_t> whole() const noexcept { return m_bytes; }
    /// Calls `write` with the zeroed bytes of the next piece, then makes it executable. @return its bytes;
    /// none if there is no more room, or the system refuses.
    template <class Write>
    [[nodiscard]] std::span<const uint8_t> add(size_t size_bytes, Write write) {
        const std::span<uint8_t> piece = open(size_bytes);
        if (piece.empty())
            return {};
        write(piece);
        return seal(piece) ? piece : std::span<uint8_t>();
    }

private:
    explicit ExecutableSpace(std::span<uint8_t> bytes) noexcept : m_bytes(bytes), m_left(bytes) {}
    [[nodiscard]] std::span<uint8_t> open(size_t size_bytes) noexcept;
    [[nodiscard]] bool seal(std::span<uint8_t> piece) noexcept;

    std::span<uint8_t> m_bytes;
    std::span<uint8_t> m_left;
};

}  // namespace wsb::jit
