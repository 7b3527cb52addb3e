// SPDX-License-Identifier: Apache-2.0
#include "engine/text/literals.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

namespace wsb::text {
namespace {

Token atom(std::string_view text) {
    Token token;
    token.kind = Token::Kind::atom;
    token.text = text;
    return token;
}

Token string(std::string_view text) {
    Token token = atom(text);
    token.kind = Token::Kind::string;
    return token;
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
    return result ? ErrorCode::none : result.error().code;
}

TEST(Literals, ReadsIntegersOfAllWidths) {
    EXPECT_EQ(parse_integer(atom("0"), 32), 0U);
    EXPECT_EQ(parse_integer(atom("4294967295"), 32), 0xffff'ffffU);
    EXPECT_EQ(parse_integer(atom("-2147483648"), 32), 0x8000'0000U);
    EXPECT_EQ(parse_integer(atom("-1"), 8), 0xffU);
    EXPECT_EQ(parse_integer(atom("+0xAb_Cd"), 16), 0xabcdU);
    EXPECT_EQ(parse_integer(atom("-0x8000_0000_0000_0000"), 64), uint64_t{1} << 63);
    EXPECT_EQ(parse_integer(atom("18446744073709551615"), 64), UINT64_MAX);
    EXPECT_EQ(parse_unsigned(atom("1_000"), 32), 1000U);
}

TEST(Literals, RefusesIntegersOutOfRange) {
    EXPECT_EQ(code_of(parse_integer(atom("4294967296"), 32)), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_integer(atom("-2147483649"), 32)), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_integer(atom("256"), 8)), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_integer(atom("-129"), 8)), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_integer(atom("18446744073709551616"), 64)), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_unsigned(atom("4294967296"), 32)), ErrorCode::i32_constant);
    EXPECT_EQ(code_of(parse_unsigned(atom("256"), 8)), ErrorCode::i8_constant);
    EXPECT_EQ(code_of(parse_unsigned(atom("-1"), 32)), ErrorCode::unexpected_token);
}

TEST(Literals, RefusesWhatIsNoNumber) {
    for (const std::string_view text :
         {"", "_1", "1_", "1__0", "0x", "0x_1", "1a", "0xg", "-", "+-1", "$1"}) {
        EXPECT_EQ(code_of(parse_integer(atom(text), 32)), ErrorCode::unknown_operator) << text;
        EXPECT_FALSE(is_number(atom(text))) << text;
    }
    for (const std::string_view text :
         {"1e", "1e+", ".5", "1._0", "0x1p", "0x.1", "nan:", "nan:0x", "infinity"}) {
        EXPECT_EQ(code_of(parse_f64(atom(text))), ErrorCode::unknown_operator) << text;
        EXPECT_FALSE(is_number(atom(text))) << text;
    }
    EXPECT_EQ(code_of(parse_f64(string("\"1\""))), ErrorCode::unexpected_token);
}

double f64(std::string_view text) {
    const auto bits = parse_f64(atom(text));
    EXPECT_TRUE(bits.has_value()) << text;
    return std::bit_cast<double>(bits.value_or(0));
}

float f32(std::string_view text) {
    const auto bits = parse_f32(atom(text));
    EXPECT_TRUE(bits.has_value()) << text;
    return std::bit_cast<float>(bits.value_or(0));
}

TEST(Literals, ReadsDecimalFloats) {
    EXPECT_EQ(f64("1.5"), 1.5);
    EXPECT_EQ(f64("-1_0.2_5e-1"), -1.025);
    EXPECT_EQ(f64("1."), 1.0);
    EXPECT_EQ(f64("1.e2"), 100.0);
    EXPECT_EQ(f64("1.7976931348623157e308"), std::numeric_limits<double>::max());
    EXPECT_EQ(f64("4.9e-324"), std::numeric_limits<double>::denorm_min());
    EXPECT_EQ(f64("1e-400"), 0.0);
    EXPECT_EQ(f64("0e99999999999999999999"), 0.0);
    EXPECT_TRUE(std::signbit(f64("-1e-99999999999999999999")));
    EXPECT_EQ(f32("16777217"), 16777216.0F) << "ties to even";
    EXPECT_EQ(f32("16777219"), 16777220.0F) << "ties to even";
    EXPECT_EQ(code_of(parse_f32(atom("3.5e38"))), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_f64(atom("1e99999999999999999999"))), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_f64(atom("1" + std::string(400, '0')))), ErrorCode::constant_out_of_range);
    EXPECT_EQ(f64("0." + std::string(400, '0') + "1"), 0.0);
}

TEST(Literals, RoundsHexFloatsToNearestEven) {
    EXPECT_EQ(f64("0x1.8p1"), 3.0);
    EXPECT_EQ(f64("-0xA"), -10.0);
    EXPECT_EQ(f32("0x1.000001p0"), 1.0F) << "a tie";
    EXPECT_EQ(f32("0x1.000003p0"), 1.0F + 4.0F / 16777216) << "a tie, upwards";
    EXPECT_EQ(f32("0x1.0000010000000000000000001p0"), 1.0F + 2.0F / 16777216) << "above a tie";
    EXPECT_EQ(f32("0x1.fffffep127"), std::numeric_limits<float>::max());
    EXPECT_EQ(code_of(parse_f32(atom("0x1.ffffffp127"))), ErrorCode::constant_out_of_range);
    EXPECT_EQ(f32("0x1p-149"), std::numeric_limits<float>::denorm_min());
    EXPECT_EQ(f32("0x1p-150"), 0.0F) << "a tie";
    EXPECT_EQ(f32("0x1.000001p-150"), std::numeric_limits<float>::denorm_min());
    EXPECT_EQ(f32("0x1.fffffffffp-127"), std::numeric_limits<float>::min()) << "carries into normal";
    EXPECT_EQ(f64("0x1p-99999999999999999999"), 0.0);
    EXPECT_EQ(f64("0x0p99999999999999999999"), 0.0);
    EXPECT_EQ(f64("0x1" + std::string(100, '0') + "p-400"), 1.0);
    EXPECT_EQ(code_of(parse_f64(atom("0x1p1024"))), ErrorCode::constant_out_of_range);
}

TEST(Literals, ReadsInfinitiesAndNans) {
    EXPECT_EQ(parse_f32(atom("inf")), 0x7f80'0000U);
    EXPECT_EQ(parse_f32(atom("-inf")), 0xff80'0000U);
    EXPECT_EQ(parse_f32(atom("nan")), 0x7fc0'0000U);
    EXPECT_EQ(parse_f32(atom("-nan:0x1")), 0xff80'0001U);
    EXPECT_EQ(parse_f64(atom("nan:0xf_ffff_ffff_ffff")), 0x7fff'ffff'ffff'ffffU);
    EXPECT_EQ(code_of(parse_f32(atom("nan:0x0"))), ErrorCode::constant_out_of_range);
    EXPECT_EQ(code_of(parse_f32(atom("nan:0x80_0000"))), ErrorCode::constant_out_of_range);
}

TEST(Literals, ResolvesEscapes) {
    EXPECT_EQ(parse_string(string(R"("a\t\n\r\"\'\\\41\fF")")), "a\t\n\r\"'\\A\xff");
    EXPECT_EQ(parse_string(string(R"("\u{41}\u{e9}\u{20_AC}\u{1F600}")")),
              "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_EQ(parse_string(string(R"("\00")")), std::string(1, '\0'));
    for (const std::string_view text : {R"("\x")", R"("\4")", R"("\4g")", R"("\u{}")", R"("\u{d800}")",
                                        R"("\u{110000}")", R"("\u41")", R"("\u{41")"})
        EXPECT_EQ(code_of(parse_string(string(text))), ErrorCode::illegal_escape) << text;
}

TEST(Literals, NamesOfIdentifiers) {
    EXPECT_EQ(parse_id(atom("$a.b")), "a.b");
    EXPECT_EQ(parse_id(atom(R"($"a\u{20}b")")), "a b");
    EXPECT_EQ(code_of(parse_id(atom(R"($"\ff")"))), ErrorCode::malformed_utf8);
}

}  // namespace
}  // namespace wsb::text
