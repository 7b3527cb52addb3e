// SPDX-License-Identifier: Apache-2.0
// The guest's vectors of bytes as the host's.
#pragma once

#include "wasi/preview1.h"

#include <array>
#include <span>
#include <sys/uio.h>

namespace wsb::wasi {

/// Where bytes are read to or written from: views of the guest's memory, used up piece by piece, so that
/// long transfers can be counted and interrupted.
class IoVectors {
public:
    /// Takes the first 64 vectors that are not empty; more are left for the guest's next call, as a short
    /// count. @return `fault` if the list, or one of those taken, is not wholly inside the memory.
    [[nodiscard]] Outcome<void> read(const Call& call, uint32_t iovecs, uint32_t count);

    [[nodiscard]] uint64_t left_bytes() const noexcept { return m_left_bytes; }
    /// The next piece, of at most so many bytes. Valid until the next call.
    [[nodiscard]] std::span<const iovec> piece(uint64_t most_bytes) noexcept;
    void advance(uint64_t done_bytes) noexcept;

private:
    static constexpr size_t most_vectors = 64;
    std::array<iovec, most_vectors> m_vectors;
    std::array<iovec, most_vectors> m_piece;
    size_t m_count = 0;
    size_t m_first = 0;  ///< those before are used up
    uint64_t m_left_bytes = 0;
};

}  // namespace wsb::wasi
