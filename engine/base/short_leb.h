// SPDX-License-Identifier: Apache-2.0
// Short LEB128 numbers, as most are.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wsb {

/// A LEB128 number of at most four bytes.
struct ShortLeb {
    /// A number of so many bytes at most is read, from where so many can be read.
    static constexpr size_t max_bytes = 4;

    uint32_t bits = 0;
    uint32_t size_bytes = 0;  ///< 0: it is longer

    /// Most have one byte; for the sizes of others, which cannot be foretold, there are no branches.
    [[nodiscard]] static ShortLeb read(const uint8_t* from) noexcept {
        static_assert(std::endian::native == std::endian::little);
        if (*from < 0x80) [[likely]]
            return {*from, 1};
        uint32_t bytes = 0;
        std::memcpy(&bytes, from, max_bytes);
        const uint32_t ends = ~bytes & 0x8080'8080u;  // the last byte of a number has bit 7 clear
        if (ends == 0) [[unlikely]]
            return {};
        bytes &= ends ^ (ends - 1);  // up to the first end
        const uint32_t bits = (bytes & 0x7fu) | (bytes >> 1 & 0x7fu << 7) | (bytes >> 2 & 0x7fu << 14) |
                              (bytes >> 3 & 0x7fu << 21);
        return {bits, static_cast<uint32_t>(std::countr_zero(ends)) / 8 + 1};
    }
    [[nodiscard]] int32_t as_signed() const noexcept {
        const uint32_t unused = 32 - 7 * size_bytes;
        return static_cast<int32_t>(bits << unused) >> unused;
    }
};

}  // namespace wsb
