// SPDX-License-Identifier: Apache-2.0
// Modules, types, names and instructions of the text format, seen through the decoder.
#include "engine/isa/limits.h"
#include "engine/isa/opcode.h"
#include "tests/unit/text/text_fixture.h"

#include <fmt/format.h>

namespace wsb::text {
namespace {

using testing::code_of;
using testing::expect_error;
using testing::module_of;

using Bytes = std::vector<uint8_t>;

TEST(Assemble, EmptyModules) {
    const Bytes empty{0x00, 'a', 's', 'm', 1, 0, 0, 0};
    const auto expect_empty = [&](std::string_view source) {
        const auto bytes = assemble(source);
        ASSERT_TRUE(bytes.has_value()) << bytes.error().message();
        EXPECT_EQ(*bytes, empty) << source;
    };
    expect_empty("(module)");
    expect_empty("");
    expect_empty("(module binary \"\\00as\" \"m\\01\\00\\00\\00\")");
    expect_empty("(module quote \"(module\" \")\")");
    expect_empty("(@name \"x\") (module (; ;)) ;; end");
    expect_error("(module", "unexpected token");
    expect_error("(module) (module)", "unexpected token");
    expect_error("(module))", "unexpected token");
    expect_error("(modul)", "unknown operator");
}

TEST(Assemble, ImplicitTypesComeBehindExplicitOnes) {
    const Module module = module_of(R"(
        (func $a (param i32))
        (func $b (result i64) (i64.const 0))
        (type $t (func (param f32)))
        (func $c (param $x f32))
        (func $d (param i32)))");
    ASSERT_EQ(module.types.size(), 3U);
    EXPECT_EQ(module.types[0].func()->params, ResultType{ValType::f32});
    EXPECT_EQ(module.types[1].func()->params, ResultType{ValType::i32});
    EXPECT_EQ(module.types[2].func()->results, ResultType{ValType::i64});
    EXPECT_EQ(module.funcs, (std::vector{TypeIdx(1U), TypeIdx(2U), TypeIdx(0U), TypeIdx(1U)}));
}

TEST(Assemble, RecursionGroupsAndSubtypes) {
    const Module module = module_of(R"(
        (rec (type $a (sub (struct (field $x (mut i8)) (field $y i16) (field (ref null $b)))))
             (type $b (sub final $a (struct (field i8) (field i16) (field anyref)))))
        (type $c (array (mut f64)))
        (rec)
        (func (param (ref $a)) (result i32) (struct.get_s $a $x (local.get 0))))");
    ASSERT_EQ(module.types.size(), 4U);
    ASSERT_EQ(module.rec_groups.size(), 4U);
    EXPECT_TRUE(module.rec_groups[0].is_explicit);
    EXPECT_EQ(module.rec_groups[0].count, 2U);
    EXPECT_FALSE(module.types[0].is_final);
    EXPECT_TRUE(module.types[1].is_final);
    EXPECT_EQ(module.types[1].super, TypeIdx(0U));
    EXPECT_EQ(module.types[0].structure()->fields.size(), 3U);
    EXPECT_TRUE(module.types[2].array()->field.is_mutable);
    EXPECT_EQ(module.names.fields.at(0).find(0)->second, "x");
}

TEST(Assemble, ForwardReferencesAndNames) {
    const Module module = module_of(R"(
        (module $m
          (export "e" (func $later))
          (start $later)
          (elem $e (table $t) (i32.const 0) func $later)
          (data $d (memory $mem) (i32.const 0) "x")
          (func $first (call $later) (global.set $g (i32.const 1)))
          (func $later (local $x i32) (block $b (br $b)))
          (table $t 1 funcref) (memory $mem 1) (global $g (mut i32) (i32.const 0)) (tag $tag)))");
    EXPECT_EQ(module.exports.at(0).index, 1U);
    EXPECT_EQ(module.start, FuncIdx(1U));
    const Names& names = module.names;
    EXPECT_EQ(names.module, "m");
    EXPECT_EQ(names.funcs, (NameMap{{0, "first"}, {1, "later"}}));
    EXPECT_EQ(names.locals.at(1), (NameMap{{0, "x"}}));
    EXPECT_EQ(names.labels.at(1), (NameMap{{0, "b"}}));
    EXPECT_EQ(names.tables, (NameMap{{0, "t"}}));
    EXPECT_EQ(names.memories, (NameMap{{0, "mem"}}));
    EXPECT_EQ(names.globals, (NameMap{{0, "g"}}));
    EXPECT_EQ(names.elems, (NameMap{{0, "e"}}));
    EXPECT_EQ(names.datas, (NameMap{{0, "d"}}));
    EXPECT_EQ(names.tags, (NameMap{{0, "tag"}}));
}

TEST(Assemble, InlineImportsAndExports) {
    const Module module = module_of(R"(
        (func $f (export "f") (export "g") (import "m" "f") (param i32))
        (memory (export "mem") (import "m" "mem") 1 2)
        (table (import "m" "t") i64 1 externref)
        (global (import "m" "g") (mut i64))
        (tag (import "m" "x") (param i32))
        (func (export "h")))");
    ASSERT_EQ(module.imports.size(), 5U);
    EXPECT_EQ(module.imports[2].kind(), ExternKind::table);
    EXPECT_EQ(std::get<TableType>(module.imports[2].type).address, AddressType::i64);
    ASSERT_EQ(module.exports.size(), 4U);
    EXPECT_EQ(module.exports[2].kind, ExternKind::memory);
    EXPECT_EQ(module.exports[3].index, 1U);
}

TEST(Assemble, InlineSegments) {
    const Module module = module_of(R"(
        (func $f)
        (table 1 funcref)
        (table $t funcref (elem $f $f))
        (table i64 externref (elem (ref.null extern) (item ref.null extern)))
        (memory (data "abc" "def"))
        (memory i64 (data))
        (table 2 (ref $s) (struct.new $s))
        (type $s (struct)))");
    ASSERT_EQ(module.tables.size(), 4U);
    EXPECT_EQ(module.tables[1].type.limits_elements, (Limits{2, 2}));
    EXPECT_EQ(module.tables[2].type.address, AddressType::i64);
    EXPECT_TRUE(module.tables[3].init.has_value());
    ASSERT_EQ(module.elems.size(), 2U);
    EXPECT_EQ(module.elems[0].table, TableIdx(1U));
    EXPECT_EQ(module.elems[0].funcs.size(), 2U);
    EXPECT_EQ(module.elems[1].exprs.size(), 2U);
    EXPECT_EQ(module.memories.at(0).type.limits_pages, (Limits{1, 1}));
    EXPECT_EQ(module.memories.at(1).type.limits_pages, (Limits{0, 0}));
    EXPECT_EQ(module.datas.at(0).bytes.size_bytes, 6U);
}

TEST(Assemble, ElementSegmentsInAllForms) {
    const Module module = module_of(R"(
        (table $t 9 funcref) (table $u 9 funcref) (func $f)
        (elem (i32.const 0) $f)
        (elem func $f)
        (elem (table $u) (offset i32.const 0) func $f)
        (elem declare func $f)
        (elem (i32.const 0) funcref (ref.func $f) (item ref.null func))
        (elem funcref)
        (elem (table $u) (i32.const 0) (ref null func) (ref.func $f))
        (elem declare (ref func) (ref.func $f)))");
    ASSERT_EQ(module.elems.size(), 8U);
    for (uint8_t flags = 0; flags < 8; ++flags)
        EXPECT_EQ(module.elems[flags].flags, flags);
    EXPECT_EQ(module.elems[4].exprs.size(), 2U);
    EXPECT_EQ(module.elems[6].table, TableIdx(1U));
}

TEST(Assemble, FoldedAndFlatAreTheSame) {
    const auto folded = code_of(
        "(drop (i32.add (i32.const 1) (if (result i32) (i32.const 2) (then (i32.const 3)) (else (i32.const "
        "4)))))");
    const auto flat = code_of(
        "i32.const 1 i32.const 2 if $l (result i32) i32.const 3 else $l i32.const 4 end $l i32.add drop");
    EXPECT_EQ(folded, flat);
    EXPECT_EQ(flat, (Bytes{0x41, 1, 0x41, 2, 0x04, 0x7f, 0x41, 3, 0x05, 0x41, 4, 0x0b, 0x6a, 0x1a}));
    EXPECT_EQ(code_of("(block (nop) nop (loop))"), (Bytes{0x02, 0x40, 1, 1, 0x03, 0x40, 0x0b, 0x0b}));
    EXPECT_EQ(code_of("(if (i32.const 0) (then))"), (Bytes{0x41, 0, 0x04, 0x40, 0x0b}));
}

TEST(Assemble, Labels) {
    EXPECT_EQ(code_of("(block $a (loop $b (block $a (br $a) (br $b) (br 2))))"),
              (Bytes{0x02, 0x40, 0x03, 0x40, 0x02, 0x40, 0x0c, 0, 0x0c, 1, 0x0c, 2, 0x0b, 0x0b, 0x0b}));
    EXPECT_EQ(code_of("(block $a (br_table 0 $a 1 $a (i32.const 0)))"),
              (Bytes{0x02, 0x40, 0x41, 0, 0x0e, 3, 0, 0, 1, 0, 0x0b}));
    expect_error("(func (br $x))", "unknown label");
    expect_error("(func block $a end (br $a))", "unknown label");
    expect_error("(func block $a end $b)", "mismatching label");
    expect_error("(func block end $b)", "mismatching label");
    expect_error("(func if $a else $b end)", "mismatching label");
}

TEST(Assemble, TryTable) {
    EXPECT_EQ(code_of("(block $l (try_table $m (catch_all $l) (nop)))"),
              (Bytes{0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 1, 0x0b, 0x0b}));
}

TEST(Assemble, LegacyTry) {
    const Bytes caught{0x06, 0x7f, 0x41, 1, 0x07, 3, 0x09, 0, 0x19, 0x41, 2, 0x0b, 0x1a};
    EXPECT_EQ(code_of("(drop (try $l (result i32) (do (i32.const 1)) (catch 3 (rethrow $l)) "
                      "(catch_all (i32.const 2))))"),
              caught);
    EXPECT_EQ(code_of("try $l (result i32) i32.const 1 catch 3 rethrow $l catch_all i32.const 2 end $l drop"),
              caught);
    // The label of a delegate is counted from outside of its try.
    const Bytes delegated{0x06, 0x40, 0x06, 0x40, 0x01, 0x18, 0, 0x0b};
    EXPECT_EQ(code_of("(try $l (do (try $l (do (nop)) (delegate $l))))"), delegated);
    EXPECT_EQ(code_of("try $l try $l nop delegate $l end"), delegated);
    for (const char* wrong : {"(try)",
                              "(try (nop))",
                              "(try nop (do))",
                              "(try (catch_all))",
                              "(try (do) (do))",
                              "(try (do) (nop))",
                              "(try (do) (delegate 0) (nop))",
                              "(try (do) (delegate 0) nop)",
                              "(try (do) (delegate 0 (nop)))",
                              "(try (do) (catch_all) (catch 0))",
                              "(try (do) (catch 0) (delegate 0))",
                              "(block (do))",
                              "(do)",
                              "(block (catch_all))",
                              "try catch_all catch 0 end",
                              "try catch 0 delegate 0",
                              "block catch 0 end",
                              "block delegate 0",
                              "delegate 0",
                              "try (do) end",
                              "(try (do catch 0))",
                              "try catch_all delegate 0"})
        expect_error("(func " + std::string(wrong) + ")", "unexpected token");
    expect_error("(func (try $l (do) (delegate $l)))", "unknown label");
}

TEST(Assemble, MemoryArguments) {
    EXPECT_EQ(code_of("(drop (i32.load offset=4 align=1 (i32.const 0)))"),
              (Bytes{0x41, 0, 0x28, 0, 4, 0x1a}));
    EXPECT_EQ(code_of("(drop (i64.load (i32.const 0)))"), (Bytes{0x41, 0, 0x29, 3, 0, 0x1a}));
    EXPECT_EQ(code_of("(drop (i32.load8_u 1 offset=0x1_0 (i32.const 0)))"),
              (Bytes{0x41, 0, 0x2d, 0x40, 1, 16, 0x1a}));
    EXPECT_EQ(code_of("memory.copy 1 2 memory.copy"), (Bytes{0xfc, 10, 1, 2, 0xfc, 10, 0, 0}));
    expect_error("(func (drop (i32.load align=3 (i32.const 0))))", "alignment");
    expect_error("(func (drop (i32.load align=0 (i32.const 0))))", "alignment");
    expect_error("(func (drop (i32.load align=-1 (i32.const 0))))", "unknown operator");
}

TEST(Assemble, LanesAndVectors) {
    EXPECT_EQ(code_of("v128.const i32x4 1 -1 0x10 4"),
              (Bytes{0xfd, 12, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 16, 0, 0, 0, 4, 0, 0, 0}));
    EXPECT_EQ(code_of("v128.load8_lane 3"), (Bytes{0xfd, 84, 0, 0, 3}));
    EXPECT_EQ(code_of("v128.load8_lane 1 3"), (Bytes{0xfd, 84, 0x40, 1, 0, 3}));
    EXPECT_EQ(code_of("i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31").size(), 18U);
    expect_error("(func v128.const i32x4 1 2 3)", "wrong number of lane literals");
    expect_error("(func v128.const i32x4 1 2 3 4 5)", "wrong number of lane literals");
    expect_error("(func v128.const i8x16 256 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0)", "constant out of range");
    expect_error("(func i8x16.shuffle 0)", "invalid lane length");
    expect_error("(func i8x16.extract_lane_s 256)", "i8 constant out of range");
}

TEST(Assemble, DataCountWhenNeeded) {
    EXPECT_FALSE(module_of("(memory 1) (data \"a\")").data_count.has_value());
    EXPECT_EQ(module_of("(memory 1) (data \"a\") (func data.drop 0)").data_count, 1U);
    EXPECT_EQ(
        module_of(
            "(memory 1) (data $d \"a\") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)))")
            .data_count,
        1U);
    EXPECT_EQ(module_of("(type $a (array i8)) (data \"a\") (func (drop (array.new_data $a 0 (i32.const 0) "
                        "(i32.const 0))))")
                  .data_count,
              1U);
}

TEST(Assemble, EveryInstructionKeywordIsKnown) {
    for (const OpInfo& row : op_table) {
        const auto bytes = assemble("(module (func " + std::string(row.text) + "))");
        const ErrorCode code = bytes ? ErrorCode::none : bytes.error().code;
        EXPECT_NE(code, ErrorCode::unknown_operator) << row.text.view();
    }
}

TEST(Assemble, DuplicateNames) {
    expect_error("(func $f) (func $f)", "duplicate func");
    expect_error("(import \"\" \"\" (func $f)) (func $f)", "duplicate func");
    expect_error("(func (param $x i32) (local $x i32))", "duplicate local");
    expect_error("(type $t (func)) (type $t (func))", "duplicate type");
    expect_error("(type (struct (field $x i32) (field $x i32)))", "duplicate field");
    expect_error("(memory $m 1) (memory $m 1)", "duplicate memory");
    expect_error("(func $\"a\") (func $a)", "duplicate func");
}

TEST(Assemble, OrderAndTypeUses) {
    expect_error("(func) (import \"\" \"\" (func))", "import after function");
    expect_error("(memory 1) (func (import \"\" \"\"))", "import after memory");
    expect_error("(global i32 (i32.const 0)) (import \"\" \"\" (tag))", "import after global");
    expect_error("(type $t (func)) (func (type $t) (param i32))", "inline function type");
    expect_error("(func (result i32) (param i32))", "unexpected token");
    expect_error("(func (type $t))", "unknown type");
    expect_error("(start 0) (start 0)", "multiple start sections");
    expect_error("(func (i32.cons 0))", "unknown operator");
    expect_error("(func nonsense)", "unknown operator nonsense");
    expect_error("(func (i32.const 4294967296))", "constant out of range");
}

std::string repeated(std::string_view text, size_t count) {
    std::string result;
    for (size_t i = 0; i < count; ++i)
        result += text;
    return result;
}

TEST(Assemble, DeepNestingNeedsNoStack) {
    constexpr size_t depth = 50'000;
    const auto folded = assemble("(module (func " + repeated("(block ", depth) + repeated(")", depth) + "))");
    EXPECT_TRUE(folded.has_value());
    const auto flat = assemble("(module (func " + repeated("block ", depth) + repeated("end ", depth) + "))");
    EXPECT_TRUE(flat.has_value());
    EXPECT_EQ(*folded, *flat);
    const auto operands = assemble("(module (func (drop " + repeated("(i32.eqz ", depth) + "(i32.const 0)" +
                                   repeated(")", depth) + ")))");
    EXPECT_TRUE(operands.has_value());
    EXPECT_TRUE(assemble("(func " + repeated("(if (i32.const 0) (then ", depth) + repeated("))", depth) + ")")
                    .has_value());
    EXPECT_TRUE(assemble("(func " + repeated("(block $x (br $x) (br $y) ", depth).insert(0, "(block $y ") +
                         repeated(")", depth + 2))
                    .has_value());
    EXPECT_FALSE(assemble("(func " + repeated("(block ", depth)).has_value());
    EXPECT_FALSE(assemble(repeated("(", depth)).has_value());
    EXPECT_FALSE(assemble("(type " + repeated("(sub ", depth)).has_value());
    EXPECT_FALSE(assemble(R"x((module quote "(module quote \"(module)\")"))x").has_value());
}

TEST(Assemble, SurvivesDamage) {
    const std::string source =
        R"((module $m (import "a" "b" (func $i (param i32))) (type $t (func (param $x i32)))
        (rec (type $s (sub (struct (field $f (mut i8)))))) (table $tab 1 funcref) (memory 1 2 shared)
        (global $g (mut i32) (i32.const 0x1)) (elem (i32.const 0) $i) (data (i32.const 0) "a\00")
        (@custom "c" (after type) "x") (func $h (@name "n") (export "h") (type $t) (local i64) block $b (result f32) f32.const nan:0x1 end $b drop
          (if (i32.const 0) (then (nop)) (else (br 0))) (call_indirect (type $t) (i32.const 0) (i32.const 0))
          (try_table (catch_all 0)) (drop (v128.const f64x2 1 2)))))";
    EXPECT_TRUE(assemble(source).has_value());
    for (size_t i = 0; i < source.size(); ++i) {
        static_cast<void>(assemble(source.substr(0, i)));
        for (const char c : {'(', ')', ' ', '"', '$', '0', '\0', '\xff'}) {
            std::string damaged = source;
            damaged[i] = c;
            static_cast<void>(assemble(damaged));
        }
    }
}

/// They must not become other types either.
TEST(Assemble, IndicesThatNoModuleCanDefineStayUnknown) {
    for (const uint32_t index : {4'128'768U, 4'128'800U, 4'194'304U, 8'388'608U, 0xffffffffU}) {
        for (const char* form : {"(module (type (struct)) (func (param (ref {}))))",
                                 "(module (type (struct)) (func (param (ref null (exact {})))))"}) {
            const Module module = module_of(fmt::format(fmt::runtime(form), index));
            const HeapType heap = module.types[1].func()->params[0].heap();
            EXPECT_TRUE(heap.is_defined()) << form << index;
            EXPECT_GE(heap.type_index().value, limits::types) << form << index;
            EXPECT_EQ(heap.is_exact(), std::string_view(form).find("exact") != std::string_view::npos);
        }
    }
}

}  // namespace
}  // namespace wsb::text
