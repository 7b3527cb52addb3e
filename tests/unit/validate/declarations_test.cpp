// SPDX-License-Identifier: Apache-2.0
// Everything outside of bodies: types, imports, definitions, constant expressions, segments, features.
#include "tests/unit/validate/validate_fixture.h"

namespace wsb::validate::testing {
namespace {

using enum ErrorCode;

const Expected types[] = {
    in_declaration("(type $a (sub final (func))) (type $b (sub $a (func)))", sub_type,
                   "type 1 cannot extend type 0", {0x50, 0x01, 0x00, 0x60}),
    in_declaration("(type $a (sub (struct (field i32 i64)))) (type (sub $a (struct (field i32))))", sub_type,
                   "type 1 cannot extend type 0", {0x50, 0x01, 0x00, 0x5f, 0x01}),
    // Mutable fields are equal or nothing.
    in_declaration(
        "(type $a (sub (struct (field (mut eqref))))) (type (sub $a (struct (field (mut i31ref)))))",
        sub_type, "type 1 cannot extend type 0", {0x50, 0x01, 0x00}),
    // Parameters go the other way.
    in_declaration("(type $a (sub (func (param eqref)))) (type (sub $a (func (param i31ref))))", sub_type,
                   "type 1 cannot extend type 0", {0x50, 0x01, 0x00}),
    in_declaration("(type $a (sub (func))) (type (sub $a (struct)))", sub_type, "type 1 cannot extend type 0",
                   {0x50, 0x01, 0x00, 0x5f}),
    in_declaration("(rec (type $a (sub $b (func))) (type $b (sub (func))))", unknown_type,
                   "supertype 1 of type 0", {0x4e, 0x02}),
    in_declaration("(type (func)) (type (func (param (ref 5))))", unknown_type, "5",
                   {0x60, 0x01, 0x64, 0x05}),
    // Only groups know what comes later.
    in_declaration("(type (struct (field (ref 1)))) (type (struct))", unknown_type, "1", {0x5f, 0x01, 0x64}),
};

const Expected definitions[] = {
    in_declaration("(import \"a\" \"b\" (table 2 1 funcref))", size_minimum_greater, "",
                   {0x01, 'a', 0x01, 'b'}),
    in_declaration("(import \"a\" \"b\" (global (ref 3)))", unknown_type, "3", {0x01, 'a', 0x01, 'b'}),
    in_declaration("(table 2 1 externref)", size_minimum_greater, "", {0x6f, 0x01, 0x02, 0x01}),
    in_declaration("(table 1 (ref func))", type_mismatch,
                   "a table of non-null references needs an initial value", {0x64, 0x70, 0x00, 0x01}),
    in_declaration("(table 1 (ref 9) (ref.func 0))", unknown_type, "9", {0x40, 0x00, 0x64, 0x09}),
    in_declaration("(memory 1) (memory 65537)", memory_size, "must be at most 65536 pages (4GiB)",
                   {0x00, 0x81, 0x80, 0x04}),
    in_declaration("(memory 1 65537)", memory_size, "must be at most 65536 pages (4GiB)", {0x01, 0x01, 0x81}),
    in_declaration("(memory i64 281474976710657)", memory_size, "must be at most 2^48 pages", {0x04, 0x81}),
    in_declaration("(memory 4294967296 (pagesize 1))", memory_size, "must be at most 2^32-1 bytes",
                   {0x08, 0x80, 0x80}),
    in_declaration("(memory 0 (pagesize 4096))", invalid_page_size, "must be 1 or 65536", {0x08, 0x00, 0x0c}),
    in_declaration("(memory 3 2)", size_minimum_greater, "", {0x01, 0x03, 0x02}),
    in_declaration("(memory 1 shared)", shared_memory_without_max, "", {0x02, 0x01}),
    in_declaration("(tag) (tag (result i32))", non_empty_tag_result, "", {0x00, 0x01}),
    in_declaration("(type (struct)) (tag (type 0))", type_mismatch, "type 0 is not a function type",
                   {0x00, 0x00}),
    in_declaration("(func) (export \"a\" (func 0)) (export \"b\" (func 1))", unknown_func, "1",
                   {0x01, 'b', 0x00, 0x01}),
    in_declaration("(export \"t\" (table 0))", unknown_table, "0", {0x01, 't', 0x01}),
    in_declaration("(export \"m\" (memory 0))", unknown_memory, "0", {0x01, 'm', 0x02}),
    in_declaration("(export \"g\" (global 0))", unknown_global, "0", {0x01, 'g', 0x03}),
    in_declaration("(export \"e\" (tag 0))", unknown_tag, "0", {0x01, 'e', 0x04}),
    in_declaration("(func) (memory 1) (export \"a\" (func 0)) (export \"a\" (memory 0))",
                   duplicate_export_name, "a", {0x01, 'a', 0x02}),
    in_declaration("(start 4)", unknown_func, "4", {0x04}),
    in_declaration("(func (param i32)) (start 0)", start_function, "must have no parameters and no results",
                   {0x00}),
};

const Expected constants[] = {
    in_declaration("(global i32 (i32.ctz (i32.const 5)))", constant_expression_required, "i32.ctz", {0x68}),
    in_declaration("(global i32 (i64.const 5))", type_mismatch, "expected i32, found i64 (end)", {0x0b}),
    in_declaration("(global i32)", type_mismatch, "expected i32, found nothing (end)", {0x0b}),
    in_declaration("(global i32 (i32.const 5) (i32.const 6))", type_mismatch,
                   "values remain at the end of the block", {0x0b}),
    in_declaration("(global i32 (global.get 1)) (global i32 (i32.const 5))", unknown_global, "1",
                   {0x23, 0x01}),
    in_declaration("(global i32 (global.get 0))", unknown_global, "0", {0x23, 0x00}),
    in_declaration("(global (mut i32) (i32.const 5)) (global i32 (global.get 0))",
                   constant_expression_required, "global 0 is mutable", {0x23, 0x00}),
    in_declaration("(global funcref (ref.func 3))", unknown_func, "3", {0xd2, 0x03}),
    in_declaration("(global i32 (block (result i32) (i32.const 5)))", constant_expression_required, "block",
                   {0x02, 0x7f}),
    in_declaration("(memory 1) (global i32 (memory.size))", constant_expression_required, "memory.size",
                   {0x3f}),
};

const Expected segments[] = {
    in_declaration("(elem (table 0) (i32.const 0) func)", unknown_table, "0", {0x00}),
    in_declaration("(table 1 funcref) (elem (i64.const 0) func)", type_mismatch,
                   "expected i32, found i64 (end)", {0x0b}),
    in_declaration("(table 1 externref) (func) (elem (i32.const 0) func 0)", type_mismatch,
                   "expected externref, found (ref func) (elem)", {0x00, 0x41}),
    in_declaration("(elem func 6)", unknown_func, "6", {0x01, 0x00, 0x01, 0x06}),
    in_declaration("(elem externref (item (ref.null func)))", type_mismatch,
                   "expected externref, found funcref (end)", {0x0b}),
    in_declaration("(data (i32.const 0) \"\")", unknown_memory, "0", {0x00, 0x41}),
    in_declaration("(memory i64 1) (data (i32.const 0) \"\")", type_mismatch, "expected i64, found i32 (end)",
                   {0x0b}),
};

class DeclarationsTest : public RejectsTest {};

TEST_P(DeclarationsTest, WithCodeTextAndPlace) {
    expect_error(judge(GetParam().source), GetParam());
}
INSTANTIATE_TEST_SUITE_P(Types, DeclarationsTest, ::testing::ValuesIn(types), row_name);
INSTANTIATE_TEST_SUITE_P(Definitions, DeclarationsTest, ::testing::ValuesIn(definitions), row_name);
INSTANTIATE_TEST_SUITE_P(Constants, DeclarationsTest, ::testing::ValuesIn(constants), row_name);
INSTANTIATE_TEST_SUITE_P(Segments, DeclarationsTest, ::testing::ValuesIn(segments), row_name);

/// The text format has no functions of unknown types. Numbers need not be of the shortest form.
TEST(Rejects, FunctionsOfUnknownTypesWithTheirOwnPlace) {
    const Judged judged =
        judge_bytes({0x00, 'a',  's',  'm',  0x01, 0x00, 0x00, 0x00,  // header
                     0x01, 0x04, 0x01, 0x60, 0x00, 0x00,              // type 0: func
                     0x03, 0x05, 0x03, 0x80, 0x00, 0x09, 0x00,        // types 0, 9, 0
                     0x0a, 0x0a, 0x03, 0x02, 0x00, 0x0b, 0x02, 0x00, 0x0b, 0x02, 0x00, 0x0b});
    expect_error(judged, in_declaration("", unknown_type, "9", {0x09, 0x00, 0x0a}));
}

TEST(Rejects, WhatNeedsAFeatureThatIsOff) {
    const Features oldest = Features::up_to(1);
    expect_error(judge("(memory 1) (memory 2)", oldest),
                 in_declaration("", multiple_memories, "need the feature multi-memory", {0x00, 0x02}));
    expect_error(judge("(table 1 funcref) (table 2 funcref)", oldest),
                 in_declaration("", multiple_tables, "need the feature reference-types", {0x70, 0x00, 0x02}));
    expect_error(judge("(type (func)) (type (func (result i32 i32)))", oldest),
                 in_declaration("", feature_disabled, "several results need the feature multi-value",
                                {0x60, 0x00, 0x02}));
    expect_error(judge("(global i32 (i32.add (i32.const 1) (i32.const 2)))", oldest),
                 in_declaration("", constant_expression_required,
                                "arithmetic needs the feature extended-const", {0x6a}));
    expect_error(judge("(func (drop (i32.extend8_s (i32.const 0))))", oldest),
                 in_body("", feature_disabled, "i32.extend8_s needs the feature sign-extension", 3));
    expect_error(judge("(func $f (return_call $f))", Features::up_to(2)),
                 in_body("", feature_disabled, "return_call needs the feature tail-call", 1));
}

TEST(Accepts, Declarations) {
    for (const char* source : {
             "",
             "(type $a (sub (struct (field eqref)))) (type (sub $a (struct (field i31ref) (field i32))))",
             "(type $a (sub (func (param i31ref) (result eqref)))) "
             "(type (sub $a (func (param eqref) (result i31ref))))",
             "(rec (type $a (struct (field (ref null $b)))) (type $b (array (ref $a))))",
             "(memory 65536) (memory 0 65536) (memory i64 0 281474976710656) (memory 1 1 shared)",
             "(table 0 0 funcref) (func $f) (table 3 (ref func) (ref.func $f))",
             "(global $a i32 (i32.const 1)) (global i32 (i32.add (global.get $a) (i32.const 1)))",
             "(type $s (struct (field i32))) (global (ref $s) (struct.new $s (i32.const 1)))",
             "(global (ref i31) (ref.i31 (i32.const 1)))",
             "(func $f) (export \"a\" (func $f)) (export \"b\" (func $f)) (start $f)",
             "(table i64 1 funcref) (elem (i64.const 0) funcref (ref.null func))",
             "(elem declare externref) (data \"passive\")",
         })
        expect_valid(source);
}

}  // namespace
}  // namespace wsb::validate::testing
