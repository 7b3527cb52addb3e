// SPDX-License-Identifier: Apache-2.0
// The parser of scripts, shared by wast.cpp (commands) and wast_values.cpp (values). Nobody else
// includes this.
#pragma once

#include "engine/text/lexer.h"
#include "engine/text/wast.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::text {

/// Reads the commands of one script. Single use; the source must outlive what is read.
class ScriptParser {
public:
    explicit ScriptParser(std::string_view source) noexcept : m_lexer(source) {}

    [[nodiscard]] Result<std::vector<ScriptCommand>> run();

private:
    // Tokens
    [[nodiscard]] Result<void> advance();
    [[nodiscard]] Result<Token> peek() const;  ///< the token after m_token
    [[nodiscard]] bool at(Token::Kind kind) const noexcept { return m_token.kind == kind; }
    [[nodiscard]] std::unexpected<Error> unexpected() const;
    [[nodiscard]] Result<void> expect(Token::Kind kind);
    [[nodiscard]] Result<void> enter_form(std::string_view keyword);
    /// `$name` as the key that wast.h speaks of; empty if there is none.
    [[nodiscard]] Result<std::string> take_id();
    [[nodiscard]] Result<std::string> take_string();
    [[nodiscard]] Result<std::string> take_strings();
    [[nodiscard]] Result<void> skip_form();
    [[nodiscard]] size_t token_offset_bytes() const noexcept {
        return static_cast<size_t>(m_token.text.data() - m_lexer.source().data());
    }

    // Commands
    [[nodiscard]] Result<void> command(std::vector<ScriptCommand>& commands, uint32_t thread_depth);
    [[nodiscard]] Result<void> module_command(ScriptCommand& command);
    [[nodiscard]] Result<ScriptModule> module();
    [[nodiscard]] Result<ScriptInstance> instance();
    [[nodiscard]] Result<ScriptAction> action();
    [[nodiscard]] Result<ScriptRegister> register_command();
    [[nodiscard]] Result<ScriptThread> thread(uint32_t thread_depth);
    [[nodiscard]] Result<void> assertion(ScriptCommand& command);
    [[nodiscard]] Result<void> assert_trap(ScriptCommand& command);
    [[nodiscard]] Result<bool> at_module_field() const;

    // Values (wast_values.cpp)
    [[nodiscard]] Result<ScriptValue> value();
    [[nodiscard]] Result<ScriptValue> simple_value();
    [[nodiscard]] Result<ScriptValue> scalar_value(ValType type);
    [[nodiscard]] Result<ScriptValue> vector_value();
    [[nodiscard]] Result<ScriptValue> reference_value(std::string_view keyword);
    [[nodiscard]] Result<uint64_t> float_lane(unsigned bits, ScriptValue::NanPattern& pattern);

    Lexer m_lexer;
    Token m_token;
};

}  // namespace wsb::text
