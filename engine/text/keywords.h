// SPDX-License-Identifier: Apache-2.0
// The reserved words of the text format, to tell a word in the wrong place from one that is none.
#pragma once

#include "engine/text/lexer.h"

#include <string_view>

namespace wsb::text {

/// Whether a word belongs to the format: an instruction, a type, a form.
[[nodiscard]] bool is_keyword(std::string_view word) noexcept;

/// The error for a token that cannot stand where it does: unexpected_token, or unknown_operator if it
/// is neither a keyword nor a number. Spec: text/lexical#text-reserved
[[nodiscard]] std::unexpected<Error> fail_unexpected(const Token& token);

}  // namespace wsb::text
