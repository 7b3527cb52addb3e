// SPDX-License-Identifier: Apache-2.0
// Moving bytes between the guest and a descriptor.
#include "wasi/transfer.h"

#include <algorithm>

namespace wsb::wasi {

Outcome<size_t> Transfer::move_or_wait(const Call& call, std::span<const iovec> piece,
                                       const Operation& operation, uint64_t done_bytes) const {
    while (true) {
        const auto count = operation(piece, done_bytes);
        if (count || count.error() != Errno::again || done_bytes > 0 || m_descriptor.wait_fd() < 0)
            return count;
        WSB_TRY_ASSIGN(const uint32_t flags, m_descriptor.flags());
        if ((flags & fdflag::nonblock) != 0)
            return count;
        WSB_TRY(call.wait_for(m_descriptor, m_events));
    }
}

Outcome<size_t> Transfer::move_piece(const Call& call, IoVectors& vectors, const Operation& operation,
                                     uint64_t done_bytes) const {
    Policy& policy = call.policy();
    const uint64_t wanted = std::min({vectors.left_bytes(), piece_bytes, m_most_bytes - done_bytes});
    const uint64_t asked = std::min(wanted, std::max<uint64_t>(1, policy.available(m_what, m_grant)));
    WSB_TRY(policy.charge(m_what, asked, m_grant));
    const auto count = move_or_wait(call, vectors.piece(asked), operation, done_bytes);
    policy.refund(m_what, asked - count.value_or(0), m_grant);
    if (count)
        vectors.advance(*count);
    return count;
}

Outcome<uint32_t> Transfer::run(const Call& call, IoVectors& vectors, const Operation& operation) const {
    // The descriptor still has its say: whether it can be read or written at all.
    if (vectors.left_bytes() == 0) {
        WSB_TRY(operation({}, 0));
        return uint32_t{0};
    }
    const uint64_t most = std::min<uint64_t>(m_most_bytes, std::numeric_limits<uint32_t>::max());
    uint64_t done = 0;
    while (vectors.left_bytes() > 0 && done < most) {
        if (done > 0)
            WSB_TRY(call.policy().checkpoint());
        const uint64_t left_before = vectors.left_bytes();
        const auto count = move_piece(call, vectors, operation, done);
        if (!count && (done == 0 || count.error() == Errno::canceled))
            return refuse(count.error());
        if (!count)
            break;
        done += *count;
        // Less than a whole piece: the end, or no more at the moment.
        if (*count < std::min(left_before, piece_bytes))
            break;
    }
    return static_cast<uint32_t>(done);
}

}  // namespace wsb::wasi
