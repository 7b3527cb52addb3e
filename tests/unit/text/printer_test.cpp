// SPDX-License-Identifier: Apache-2.0
// Printed modules: what they look like, and that they assemble to the same bytes again.
#include "engine/isa/opcode.h"
#include "engine/text/float_text.h"
#include "engine/text/literals.h"
#include "tests/unit/text/text_fixture.h"

#include <gmock/gmock.h>

#include <bit>
#include <random>

namespace wsb::text {
namespace {

using ::testing::HasSubstr;
using testing::module_of;
using ::testing::Not;

/// The text of a module whose source assembles to the same bytes as its text.
std::string printed(std::string_view source) {
    const auto bytes = assemble(source);
    EXPECT_TRUE(bytes.has_value()) << bytes.error().message();
    std::string text = print(module_of(source));
    const auto again = assemble(text);
    EXPECT_TRUE(again.has_value()) << text << again.error().message();
    if (bytes && again) {
        EXPECT_EQ(*bytes, *again) << text;
    }
    return text;
}

/// The lines of function 0, blanks at their beginnings left out.
std::string printed_code(std::string_view instructions) {
    const std::string text = printed("(module (func " + std::string(instructions) + "))");
    std::string code;
    size_t start = text.find("(func (;0;)");
    while ((start = text.find('\n', start)) != std::string::npos && start + 1 != text.size()) {
        start = text.find_first_not_of(' ', start + 1);
        code += text.substr(start, text.find_first_of("\n", start) - start) + ";";
    }
    if (code.ends_with("));"))  // of the function and the module
        code.replace(code.size() - 3, 2, "");
    return code;
}

TEST(Print, EmptyModules) {
    EXPECT_EQ(printed("(module)"), "(module)\n");
    EXPECT_EQ(printed("(module $m)"), "(module $m)\n");
}

TEST(Print, AModuleInTheOrderOfItsSections) {
    EXPECT_EQ(printed(R"((module
        (type $unary (func (param i32) (result i32)))
        (import "env" "log" (func $log (param i32)))
        (memory 1 2)
        (global $counter (mut i64) (i64.const -1))
        (table $t 2 funcref)
        (tag $oops (param i32))
        (elem (i32.const 0) func $twice $log)
        (data (i32.const 8) "a\"\00\ff")
        (start $go)
        (func $twice (export "twice") (type $unary) (param $x i32) (result i32) (local $y i64) (local f32 f32)
            (i32.add (local.get $x) (local.get $x)))
        (func $go)))"),
              R"((module
  (type $unary (;0;) (func (param i32) (result i32)))
  (type (;1;) (func (param i32)))
  (type (;2;) (func))
  (import "env" "log" (func $log (;0;) (type 1)))
  (table $t (;0;) 2 funcref)
  (memory (;0;) 1 2)
  (tag $oops (;0;) (type 1))
  (global $counter (;0;) (mut i64) (i64.const -1))
  (export "twice" (func $twice))
  (start $go)
  (elem (;0;) (i32.const 0) func $twice $log)
  (func $twice (;1;) (type $unary) (param $x i32) (result i32)
    (local $y i64)
    (local f32 f32)
    local.get $x
    local.get $x
    i32.add)
  (func $go (;2;) (type 2))
  (data (;0;) (i32.const 8) "a\"\00\ff"))
)");
}

TEST(Print, Types) {
    const std::string text = printed(R"((module
        (rec (type $a (sub (struct (field $x (mut i8)) (field i16) (field (ref null $b)))))
             (type $b (sub final $a (struct (field i8) (field i16) (field (ref $b)))))
             (type (func)))
        (rec)
        (type $c (array (mut (ref null any))))
        (func (param $p (ref $a)) (result i32) (struct.get_s $a $x (local.get $p)))))");
    EXPECT_THAT(text, HasSubstr("(rec\n    (type $a (;0;) (sub (struct (field $x (mut i8)) (field i16) "
                                "(field (ref null $b)))))\n"));
    EXPECT_THAT(text,
                HasSubstr("(type $b (;1;) (sub final $a (struct (field i8) (field i16) (field (ref $b)))))"));
    EXPECT_THAT(text, HasSubstr("(type (;2;) (func)))\n  (rec)\n"));
    EXPECT_THAT(text, HasSubstr("(type $c (;3;) (array (mut anyref)))"));
    EXPECT_THAT(text, HasSubstr("struct.get_s $a $x"));
}

TEST(Print, LimitsAndSegments) {
    const std::string text = printed(R"((module
        (import "m" "t" (table $t i64 1 2 externref))
        (import "m" "m" (memory $m i64 1 1 shared))
        (import "m" "g" (global $g i32))
        (import "m" "e" (tag $e (type 0)))
        (type (func))
        (memory $n 1)
        (memory i64 3 9 (pagesize 1))
        (table $u 1 (ref func) (ref.func $f))
        (func $f)
        (elem $e1 (table $u) (i32.const 0) (ref func) (ref.func $f))
        (elem $e2 func $f)
        (elem $e3 declare funcref (ref.func $f) (item ref.null func))
        (elem (table $u) (offset (i32.add (global.get $g) (i32.const 1))) func)
        (data $d1 (memory $n) (global.get $g) "x")
        (data $d2 "")))");
    EXPECT_THAT(text, HasSubstr("(import \"m\" \"t\" (table $t (;0;) i64 1 2 externref))"));
    EXPECT_THAT(text, HasSubstr("(import \"m\" \"m\" (memory $m (;0;) i64 1 1 shared))"));
    EXPECT_THAT(text, HasSubstr("(memory (;2;) i64 3 9 (pagesize 1))"));
    EXPECT_THAT(text, HasSubstr("(table $u (;1;) 1 (ref func) (ref.func $f))"));
    EXPECT_THAT(text, HasSubstr("(elem $e1 (;0;) (table $u) (i32.const 0) (ref func) (ref.func $f))"));
    EXPECT_THAT(text, HasSubstr("(elem $e2 (;1;) func $f)"));
    EXPECT_THAT(text, HasSubstr("(elem $e3 (;2;) declare funcref (ref.func $f) (ref.null func))"));
    EXPECT_THAT(text, HasSubstr("(offset global.get $g i32.const 1 i32.add) func)"));
    EXPECT_THAT(text, HasSubstr("(data $d1 (;0;) (memory $n) (global.get $g) \"x\")"));
    EXPECT_THAT(text, HasSubstr("(data $d2 (;1;) \"\")"));
}

TEST(Print, BodiesOneByOne) {
    const Module module = module_of(R"((module (func $a)
        (func $f (param $p i32)
          block $out (br_if $out (local.get $p)) end
          block (if (local.get $p) (then (call $f (i32.const 1))) (else (nop))) end)))");
    BodyPrinter printer(module);
    EXPECT_EQ(printer.print(FuncIdx(0u)).size(), 1);
    for (int again = 0; again < 2; ++again) {
        std::string text;
        for (const InstrText& instr : printer.print(FuncIdx(1u))) {
            EXPECT_EQ(instr.text.starts_with("local.get"), module.bytes[instr.offset_bytes] == 0x20);
            text += std::string(instr.depth, '.') + instr.text + ";";
        }
        EXPECT_EQ(text,
                  "block $out;.local.get $p;.br_if $out;end;block;.local.get $p;.if;..i32.const 1;"
                  "..call $f;.else;..nop;.end;end;end;");
    }
    BodyPrinter short_printer(module, {.size_limit_bytes = 12});
    EXPECT_LT(short_printer.print(FuncIdx(1u)).size(), 5);
}

TEST(Print, BlocksAreIndentedAndLabelsFound) {
    const std::string text = printed(R"((module (tag $t) (func (param i32)
        block $out
          loop $again (result i32)
            local.get 0
            br_table $again 1 $out 2
          end
          drop
        end
        block $x block $x local.get 0 if $y br $x br 2 else br $y end end end
        try_table $try (result i32) (catch $t 0) (catch_all 0)
          i32.const 1
          br $try
        end
        drop)))");
    EXPECT_THAT(text, HasSubstr(R"(
    block $out
      loop $again (result i32)
        local.get 0
        br_table $again $out $out 2
      end
      drop
    end
    block $x
      block $x
        local.get 0
        if $y
          br $x
          br 2
        else
          br $y
        end
      end
    end
    try_table $try (result i32) (catch $t 0) (catch_all 0)
      i32.const 1
      br $try
    end
    drop))"));
}

TEST(Print, LegacyTries) {
    const std::string text = printed(R"((module (tag $t) (func
        try $l
          try $l nop delegate $l
        catch $t
          rethrow $l
        catch_all
          nop
        end)))");
    EXPECT_THAT(text, HasSubstr(R"(
    try $l
      try $l
        nop
      delegate $l
    catch $t
      rethrow $l
    catch_all
      nop
    end))"));
}

TEST(Print, ImmediatesOfEachKind) {
    EXPECT_EQ(
        printed_code("i32.const 0xffffffff i64.const 0x8000000000000000 f32.const 0x1p-149 f64.const -0"),
        "i32.const -1;i64.const -9223372036854775808;f32.const 1e-45;f64.const -0;");
    EXPECT_EQ(printed_code("v128.const i64x2 1 -1 i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31"),
              "v128.const i32x4 0x00000001 0x00000000 0xffffffff 0xffffffff;"
              "i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31;");
    EXPECT_EQ(printed_code("i32.load offset=8 i64.load8_u 1 align=1 f64.store 2 offset=4294967296 align=2"),
              "i32.load offset=8;i64.load8_u 1;f64.store 2 offset=4294967296 align=2;");
    EXPECT_EQ(printed_code("v128.load8_lane 3 v128.store64_lane 1 offset=1 align=4 1 i32x4.extract_lane 2"),
              "v128.load8_lane 3;v128.store64_lane 1 offset=1 align=4 1;i32x4.extract_lane 2;");
    EXPECT_EQ(
        printed_code("memory.size memory.size 1 memory.copy memory.copy 0 1 memory.fill 2 memory.init 3 "
                     "memory.init 1 3 data.drop 0"),
        "memory.size;memory.size 1;memory.copy;memory.copy 0 1;memory.fill 2;memory.init 3;"
        "memory.init 1 3;data.drop 0;");
    EXPECT_EQ(printed_code("table.get table.copy 1 0 table.init 2 table.init 1 2 elem.drop 0 table.grow 3"),
              "table.get 0;table.copy 1 0;table.init 0 2;table.init 1 2;elem.drop 0;table.grow 3;");
    EXPECT_EQ(
        printed_code("call 0 call_indirect (type 0) return_call_indirect 1 (type 0) call_ref 0 ref.func 0"),
        "call 0;call_indirect (type 0);return_call_indirect 1 (type 0);call_ref 0;ref.func 0;");
    EXPECT_EQ(printed_code("select select (result i32) select (result externref) select (result)"),
              "select;select (result i32);select (result externref);select (result);");
    EXPECT_EQ(printed_code("ref.null func ref.null 0 ref.test (ref 0) ref.test anyref ref.cast (ref eq) "
                           "br_on_cast 0 anyref (ref i31) br_on_cast_fail 0 (ref any) (ref null 0)"),
              "ref.null func;ref.null 0;ref.test (ref 0);ref.test anyref;ref.cast (ref eq);"
              "br_on_cast 0 anyref (ref i31);br_on_cast_fail 0 (ref any) (ref null 0);");
    EXPECT_EQ(printed_code(
                  "array.new_fixed 0 3 array.copy 0 1 array.new_data 0 1 array.init_elem 0 1 struct.get 0 2"),
              "array.new_fixed 0 3;array.copy 0 1;array.new_data 0 1;array.init_elem 0 1;struct.get 0 2;");
    EXPECT_EQ(
        printed_code("throw 0 throw_ref local.tee 0 global.set 0 memory.atomic.notify offset=4 atomic.fence"),
        "throw 0;throw_ref;local.tee 0;global.set 0;memory.atomic.notify offset=4;atomic.fence;");
    EXPECT_EQ(printed_code("block (type 0) end loop (result i64) end"),
              "block (type 0);end;loop (result i64);end;");
}

TEST(Print, EveryInstructionIsReadAgain) {
    for (size_t i = 0; i < op_count; ++i) {
        const OpInfo& row = op_table[i];
        if (row.imm != Imm::none)
            continue;
        const auto op = static_cast<Op>(i);
        if (op != Op::end && op != Op::else_ && op != Op::catch_all) {
            EXPECT_EQ(printed_code(row.text), std::string(row.text) + ";");
        }
    }
}

TEST(Print, NamesAreIdentifiersQuotedIfNeeded) {
    const std::string text = printed(R"((module
        (func $"a b" (;0;) (param $"\"" i32) (local $"λ" i64) local.get $"\"" drop local.get $"λ" drop)
        (export "\e2\80\ae\0a" (func $"a b"))))");
    EXPECT_THAT(text, HasSubstr("(func $\"a b\" (;0;) (type 0) (param $\"\\\"\" i32)"));
    EXPECT_THAT(text, HasSubstr("(local $\"\\ce\\bb\" i64)"));
    EXPECT_THAT(text, HasSubstr("(export \"\\e2\\80\\ae\\n\" (func $\"a b\"))"));
}

TEST(Print, EqualNamesGetEachTheirIdentifier) {
    const std::string text = printed(R"((module
        (func (@name "f")) (func (@name "f.2")) (func (@name "f")) (func $g (@name "f"))
        (func call 0 call 1 call 2 call 3)))");
    EXPECT_THAT(text, HasSubstr("(func $f (;0;)"));
    EXPECT_THAT(text, HasSubstr("(func $f.2 (;1;)"));
    EXPECT_THAT(text, HasSubstr("(func $f.2_ (@name \"f\") (;2;)"));
    EXPECT_THAT(
        printed(R"((func (param $a i32) (param (@name "a") i64) (local $b (@name "a") f32)))"),
        HasSubstr("(param $a i32) (param $a.1 (@name \"a\") i64)\n    (local $a.2 (@name \"a\") f32)"));
    EXPECT_THAT(printed(R"((type (struct (field $a i32) (field (@name "a") i64))))"),
                HasSubstr("(field $a i32) (field $a.1 (@name \"a\") i64)"));
    EXPECT_THAT(text, HasSubstr("(func $f.3 (@name \"f\") (;3;)"));
    EXPECT_THAT(text, HasSubstr("call $f\n    call $f.2\n    call $f.2_\n    call $f.3"));
}

TEST(Print, WithoutNames) {
    const Module module = module_of("(module $m (func $f (param $x i32) block $b br $b end call $f))");
    const std::string text = print(module, {.use_names = false});
    EXPECT_THAT(text, Not(HasSubstr("$")));
    EXPECT_THAT(text, HasSubstr("call 0"));
}

TEST(Print, CustomSectionsKeepTheirPlaces) {
    const std::string text = printed(R"((module (func)
        (@custom "a" (before first) "1") (@custom "b" (after type) "2\00") (@custom "c" (after code))
        (@custom "d" (after last) "3")))");
    EXPECT_THAT(text, HasSubstr("(@custom \"a\" (before first) \"1\")\n"
                                "  (@custom \"b\" (after type) \"2\\00\")\n"
                                "  (@custom \"c\" (after code) \"\")\n"
                                "  (@custom \"d\" (after code) \"3\"))"));
}

/// Counts of data segments that no instruction needs are not written again: a place behind them would be
/// lost.
TEST(Print, CustomSectionsBehindSectionsThatAreLeftOut) {
    const std::vector<uint8_t> bytes{0x00, 'a',  's',  'm',  0x01, 0x00,
                                     0x00, 0x00, 0x04, 0x01, 0x00,  // no tables
                                     0x0c, 0x01, 0x00,              // no data segments
                                     0x00, 0x02, 0x01, 'c'};        // custom section
    const std::string text = print(binary::decode(bytes, Features::up_to(4)).value());
    EXPECT_THAT(text, HasSubstr("(@custom \"c\" (before first) \"\")"));
    EXPECT_EQ(print(module_of(text)), text);
    printed(R"((module (memory 1) (data $d "x") (func (data.drop $d)) (@custom "c" (after datacount))))");
    printed(R"((module (memory 1) (data "x") (func) (@custom "c" (after datacount))))");
}

TEST(Print, LongDataTakesSeveralLines) {
    const std::string bytes(150, 'x');
    const std::string text = printed("(module (memory 1) (data (i32.const 0) \"" + bytes + "\"))");
    EXPECT_THAT(text, HasSubstr("(data (;0;) (i32.const 0)\n    \"" + std::string(64, 'x') + "\"\n"));
    EXPECT_THAT(text, HasSubstr("\n    \"" + std::string(22, 'x') + "\"))"));
}

TEST(Print, BodiesThatCannotBeRead) {
    const std::string text =
        print(module_of("(module binary \"\\00asm\\01\\00\\00\\00\" "
                        "\"\\01\\04\\01\\60\\00\\00\" \"\\03\\02\\01\\00\" "
                        "\"\\0a\\07\\01\\05\\00\\01\\ff\\01\\0b\")"));
    EXPECT_THAT(text, HasSubstr("nop (; cannot be read: illegal opcode"));
    // An index that is not there stays a number.
    EXPECT_THAT(printed("(module (func call 99 local.get 7 br 5 struct.get 3 4 block (type 9) end))"),
                HasSubstr("call 99\n    local.get 7\n    br 5\n    struct.get 3 4\n    block (type 9)"));
}

TEST(Print, DeepNestingDoesNotWidenTheText) {
    constexpr size_t depth = 20'000;
    std::string source = "(module (func ";
    for (size_t i = 0; i < depth; ++i)
        source += "block ";
    for (size_t i = 0; i < depth; ++i)
        source += "end ";
    EXPECT_LT(printed(source + "))").size(), depth * 200);
}

TEST(Print, TextsTooLongAreCutOffAndDoNotAssemble) {
    std::string source = "(module ";
    for (size_t i = 0; i < 100; ++i)
        source += "(func (local i32) i32.const 0 drop)";
    const Module module = module_of(source + ")");
    const std::string text = print(module, {.size_limit_bytes = 1000});
    EXPECT_LT(text.size(), 1200U);
    EXPECT_THAT(text, HasSubstr("cut off"));
    EXPECT_FALSE(assemble(text).has_value());
}

// Floats

[[nodiscard]] Token token_of(std::string_view text) {
    Token token;
    token.kind = Token::Kind::atom;
    token.text = text;
    return token;
}

void expect_f32(uint32_t bits) {
    const std::string text = f32_text(bits);
    const auto again = parse_f32(token_of(text));
    ASSERT_TRUE(again.has_value()) << text;
    EXPECT_EQ(*again, bits) << text;
}

void expect_f64(uint64_t bits) {
    const std::string text = f64_text(bits);
    const auto again = parse_f64(token_of(text));
    ASSERT_TRUE(again.has_value()) << text;
    EXPECT_EQ(*again, bits) << text;
}

TEST(FloatText, Specials) {
    EXPECT_EQ(f32_text(0), "0");
    EXPECT_EQ(f32_text(0x80000000), "-0");
    EXPECT_EQ(f32_text(0x7f800000), "inf");
    EXPECT_EQ(f32_text(0xff800000), "-inf");
    EXPECT_EQ(f32_text(0x7fc00000), "nan");
    EXPECT_EQ(f32_text(0xffc00000), "-nan");
    EXPECT_EQ(f32_text(0x7fa00000), "nan:0x200000");
    EXPECT_EQ(f32_text(0xff800001), "-nan:0x1");
    EXPECT_EQ(f64_text(0x7ff8000000000000), "nan");
    EXPECT_EQ(f64_text(0xfff0000000000001), "-nan:0x1");
    EXPECT_EQ(f32_text(std::bit_cast<uint32_t>(0.1F)), "0.1");
    EXPECT_EQ(f64_text(std::bit_cast<uint64_t>(1e300)), "1e+300");
}

TEST(FloatText, ReadsBackToTheSameBits) {
    std::mt19937_64 random(1);
    // Both ends of every exponent, and bits at random: subnormals and NaNs are among them.
    for (uint32_t exponent = 0; exponent < 256; ++exponent)
        for (const uint32_t fraction : {0U, 1U, 0x7fffffU, 0x7ffffeU, 0x400000U})
            expect_f32(exponent << 23 | fraction);
    for (uint64_t exponent = 0; exponent < 2048; ++exponent)
        for (const uint64_t fraction :
             {0ULL, 1ULL, 0xfffffffffffffULL, 0xffffffffffffeULL, 0x8000000000000ULL})
            expect_f64(exponent << 52 | fraction);
    for (int i = 0; i < 20'000; ++i) {
        expect_f32(static_cast<uint32_t>(random()));
        expect_f64(random());
        expect_f64(random() >> 12);
    }
}

TEST(Print, DescriptorsAndExactTypes) {
    const std::string text = printed(R"((module
        (rec
            (type $a (sub (descriptor $b) (struct (field i32))))
            (type $b (sub final (describes $a) (descriptor 2) (struct)))
            (type (describes $b) (struct (field (ref null (exact $a)))))
        )
        (type $f (func))
        (import "m" "f" (func $f (exact (type $f))))
        (func (import "m" "g") (exact (type $f)))
        (func (param (ref (exact $a)) (ref null (exact 2)))
            (drop (ref.cast_desc_eq (ref (exact $a)) (ref.null any) (ref.get_desc $a (local.get 0))))
            (drop (ref.cast_desc_eq (ref null $a) (ref.null any) (ref.null (exact $b))))
            (drop (struct.new_desc $a (i32.const 1) (ref.null none)))
            (drop (struct.new_default_desc $b (local.get 1)))
            (block (result anyref)
                (br_on_cast_desc_eq 0 anyref (ref (exact $b)) (ref.null any) (local.get 1))
                (br_on_cast_desc_eq_fail 0 (ref null $b) (ref null $b) (local.get 1)))
            (drop))))");
    for (const char* line :
         {"(type $a (;0;) (sub (descriptor $b) (struct (field i32))))",
          "(type $b (;1;) (describes $a) (descriptor 2) (struct))",
          "(type (;2;) (describes $b) (struct (field (ref null (exact $a)))))",
          "(import \"m\" \"f\" (func $f (;0;) (exact (type $f))))",
          "(param (ref (exact $a)) (ref null (exact 2)))", "ref.cast_desc_eq (ref (exact $a))",
          "ref.cast_desc_eq (ref null $a)", "ref.null (exact $b)", "struct.new_desc $a",
          "struct.new_default_desc $b", "ref.get_desc $a", "br_on_cast_desc_eq 0 anyref (ref (exact $b))",
          "br_on_cast_desc_eq_fail 0 (ref null $b) (ref null $b)"})
        EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace wsb::text
