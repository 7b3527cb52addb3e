// SPDX-License-Identifier: Apache-2.0
// Commands of scripts.
#include "engine/text/wast.h"

#include "engine/text/literals.h"
#include "engine/text/parser.h"
#include "engine/text/script_parser.h"
#include "engine/text/wat.h"

#include <algorithm>

namespace wsb::text {

namespace {

/// Threads in threads; parsing them recurses.
constexpr uint32_t max_thread_depth = 16;

}  // namespace

// Tokens

Result<void> ScriptParser::advance() {
    WSB_TRY_ASSIGN(m_token, m_lexer.next());
    return {};
}

Result<Token> ScriptParser::peek() const {
    Lexer ahead = m_lexer;
    return ahead.next();
}

std::unexpected<Error> ScriptParser::unexpected() const {
    return fail_at(m_token, ErrorCode::unexpected_token,
                   at(Token::Kind::end) ? "end of script" : std::string(m_token.text));
}

Result<void> ScriptParser::expect(Token::Kind kind) {
    if (!at(kind))
        return unexpected();
    return advance();
}

Result<void> ScriptParser::enter_form(std::string_view keyword) {
    WSB_TRY(expect(Token::Kind::left));
    if (!m_token.is(keyword))
        return unexpected();
    return advance();
}

Result<std::string> ScriptParser::take_id() {
    if (!at(Token::Kind::id))
        return std::string();
    WSB_TRY_ASSIGN(const std::string name, parse_id(m_token));
    WSB_TRY(advance());
    return "$" + name;
}

Result<std::string> ScriptParser::take_string() {
    WSB_TRY_ASSIGN(std::string bytes, parse_string(m_token));
    WSB_TRY(advance());
    return bytes;
}

Result<std::string> ScriptParser::take_strings() {
    std::string bytes;
    while (at(Token::Kind::string)) {
        WSB_TRY_ASSIGN(const std::string part, take_string());
        bytes += part;
    }
    return bytes;
}

/// From anywhere inside a form to its closing parenthesis, which stays the current token.
Result<void> ScriptParser::skip_form() {
    size_t depth = 1;
    while (true) {
        if (at(Token::Kind::end))
            return unexpected();
        depth += at(Token::Kind::left) ? 1 : 0;
        depth -= at(Token::Kind::right) ? 1 : 0;
        if (depth == 0)
            return {};
        WSB_TRY(advance());
    }
}

// Modules

Result<std::vector<uint8_t>> ScriptModule::assemble(Features features) const {
    switch (form) {
        case Form::binary: return bytes;
        case Form::quote: return ModuleParser(Lexer(quoted), features, true).run();
        case Form::text: break;
    }
    return ModuleParser(Lexer(source, line), features).run();
}

/// At the opening parenthesis of `( module definition? id? … )`, all forms but instances.
Result<ScriptModule> ScriptParser::module() {
    ScriptModule module;
    module.line = m_token.line;
    const size_t start = token_offset_bytes();
    WSB_TRY(enter_form("module"));
    if (m_token.is("definition")) {
        module.is_definition = true;
        WSB_TRY(advance());
    }
    WSB_TRY_ASSIGN(module.name, take_id());
    if (m_token.is("binary")) {
        module.form = ScriptModule::Form::binary;
        WSB_TRY(advance());
        WSB_TRY_ASSIGN(const std::string bytes, take_strings());
        module.bytes.assign(bytes.begin(), bytes.end());
    } else if (m_token.is("quote")) {
        module.form = ScriptModule::Form::quote;
        WSB_TRY(advance());
        WSB_TRY_ASSIGN(module.quoted, take_strings());
    } else {
        WSB_TRY(skip_form());
    }
    if (!at(Token::Kind::right))
        return unexpected();
    const size_t end = token_offset_bytes() + 1;
    module.source = m_lexer.source().substr(start, end - start);
    WSB_TRY(advance());
    return module;
}

Result<ScriptInstance> ScriptParser::instance() {
    WSB_TRY(enter_form("module"));
    WSB_TRY(advance());
    ScriptInstance instance;
    WSB_TRY_ASSIGN(instance.name, take_id());
    WSB_TRY_ASSIGN(instance.definition, take_id());
    // One identifier alone is the definition's.
    if (instance.definition.empty())
        std::swap(instance.name, instance.definition);
    WSB_TRY(expect(Token::Kind::right));
    return instance;
}

Result<void> ScriptParser::module_command(ScriptCommand& command) {
    Lexer ahead = m_lexer;
    WSB_TRY(ahead.next());
    WSB_TRY_ASSIGN(const Token second, ahead.next());
    if (second.is("instance")) {
        WSB_TRY_ASSIGN(command.body, instance());
    } else {
        WSB_TRY_ASSIGN(command.body, module());
    }
    return {};
}

// Actions and commands

/// `( invoke id? "name" value* )` or `( get id? "name" )`.
Result<ScriptAction> ScriptParser::action() {
    WSB_TRY(expect(Token::Kind::left));
    const bool is_invoke = m_token.is("invoke");
    if (!is_invoke && !m_token.is("get"))
        return unexpected();
    WSB_TRY(advance());
    WSB_TRY_ASSIGN(std::string module, take_id());
    WSB_TRY_ASSIGN(std::string name, take_string());
    if (!is_invoke) {
        WSB_TRY(expect(Token::Kind::right));
        return ScriptGet{std::move(module), std::move(name)};
    }
    ScriptInvoke invoke{std::move(module), std::move(name), {}};
    while (at(Token::Kind::left)) {
        WSB_TRY_ASSIGN(ScriptValue argument, value());
        invoke.args.push_back(std::move(argument));
    }
    WSB_TRY(expect(Token::Kind::right));
    return invoke;
}

Result<ScriptRegister> ScriptParser::register_command() {
    WSB_TRY(enter_form("register"));
    ScriptRegister result;
    WSB_TRY_ASSIGN(result.as, take_string());
    WSB_TRY_ASSIGN(result.module, take_id());
    WSB_TRY(expect(Token::Kind::right));
    return result;
}

/// `( thread id? ( shared ( module id ) )? command* )`
Result<ScriptThread> ScriptParser::thread(uint32_t thread_depth) {
    WSB_TRY(enter_form("thread"));
    ScriptThread thread;
    WSB_TRY_ASSIGN(thread.name, take_id());
    WSB_TRY_ASSIGN(const Token next, peek());
    if (at(Token::Kind::left) && next.is("shared")) {
        WSB_TRY(enter_form("shared"));
        WSB_TRY(enter_form("module"));
        WSB_TRY_ASSIGN(thread.shared_module, take_id());
        WSB_TRY(expect(Token::Kind::right));
        WSB_TRY(expect(Token::Kind::right));
    }
    while (at(Token::Kind::left))
        WSB_TRY(command(thread.commands, thread_depth + 1));
    WSB_TRY(expect(Token::Kind::right));
    return thread;
}

Result<void> ScriptParser::assert_trap(ScriptCommand& command) {
    WSB_TRY_ASSIGN(const Token next, peek());
    AssertTrap result;
    if (next.is("module")) {
        WSB_TRY_ASSIGN(result.subject, module());
    } else {
        WSB_TRY_ASSIGN(result.subject, action());
    }
    WSB_TRY_ASSIGN(result.text, take_string());
    command.body = std::move(result);
    return expect(Token::Kind::right);
}

/// At the opening parenthesis of `( assert_… )`.
Result<void> ScriptParser::assertion(ScriptCommand& command) {
    WSB_TRY(advance());
    const Token keyword = m_token;
    WSB_TRY(advance());
    if (keyword.is("assert_trap"))
        return assert_trap(command);
    if (keyword.is("assert_return")) {
        AssertReturn result;
        WSB_TRY_ASSIGN(result.action, action());
        while (at(Token::Kind::left)) {
            WSB_TRY_ASSIGN(ScriptValue expected, value());
            result.expected.push_back(std::move(expected));
        }
        command.body = std::move(result);
        return expect(Token::Kind::right);
    }
    if (keyword.is("assert_exhaustion")) {
        AssertExhaustion result;
        WSB_TRY_ASSIGN(result.action, action());
        WSB_TRY_ASSIGN(result.text, take_string());
        command.body = std::move(result);
        return expect(Token::Kind::right);
    }
    if (keyword.is("assert_exception")) {
        AssertException result;
        WSB_TRY_ASSIGN(result.action, action());
        command.body = std::move(result);
        return expect(Token::Kind::right);
    }
    using Kind = AssertModule::Kind;
    constexpr std::pair<std::string_view, Kind> kinds[] = {
        {"assert_malformed", Kind::malformed},           {"assert_invalid", Kind::invalid},
        {"assert_unlinkable", Kind::unlinkable},         {"assert_malformed_custom", Kind::malformed_custom},
        {"assert_invalid_custom", Kind::invalid_custom},
    };
    for (const auto& [name, kind] : kinds) {
        if (!keyword.is(name))
            continue;
        AssertModule result{kind, {}, {}};
        WSB_TRY_ASSIGN(result.module, module());
        WSB_TRY_ASSIGN(result.text, take_string());
        command.body = std::move(result);
        return expect(Token::Kind::right);
    }
    return fail_at(keyword, ErrorCode::unexpected_token, "unknown command " + std::string(keyword.text));
}

Result<void> ScriptParser::command(std::vector<ScriptCommand>& commands, uint32_t thread_depth) {
    if (!at(Token::Kind::left))
        return unexpected();
    ScriptCommand result;
    result.line = m_token.line;
    WSB_TRY_ASSIGN(const Token keyword, peek());
    if (keyword.is("module")) {
        WSB_TRY(module_command(result));
    } else if (keyword.is("register")) {
        WSB_TRY_ASSIGN(result.body, register_command());
    } else if (keyword.is("invoke") || keyword.is("get")) {
        WSB_TRY_ASSIGN(result.body, action());
    } else if (keyword.is("thread") && thread_depth < max_thread_depth) {
        WSB_TRY_ASSIGN(result.body, thread(thread_depth));
    } else if (keyword.is("wait")) {
        WSB_TRY(enter_form("wait"));
        ScriptWait wait;
        WSB_TRY_ASSIGN(wait.thread, take_id());
        WSB_TRY(expect(Token::Kind::right));
        result.body = std::move(wait);
    } else if (keyword.kind == Token::Kind::atom && keyword.text.starts_with("assert_")) {
        WSB_TRY(assertion(result));
    } else {
        return fail_at(keyword, ErrorCode::unexpected_token, "unknown command " + std::string(keyword.text));
    }
    commands.push_back(std::move(result));
    return {};
}

/// Whether the script is one module without the form around it.
Result<bool> ScriptParser::at_module_field() const {
    if (!at(Token::Kind::left))
        return false;
    WSB_TRY_ASSIGN(const Token keyword, peek());
    constexpr std::string_view fields[] = {"type", "rec",    "import", "func",  "table", "memory",
                                           "tag",  "global", "export", "start", "elem",  "data"};
    return std::ranges::any_of(fields, [&](std::string_view field) { return keyword.is(field); });
}

Result<std::vector<ScriptCommand>> ScriptParser::run() {
    std::vector<ScriptCommand> commands;
    WSB_TRY(advance());
    WSB_TRY_ASSIGN(const bool is_module, at_module_field());
    if (is_module) {
        ScriptModule module;
        module.source = m_lexer.source();
        module.line = 1;
        ScriptCommand command;
        command.line = m_token.line;
        command.body = std::move(module);
        commands.push_back(std::move(command));
        return commands;
    }
    while (!at(Token::Kind::end))
        WSB_TRY(command(commands, 0));
    return commands;
}

Result<Script> parse_script(std::string source) {
    Script script;
    script.source = std::make_unique<const std::string>(std::move(source));
    WSB_TRY_ASSIGN(script.commands, ScriptParser(*script.source).run());
    return script;
}

}  // namespace wsb::text
