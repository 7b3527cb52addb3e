// SPDX-License-Identifier: Apache-2.0
#include "engine/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace wsb {
namespace {

using namespace std::string_literals;

/// UTF-8 of any number below 2^21, also of those that have none.
std::string encode(uint32_t code) {
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80)
        return {static_cast<char>(code)};
    if (code < 0x800)
        return {static_cast<char>(0xc0 | (code >> 6)), tail(0)};
    if (code < 0x10000)
        return {static_cast<char>(0xe0 | (code >> 12)), tail(6), tail(0)};
    return {static_cast<char>(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8, AcceptsExactlyTheScalarValues) {
    for (uint32_t code = 0; code < 0x200000; ++code) {
        const bool is_scalar = code < 0xd800 || (code >= 0xe000 && code < 0x110000);
        ASSERT_EQ(is_utf8(encode(code)), is_scalar) << std::hex << code;
    }
}

TEST(Utf8, RefusesOverlongForms) {
    EXPECT_FALSE(is_utf8("\xc0\x80"s));
    EXPECT_FALSE(is_utf8("\xc1\xbf"s));
    EXPECT_FALSE(is_utf8("\xe0\x9f\xbf"s));
    EXPECT_FALSE(is_utf8("\xf0\x8f\xbf\xbf"s));
}

TEST(Utf8, RefusesTruncatedSequencesAndStrayBytes) {
    const auto euro = "\xe2\x82\xac"s;
    for (size_t i = 0; i < 20; ++i) {
        const std::string before(i, 'x');
        EXPECT_TRUE(is_utf8(before + euro + "y"));
        EXPECT_FALSE(is_utf8(before + euro.substr(0, 1)));
        EXPECT_FALSE(is_utf8(before + euro.substr(0, 2)));
        EXPECT_FALSE(is_utf8(before + euro.substr(0, 2) + "y"));
        EXPECT_FALSE(is_utf8(before + euro.substr(1)));
    }
    EXPECT_FALSE(is_utf8("\xf5\x80\x80\x80"s));
    EXPECT_FALSE(is_utf8("\xff"s));
    EXPECT_TRUE(is_utf8(""s));
    EXPECT_TRUE(is_utf8("\0"s));
}

}  // namespace
}  // namespace wsb
