// SPDX-License-Identifier: Apache-2.0
#include "engine/base/result.h"

#include <gtest/gtest.h>

namespace wsb {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0)
        return fail(ErrorCode::type_mismatch, 7, "odd");
    return value / 2;
}

Result<int> quarter(int value) {
    WSB_TRY_ASSIGN(const int once, half(value));
    WSB_TRY(half(once));
    return half(once);
}

TEST(Result, PassesErrorsOn) {
    EXPECT_EQ(quarter(8), 2);
    const auto failed = quarter(6);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, ErrorCode::type_mismatch);
    EXPECT_EQ(failed.error().offset_bytes, 7U);
}

TEST(Error, SaysWhatAndWhere) {
    Error error = fail(ErrorCode::type_mismatch, 0x41, "expected i32, found f64").error();
    EXPECT_EQ(error.message(), "type mismatch: expected i32, found f64 (offset 0x41)");
    error.func = 3;
    EXPECT_EQ(error.message(), "type mismatch: expected i32, found f64 (function 3, offset 0x41)");
    error.line = 2;
    error.column = 5;
    EXPECT_EQ(error.message(), "type mismatch: expected i32, found f64 (line 2, column 5)");
    EXPECT_EQ(fail(ErrorCode::out_of_memory).error().message(), "out of memory");
    EXPECT_EQ(fail(ErrorCode::illegal_opcode, "ff").error().message(), "illegal opcode ff");
}

TEST(Error, KnowsKindAndText) {
    EXPECT_EQ(error_kind(ErrorCode::unexpected_end), ErrorKind::malformed);
    EXPECT_EQ(error_kind(ErrorCode::unknown_local), ErrorKind::invalid);
    EXPECT_EQ(error_kind(ErrorCode::unknown_import), ErrorKind::unlinkable);
    EXPECT_EQ(error_kind(ErrorCode::limit_exceeded), ErrorKind::limit);
    EXPECT_EQ(error_text(ErrorCode::end_opcode_expected), "END opcode expected");
}

}  // namespace
}  // namespace wsb
