// SPDX-License-Identifier: Apache-2.0
#include "sandbox/invoke_values.h"

#include <gtest/gtest.h>

namespace wsb::testing {
namespace {

using sandbox::parse_value;
using sandbox::to_text;

std::string round_trip(std::string_view text, ValType type) {
    const auto value = parse_value(text, type);
    return value ? to_text(*value) : "refused";
}

TEST(InvokeValues, Integers) {
    EXPECT_EQ(round_trip("-2147483648", ValType::i32), "-2147483648");
    EXPECT_EQ(round_trip("4294967295", ValType::i32), "-1");
    EXPECT_EQ(round_trip("0x10", ValType::i32), "16");
    EXPECT_EQ(round_trip("-0x1", ValType::i32), "-1");
    EXPECT_EQ(round_trip("+5", ValType::i64), "5");
    EXPECT_EQ(round_trip("-9223372036854775808", ValType::i64), "-9223372036854775808");
    EXPECT_EQ(round_trip("18446744073709551615", ValType::i64), "-1");
    for (const char* text : {"", "-", "0x", "4294967296", "-2147483649", "1.0", "1 ", "--1", "x", "-+1"})
        EXPECT_EQ(round_trip(text, ValType::i32), "refused") << text;
}

TEST(InvokeValues, Floats) {
    EXPECT_EQ(round_trip("1", ValType::f64), "1.0");
    EXPECT_EQ(round_trip("-0", ValType::f64), "-0.0");
    EXPECT_EQ(round_trip("0.1", ValType::f32), "0.1");
    EXPECT_EQ(round_trip("0.1", ValType::f64), "0.1");
    EXPECT_EQ(round_trip("1e300", ValType::f64), "1e+300");
    EXPECT_EQ(round_trip("0x1p-3", ValType::f64), "0.125");
    EXPECT_EQ(round_trip("inf", ValType::f32), "inf");
    EXPECT_EQ(round_trip("-inf", ValType::f64), "-inf");
    EXPECT_EQ(round_trip("nan", ValType::f64), "nan");
    for (const char* text : {"", " 1", "1x", "one"})
        EXPECT_EQ(round_trip(text, ValType::f64), "refused") << text;
}

TEST(InvokeValues, VectorsAndReferences) {
    EXPECT_EQ(round_trip("0x1", ValType::v128), "0x00000000000000000000000000000001");
    EXPECT_EQ(round_trip("0x0123456789abcdef0011223344556677", ValType::v128),
              "0x0123456789abcdef0011223344556677");
    EXPECT_EQ(round_trip("0x", ValType::v128), "refused");
    EXPECT_EQ(round_trip("0x-1", ValType::v128), "refused");
    EXPECT_EQ(round_trip("null", ValType::externref()), "null");
    EXPECT_EQ(round_trip("1", ValType::externref()), "refused");
}

TEST(InvokeValues, CountsAreChecked) {
    const FuncType type{{ValType::i32, ValType::f32}, {}};
    const std::vector<std::string> one{"1"};
    const std::vector<std::string> two{"1", "2"};
    EXPECT_TRUE(sandbox::parse_values(two, type));
    const auto refused = sandbox::parse_values(one, type);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("(i32, f32)"), std::string::npos);
}

}  // namespace
}  // namespace wsb::testing
