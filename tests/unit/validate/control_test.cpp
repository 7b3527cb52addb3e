// SPDX-License-Identifier: Apache-2.0
// Blocks, branches, code that cannot be reached, and locals without a default.
#include "tests/unit/validate/validate_fixture.h"

namespace wsb::validate::testing {
namespace {

using enum ErrorCode;

const Expected blocks[] = {
    in_body("(func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1))))", type_mismatch,
            "if without else must leave its parameters as results", 7),
    in_body("(func (if (i64.const 0) (then)))", type_mismatch, "expected i32, found i64 (if)", 3),
    in_body("(func (drop (if (result i32) (i32.const 1) (then (i64.const 0)) (else (i32.const 0)))))",
            type_mismatch, "expected i32, found i64 (else)", 7),
    in_body("(func (loop (param i32) (drop)))", type_mismatch, "expected i32, found nothing (loop)", 1),
    in_body("(func (block (i32.const 0)))", type_mismatch, "values remain at the end of the block", 5),
    in_body("(func (block (type 3)))", unknown_type, "3", 1),
    in_body("(tag $e (param i32)) (func (drop (block (result i64) (try_table (catch $e 0)) (i64.const 0))))",
            type_mismatch, "a catch clause does not fit its label", 3),
    in_body("(func (try_table (catch 4 0)))", unknown_tag, "4", 1),
    in_body("(func (try_table (catch_all 9)))", unknown_label, "9", 1),
};

const Expected branches[] = {
    in_body("(func (br 2))", unknown_label, "2", 1),
    in_body("(func (drop (block (result i32) (br 0))))", type_mismatch, "expected i32, found nothing (br)",
            3),
    in_body("(func (result i64) (return (i32.const 0)))", type_mismatch, "expected i64, found i32 (return)",
            3),
    // A label of a loop takes its parameters, not its results.
    in_body("(func (drop (loop (result i32) (br 0) (i64.const 0))))", type_mismatch,
            "expected i32, found i64 (end)", 7),
    in_body(
        "(func (drop (block (result i32) (block (br_table 0 1 (i32.const 0) (i32.const 0))) (i32.const 1))))",
        type_mismatch, "labels of br_table differ in arity", 9),
    in_body("(func (drop (block (result i64) (drop (block (result i32) (br_table 0 1 (i32.const 7) "
            "(i32.const 0)))) "
            "(i64.const 0))))",
            type_mismatch, "expected i64, found i32 (br_table)", 9),
    in_body("(func (br_table 0 5 (i32.const 0)))", unknown_label, "5", 3),
    in_body("(func (br_table 5 0 (i32.const 0)))", unknown_label, "5", 3),
    in_body("(func (block (result funcref) (br_on_null 0 (ref.null func)) (drop) (ref.null func)) (drop))",
            type_mismatch, "expected funcref, found nothing (br_on_null)", 5),
    in_body("(func (block (br_on_non_null 0 (ref.null func))))", type_mismatch,
            "the label of br_on_non_null must take a reference", 5),
    in_body("(func (param anyref) (result i31ref) (br_on_cast 0 eqref funcref (local.get 0)) (unreachable))",
            type_mismatch, "expected eqref, found funcref (br_on_cast)", 3),
};

const Expected legacy_exceptions[] = {
    in_body("(func (try (do (i32.const 1))))", type_mismatch, "values remain at the end of the block", 5),
    in_body("(tag (param i32)) (func (try (do) (catch 0)))", type_mismatch,
            "values remain at the end of the block", 5),
    in_body("(tag (param i64)) (func (drop (try (result i32) (do (i32.const 1)) (catch 0))))", type_mismatch,
            "expected i32, found i64 (end)", 7),
    in_body("(func (try (do) (catch 3)))", unknown_tag, "3", 3),
    in_body("(func (try (do) (catch_all (drop))))", type_mismatch, "expected a value, found nothing (drop)",
            4),
    // What the body took from the block's parameters is not there in a catch block.
    in_body("(func (i32.const 1) (try (param i32) (do (drop)) (catch_all (drop))))", type_mismatch,
            "expected a value, found nothing (drop)", 7),
    in_body("(func (param (ref func)) (local (ref func)) (try (do (local.set 1 (local.get 0))) "
            "(catch_all (drop (local.get 1)))))",
            uninitialized_local, "1", 11),
    in_body("(func (try (do (rethrow 0)) (catch_all)))", invalid_rethrow_label, "0", 3),
    in_body("(func (try (do) (catch_all (block (rethrow 0)))))", invalid_rethrow_label, "0", 6),
    in_body("(func (try (do) (catch_all (rethrow 2))))", unknown_label, "2", 4),
    in_body("(func (try (do) (delegate 1)))", unknown_label, "1", 3),
    in_body("(func (block (try (do (i32.const 1)) (delegate 0))))", type_mismatch,
            "values remain at the end of the block", 7),
};

/// Operands of any type come out of nothing, but those that are there count.
const Expected unreachable_code[] = {
    in_body("(func (result i32) (unreachable) (i64.const 0))", type_mismatch, "expected i32, found i64 (end)",
            4),
    in_body("(func (unreachable) (i32.const 1) (i64.const 1) (i32.add) (drop))", type_mismatch,
            "expected i32, found i64 (i32.add)", 6),
    in_body("(func (block (unreachable)) (drop))", type_mismatch, "expected a value, found nothing (drop)",
            5),
    in_body("(func (unreachable) (i32.const 0))", type_mismatch, "values remain at the end of the block", 4),
    in_body("(func (unreachable) (block (drop)))", type_mismatch, "expected a value, found nothing (drop)",
            4),
    in_body("(func (unreachable) (drop (local.get 9)))", unknown_local, "9", 2),
    in_body("(func (drop (block (result i32) (unreachable) (br_table 0 1 (i32.const 0)))))", type_mismatch,
            "labels of br_table differ in arity", 6),
    in_body("(func (br 0) (drop (i32.load (i32.const 0))))", unknown_memory, "0", 5),
    in_body("(func (unreachable) (drop (ref.is_null (i32.const 0))))", type_mismatch,
            "expected a reference, found i32 (ref.is_null)", 4),
    // The then-branch cannot go on; the else-branch can be reached all the same.
    in_body("(func (drop (if (result i32) (i32.const 1) (then (unreachable)) (else))))", type_mismatch,
            "expected i32, found nothing (end)", 7),
};

/// The list of one local takes four bytes.
const Expected locals[] = {
    in_body("(func (local (ref func)) (drop (local.get 0)))", uninitialized_local, "0", 4),
    in_body("(func (param (ref func)) (local (ref func)) (block (local.set 1 (local.get 0))) (drop "
            "(local.get 1)))",
            uninitialized_local, "1", 11),
    in_body(
        "(func (param (ref func)) (local (ref func)) (if (i32.const 0) (then (local.set 1 (local.get 0))) "
        "(else (drop (local.get 1)))))",
        uninitialized_local, "1", 13),
    in_body(
        "(func (param (ref func)) (local (ref func)) (if (i32.const 0) (then (local.set 1 (local.get 0))) "
        "(else (local.set 1 (local.get 0)))) (drop (local.get 1)))",
        uninitialized_local, "1", 18),
    in_body("(func (local (ref func)) (unreachable) (drop (local.get 0)))", uninitialized_local, "0", 5),
    in_body("(func (local (ref 7)))", unknown_type, "7", 0),
};

class ControlTest : public RejectsTest {};

TEST_P(ControlTest, WithCodeTextAndPlace) {
    expect_error(judge(GetParam().source), GetParam());
}
INSTANTIATE_TEST_SUITE_P(Blocks, ControlTest, ::testing::ValuesIn(blocks), row_name);
INSTANTIATE_TEST_SUITE_P(Branches, ControlTest, ::testing::ValuesIn(branches), row_name);
INSTANTIATE_TEST_SUITE_P(LegacyExceptions, ControlTest, ::testing::ValuesIn(legacy_exceptions), row_name);
INSTANTIATE_TEST_SUITE_P(UnreachableCode, ControlTest, ::testing::ValuesIn(unreachable_code), row_name);
INSTANTIATE_TEST_SUITE_P(Locals, ControlTest, ::testing::ValuesIn(locals), row_name);

/// What the text cannot even say: parts of a try where there is none, or in the wrong order.
TEST(LegacyExceptions, PartsWithoutTheirTry) {
    constexpr uint8_t try_ = 0x06, catch_ = 0x07, delegate = 0x18, catch_all = 0x19;
    constexpr uint8_t block = 0x02, nop = 0x01, end = 0x0b, empty = 0x40;
    const std::vector<std::vector<uint8_t>> bodies{
        {block, empty, catch_all, end},
        {block, empty, catch_, 0, end},
        {block, empty, delegate, 0},
        {try_, empty, catch_all, catch_all, end},
        {try_, empty, catch_all, catch_, 0, end},
        {try_, empty, catch_, 0, delegate, 0},
        {try_, empty, catch_all, delegate, 0},
    };
    for (const auto& body : bodies) {
        auto bytes = text::assemble("(tag) (func nop nop nop nop nop nop)").value();
        auto nops = std::ranges::search(bytes, std::vector<uint8_t>(6, nop)).begin();
        std::ranges::copy(body, nops);
        const Judged judged = judge_bytes(std::move(bytes));
        ASSERT_FALSE(judged.verdict.has_value()) << ::testing::PrintToString(body);
        EXPECT_EQ(judged.verdict.error().code, end_opcode_expected) << judged.verdict.error().message();
    }
}

TEST(LegacyExceptions, NeedTheirFeature) {
    const Judged judged = judge("(func (try (do)))", Features::up_to(3));
    ASSERT_FALSE(judged.verdict.has_value());
    EXPECT_EQ(judged.verdict.error().code, feature_disabled);
}

TEST(Accepts, LegacyTries) {
    for (const char* source : {
             "(func (try (do)))",
             "(tag (param i32)) (func (result i32) (try (result i32) (do (i32.const 1)) (catch 0)))",
             "(tag (param i32)) (func (result i32) (try (result i32) (do (unreachable)) (catch 0) "
             "(catch 0 (drop) (i32.const 2)) (catch_all (i32.const 3))))",
             "(func (try (do) (delegate 0)))",
             "(func (result i32) (try (do) (catch_all (rethrow 0))) (i32.const 0))",
             "(func (try (do) (catch_all (block (try (do (rethrow 2)) (catch_all (rethrow 0)))))))",
             "(func (unreachable) (try (do) (catch_all (rethrow 0))))",
             "(tag $e) (func (block $l (try (do (try_table (catch $e $l) (throw $e))) (catch $e))))",
         })
        expect_valid(source);
}

TEST(Accepts, AnyOperandsInCodeThatCannotBeReached) {
    for (const char* source : {
             "(func (result i32) (unreachable))",
             "(func (result i32) (unreachable) (i32.add))",
             "(func (result i32) (unreachable) (i32.const 1) (i32.add))",
             "(func (unreachable) (drop) (select) (drop))",
             "(func (result i64) (unreachable) (i64.const 1) (i32.const 1) (select))",
             "(func (result f32) (return (f32.const 0)) (f64.promote_f32) (f32.demote_f64))",
             "(func (unreachable) (ref.is_null) (drop))",
             "(func (unreachable) (ref.as_non_null) (drop))",
             "(func (unreachable) (br_on_null 0) (drop))",
             "(func (result externref) (unreachable) (br_on_non_null 0) (unreachable))",
             "(type $t (func (result i32))) (func (result i32) (unreachable) (call_ref $t))",
             "(func (result anyref) (unreachable) (any.convert_extern))",
             "(func (drop (if (result i32) (i32.const 1) (then (unreachable)) (else (i32.const 1)))))",
             // Labels of different types are possible where no operand decides.
             "(func (drop (block (result i64) (drop (block (result i32) (unreachable) (br_table 0 1))) "
             "(i64.const 0))))",
             "(func (loop (br 0) (i64.add) (drop)))",
         })
        expect_valid(source);
}

TEST(Accepts, LabelsOfEqualArity) {
    for (const char* source : {
             "(func (param i32) (block (block (br_table 0 1 2 (local.get 0)))))",
             "(func (param i32) (result i32) (block (result i32) (br_table 0 1 0 (i32.const 5) (local.get "
             "0))))",
             // The operand is of both types.
             "(func (param (ref func) i32) (result funcref) (block (result (ref func)) "
             "(br_table 0 1 (local.get 0) (local.get 1))))",
             "(func (result i32 i64) (block (result i32 i64) (br 0 (i32.const 1) (i64.const 2))))",
             "(func (param i32) (local.get 0) (loop (param i32) (br_if 0 (local.get 0)) (drop)) (local.get 0)"
             " (loop (param i32) (br_table 0 0 (i32.const 1))))",
         })
        expect_valid(source);
}

TEST(Accepts, LocalsThatWereSet) {
    for (const char* source : {
             "(func (param (ref func)) (drop (local.get 0)))",
             "(func (local funcref i32 v128) (drop (local.get 0)) (drop (local.get 2)))",
             "(func (param (ref func)) (local (ref func)) (local.set 1 (local.get 0)) "
             "(block (drop (local.get 1))) (drop (local.get 1)))",
             "(func (param (ref func)) (local (ref func)) (drop (local.tee 1 (local.get 0))) (drop "
             "(local.get 1)))",
             // Set outside, set again inside: still set after it.
             "(func (param (ref func)) (local (ref func)) (local.set 1 (local.get 0)) "
             "(block (local.set 1 (local.get 0))) (drop (local.get 1)))",
         })
        expect_valid(source);
}

}  // namespace
}  // namespace wsb::validate::testing
