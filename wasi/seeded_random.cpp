// SPDX-License-Identifier: Apache-2.0
// ChaCha20 as a source of random bytes.
#include "wasi/seeded_random.h"

#include <algorithm>
#include <bit>

namespace wsb::wasi {
namespace {

using State = std::array<uint32_t, 16>;

void quarter_round(State& state, size_t a, size_t b, size_t c, size_t d) noexcept {
    state[a] += state[b];
    state[d] = std::rotl(state[d] ^ state[a], 16);
    state[c] += state[d];
    state[b] = std::rotl(state[b] ^ state[c], 12);
    state[a] += state[b];
    state[d] = std::rotl(state[d] ^ state[a], 8);
    state[c] += state[d];
    state[b] = std::rotl(state[b] ^ state[c], 7);
}

}  // namespace

std::array<uint8_t, 64> chacha20_block(const std::array<uint32_t, 8>& key, uint32_t counter,
                                       const std::array<uint32_t, 3>& nonce) noexcept {
    // "expand 32-byte k".
    State begin{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    std::ranges::copy(key, begin.begin() + 4);
    begin[12] = counter;
    std::ranges::copy(nonce, begin.begin() + 13);
    State state = begin;
    constexpr int double_rounds = 10;
    for (int round = 0; round < double_rounds; ++round) {
        for (size_t column = 0; column < 4; ++column)
            quarter_round(state, column, column + 4, column + 8, column + 12);
        for (size_t i = 0; i < 4; ++i)
            quarter_round(state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    std::array<uint8_t, 64> bytes;
    for (size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<uint8_t>((state[i / 4] + begin[i / 4]) >> (8 * (i % 4)));
    return bytes;
}

void SeededRandom::fill(std::span<uint8_t> target) noexcept {
    const std::array<uint32_t, 8> key{static_cast<uint32_t>(m_seed), static_cast<uint32_t>(m_seed >> 32)};
    while (!target.empty()) {
        if (m_used == m_block.size()) {
            // 2^32 blocks are 256 GiB; beyond them the count goes on in the nonce.
            m_block = chacha20_block(key, static_cast<uint32_t>(m_next_block),
                                     {static_cast<uint32_t>(m_next_block >> 32), 0, 0});
            ++m_next_block;
            m_used = 0;
        }
        const size_t taken = std::min(target.size(), m_block.size() - m_used);
        std::copy_n(m_block.begin() + static_cast<ptrdiff_t>(m_used), taken, target.begin());
        m_used += taken;
        target = target.subspan(taken);
    }
}

}  // namespace wsb::wasi
