// SPDX-License-Identifier: Apache-2.0
// Numbers and strings of the text format. Spec: text/values
#pragma once

#include "engine/text/lexer.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsb::text {

/// An unsigned number below 2^bits; nullopt if the text is none at all.
/// @return constant_out_of_range if it is too large.
[[nodiscard]] Result<uint64_t> parse_unsigned(const Token& token, unsigned bits);

/// A signed or unsigned number of `bits` bits (8, 16, 32, 64) as a bit pattern.
[[nodiscard]] Result<uint64_t> parse_integer(const Token& token, unsigned bits);

/// Bit patterns of floats, rounded to nearest even; inf, nan and nan:0x… included.
[[nodiscard]] Result<uint32_t> parse_f32(const Token& token);
[[nodiscard]] Result<uint64_t> parse_f64(const Token& token);

/// Whether a token looks like a natural number.
[[nodiscard]] bool is_natural(const Token& token) noexcept;

/// Whether a token is a number of any form, its size aside.
[[nodiscard]] bool is_number(const Token& token) noexcept;

/// The bytes of a string token, escapes resolved. @return illegal_escape.
[[nodiscard]] Result<std::string> parse_string(const Token& token);

/// The name of an id token, without `$` and quotes. @return malformed_utf8, illegal_escape.
[[nodiscard]] Result<std::string> parse_id(const Token& token);

}  // namespace wsb::text
