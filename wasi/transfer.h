// SPDX-License-Identifier: Apache-2.0
// Moving bytes between the guest and a descriptor: charged, in pieces, and interruptible.
#pragma once

#include "wasi/io_vectors.h"
#include "wasi/preview1.h"

#include <functional>
#include <limits>

namespace wsb::wasi {

class Transfer {
public:
    /// At most so much between two questions to the policy.
    static constexpr uint64_t piece_bytes = uint64_t{1} << 20;
    /// @param events of poll(2) to wait for. @param most_bytes that are moved in all.
    Transfer(Descriptor& descriptor, Charge what, const Preopen* grant, short events,
             uint64_t most_bytes = std::numeric_limits<uint64_t>::max()) noexcept
        : m_descriptor(descriptor),
          m_grant(grant),
          m_most_bytes(most_bytes),
          m_what(what),
          m_events(events) {}

    /// One piece, and how many bytes were moved before. Must not wait: `again`.
    using Operation = std::function<Outcome<size_t>(std::span<const iovec> piece, uint64_t done_bytes)>;
    /// Until all is moved, or a piece comes out short; waits for the first bytes only. @return the count;
    /// an error only if nothing was moved, or `canceled`.
    [[nodiscard]] Outcome<uint32_t> run(const Call& call, IoVectors& vectors,
                                        const Operation& operation) const;

private:
    [[nodiscard]] Outcome<size_t> move_piece(const Call& call, IoVectors& vectors, const Operation& operation,
                                             uint64_t done_bytes) const;
    [[nodiscard]] Outcome<size_t> move_or_wait(const Call& call, std::span<const iovec> piece,
                                               const Operation& operation, uint64_t done_bytes) const;

    Descriptor& m_descriptor;
    const Preopen* m_grant;
    uint64_t m_most_bytes;
    Charge m_what;
    short m_events;
};

}  // namespace wsb::wasi
