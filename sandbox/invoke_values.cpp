// SPDX-License-Identifier: Apache-2.0
// Values from and to text.
#include "sandbox/invoke_values.h"

#include "engine/base/result.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

namespace wsb::sandbox {
namespace {

/// Magnitude and sign; nullopt if it is no integer of 64 bits.
template <class Signed>
std::optional<Value> parse_integer(std::string_view text) {
    using Unsigned = std::make_unsigned_t<Signed>;
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+'))
        text.remove_prefix(1);
    const bool is_hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (is_hexadecimal)
        text.remove_prefix(2);
    Unsigned magnitude = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), magnitude, is_hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    constexpr auto most_negative = static_cast<Unsigned>(std::numeric_limits<Signed>::max()) + 1;
    if (is_negative && magnitude > most_negative)
        return std::nullopt;
    return Value(static_cast<Unsigned>(is_negative ? Unsigned{0} - magnitude : magnitude));
}

template <class Float>
std::optional<Value> parse_float(std::string_view text) {
    const std::string terminated(text);
    if (terminated.empty() || terminated.front() == ' ')
        return std::nullopt;
    char* end = nullptr;
    Float value{};
    if constexpr (sizeof(Float) == sizeof(float))
        value = std::strtof(terminated.c_str(), &end);
    else
        value = std::strtod(terminated.c_str(), &end);
    if (end != terminated.c_str() + terminated.size())
        return std::nullopt;
    return Value(value);
}

std::optional<Value> parse_v128(std::string_view text) {
    if (!text.starts_with("0x") || text.size() < 3 || text.size() > 34)
        return std::nullopt;
    text.remove_prefix(2);
    const auto half = [](std::string_view digits) -> std::optional<uint64_t> {
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (error != std::errc{} || end != digits.data() + digits.size())
            return std::nullopt;
        return value;
    };
    const size_t high_digits = text.size() > 16 ? text.size() - 16 : 0;
    const auto low = half(text.substr(high_digits));
    const auto high = high_digits == 0 ? uint64_t{0} : half(text.substr(0, high_digits));
    if (!low || !high)
        return std::nullopt;
    return Value::from_raw(ValType::v128, *low, *high);
}

std::optional<Value> parse(std::string_view text, ValType type) {
    switch (type.kind()) {
        case ValType::i32: return parse_integer<int32_t>(text);
        case ValType::i64: return parse_integer<int64_t>(text);
        case ValType::f32: return parse_float<float>(text);
        case ValType::f64: return parse_float<double>(text);
        case ValType::v128: return parse_v128(text);
        case ValType::ref:
            if (text == "null" && type.is_nullable())
                return Value::null(type);
            return std::nullopt;
        case ValType::bottom: break;
    }
    return std::nullopt;
}

/// With a point or an exponent, so that it is seen to be a float; NaNs with their sign.
template <class Float>
std::string float_to_text(Float value) {
    if (std::isnan(value))
        return std::signbit(value) ? "-nan" : "nan";
    std::string text = fmt::format("{}", value);
    if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos)
        text += ".0";
    return text;
}

}  // namespace

Result<Value> parse_value(std::string_view text, ValType type) {
    if (const auto value = parse(text, type))
        return *value;
    return fail(ErrorCode::bad_usage,
                fmt::format("argument \"{}\" is no value of type {}", text, to_string(type)));
}

Result<std::vector<Value>> parse_values(std::span<const std::string> texts, const FuncType& type) {
    if (texts.size() != type.params.size())
        return fail(ErrorCode::bad_usage,
                    fmt::format("{} argument{} given, but the function has the type {}", texts.size(),
                                texts.size() == 1 ? "" : "s", to_string(type)));
    std::vector<Value> values;
    for (size_t i = 0; i < texts.size(); ++i) {
        WSB_TRY_ASSIGN(const Value value, parse_value(texts[i], type.params[i]));
        values.push_back(value);
    }
    return values;
}

std::string to_text(const Value& value) {
    switch (value.kind()) {
        case ValType::i32: return fmt::format("{}", value.i32());
        case ValType::i64: return fmt::format("{}", value.i64());
        case ValType::f32: return float_to_text(value.f32());
        case ValType::f64: return float_to_text(value.f64());
        case ValType::v128: return fmt::format("0x{:016x}{:016x}", value.raw()[1], value.raw()[0]);
        case ValType::ref:
        case ValType::bottom: break;
    }
    return value.is_null() ? "null" : "ref";
}

}  // namespace wsb::sandbox
