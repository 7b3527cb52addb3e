// SPDX-License-Identifier: Apache-2.0
#include "engine/text/literals.h"

#include "engine/base/utf8.h"
#include "engine/text/keywords.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace wsb::text {

namespace {

[[nodiscard]] int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// Digits with single underscores between them. @return false if that is not what it is.
[[nodiscard]] bool is_digits(std::string_view text, int base) noexcept {
    bool after_digit = false;
    for (const char c : text) {
        const int digit = hex_digit(c);
        const bool is_digit = digit >= 0 && digit < base;
        if (!is_digit && !(c == '_' && after_digit))
            return false;
        after_digit = is_digit;
    }
    return after_digit;
}

/// The value of digits; nullopt when it needs more than 64 bits.
[[nodiscard]] std::optional<uint64_t> digits_value(std::string_view text, uint64_t base) noexcept {
    uint64_t value = 0;
    for (const char c : text) {
        if (c == '_')
            continue;
        const auto digit = static_cast<uint64_t>(hex_digit(c));
        if (value > (UINT64_MAX - digit) / base)
            return std::nullopt;
        value = value * base + digit;
    }
    return value;
}

struct Magnitude {
    bool is_negative = false;
    bool has_sign = false;
    std::optional<uint64_t> value;  ///< absent: out of 64 bits
};

/// Sign and magnitude of an integer token. @return unexpected_token if it is none.
[[nodiscard]] Result<Magnitude> parse_magnitude(const Token& token) {
    std::string_view text = token.text;
    Magnitude result;
    if (token.kind == Token::Kind::atom && !text.empty() && (text[0] == '+' || text[0] == '-')) {
        result.is_negative = text[0] == '-';
        result.has_sign = true;
        text.remove_prefix(1);
    }
    const bool is_hex = text.starts_with("0x");
    if (is_hex)
        text.remove_prefix(2);
    if (token.kind != Token::Kind::atom || !is_digits(text, is_hex ? 16 : 10))
        return fail_unexpected(token);
    result.value = digits_value(text, is_hex ? 16 : 10);
    return result;
}

/// A float's layout.
template <class Float>
struct Format;
template <>
struct Format<float> {
    using Bits = uint32_t;
    static constexpr int fraction_bits = 23;
    static constexpr int exponent_bias = 127;
};
template <>
struct Format<double> {
    using Bits = uint64_t;
    static constexpr int fraction_bits = 52;
    static constexpr int exponent_bias = 1023;
};

/// A hexadecimal significand: its first 64 bits, whether bits were lost below, and the power of two.
struct HexFloat {
    uint64_t significand = 0;
    bool sticky = false;
    int64_t exponent = 0;
};

/// Reads "h.hhp±d" without the 0x. @return false if the text is not of that form.
[[nodiscard]] bool read_hex(std::string_view text, HexFloat& result) noexcept {
    const size_t p = text.find_first_of("pP");
    std::string_view mantissa = text.substr(0, p);
    if (p != std::string_view::npos) {
        std::string_view power = text.substr(p + 1);
        const bool negative = power.starts_with('-');
        if (power.starts_with('+') || negative)
            power.remove_prefix(1);
        if (!is_digits(power, 10))
            return false;
        const auto value = digits_value(power, 10);
        constexpr int64_t beyond_any = int64_t{1} << 40;
        result.exponent = value && *value < uint64_t{1} << 40 ? static_cast<int64_t>(*value) : beyond_any;
        if (negative)
            result.exponent = -result.exponent;
    }
    const size_t dot = mantissa.find('.');
    const std::string_view whole = mantissa.substr(0, dot);
    const std::string_view fraction = dot == std::string_view::npos ? "" : mantissa.substr(dot + 1);
    if (!is_digits(whole, 16) || (!fraction.empty() && !is_digits(fraction, 16)))
        return false;
    const auto take = [&](char c, bool is_fraction) {
        if (c == '_')
            return;
        if ((result.significand >> 60) != 0) {
            result.sticky |= c != '0';
            result.exponent += is_fraction ? 0 : 4;
            return;
        }
        result.significand = result.significand << 4 | static_cast<uint64_t>(hex_digit(c));
        result.exponent -= is_fraction ? 4 : 0;
    };
    for (const char c : whole)
        take(c, false);
    for (const char c : fraction)
        take(c, true);
    return true;
}

/// Rounds to nearest, ties to even; nullopt on overflow.
template <class Float>
[[nodiscard]] std::optional<typename Format<Float>::Bits> round_hex(HexFloat hex) noexcept {
    using Bits = typename Format<Float>::Bits;
    constexpr int fraction_bits = Format<Float>::fraction_bits;
    constexpr int bias = Format<Float>::exponent_bias;
    if (hex.significand == 0)
        return Bits{0};
    const int shift = std::countl_zero(hex.significand);
    const uint64_t normalized = hex.significand << shift;  // bit 63 set
    const int64_t exponent = hex.exponent + 63 - shift;    // of bit 63
    if (exponent > bias)
        return std::nullopt;
    // How many low bits go: more for subnormals.
    int64_t dropped = 63 - fraction_bits;
    int64_t biased = exponent + bias;
    if (biased < 1) {
        dropped += 1 - biased;
        biased = 0;
    }
    if (dropped > 64)
        return Bits{0};
    const uint64_t kept = dropped == 64 ? 0 : normalized >> dropped;
    const uint64_t half = uint64_t{1} << (dropped - 1);
    const uint64_t rest = dropped == 64 ? normalized : normalized & ((uint64_t{1} << dropped) - 1);
    const bool round_up = rest > half || (rest == half && (hex.sticky || (kept & 1) != 0));
    // A normal significand has its leading bit at fraction_bits, which adds one to the exponent field; a
    // carry out of the fraction does the same.
    const uint64_t exponent_field = biased == 0 ? 0 : static_cast<uint64_t>(biased - 1);
    const uint64_t bits = (exponent_field << fraction_bits) + kept + (round_up ? 1 : 0);
    if (bits >= uint64_t{2 * bias + 1} << fraction_bits)
        return std::nullopt;
    return static_cast<Bits>(bits);
}

/// "d.de±d" with digits around the dot as the format wants them.
[[nodiscard]] bool is_decimal_float(std::string_view text) noexcept {
    const size_t e = text.find_first_of("eE");
    if (e != std::string_view::npos) {
        std::string_view power = text.substr(e + 1);
        if (power.starts_with('+') || power.starts_with('-'))
            power.remove_prefix(1);
        if (!is_digits(power, 10))
            return false;
    }
    const std::string_view mantissa = text.substr(0, e);
    const size_t dot = mantissa.find('.');
    if (!is_digits(mantissa.substr(0, dot), 10))
        return false;
    return dot == std::string_view::npos || dot + 1 == mantissa.size() ||
           is_digits(mantissa.substr(dot + 1), 10);
}

/// Whether a decimal number far from one is above it. No underscores.
[[nodiscard]] bool is_above_one(std::string_view text) noexcept {
    const size_t e = text.find_first_of("eE");
    const std::string_view mantissa = text.substr(0, e);
    const size_t dot = std::min(mantissa.find('.'), mantissa.size());
    const size_t first = mantissa.find_first_of("123456789");
    if (first == std::string_view::npos)
        return false;
    int64_t exponent = static_cast<int64_t>(dot) - static_cast<int64_t>(first);
    if (e != std::string_view::npos) {
        std::string_view power = text.substr(e + 1);
        const bool is_negative = power.starts_with('-');
        if (power.starts_with('+') || is_negative)
            power.remove_prefix(1);
        constexpr uint64_t beyond_any = uint64_t{1} << 40;
        const auto value =
            static_cast<int64_t>(std::min(digits_value(power, 10).value_or(beyond_any), beyond_any));
        exponent += is_negative ? -value : value;
    }
    return exponent > 0;
}

template <class Float>
[[nodiscard]] Result<typename Format<Float>::Bits> parse_magnitude_of(const Token& token,
                                                                      std::string_view text) {
    using Bits = typename Format<Float>::Bits;
    constexpr int fraction_bits = Format<Float>::fraction_bits;
    constexpr Bits infinity = std::bit_cast<Bits>(std::numeric_limits<Float>::infinity());
    if (text == "inf")
        return infinity;
    if (text == "nan")
        return static_cast<Bits>(infinity | Bits{1} << (fraction_bits - 1));
    if (text.starts_with("nan:0x")) {
        const std::string_view digits = text.substr(6);
        if (!is_digits(digits, 16))
            return fail_unexpected(token);
        const auto payload = digits_value(digits, 16);
        if (!payload || *payload == 0 || *payload >= uint64_t{1} << fraction_bits)
            return fail_at(token, ErrorCode::constant_out_of_range);
        return static_cast<Bits>(infinity | *payload);
    }
    if (text.starts_with("0x")) {
        HexFloat hex;
        if (!read_hex(text.substr(2), hex))
            return fail_unexpected(token);
        const auto rounded = round_hex<Float>(hex);
        if (!rounded)
            return fail_at(token, ErrorCode::constant_out_of_range);
        return *rounded;
    }
    if (token.kind != Token::Kind::atom || !is_decimal_float(text))
        return fail_unexpected(token);
    std::string plain;
    for (const char c : text)
        if (c != '_')
            plain += c;
    Float value = 0;
    const auto [end, status] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
    if (status == std::errc::result_out_of_range) {
        // Too large, or so small that it rounds to zero.
        if (is_above_one(plain))
            return fail_at(token, ErrorCode::constant_out_of_range);
        value = 0;
    }
    if (std::isinf(value))
        return fail_at(token, ErrorCode::constant_out_of_range);
    return std::bit_cast<Bits>(value);
}

template <class Float>
[[nodiscard]] Result<typename Format<Float>::Bits> parse_float(const Token& token) {
    using Bits = typename Format<Float>::Bits;
    std::string_view text = token.text;
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+'))
        text.remove_prefix(1);
    WSB_TRY_ASSIGN(const Bits bits, parse_magnitude_of<Float>(token, text));
    return static_cast<Bits>(bits | (is_negative ? Bits{1} << (8 * sizeof(Float) - 1) : Bits{0}));
}

}  // namespace

bool is_natural(const Token& token) noexcept {
    return token.kind == Token::Kind::atom && !token.text.empty() && token.text[0] >= '0' &&
           token.text[0] <= '9';
}

bool is_number(const Token& token) noexcept {
    std::string_view text = token.text;
    if (token.kind != Token::Kind::atom)
        return false;
    if (text.starts_with('+') || text.starts_with('-'))
        text.remove_prefix(1);
    if (text == "inf" || text == "nan")
        return true;
    if (text.starts_with("nan:0x"))
        return is_digits(text.substr(6), 16);
    HexFloat hex;
    return text.starts_with("0x") ? read_hex(text.substr(2), hex) : is_decimal_float(text);
}

Result<uint64_t> parse_unsigned(const Token& token, unsigned bits) {
    WSB_TRY_ASSIGN(const Magnitude magnitude, parse_magnitude(token));
    if (magnitude.has_sign)
        return fail_at(token, ErrorCode::unexpected_token, "expected a number without sign");
    if (!magnitude.value || (bits < 64 && *magnitude.value >> bits != 0))
        return fail_at(token, bits == 32   ? ErrorCode::i32_constant
                              : bits == 64 ? ErrorCode::i64_constant
                              : bits == 8  ? ErrorCode::i8_constant
                                           : ErrorCode::constant_out_of_range);
    return *magnitude.value;
}

Result<uint64_t> parse_integer(const Token& token, unsigned bits) {
    WSB_TRY_ASSIGN(const Magnitude magnitude, parse_magnitude(token));
    const uint64_t mask = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    const uint64_t lowest = uint64_t{1} << (bits - 1);
    const bool fits = magnitude.value && *magnitude.value <= (magnitude.is_negative ? lowest : mask);
    if (!fits)
        return fail_at(token, ErrorCode::constant_out_of_range);
    return (magnitude.is_negative ? uint64_t{0} - *magnitude.value : *magnitude.value) & mask;
}

Result<uint32_t> parse_f32(const Token& token) {
    return parse_float<float>(token);
}

Result<uint64_t> parse_f64(const Token& token) {
    return parse_float<double>(token);
}

namespace {

void append_utf8(std::string& to, uint32_t code) {
    const auto put = [&](uint32_t byte) { to += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6);
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

/// \u{…}: `text` begins behind the brace. @return how many characters were read, 0 if it is malformed.
[[nodiscard]] size_t read_unicode(std::string_view text, std::string& to) {
    const size_t end = text.find('}');
    if (end == std::string_view::npos || !is_digits(text.substr(0, end), 16))
        return 0;
    const auto code = digits_value(text.substr(0, end), 16);
    if (!code || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
        return 0;
    append_utf8(to, static_cast<uint32_t>(*code));
    return end + 1;
}

}  // namespace

Result<std::string> parse_string(const Token& token) {
    if (token.kind != Token::Kind::string)
        return fail_at(token, ErrorCode::unexpected_token, "expected a string");
    const std::string_view text = token.text.substr(1, token.text.size() - 2);
    std::string bytes;
    bytes.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        const char c = i + 1 < text.size() ? text[i + 1] : '\0';
        constexpr std::string_view names = "tnr\"'\\";
        constexpr std::string_view values = "\t\n\r\"'\\";
        if (const size_t found = names.find(c); c != '\0' && found != std::string_view::npos) {
            bytes += values[found];
            ++i;
        } else if (c == 'u' && i + 2 < text.size() && text[i + 2] == '{') {
            const size_t read = read_unicode(text.substr(i + 3), bytes);
            if (read == 0)
                return fail_at(token, ErrorCode::illegal_escape);
            i += 2 + read;
        } else if (i + 2 < text.size() && hex_digit(c) >= 0 && hex_digit(text[i + 2]) >= 0) {
            bytes += static_cast<char>(hex_digit(c) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            return fail_at(token, ErrorCode::illegal_escape);
        }
    }
    return bytes;
}

Result<std::string> parse_id(const Token& token) {
    if (!token.text.starts_with("$\""))
        return std::string(token.text.substr(1));
    Token quoted = token;
    quoted.kind = Token::Kind::string;
    quoted.text.remove_prefix(1);
    WSB_TRY_ASSIGN(std::string name, parse_string(quoted));
    if (!is_utf8(name))
        return fail_at(token, ErrorCode::malformed_utf8);
    return name;
}

}  // namespace wsb::text
