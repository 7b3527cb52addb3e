// SPDX-License-Identifier: Apache-2.0
// Values from and to text, for exports called by name.
#pragma once

#include "engine/base/error.h"
#include "wsb/types.hpp"
#include "wsb/value.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::sandbox {

/// A value of a type: integers in decimal or 0x hexadecimal, signed or unsigned; floats also as "nan",
/// "inf" and in hexadecimal; v128 as 0x and up to 32 digits; references only as "null".
/// @return bad_usage, saying what was expected.
[[nodiscard]] Result<Value> parse_value(std::string_view text, ValType type);

/// One for each parameter. @return bad_usage with the signature if there are too many or too few.
[[nodiscard]] Result<std::vector<Value>> parse_values(std::span<const std::string> texts,
                                                      const FuncType& type);

/// In a form that parse_value reads: integers signed, floats shortest; references as "null" or "ref".
[[nodiscard]] std::string to_text(const Value& value);

}  // namespace wsb::sandbox
