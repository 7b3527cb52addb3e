// SPDX-License-Identifier: Apache-2.0
// Instructions that are not control: operands, index spaces, memories, tables, references, aggregates.
// Offsets are counted by hand: 1 for the empty list of locals, then the instructions before the one at fault.
#include "tests/unit/validate/validate_fixture.h"

namespace wsb::validate::testing {
namespace {

using enum ErrorCode;

const Expected operands[] = {
    in_body("(func (result i32) (f64.const 0))", type_mismatch, "expected i32, found f64 (end)", 10),
    in_body("(func (result i32))", type_mismatch, "expected i32, found nothing (end)", 1),
    in_body("(func (i32.const 1))", type_mismatch, "values remain at the end of the block", 3),
    in_body("(func (drop (i32.add (i32.const 1) (i64.const 2))))", type_mismatch,
            "expected i32, found i64 (i32.add)", 5),
    in_body("(func (i32.const 1) (block (drop)) (drop))", type_mismatch,
            "expected a value, found nothing (drop)", 5),
    in_body("(func (param funcref) (drop (select (local.get 0) (local.get 0) (i32.const 1))))", type_mismatch,
            "select without a type needs numbers or vectors", 7),
    in_body("(func (drop (select (i32.const 1) (i64.const 1) (i32.const 1))))", type_mismatch,
            "expected i64, found i32 (select)", 7),
    in_body("(func (drop (select (result i32 i32) (i32.const 1) (i32.const 1) (i32.const 1))))",
            invalid_result_arity, "", 7),
    in_body("(func (drop (select (result i64) (i64.const 1) (i32.const 1) (i32.const 1))))", type_mismatch,
            "expected i64, found i32 (select)", 7),
    in_body("(func (drop (i8x16.extract_lane_s 16 (v128.const i64x2 0 0))))", invalid_lane_index,
            "16 (i8x16.extract_lane_s)", 19),
    in_body("(func (drop (i64x2.replace_lane 2 (v128.const i64x2 0 0) (i64.const 0))))", invalid_lane_index,
            "2 (i64x2.replace_lane)", 21),
};

const Expected indices[] = {
    in_body("(func (param i32) (drop (local.get 1)))", unknown_local, "1", 1),
    in_body("(func (drop (global.get 0)))", unknown_global, "0", 1),
    in_body("(global i32 (i32.const 0)) (func (global.set 0 (i32.const 1)))", global_is_immutable, "0", 3),
    in_body("(global (mut i64) (i64.const 0)) (func (global.set 0 (i32.const 1)))", type_mismatch,
            "expected i64, found i32 (global.set)", 3),
    in_body("(func (call 7))", unknown_func, "7", 1),
    in_body("(func $f (param i64)) (func (call $f (i32.const 0)))", type_mismatch,
            "expected i64, found i32 (call)", 3, 1),
    in_body("(func $f (result i64) (i64.const 0)) (func (result i32) (return_call $f))", type_mismatch,
            "results of the callee are not those of the function (return_call)", 1, 1),
    in_body("(type (func)) (func (call_indirect (type 0) (i32.const 0)))", unknown_table, "0", 3),
    in_body("(type (func)) (table 1 externref) (func (call_indirect (type 0) (i32.const 0)))", type_mismatch,
            "expected funcref, found externref (call_indirect)", 3),
    in_body("(type (struct)) (func (call_ref 0 (ref.null 0)))", type_mismatch,
            "type 0 is not a function type", 3),
    in_body("(func (throw 0))", unknown_tag, "0", 1),
    in_body("(tag (param i32)) (func (throw 0 (f32.const 0)))", type_mismatch,
            "expected i32, found f32 (throw)", 6),
};

const Expected memories[] = {
    in_body("(func (drop (i32.load (i32.const 0))))", unknown_memory, "0", 3),
    in_body("(func (drop (memory.size)))", unknown_memory, "0", 1),
    in_body("(memory 1) (func (drop (i32.load align=8 (i32.const 0))))", alignment_too_large, "i32.load", 3),
    in_body("(memory 1) (func (i64.store16 align=4 (i32.const 0) (i64.const 0)))", alignment_too_large,
            "i64.store16", 5),
    in_body("(memory 1) (func (drop (i32.atomic.load align=1 (i32.const 0))))", atomic_alignment,
            "i32.atomic.load", 3),
    in_body("(memory i64 1) (func (drop (i32.load (i32.const 0))))", type_mismatch,
            "expected i64, found i32 (i32.load)", 3),
    in_body("(memory 1) (func (drop (i32.load offset=4294967296 (i32.const 0))))", offset_out_of_range, "",
            3),
    in_body("(memory 1) (memory i64 1) (func (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0)))",
            type_mismatch, "expected i64, found i32 (memory.copy)", 7),
    in_body("(memory 1) (data \"a\") (func (data.drop 5))", unknown_data_segment, "5", 1),
};

const Expected tables[] = {
    in_body("(func (drop (table.get 0 (i32.const 0))))", unknown_table, "0", 3),
    in_body("(table 1 funcref) (func (param externref) (table.set 0 (i32.const 0) (local.get 0)))",
            type_mismatch, "expected funcref, found externref (table.set)", 5),
    in_body("(table 1 funcref) (func (table.init 3 (i32.const 0) (i32.const 0) (i32.const 0)))",
            unknown_elem_segment, "3", 7),
    in_body(
        "(table 1 funcref) (elem externref) (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))",
        type_mismatch, "expected funcref, found externref (table.init)", 7),
    in_body("(table 1 funcref) (table 1 externref) (func (table.copy 0 1 (i32.const 0) (i32.const 0) "
            "(i32.const 0)))",
            type_mismatch, "expected funcref, found externref (table.copy)", 7),
    in_body("(table i64 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))", type_mismatch,
            "expected i64, found i32 (table.grow)", 5),
};

const Expected references[] = {
    in_body("(func $f) (func (drop (ref.func $f)))", undeclared_function_reference, "0", 1, 1),
    in_body("(func (drop (ref.func 9)))", unknown_func, "9", 1),
    in_body("(func (drop (ref.is_null (i32.const 0))))", type_mismatch,
            "expected a reference, found i32 (ref.is_null)", 3),
    in_body("(func (drop (ref.null 4)))", unknown_type, "4", 1),
    // Nullable where none is allowed, up instead of down, and across hierarchies.
    in_body("(func (param funcref) (result (ref func)) (local.get 0))", type_mismatch,
            "expected (ref func), found funcref (end)", 3),
    in_body("(func (param anyref) (result eqref) (local.get 0))", type_mismatch,
            "expected eqref, found anyref (end)", 3),
    in_body("(func (param externref) (result anyref) (local.get 0))", type_mismatch,
            "expected anyref, found externref (end)", 3),
    in_body("(type $a (sub (struct))) (type $b (sub $a (struct))) (func (param (ref $a)) (result (ref $b)) "
            "(local.get 0))",
            type_mismatch, "expected (ref 1), found (ref 0) (end)", 3),
    in_body("(func (param externref) (drop (ref.cast eqref (local.get 0))))", type_mismatch,
            "expected anyref, found externref (ref.cast)", 3),
    in_body("(func (param externref) (drop (ref.eq (local.get 0) (ref.null eq))))", type_mismatch,
            "expected eqref, found externref (ref.eq)", 5),
};

const Expected aggregates[] = {
    in_body("(type (struct (field i32))) (func (struct.set 0 0 (ref.null 0) (i32.const 0)))", immutable_field,
            "0", 5),
    in_body("(type (struct (field i32))) (func (drop (struct.get 0 1 (ref.null 0))))", unknown_field, "1", 3),
    in_body("(type (struct (field i8))) (func (drop (struct.get 0 0 (ref.null 0))))", field_is_packed, "", 3),
    in_body("(type (struct (field i32))) (func (drop (struct.get_u 0 0 (ref.null 0))))", field_is_unpacked,
            "", 3),
    in_body("(type (struct (field (ref func)))) (func (drop (struct.new_default 0)))", not_defaultable,
            "field 0", 1),
    in_body("(type (array i32)) (func (array.set 0 (ref.null 0) (i32.const 0) (i32.const 0)))",
            immutable_array, "", 7),
    in_body("(type (array i16)) (func (drop (array.get 0 (ref.null 0) (i32.const 0))))", array_is_packed, "",
            5),
    in_body("(type (array i32)) (func (drop (array.get_s 0 (ref.null 0) (i32.const 0))))", array_is_unpacked,
            "", 5),
    in_body(
        "(type (array funcref)) (data \"\") (func (drop (array.new_data 0 0 (i32.const 0) (i32.const 0))))",
        array_not_numeric, "funcref", 5),
    in_body(
        "(type (array (mut i8))) (type (array (mut i16))) (func (array.copy 0 1 (ref.null 0) (i32.const 0) "
        "(ref.null 1) (i32.const 0) (i32.const 0)))",
        array_types_do_not_match, "", 11),
    in_body("(type (func)) (func (drop (struct.new 0)))", type_mismatch, "type 0 is not a structure type", 1),
};

class BodyTest : public RejectsTest {};

TEST_P(BodyTest, WithCodeTextAndPlace) {
    expect_error(judge(GetParam().source), GetParam());
}
INSTANTIATE_TEST_SUITE_P(Operands, BodyTest, ::testing::ValuesIn(operands), row_name);
INSTANTIATE_TEST_SUITE_P(Indices, BodyTest, ::testing::ValuesIn(indices), row_name);
INSTANTIATE_TEST_SUITE_P(Memories, BodyTest, ::testing::ValuesIn(memories), row_name);
INSTANTIATE_TEST_SUITE_P(Tables, BodyTest, ::testing::ValuesIn(tables), row_name);
INSTANTIATE_TEST_SUITE_P(References, BodyTest, ::testing::ValuesIn(references), row_name);
INSTANTIATE_TEST_SUITE_P(Aggregates, BodyTest, ::testing::ValuesIn(aggregates), row_name);

TEST(Accepts, SubtypesWhereTheirSupertypesAreExpected) {
    for (const char* source : {
             "(func (param (ref i31)) (result eqref) (local.get 0))",
             "(func (param (ref null none)) (result anyref) (local.get 0))",
             "(func (result externref) (ref.null noextern))",
             "(type $t (func)) (func (param (ref $t)) (result funcref) (local.get 0))",
             "(type $a (sub (struct))) (type $b (sub $a (struct (field i32)))) "
             "(func (param (ref $b)) (result (ref null $a)) (local.get 0))",
             // Equal definitions are one type.
             "(type $a (struct)) (type $b (struct)) (func (param (ref $a)) (result (ref $b)) (local.get 0))",
             "(type $a (array i8)) (func (param (ref $a)) (result i32) (array.len (local.get 0)))",
         })
        expect_valid(source);
}

TEST(Accepts, FunctionsDeclaredOutsideBodies) {
    for (const char* source : {
             "(func $f) (elem declare func $f) (func (drop (ref.func $f)))",
             "(func $f) (export \"f\" (func $f)) (func (drop (ref.func $f)))",
             "(func $f) (global funcref (ref.func $f)) (func (drop (ref.func $f)))",
             "(func $f) (table funcref (elem $f)) (func (drop (ref.func $f)))",
         })
        expect_valid(source);
}

}  // namespace
}  // namespace wsb::validate::testing
