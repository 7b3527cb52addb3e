// SPDX-License-Identifier: Apache-2.0
#include "engine/text/float_text.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <limits>

namespace wsb::text {

namespace {

template <class Float, class Bits>
[[nodiscard]] std::string float_text(Bits bits) {
    constexpr Bits sign = Bits{1} << (8 * sizeof(Bits) - 1);
    constexpr Bits infinity = std::bit_cast<Bits>(std::numeric_limits<Float>::infinity());
    constexpr Bits canonical_payload = Bits{1} << (std::numeric_limits<Float>::digits - 2);
    const std::string_view minus = (bits & sign) != 0 ? "-" : "";
    const Bits magnitude = bits & ~sign;
    if (magnitude == infinity)
        return fmt::format("{}inf", minus);
    if (magnitude > infinity) {
        const Bits payload = magnitude ^ infinity;
        return payload == canonical_payload ? fmt::format("{}nan", minus)
                                            : fmt::format("{}nan:{:#x}", minus, payload);
    }
    char buffer[32];
    const auto [end, status] = std::to_chars(buffer, std::end(buffer), std::bit_cast<Float>(bits));
    static_cast<void>(status);  // no shortest form is as long as the buffer
    return {buffer, end};
}

}  // namespace

std::string f32_text(uint32_t bits) {
    return float_text<float>(bits);
}

std::string f64_text(uint64_t bits) {
    return float_text<double>(bits);
}

}  // namespace wsb::text
