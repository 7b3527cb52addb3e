// SPDX-License-Identifier: Apache-2.0
// Tokens of the text format. Spec: text/lexical
#pragma once

#include "engine/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wsb::text {

struct Token {
    enum class Kind : uint8_t {
        left,
        right,   ///< parentheses
        atom,    ///< keyword or number: a run of identifier characters
        id,      ///< `$name` or `$"name"`, the `$` included
        string,  ///< the quotes included
        end,
    };
    Kind kind = Kind::end;
    std::string_view text;         ///< inside the source
    std::string_view annotations;  ///< before the token, from the first one to the last; mostly empty
    uint32_t line = 1;
    uint32_t column = 1;  ///< in bytes

    [[nodiscard]] bool is(std::string_view atom) const noexcept { return kind == Kind::atom && text == atom; }
};

/// Splits text into tokens; blanks, comments and annotations are skipped. Cheap to copy: a copy is a
/// place to come back to.
class Lexer {
public:
    explicit Lexer(std::string_view source, uint32_t line = 1, uint32_t column = 1) noexcept
        : m_source(source), m_line(line), m_line_start(1 - static_cast<ptrdiff_t>(column)) {}

    /// @return malformed errors with line and column.
    [[nodiscard]] Result<Token> next();
    /// The next annotation, if nothing but blanks and comments comes before it; else empty.
    [[nodiscard]] Result<std::string_view> next_annotation();
    /// Offset in the source of the next character.
    [[nodiscard]] size_t position() const noexcept { return m_position; }
    [[nodiscard]] std::string_view source() const noexcept { return m_source; }

private:
    [[nodiscard]] char at(size_t position) const noexcept {
        return position < m_source.size() ? m_source[position] : '\0';
    }
    [[nodiscard]] std::unexpected<Error> error(ErrorCode code, size_t position,
                                               std::string detail = {}) const;
    /// Blanks and comments; annotations too, if the caller wants to know where they are.
    [[nodiscard]] Result<void> skip_blank(std::string_view* annotations);
    [[nodiscard]] Result<Token> next_token();
    [[nodiscard]] Result<void> skip_line_comment();
    [[nodiscard]] Result<void> skip_block_comment();
    [[nodiscard]] Result<void> skip_annotation();
    [[nodiscard]] Result<void> skip_string();
    [[nodiscard]] Token token(Token::Kind kind, size_t start) const noexcept;
    void new_line(size_t start) noexcept {
        ++m_line;
        m_line_start = static_cast<ptrdiff_t>(start);
    }

    std::string_view m_source;
    size_t m_position = 0;
    uint32_t m_line;
    ptrdiff_t m_line_start;
};

/// An error at a token.
[[nodiscard]] std::unexpected<Error> fail_at(const Token& token, ErrorCode code, std::string detail = {});

[[nodiscard]] bool is_id_char(char c) noexcept;

}  // namespace wsb::text
