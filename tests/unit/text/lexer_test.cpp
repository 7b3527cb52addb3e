// SPDX-License-Identifier: Apache-2.0
#include "engine/text/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsb::text {
namespace {

using Kind = Token::Kind;

std::vector<std::string> tokens_of(std::string_view source) {
    Lexer lexer(source);
    std::vector<std::string> tokens;
    while (true) {
        const auto token = lexer.next();
        if (!token) {
            tokens.push_back("error: " + token.error().message());
            return tokens;
        }
        if (token->kind == Kind::end)
            return tokens;
        tokens.emplace_back(token->text);
    }
}

using Tokens = std::vector<std::string>;

TEST(Lexer, SplitsAtParenthesesBlanksAndComments) {
    EXPECT_EQ(tokens_of("(module $m;;x\n\t(func)) (; (; nested ;) ;)\r\n\"a b\""),
              (Tokens{"(", "module", "$m", "(", "func", ")", ")", "\"a b\""}));
    EXPECT_EQ(tokens_of(""), Tokens{});
    EXPECT_EQ(tokens_of(";; no newline at the end"), Tokens{});
}

TEST(Lexer, TellsLinesAndColumns) {
    Lexer lexer("a\n (;\n;) b\r\nc\rd");
    const uint32_t places[][2] = {{1, 1}, {3, 4}, {4, 1}, {5, 1}};
    for (const auto& place : places) {
        const auto token = lexer.next();
        ASSERT_TRUE(token.has_value());
        EXPECT_EQ(token->line, place[0]) << token->text;
        EXPECT_EQ(token->column, place[1]) << token->text;
    }
}

TEST(Lexer, ReadsQuotedIdentifiers) {
    EXPECT_EQ(tokens_of("$\"a b\" $x"), (Tokens{"$\"a b\"", "$x"}));
    EXPECT_EQ(tokens_of("$"), Tokens{"error: empty identifier (line 1, column 1)"});
    EXPECT_EQ(tokens_of("$\"\""), Tokens{"error: empty identifier (line 1, column 1)"});
}

TEST(Lexer, SkipsAnnotationsAnywhere) {
    EXPECT_EQ(tokens_of("(@a) x (@b (c \")\" ;; )\n) [,;]) y (@\"quoted id\" z)"), (Tokens{"x", "y"}));
    EXPECT_EQ(tokens_of("(@x (y)"), Tokens{"error: unclosed annotation (line 1, column 1)"});
    EXPECT_EQ(tokens_of("(@)"), Tokens{"error: empty annotation id (line 1, column 1)"});
}

TEST(Lexer, RefusesWhatIsNoToken) {
    EXPECT_EQ(tokens_of("\"a"), Tokens{"error: unclosed string (line 1, column 1)"});
    EXPECT_EQ(tokens_of("(; (; ;)"), Tokens{"error: unclosed comment (line 1, column 1)"});
    EXPECT_EQ(tokens_of("a [").back(), "error: illegal character (line 1, column 3)");
    EXPECT_EQ(tokens_of("\xc3\xbc").back(), "error: illegal character (line 1, column 1)");
    EXPECT_EQ(tokens_of("\xff").back(), "error: malformed UTF-8 encoding (line 1, column 1)");
    EXPECT_EQ(tokens_of("\"\xff\"").back(), "error: malformed UTF-8 encoding (line 1, column 1)");
    EXPECT_EQ(tokens_of(";; \xff").back(), "error: malformed UTF-8 encoding (line 1, column 1)");
    EXPECT_EQ(tokens_of("\n (; \n \n \xff ;)").back(), "error: malformed UTF-8 encoding (line 2, column 2)");
    EXPECT_EQ(tokens_of("(@a ;; ) \r ) [").back(), "error: illegal character (line 2, column 4)");
    EXPECT_EQ(tokens_of("(@a \r ;; \xff\n)").back(), "error: malformed UTF-8 encoding (line 2, column 2)");
    EXPECT_EQ(tokens_of("(; \r \r\n ;) [").back(), "error: illegal character (line 3, column 5)");
    EXPECT_TRUE(tokens_of("\"a\"\"b\"").back().starts_with("error: unknown operator"));
    EXPECT_TRUE(tokens_of("0\"b\"").back().starts_with("error: unknown operator"));
}

TEST(Lexer, NestsCommentsWithoutRecursion) {
    std::string source;
    for (int i = 0; i < 1'000'000; ++i)
        source += "(;";
    EXPECT_TRUE(tokens_of(source).back().starts_with("error: unclosed comment"));
    for (int i = 0; i < 1'000'000; ++i)
        source += ";)";
    EXPECT_EQ(tokens_of(source), Tokens{});
}

TEST(Lexer, SurvivesEveryPrefix) {
    const std::string_view source =
        "(@a \"\\\"\" (;;) ) $\"x\\u{41}\" \"\\00\" (; ;) ;; x\n 0x1p-3 \xe2\x82\xac";
    for (size_t length = 0; length <= source.size(); ++length)
        static_cast<void>(tokens_of(std::string(source.substr(0, length))));
}

}  // namespace
}  // namespace wsb::text
