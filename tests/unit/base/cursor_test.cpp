// SPDX-License-Identifier: Apache-2.0
#include "engine/base/cursor.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace wsb {
namespace {

using Bytes = std::vector<uint8_t>;

template <class T>
void expect_value(const Result<T>& result, T expected) {
    ASSERT_TRUE(result.has_value()) << result.error().message();
    EXPECT_EQ(*result, expected);
}

template <class T>
void expect_error(const Result<T>& result, ErrorCode expected) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, expected) << result.error().message();
}

Result<uint32_t> u32(const Bytes& bytes) {
    return Cursor(bytes).u32();
}
Result<uint64_t> u64(const Bytes& bytes) {
    return Cursor(bytes).u64();
}
Result<int32_t> s32(const Bytes& bytes) {
    return Cursor(bytes).s32();
}
Result<int64_t> s33(const Bytes& bytes) {
    return Cursor(bytes).s33();
}
Result<int64_t> s64(const Bytes& bytes) {
    return Cursor(bytes).s64();
}

TEST(Cursor, ReadsUnsignedLeb128) {
    expect_value(u32({0x00}), 0U);
    expect_value(u32({0x7f}), 127U);
    expect_value(u32({0x80, 0x01}), 128U);
    expect_value(u32({0xe5, 0x8e, 0x26}), 624485U);
    expect_value(u32({0xff, 0xff, 0xff, 0xff, 0x0f}), UINT32_MAX);
    expect_value(u32({0x83, 0x80, 0x80, 0x80, 0x00}), 3U);
    expect_value(u64({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}), UINT64_MAX);
    expect_value(u64({0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), uint64_t{2});
}

TEST(Cursor, ReadsSignedLeb128) {
    expect_value(s32({0x00}), 0);
    expect_value(s32({0x3f}), 63);
    expect_value(s32({0x40}), -64);
    expect_value(s32({0x7f}), -1);
    expect_value(s32({0xff, 0x7f}), -1);
    expect_value(s32({0xff, 0xff, 0xff, 0xff, 0x7f}), -1);
    expect_value(s32({0x80, 0x80, 0x80, 0x80, 0x78}), std::numeric_limits<int32_t>::min());
    expect_value(s32({0xff, 0xff, 0xff, 0xff, 0x07}), std::numeric_limits<int32_t>::max());
    expect_value(s33({0xff, 0xff, 0xff, 0xff, 0x0f}), int64_t{UINT32_MAX});
    expect_value(s33({0x80, 0x80, 0x80, 0x80, 0x70}), -(int64_t{1} << 32));
    expect_value(s64({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}),
                 std::numeric_limits<int64_t>::min());
    expect_value(s64({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00}),
                 std::numeric_limits<int64_t>::max());
}

TEST(Cursor, RefusesUnusedBitsThatDoNotExtend) {
    expect_error(u32({0xff, 0xff, 0xff, 0xff, 0x1f}), ErrorCode::integer_too_large);
    expect_error(u32({0x80, 0x80, 0x80, 0x80, 0x10}), ErrorCode::integer_too_large);
    expect_error(u32({0x80, 0x80, 0x80, 0x80, 0x40}), ErrorCode::integer_too_large);
    expect_error(u64({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}),
                 ErrorCode::integer_too_large);
    expect_error(s32({0xff, 0xff, 0xff, 0xff, 0x0f}), ErrorCode::integer_too_large);
    expect_error(s32({0x80, 0x80, 0x80, 0x80, 0x70}), ErrorCode::integer_too_large);
    expect_error(s33({0xff, 0xff, 0xff, 0xff, 0x1f}), ErrorCode::integer_too_large);
    expect_error(s64({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7e}),
                 ErrorCode::integer_too_large);
}

TEST(Cursor, RefusesOverlongLeb128) {
    expect_error(u32({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), ErrorCode::integer_too_long);
    expect_error(s32({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), ErrorCode::integer_too_long);
    expect_error(s32({0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), ErrorCode::integer_too_long);
    expect_error(s33({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), ErrorCode::integer_too_long);
    expect_error(u64(Bytes(11, 0x80)), ErrorCode::integer_too_long);
    expect_error(s64(Bytes(11, 0xff)), ErrorCode::integer_too_long);
}

TEST(Cursor, RefusesTruncatedValuesAndStaysWhereTheyBegin) {
    const Bytes bytes{0x01, 0x80, 0x80};
    Cursor cursor(bytes, 100);
    expect_value(cursor.u8(), uint8_t{1});
    expect_error(cursor.u32(), ErrorCode::unexpected_end);
    EXPECT_EQ(cursor.offset_bytes(), 101U);
    expect_error(cursor.fixed<uint32_t>(), ErrorCode::unexpected_end);
    EXPECT_EQ(cursor.bytes_left(), 2U);
    ASSERT_FALSE(cursor.bytes(3).has_value());
    EXPECT_EQ(cursor.bytes(3).error().offset_bytes, 103U);
    EXPECT_TRUE(cursor.bytes(2).has_value());
    EXPECT_TRUE(cursor.at_end());
    expect_error(cursor.u8(), ErrorCode::unexpected_end);
    expect_error(cursor.peek_u8(), ErrorCode::unexpected_end);
}

TEST(Cursor, CallsTheEndAsTold) {
    Cursor cursor;
    cursor.set_end_error(ErrorCode::unexpected_end_section);
    expect_error(cursor.u8(), ErrorCode::unexpected_end_section);
    expect_error(cursor.u32(), ErrorCode::unexpected_end_section);
}

TEST(Cursor, BoundsCountsByTheBytesLeft) {
    expect_value(Cursor(Bytes{0x02, 0x00, 0x00}).count(), 2U);
    // The number's own byte is counted.
    expect_value(Cursor(Bytes{0x03, 0x00, 0x00}).count(), 3U);
    const Bytes bytes{0x04, 0x00, 0x00};
    Cursor cursor(bytes);
    expect_error(cursor.count(), ErrorCode::length_out_of_bounds);
    EXPECT_EQ(cursor.offset_bytes(), 0U);
}

TEST(Cursor, ReadsLittleEndianValues) {
    const Bytes bytes{0x78, 0x56, 0x34, 0x12, 0xff};
    Cursor cursor(bytes);
    expect_value(cursor.fixed<uint32_t>(), 0x12345678U);
    EXPECT_EQ(cursor.rest().size(), 1U);
    cursor.seek(2);
    expect_value(cursor.u8(), uint8_t{0x34});
}

}  // namespace
}  // namespace wsb
