// SPDX-License-Identifier: Apache-2.0
// Memory for machine code: written once, then executable and no longer writable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace wsb::jit {

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
    [[nodiscard]] uint8_t* begin() const noexcept { return m_bytes.data(); }
    /// How large a piece may be.
    [[nodiscard]] size_t bytes_left() const noexcept { return m_left.size(); }
    /// The next piece: whole pages of at least that size, zeroed, all of it about to be written. @return none
    /// if there is no more room, or the system refuses.
    [[nodiscard]] std::span<uint8_t> open(size_t size_bytes) noexcept;
    /// No more pieces: what is left goes back to the system.
    void close() noexcept;
    /// Pages that were opened, and lie side by side, can be executed and no longer be written. @return false
    /// if the system refuses.
    [[nodiscard]] static bool seal(std::span<uint8_t> pages) noexcept;
    /// The same for all that were opened, if none is sealed yet.
    [[nodiscard]] bool seal() noexcept;

    /// Opens a piece, calls `write` with so many bytes of it, and seals it. @return its bytes; none if there
    /// is no more room, or the system refuses.
    template <class Write>
    [[nodiscard]] std::span<const uint8_t> add(size_t size_bytes, Write write) {
        const std::span<uint8_t> piece = open(size_bytes);
        if (piece.empty())
            return {};
        write(piece.first(size_bytes));
        return seal(piece) ? piece.first(size_bytes) : std::span<uint8_t>();
    }

private:
    explicit ExecutableSpace(std::span<uint8_t> bytes) noexcept : m_bytes(bytes), m_left(bytes) {}

    std::span<uint8_t> m_bytes;
    std::span<uint8_t> m_left;  ///< at their end
};

}  // namespace wsb::jit
