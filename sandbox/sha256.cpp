// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace wsb::sandbox {
namespace {

using State = std::array<uint32_t, 8>;
constexpr size_t block_bytes = 64;

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<uint32_t, 64> constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void add_block(State& state, const uint8_t* block) noexcept {
    std::array<uint32_t, 64> words;
    for (size_t i = 0; i < 16; ++i)
        words[i] = uint32_t{block[4 * i]} << 24 | uint32_t{block[4 * i + 1]} << 16 |
                   uint32_t{block[4 * i + 2]} << 8 | block[4 * i + 3];
    for (size_t i = 16; i < 64; ++i) {
        const uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + words[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) +
                   (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (size_t i = 0; i < 64; ++i) {
        const uint32_t one = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                             ((e & f) ^ (~e & g)) + constants[i] + words[i];
        const uint32_t two =
            (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + one;
        d = c;
        c = b;
        b = a;
        a = one + two;
    }
    const State added{a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < state.size(); ++i)
        state[i] += added[i];
}

}  // namespace

Sha256 sha256(std::span<const uint8_t> bytes) noexcept {
    State state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint64_t bits = uint64_t{bytes.size()} * 8;
    for (; bytes.size() >= block_bytes; bytes = bytes.subspan(block_bytes))
        add_block(state, bytes.data());
    // The rest, a one, zeros, and the length in the last eight bytes.
    std::array<uint8_t, 2 * block_bytes> last{};
    std::ranges::copy(bytes, last.begin());
    last[bytes.size()] = 0x80;
    const size_t size_bytes = bytes.size() + 9 <= block_bytes ? block_bytes : 2 * block_bytes;
    for (size_t i = 0; i < 8; ++i)
        last[size_bytes - 1 - i] = static_cast<uint8_t>(bits >> (8 * i));
    for (size_t at = 0; at < size_bytes; at += block_bytes)
        add_block(state, last.data() + at);
    Sha256 hash;
    for (size_t i = 0; i < hash.size(); ++i)
        hash[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
    return hash;
}

std::string sha256_hex(std::span<const uint8_t> bytes) {
    std::string text;
    for (const uint8_t byte : sha256(bytes))
        text += fmt::format("{:02x}", byte);
    return text;
}

std::string sha256_hex(std::string_view text) {
    // SAFETY: uint8_t and char have the same representation.
    return sha256_hex(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

}  // namespace wsb::sandbox
