// SPDX-License-Identifier: Apache-2.0
// The guest's vectors of bytes as the host's.
#include "wasi/io_vectors.h"

#include <algorithm>

namespace wsb::wasi {

Outcome<void> IoVectors::read(const Call& call, uint32_t iovecs, uint32_t count) {
    WSB_TRY_ASSIGN(const std::span<uint8_t> list, call.memory.array(iovecs, count, iovec_size_bytes));
    constexpr size_t bytes_between_checks = size_t{1} << 20;
    for (size_t at = 0; at < list.size() && m_count < m_vectors.size(); at += iovec_size_bytes) {
        if (at % bytes_between_checks == bytes_between_checks - iovec_size_bytes)
            WSB_TRY(call.policy().checkpoint());
        const auto address = GuestMemory::get<uint32_t>(list, at);
        const auto length = GuestMemory::get<uint32_t>(list, at + 4);
        // Empty ones would only take places: and a short count of 0 would look like the end.
        if (length == 0)
            continue;
        WSB_TRY_ASSIGN(const std::span<uint8_t> target, call.memory.bytes(address, length));
        m_vectors[m_count++] = iovec{target.data(), target.size()};
        m_left_bytes += length;
    }
    return {};
}

std::span<const iovec> IoVectors::piece(uint64_t most_bytes) noexcept {
    size_t used = 0;
    for (size_t i = m_first; i < m_count && most_bytes > 0; ++i) {
        m_piece[used] = m_vectors[i];
        m_piece[used].iov_len = std::min<uint64_t>(m_vectors[i].iov_len, most_bytes);
        most_bytes -= m_piece[used++].iov_len;
    }
    return std::span(m_piece).first(used);
}

void IoVectors::advance(uint64_t done_bytes) noexcept {
    m_left_bytes -= done_bytes;
    while (done_bytes > 0) {
        iovec& first = m_vectors[m_first];
        const uint64_t taken = std::min<uint64_t>(first.iov_len, done_bytes);
        first.iov_base = static_cast<uint8_t*>(first.iov_base) + taken;
        first.iov_len -= taken;
        done_bytes -= taken;
        if (first.iov_len == 0)
            ++m_first;
    }
}

}  // namespace wsb::wasi
