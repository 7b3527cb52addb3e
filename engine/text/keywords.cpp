// SPDX-License-Identifier: Apache-2.0
#include "engine/text/keywords.h"

#include "engine/isa/opcode.h"
#include "engine/text/literals.h"

#include <algorithm>
#include <array>

namespace wsb::text {

namespace {

constexpr auto words = [] {
    auto list = std::to_array<std::string_view>({
        "any",
        "anyref",
        "array",
        "arrayref",
        "binary",
        "catch",
        "catch_all",
        "catch_all_ref",
        "catch_ref",
        "data",
        "declare",
        "definition",
        "describes",
        "descriptor",
        "do",
        "elem",
        "else",
        "end",
        "eq",
        "eqref",
        "exact",
        "exn",
        "exnref",
        "export",
        "extern",
        "externref",
        "f32",
        "f32x4",
        "f64",
        "f64x2",
        "field",
        "final",
        "func",
        "funcref",
        "global",
        "i16",
        "i16x8",
        "i31",
        "i31ref",
        "i32",
        "i32x4",
        "i64",
        "i64x2",
        "i8",
        "i8x16",
        "import",
        "instance",
        "item",
        "local",
        "memory",
        "module",
        "mut",
        "noexn",
        "noextern",
        "nofunc",
        "none",
        "null",
        "nan:arithmetic",
        "nan:canonical",
        "nullexnref",
        "nullexternref",
        "nullfuncref",
        "nullref",
        "offset",
        "pagesize",
        "param",
        "quote",
        "rec",
        "ref",
        "result",
        "shared",
        "start",
        "struct",
        "structref",
        "sub",
        "table",
        "tag",
        "then",
        "type",
        "v128",
    });
    std::ranges::sort(list);
    return list;
}();

/// `offset=` and `align=` belong to their numbers.
[[nodiscard]] bool is_memory_key(std::string_view word) noexcept {
    for (const std::string_view key : {"offset=", "align="}) {
        if (!word.starts_with(key))
            continue;
        Token number;
        number.kind = Token::Kind::atom;
        number.text = word.substr(key.size());
        return is_natural(number) && is_number(number);
    }
    return false;
}

}  // namespace

bool is_keyword(std::string_view word) noexcept {
    return std::ranges::binary_search(words, word) || find_op(word).has_value() || is_memory_key(word);
}

std::unexpected<Error> fail_unexpected(const Token& token) {
    const bool is_unknown = token.kind == Token::Kind::atom && !is_number(token) && !is_keyword(token.text);
    return fail_at(token, is_unknown ? ErrorCode::unknown_operator : ErrorCode::unexpected_token,
                   token.kind == Token::Kind::end ? "end of text" : std::string(token.text));
}

}  // namespace wsb::text
