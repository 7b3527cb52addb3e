// SPDX-License-Identifier: Apache-2.0
// Limits of the implementation, on both sides of each, and which of several errors is told.
#include "engine/isa/limits.h"

#include "tests/unit/validate/validate_fixture.h"

#include <fmt/format.h>

namespace wsb::validate::testing {
namespace {

using enum ErrorCode;

[[nodiscard]] std::string repeated(std::string_view piece, size_t count) {
    std::string text;
    text.reserve(piece.size() * count);
    for (size_t i = 0; i < count; ++i)
        text += piece;
    return text;
}

TEST(Limits, LocalsIncludeParameters) {
    const std::string most = "(local " + repeated("i32 ", limits::locals - 1) + ")";
    expect_valid("(func (param i64) " + most + ")");
    expect_error(judge("(func (param i64 i64) " + most + ")"),
                 in_body("", limit_exceeded, "more than 50,000 locals", 0));
}

/// Claims more locals than there are numbers, in a few bytes.
TEST(Limits, LocalsOfManyRuns) {
    for (const unsigned runs : {1u, 2u, 3u}) {
        std::vector<uint8_t> body{static_cast<uint8_t>(runs)};
        for (unsigned i = 0; i < runs; ++i)
            body.insert(body.end(), {0xff, 0xff, 0xff, 0xff, 0x07, 0x7f});  // 2^31 - 1 of i32
        body.push_back(0x0b);
        std::vector<uint8_t> bytes{0x00, 'a',  's',  'm',  0x01, 0x00, 0x00, 0x00, 0x01, 0x04,
                                   0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x0a};
        bytes.insert(bytes.end(),
                     {static_cast<uint8_t>(body.size() + 2), 0x01, static_cast<uint8_t>(body.size())});
        bytes.insert(bytes.end(), body.begin(), body.end());
        const auto module = binary::decode(bytes);
        ASSERT_FALSE(module);
        // The format has at most 2^32 - 1.
        EXPECT_EQ(module.error().code, runs == 3 ? too_many_locals : limit_exceeded);
        EXPECT_EQ(module.error().func, 0u);
    }
}

TEST(Limits, NestingOfBlocks) {
    // The body itself is one frame.
    const size_t deepest = limits::label_depth - 1;
    const auto nested = [](size_t depth) {
        return "(func " + repeated("block ", depth) + repeated("end ", depth) + ")";
    };
    expect_valid(nested(deepest));
    expect_error(judge(nested(deepest + 1)),
                 in_body("", limit_exceeded, "nesting deeper than 100000", 1 + 2 * deepest));
}

TEST(Limits, DepthOfSupertypes) {
    const auto chain = [](uint32_t depth) {
        std::string text = "(type (sub (func)))";
        for (uint32_t i = 0; i < depth; ++i)
            text += fmt::format("(type (sub {} (func)))", i);
        return text;
    };
    expect_valid(chain(limits::subtype_depth));
    const Judged judged = judge(chain(limits::subtype_depth + 1));
    ASSERT_FALSE(judged.verdict);
    EXPECT_EQ(judged.verdict.error().code, limit_exceeded);
    EXPECT_LT(judged.verdict.error().offset_bytes, judged.bytes.size());
}

TEST(Limits, OperandsOfOneArray) {
    const auto array_of = [](uint32_t count) {
        return fmt::format("(type (array i32)) (func {} (drop (array.new_fixed 0 {})))",
                           repeated("(i32.const 0)", count), count);
    };
    expect_valid(array_of(limits::array_new_fixed_operands));
    expect_error(judge(array_of(limits::array_new_fixed_operands + 1)),
                 in_body("", limit_exceeded, "operands of array.new_fixed",
                         1 + 2 * (limits::array_new_fixed_operands + 1) + 3));
}

TEST(FirstError, IsTheOneOfTheFirstInstruction) {
    expect_error(judge("(func (drop (local.get 3)) (call 9) (i32.const 1))"),
                 in_body("", unknown_local, "3", 1));
}

TEST(FirstError, IsTheOneOfTheFirstFunction) {
    expect_error(judge("(func) (func (drop (i32.const 0)) (call 9)) (func (drop (local.get 3)))"),
                 in_body("", unknown_func, "9", 4, 1));
}

TEST(FirstError, IsThatOfADeclarationBeforeThatOfABody) {
    expect_error(judge("(func (call 9)) (global i32 (i64.const 0))"),
                 in_declaration("", type_mismatch, "expected i32, found i64 (end)", {0x0b}));
}

/// Declarations are judged in the order of the index spaces; data comes last although it is behind the code.
TEST(FirstError, IsThatOfTheFirstSection) {
    expect_error(judge("(data (i32.const 0) \"\") (export \"a\" (func 8)) (memory 3 2)"),
                 in_declaration("", size_minimum_greater, "", {0x01, 0x03, 0x02}));
    expect_error(judge("(func (call 9)) (memory 1) (data (i64.const 0) \"\")"),
                 in_declaration("", type_mismatch, "expected i32, found i64 (end)", {0x0b}));
}

/// Of one instruction: its indices before its operands, the last operand first.
TEST(FirstError, OfOneInstruction) {
    expect_error(judge("(func (i64.store (f32.const 0) (f32.const 0)))"),
                 in_body("", unknown_memory, "0", 11));
    expect_error(judge("(memory 1) (func (i64.store (f32.const 0) (f64.const 0)))"),
                 in_body("", type_mismatch, "expected i64, found f64 (i64.store)", 15));
}

}  // namespace
}  // namespace wsb::validate::testing
