// SPDX-License-Identifier: Apache-2.0
// Random bytes from a seed: ChaCha20 (RFC 8439) with the seed as the first 8 bytes of the key, the rest of the
// key and the nonce zero, counting blocks from 0. The same seed gives the same bytes on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace wsb::wasi {

class SeededRandom {
public:
    explicit SeededRandom(uint64_t seed) noexcept : m_seed(seed) {}
    void fill(std::span<uint8_t> target) noexcept;

private:
    uint64_t m_seed;
    uint64_t m_next_block = 0;
    std::array<uint8_t, 64> m_block{};
    size_t m_used = 64;  ///< bytes of the block
};

/// One block of ChaCha20: key, block counter, nonce. RFC 8439, section 2.3.
[[nodiscard]] std::array<uint8_t, 64> chacha20_block(const std::array<uint32_t, 8>& key, uint32_t counter,
                                                     const std::array<uint32_t, 3>& nonce) noexcept;

}  // namespace wsb::wasi
