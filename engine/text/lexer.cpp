// SPDX-License-Identifier: Apache-2.0
#include "engine/text/lexer.h"

#include "engine/base/utf8.h"
#include "engine/text/literals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace wsb::text {

namespace {

constexpr auto id_chars = [] {
    std::array<bool, 256> table{};
    for (char c = 'a'; c <= 'z'; ++c)
        table[static_cast<uint8_t>(c)] = true;
    for (char c = 'A'; c <= 'Z'; ++c)
        table[static_cast<uint8_t>(c)] = true;
    for (char c = '0'; c <= '9'; ++c)
        table[static_cast<uint8_t>(c)] = true;
    for (const char c : std::string_view("!#$%&'*+-./:<=>?@\\^_`|~"))
        table[static_cast<uint8_t>(c)] = true;
    return table;
}();

/// Why the text cannot begin with this character.
[[nodiscard]] ErrorCode illegal_code(std::string_view text) noexcept {
    const auto lead = static_cast<uint8_t>(text[0]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return is_utf8(text.substr(0, length)) ? ErrorCode::illegal_character : ErrorCode::malformed_utf8;
}

}  // namespace

bool is_id_char(char c) noexcept {
    return id_chars[static_cast<uint8_t>(c)];
}

std::unexpected<Error> fail_at(const Token& token, ErrorCode code, std::string detail) {
    Error error;
    error.code = code;
    error.line = token.line;
    error.column = token.column;
    error.detail = std::move(detail);
    return std::unexpected(std::move(error));
}

std::unexpected<Error> Lexer::error(ErrorCode code, size_t position, std::string detail) const {
    return fail_at(token(Token::Kind::end, position), code, std::move(detail));
}

Token Lexer::token(Token::Kind kind, size_t start) const noexcept {
    Token token;
    token.kind = kind;
    if (start <= m_position)
        token.text = m_source.substr(start, m_position - start);
    token.line = m_line;
    token.column = static_cast<uint32_t>(static_cast<ptrdiff_t>(start) - m_line_start + 1);
    return token;
}

Result<void> Lexer::skip_blank(std::string_view* annotations) {
    size_t first_annotation = std::string_view::npos;
    while (m_position < m_source.size()) {
        const char c = m_source[m_position];
        if (c == '\n') {
            new_line(++m_position);
        } else if (c == '\r') {
            ++m_position;
            if (at(m_position) != '\n')
                new_line(m_position);
        } else if (c == ' ' || c == '\t') {
            ++m_position;
        } else if (c == ';' && at(m_position + 1) == ';') {
            WSB_TRY(skip_line_comment());
        } else if (c == '(' && at(m_position + 1) == ';') {
            WSB_TRY(skip_block_comment());
        } else if (annotations != nullptr && c == '(' && at(m_position + 1) == '@') {
            first_annotation = std::min(first_annotation, m_position);
            WSB_TRY(skip_annotation());
            *annotations = m_source.substr(first_annotation, m_position - first_annotation);
        } else {
            break;
        }
    }
    return {};
}

/// To the end of the line, which stays.
Result<void> Lexer::skip_line_comment() {
    const size_t start = m_position;
    while (m_position < m_source.size() && m_source[m_position] != '\n' && m_source[m_position] != '\r')
        ++m_position;
    if (!is_utf8(m_source.substr(start, m_position - start)))
        return error(ErrorCode::malformed_utf8, start);
    return {};
}

Result<void> Lexer::skip_block_comment() {
    const size_t start = m_position;
    const Lexer opened = *this;
    size_t depth = 0;
    do {
        if (m_position >= m_source.size())
            return opened.error(ErrorCode::unclosed_comment, start);
        if (at(m_position) == '(' && at(m_position + 1) == ';') {
            ++depth;
            m_position += 2;
        } else if (at(m_position) == ';' && at(m_position + 1) == ')') {
            --depth;
            m_position += 2;
        } else if (const char c = m_source[m_position++];
                   c == '\n' || (c == '\r' && at(m_position) != '\n')) {
            new_line(m_position);
        }
    } while (depth != 0);
    if (!is_utf8(m_source.substr(start, m_position - start)))
        return opened.error(ErrorCode::malformed_utf8, start);
    return {};
}

/// (@id …) with balanced parentheses. Spec: text/lexical#annotations
Result<void> Lexer::skip_annotation() {
    const Lexer opened = *this;
    const size_t start = m_position;
    m_position += 2;
    if (at(m_position) == '"') {
        const size_t name = m_position;
        if (!skip_string() || m_position - name == 2)
            return opened.error(ErrorCode::empty_annotation_id, start);
        WSB_TRY_ASSIGN(const std::string id, parse_string(token(Token::Kind::string, name)));
        if (!is_utf8(id))
            return opened.error(ErrorCode::malformed_utf8, start);
    } else {
        if (!is_id_char(at(m_position)))
            return opened.error(ErrorCode::empty_annotation_id, start);
        while (is_id_char(at(m_position)))
            ++m_position;
    }
    size_t depth = 1;
    while (depth != 0) {
        const char c = at(m_position);
        if (m_position >= m_source.size())
            return opened.error(ErrorCode::unclosed_annotation, start);
        if (c == '"') {
            WSB_TRY(skip_string());
        } else if (c == '(' && at(m_position + 1) == ';') {
            WSB_TRY(skip_block_comment());
        } else if (c == ';' && at(m_position + 1) == ';') {
            WSB_TRY(skip_line_comment());
        } else if (c == '\n' || (c == '\r' && at(m_position + 1) != '\n')) {
            new_line(++m_position);
        } else if (c == '(' || c == ')') {
            depth = c == '(' ? depth + 1 : depth - 1;
            ++m_position;
        } else if (is_id_char(c) || c == ' ' || c == '\t' || c == '\r' || c == ',' || c == ';' || c == '[' ||
                   c == ']' || c == '{' || c == '}') {
            ++m_position;
        } else {
            return error(illegal_code(m_source.substr(m_position)), m_position);
        }
    }
    return {};
}

/// From the opening quote to behind the closing one; escapes are judged by literals.h.
Result<void> Lexer::skip_string() {
    const size_t start = m_position++;
    while (true) {
        if (m_position >= m_source.size())
            return error(ErrorCode::unclosed_string, start);
        const char c = m_source[m_position];
        if (c == '"')
            break;
        if (c == '\n' || c == '\r')
            return error(ErrorCode::unclosed_string, start);
        if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f)
            return error(ErrorCode::illegal_character, m_position);
        m_position += c == '\\' && m_position + 1 < m_source.size() ? 2 : 1;
    }
    ++m_position;
    return {};
}

Result<std::string_view> Lexer::next_annotation() {
    WSB_TRY(skip_blank(nullptr));
    const size_t start = m_position;
    if (at(start) != '(' || at(start + 1) != '@')
        return std::string_view();
    WSB_TRY(skip_annotation());
    return m_source.substr(start, m_position - start);
}

Result<Token> Lexer::next() {
    std::string_view annotations;
    WSB_TRY(skip_blank(&annotations));
    WSB_TRY_ASSIGN(Token token, next_token());
    token.annotations = annotations;
    return token;
}

/// At the first character of a token or at the end.
Result<Token> Lexer::next_token() {
    const size_t start = m_position;
    if (start >= m_source.size())
        return token(Token::Kind::end, start);
    const char c = m_source[start];
    if (c == '(' || c == ')') {
        ++m_position;
        return token(c == '(' ? Token::Kind::left : Token::Kind::right, start);
    }
    Token::Kind kind = Token::Kind::atom;
    if (c == '"') {
        WSB_TRY(skip_string());
        kind = Token::Kind::string;
        if (!is_utf8(m_source.substr(start, m_position - start)))
            return error(ErrorCode::malformed_utf8, start);
    } else if (c == '$' && at(start + 1) == '"') {
        ++m_position;
        kind = Token::Kind::id;
        if (!skip_string() || m_position - start == 3)
            return error(ErrorCode::empty_identifier, start);
        if (!is_utf8(m_source.substr(start, m_position - start)))
            return error(ErrorCode::malformed_utf8, start);
    } else if (is_id_char(c)) {
        while (is_id_char(at(m_position)))
            ++m_position;
        if (c == '$') {
            kind = Token::Kind::id;
            if (m_position - start == 1)
                return error(ErrorCode::empty_identifier, start);
        }
    } else {
        return error(illegal_code(m_source.substr(start)), start);
    }
    // Tokens must be separated. Spec: text/lexical#text-token (reserved)
    const char after = at(m_position);
    if (m_position < m_source.size() && (after == '"' || is_id_char(after) || after == ',' || after == ';' ||
                                         after == '[' || after == ']' || after == '{' || after == '}')) {
        const bool is_comment = after == ';' && at(m_position + 1) == ';';
        if (!is_comment)
            return error(ErrorCode::unknown_operator, start, "tokens must be separated by blanks");
    }
    return token(kind, start);
}

}  // namespace wsb::text
