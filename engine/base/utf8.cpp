// SPDX-License-Identifier: Apache-2.0
#include "engine/base/utf8.h"

#include <cstring>

namespace wsb {

namespace {

[[nodiscard]] constexpr bool in_range(uint8_t byte, uint8_t low, uint8_t high) noexcept {
    return byte >= low && byte <= high;
}

/// Length of the well-formed sequence at the front of `bytes`, which is not empty; 0 if there is
/// none. The ranges of second bytes exclude overlong forms, surrogates and what lies above
/// U+10FFFF.
[[nodiscard]] size_t sequence_length(std::span<const uint8_t> bytes) noexcept {
    const uint8_t lead = bytes[0];
    if (lead < 0x80)
        return 1;
    size_t length = 0;
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    if (in_range(lead, 0xc2, 0xdf)) {
        length = 2;
    } else if (in_range(lead, 0xe0, 0xef)) {
        length = 3;
        if (lead == 0xe0)
            low = 0xa0;
        else if (lead == 0xed)
            high = 0x9f;
    } else if (in_range(lead, 0xf0, 0xf4)) {
        length = 4;
        if (lead == 0xf0)
            low = 0x90;
        else if (lead == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (bytes.size() < length || !in_range(bytes[1], low, high))
        return 0;
    for (size_t i = 2; i < length; ++i)
        if (!in_range(bytes[i], 0x80, 0xbf))
            return 0;
    return length;
}

}  // namespace

bool is_utf8(std::span<const uint8_t> bytes) noexcept {
    constexpr uint64_t high_bits = 0x8080808080808080;
    while (!bytes.empty()) {
        uint64_t word = 0;
        if (bytes.size() >= sizeof word) {
            std::memcpy(&word, bytes.data(), sizeof word);
            if ((word & high_bits) == 0) {
                bytes = bytes.subspan(sizeof word);
                continue;
            }
        }
        const size_t length = sequence_length(bytes);
        if (length == 0)
            return false;
        bytes = bytes.subspan(length);
    }
    return true;
}

bool is_utf8(std::string_view text) noexcept {
    // SAFETY: bytes of any object may be read as unsigned char, which uint8_t is.
    return is_utf8(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

}  // namespace wsb
