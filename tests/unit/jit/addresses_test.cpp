// SPDX-License-Identifier: Apache-2.0
// How compilers of WebAssembly were left: an address with something in its upper half, an index folded into
// an addressing mode that does not wrap, a load made wider than it is (CVE-2023-26489, -2021-32629,
// -2026-24116, -2026-34944, -2026-34971, -2026-34987, -2026-35186, -2025-69261). Every kind of value is used
// as an address, by every kind of access; where it must lie is computed here.
#include "tests/unit/jit/tiers_fixture.h"

#include <fmt/format.h>

#include <bit>

namespace wsb::testing {
namespace {

constexpr uint64_t memory_bytes = 65536;

/// Code that leaves an address, of p: local 0 is p, local 1 an i64 with p below something else, local 2 is
/// 8 - p, local 3 free.
struct Address {
    const char* name;
    const char* code;
    uint32_t (*of)(uint32_t p);
};
std::ostream& operator<<(std::ostream& out, const Address& address) {
    return out << address.name;
}

constexpr Address addresses[] = {
    {"local", "local.get 0", [](uint32_t p) { return p; }},
    {"add", "(i32.add (local.get 0) (i32.const 16))", [](uint32_t p) { return p + 16; }},
    {"add_negative", "(i32.add (local.get 0) (i32.const -16))", [](uint32_t p) { return p - 16; }},
    {"add_large", "(i32.add (local.get 0) (i32.const 0x7fff_fff8))",
     [](uint32_t p) { return p + 0x7fff'fff8; }},
    {"add_locals", "(i32.add (local.get 0) (local.get 2))", [](uint32_t) { return 8u; }},
    {"add_twice", "(i32.add (i32.add (local.get 0) (local.get 2)) (i32.const -8))",
     [](uint32_t) { return 0u; }},
    {"double", "(i32.shl (local.get 0) (i32.const 1))", [](uint32_t p) { return p << 1; }},
    {"times_four", "(i32.shl (local.get 0) (i32.const 2))", [](uint32_t p) { return p << 2; }},
    {"times_eight", "(i32.shl (local.get 0) (i32.const 3))", [](uint32_t p) { return p << 3; }},
    {"shift_beyond", "(i32.shl (local.get 0) (i32.const 34))", [](uint32_t p) { return p << 2; }},
    {"shift_by_local", "(i32.shl (local.get 0) (local.get 2))",
     [](uint32_t p) { return p << ((8 - p) & 31); }},
    {"indexed", "(i32.add (i32.const 16) (i32.shl (local.get 0) (i32.const 2)))",
     [](uint32_t p) { return 16 + (p << 2); }},
    {"indexed_locals", "(i32.add (local.get 2) (i32.shl (local.get 0) (i32.const 3)))",
     [](uint32_t p) { return 8 - p + (p << 3); }},
    {"multiplied", "(i32.mul (local.get 0) (i32.const 4))", [](uint32_t p) { return p * 4; }},
    {"multiplied_by_three", "(i32.mul (local.get 0) (i32.const 3))", [](uint32_t p) { return p * 3; }},
    {"sub", "(i32.sub (local.get 0) (i32.const 1))", [](uint32_t p) { return p - 1; }},
    {"negated", "(i32.sub (i32.const 0) (local.get 0))", [](uint32_t p) { return 0 - p; }},
    {"rotated", "(i32.rotl (local.get 0) (i32.const 3))", [](uint32_t p) { return p << 3 | p >> 29; }},
    {"wrapped", "(i32.wrap_i64 (local.get 1))", [](uint32_t p) { return p; }},
    {"wrapped_sum", "(i32.wrap_i64 (i64.add (local.get 1) (i64.const 8)))", [](uint32_t p) { return p + 8; }},
    {"wrapped_shift", "(i32.wrap_i64 (i64.shl (local.get 1) (i64.const 3)))",
     [](uint32_t p) { return p << 3; }},
    {"sum_of_wrapped", "(i32.add (i32.wrap_i64 (local.get 1)) (i32.const 16))",
     [](uint32_t p) { return p + 16; }},
    {"sign_of_8", "(i32.extend8_s (local.get 0))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int8_t>(p)); }},
    {"sign_of_16", "(i32.extend16_s (local.get 0))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int16_t>(p)); }},
    {"global", "(global.set $g (local.get 0)) (global.get $g)", [](uint32_t p) { return p; }},
    {"global_64", "(global.set $h (local.get 1)) (i32.wrap_i64 (global.get $h))",
     [](uint32_t p) { return p; }},
    {"block_result", "(block (result i32) (br 0 (i32.wrap_i64 (local.get 1))))",
     [](uint32_t p) { return p; }},
    {"block_parameter", "(i32.wrap_i64 (local.get 1)) (block (param i32) (result i32))",
     [](uint32_t p) { return p; }},
    {"loop_parameter", "(i32.wrap_i64 (local.get 1)) (loop (param i32) (result i32) (i32.const 4) (i32.add))",
     [](uint32_t p) { return p + 4; }},
    {"if_result", "(if (result i32) (local.get 2) (then (i32.wrap_i64 (local.get 1))) (else (i32.const 24)))",
     [](uint32_t p) { return p == 8 ? 24u : p; }},
    {"selected", "(select (i32.wrap_i64 (local.get 1)) (i32.const 24) (local.get 2))",
     [](uint32_t p) { return p == 8 ? 24u : p; }},
    {"called", "(call $same (local.get 0))", [](uint32_t p) { return p; }},
    {"called_to_wrap", "(call $wrap (local.get 1))", [](uint32_t p) { return p; }},
    {"called_indirectly", "(call_indirect (param i64) (result i32) (local.get 1) (i32.const 1))",
     [](uint32_t p) { return p; }},
    {"of_the_host", "(call $host (local.get 0))", [](uint32_t p) { return p + 16; }},
    {"kept_over_a_call", "(i32.add (local.get 0) (i32.const 16)) (drop (call $same (i32.const -1)))",
     [](uint32_t p) { return p + 16; }},
    {"wrapped_over_a_call", "(i32.wrap_i64 (local.get 1)) (drop (call $same (i32.const -1)))",
     [](uint32_t p) { return p; }},
    {"local_over_a_call",
     "(local.set 3 (i32.sub (local.get 0) (i32.const 8))) (drop (call $same (i32.const -1))) (local.get 3)",
     [](uint32_t p) { return p - 8; }},
    {"loaded", "(i32.store (i32.const 32) (local.get 0)) (i32.load (i32.const 32))",
     [](uint32_t p) { return p; }},
    {"loaded_sign", "(i64.store (i32.const 32) (local.get 1)) (i32.load16_s (i32.const 32))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int16_t>(p)); }},
    {"memory_size", "(memory.size)", [](uint32_t) { return 1u; }},
    {"memory_grow", "(memory.grow (local.get 0))", [](uint32_t p) { return p == 0 ? 1 : ~0u; }},
    {"table_size", "(table.size $t)", [](uint32_t) { return 2u; }},
    {"table_grow", "(table.grow $t (ref.null func) (i32.or (local.get 0) (i32.const 1)))",
     [](uint32_t) { return ~0u; }},
    {"table_64_size", "(i32.wrap_i64 (table.size $t64))", [](uint32_t) { return 3u; }},
    {"table_64_grow", "(i32.wrap_i64 (table.grow $t64 (ref.null func) (i64.or (local.get 1) (i64.const 1))))",
     [](uint32_t) { return ~0u; }},
    {"truncated", "(i32.trunc_sat_f64_u (f64.convert_i32_u (local.get 0)))", [](uint32_t p) { return p; }},
    {"truncated_or_trapping", "(i32.trunc_f64_u (f64.convert_i32_u (local.get 0)))",
     [](uint32_t p) { return p; }},
    {"truncated_negative", "(i32.trunc_f32_s (f32.const -16))", [](uint32_t) { return 0xffff'fff0u; }},
    {"divided", "(i32.div_s (local.get 0) (i32.const -1))", [](uint32_t p) { return 0 - p; }},
    {"remainder", "(i32.rem_u (local.get 0) (i32.const 0x1_0000))", [](uint32_t p) { return p & 0xffff; }},
    {"shifted_sign", "(i32.shr_s (local.get 0) (i32.const 1))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int32_t>(p) >> 1); }},
    {"inverted", "(i32.xor (local.get 0) (i32.const -1))", [](uint32_t p) { return ~p; }},
    {"ones_counted", "(i32.popcnt (i32.wrap_i64 (local.get 1)))",
     [](uint32_t p) { return static_cast<uint32_t>(std::popcount(p)); }},
    {"lane_16_sign", "(i16x8.extract_lane_s 1 (i32x4.splat (local.get 0)))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int16_t>(p >> 16)); }},
    {"lane_bits", "(i8x16.bitmask (v128.const i64x2 -1 -1))", [](uint32_t) { return 0xffffu; }},
    {"added_atomically",
     "(i32.atomic.rmw.xchg (i32.const 32) (local.get 0)) (drop) (i32.load (i32.const 32))",
     [](uint32_t p) { return p; }},
    {"reinterpreted", "(i32.reinterpret_f32 (f32.reinterpret_i32 (local.get 0)))",
     [](uint32_t p) { return p; }},
    {"lane", "(i32x4.extract_lane 1 (i64x2.splat (i64.rotl (local.get 1) (i64.const 32))))",
     [](uint32_t p) { return p; }},
    {"lane_sign", "(i8x16.extract_lane_s 3 (i32x4.splat (local.get 0)))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int8_t>(p >> 24)); }},
    {"i31_sign", "(i31.get_s (ref.i31 (local.get 0)))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int32_t>(p << 1) >> 1); }},
    {"field_sign", "(struct.get_s $s 0 (struct.new $s (local.get 0)))",
     [](uint32_t p) { return static_cast<uint32_t>(static_cast<int8_t>(p)); }},
    {"zeros_counted", "(i32.wrap_i64 (i64.clz (local.get 1)))", [](uint32_t) { return 0u; }},
    {"compared", "(i64.lt_s (local.get 1) (i64.const 0))", [](uint32_t) { return 1u; }},
};

struct Access {
    const char* name;
    const char* results;
    const char* code;  ///< behind the address; {} is its offset
    uint32_t width_bytes;
};

constexpr Access accesses[] = {
    {"load8", "i32", "i32.load8_u offset={}", 1},
    {"load16", "i32", "i32.load16_s offset={}", 2},
    {"load32", "i32", "i32.load offset={}", 4},
    {"load32_to_64", "i64", "i64.load32_s offset={}", 4},
    {"load64", "i64", "i64.load offset={}", 8},
    {"load_f32", "f32", "f32.load offset={}", 4},
    {"load_f64", "f64", "f64.load offset={}", 8},
    {"load_v128", "v128", "v128.load offset={}", 16},
    {"load_splat", "v128", "v128.load32_splat offset={}", 4},
    {"load_extended", "v128", "v128.load8x8_u offset={}", 8},
    {"load_lane", "v128", "(v128.const i64x2 1 2) (v128.load16_lane offset={} 5)", 2},
    {"store8", "", "(i32.const 0x55) (i32.store8 offset={})", 1},
    {"store32", "", "(i32.const 0x5555_5555) (i32.store offset={})", 4},
    {"store64", "", "(i64.const 0x5555_5555_5555_5555) (i64.store offset={})", 8},
    {"store_f64", "", "(f64.const 2.5) (f64.store offset={})", 8},
    {"store_v128", "", "(v128.const i64x2 1 2) (v128.store offset={})", 16},
    {"store_lane", "", "(v128.const i64x2 1 2) (v128.store64_lane offset={} 1)", 8},
    {"fill", "", "(i32.const 0x55) (i32.const 4) (memory.fill)", 4},
};
constexpr uint32_t offsets[] = {0, 65520, 0xffff'fff0};
constexpr uint32_t arguments[] = {
    0,           8,           16,          8190,        21845,       65512,       65535,       65536,
    0x1fff'ffff, 0x2000'0001, 0x4000'0002, 0x5555'5558, 0x7fff'ffff, 0x8000'0008, 0xffff'fff0, 0xffff'ffff};

void add_sixteen(Linker& linker) {
    ASSERT_TRUE(linker.function(
        "host", "add", [](int32_t p) { return static_cast<int32_t>(static_cast<uint32_t>(p) + 16); }));
}

class AddressTest : public TiersTest, public ::testing::WithParamInterface<Address> {};

TEST_P(AddressTest, LiesWhereItShould) {
    begin({}, add_sixteen);
    std::string functions;
    for (const Access& access : accesses)
        for (const uint32_t offset : offsets)
            functions += fmt::format(
                "(func (export \"{}@{}\") (param i32 i64) (result {}) (local i32 i32)"
                " (local.set 2 (i32.sub (i32.const 8) (local.get 0))) {} {})\n",
                access.name, offset, access.results, GetParam().code,
                fmt::format(fmt::runtime(access.code), offset));
    load(fmt::format(R"((import "host" "add" (func $host (param i32) (result i32)))
        (type $s (struct (field i8)))
        (memory (export "m") 1 1) (data (i32.const 0) "\01\82\03\84\05\86\07\88") (data (i32.const 65528) "\91\12\93\14\95\16\97\18")
        (global $g (mut i32) (i32.const 0)) (global $h (mut i64) (i64.const 0))
        (table $t 2 2 funcref) (table $t64 i64 3 3 funcref) (elem (table $t) (i32.const 0) func $same $wrap)
        (func $same (param i32) (result i32) (local.get 0))
        (func $wrap (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
        {})",
                     functions));
    for (const Access& access : accesses)
        for (const uint32_t offset : offsets)
            for (const uint32_t p : arguments) {
                const bool has_offset = std::string_view(access.code).contains("{}");
                const uint64_t end =
                    uint64_t{GetParam().of(p)} + (has_offset ? offset : 0) + access.width_bytes;
                const auto expected = end <= memory_bytes ? TrapCode::none : TrapCode::memory_out_of_bounds;
                const uint64_t dirty = 0xdead'beef'0000'0000 | p;
                const Observed seen =
                    call({Value(static_cast<int32_t>(p)), Value(static_cast<int64_t>(dirty))}, {},
                         fmt::format("{}@{}", access.name, offset));
                ASSERT_EQ(seen.trap, expected) << access.name << " offset " << offset << " of p = " << p;
            }
}
INSTANTIATE_TEST_SUITE_P(Values, AddressTest, ::testing::ValuesIn(addresses),
                         [](const auto& test) { return std::string(test.param.name); });

/// Accesses behind others relative to the same local, which may make a check needless, or not. Local 0 is p,
/// local 1 whether it begins in bounds; local 2 is free.
struct Sequence {
    const char* name;
    const char* code;
    TrapCode outside = TrapCode::memory_out_of_bounds;  ///< how it ends if p is 65528
};
std::ostream& operator<<(std::ostream& out, const Sequence& sequence) {
    return out << sequence.name;
}

constexpr Sequence sequences[] = {
    {"further", "(drop (i32.load (local.get 0))) (drop (i32.load offset=8 (local.get 0)))"},
    {"nearer", "(drop (i32.load offset=4 (local.get 0))) (drop (i64.load (local.get 0)))", TrapCode::none},
    {"wider", "(drop (i32.load (local.get 0))) (drop (v128.load (local.get 0)))"},
    {"changed",
     "(drop (i32.load (local.get 0))) (local.set 0 (i32.add (local.get 0) (i32.const 8)))"
     " (drop (i32.load (local.get 0)))"},
    {"changed_by_tee",
     "(drop (i32.load (local.tee 0 (i32.add (local.get 0) (i32.const 4)))))"
     " (drop (i32.load (local.tee 0 (i32.add (local.get 0) (i32.const 4)))))"
     " (drop (i32.load (local.get 0)))"},
    {"swapped",
     "(drop (i32.load (local.get 0))) (local.set 2 (local.get 0))"
     " (local.set 0 (i32.const 65536)) (drop (i32.load (local.get 2)))"
     " (if (i32.eqz (local.get 1)) (then (drop (i32.load (local.get 0)))))"},
    {"one_branch",
     "(if (local.get 1) (then (drop (i64.load offset=8 (local.get 0)))))"
     " (drop (i64.load offset=8 (local.get 0)))"},
    {"other_branch",
     "(if (local.get 1) (then (nop)) (else (drop (i32.load (local.get 0)))))"
     " (drop (i64.load offset=8 (local.get 0)))"},
    {"skipped",
     "(block (br_if 0 (i32.eqz (local.get 1))) (drop (i64.load offset=8 (local.get 0))))"
     " (drop (i64.load offset=8 (local.get 0)))"},
    {"skipped_by_table",
     "(block (block (br_table 0 1 (local.get 1))) (drop (i32.load (local.get 0))))"
     " (drop (i64.load offset=8 (local.get 0)))"},
    {"loop",
     "(loop (drop (i32.load (local.get 0))) (local.set 0 (i32.add (local.get 0) (i32.const 4)))"
     " (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 4))))"},
    {"around_a_loop",
     "(drop (i32.load (local.get 0)))"
     " (loop (drop (i32.load (local.get 0))) (local.set 0 (i32.add (local.get 0) (i32.const 4)))"
     " (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 4))))"},
    {"handler",
     "(block $h (try_table (catch_all $h) (call $throw) (drop (i64.load offset=8 (local.get 0)))))"
     " (drop (i64.load offset=8 (local.get 0)))"},
    {"over_a_call",
     "(drop (i32.load (local.get 0))) (call $nothing) (drop (i64.load offset=8 (local.get 0)))"},
    {"stores", "(i32.store (local.get 0) (i32.const 1)) (i64.store offset=1 (local.get 0) (i64.const 2))"},
    {"larger_memory",
     "(drop (i32.load (local.get 0))) (drop (memory.grow (i32.const 1)))"
     " (drop (i64.load offset=8 (local.get 0)))",
     TrapCode::none},
};

class CheckedTest : public TiersTest, public ::testing::WithParamInterface<Sequence> {};

TEST_P(CheckedTest, IsCheckedAsFarAsItReaches) {
    const uint32_t edge = memory_bytes - 8;
    for (const uint32_t p : {8u, edge}) {
        begin();
        load(fmt::format(R"((memory (export "m") 1 2) (tag $e)
            (func $nothing) (func $throw (throw $e))
            (func (export "f") (param i32 i32) (local i32) {}))",
                         GetParam().code));
        const Observed seen = call({Value(static_cast<int32_t>(p)), Value(p == edge ? 0 : 1)});
        EXPECT_EQ(seen.trap, p == edge ? GetParam().outside : TrapCode::none) << "p = " << p;
    }
}
INSTANTIATE_TEST_SUITE_P(Sequences, CheckedTest, ::testing::ValuesIn(sequences),
                         [](const auto& test) { return std::string(test.param.name); });

/// Instructions that a load may be folded into. {} is a load that ends where the memory does.
struct Consumer {
    const char* load;
    uint32_t width_bytes;
    const char* result;
    std::vector<std::string> codes;
};

/// A load that became wider would read what is not there.
TEST_F(TiersTest, LoadsAtTheEndReadNoFurther) {
    std::vector<Consumer> consumers;
    const auto floats = [](const std::string& type) {
        std::vector<std::string> codes;
        for (const char* op : {"abs", "neg", "sqrt", "ceil", "floor", "trunc", "nearest"})
            codes.push_back(fmt::format("({}.{} {{0}})", type, op));
        for (const char* op : {"add", "sub", "mul", "div", "min", "max", "copysign"}) {
            codes.push_back(fmt::format("({0}.{1} ({0}.convert_i32_s (local.get 0)) {{0}})", type, op));
            codes.push_back(fmt::format("({0}.{1} {{0}} ({0}.convert_i32_s (local.get 0)))", type, op));
            codes.push_back(fmt::format("({0}.{1} ({0}.const -1.5) {{0}})", type, op));
            codes.push_back(fmt::format("({0}.{1} {{0}} ({0}.const -1.5))", type, op));
        }
        codes.push_back(fmt::format("(select {{0}} ({}.const 1) (local.get 0))", type));
        return codes;
    };
    const auto compared = [](const std::string& type, std::initializer_list<const char*> ops) {
        std::vector<std::string> codes;
        for (const char* op : ops) {
            codes.push_back(fmt::format("({0}.{1} ({0}.const 1) {{0}})", type, op));
            codes.push_back(fmt::format("({0}.{1} {{0}} ({0}.const 1))", type, op));
        }
        return codes;
    };
    consumers.push_back({"f32.load", 4, "f32", floats("f32")});
    consumers.push_back({"f64.load", 8, "f64", floats("f64")});
    consumers.push_back({"f32.load", 4, "i32", compared("f32", {"eq", "ne", "lt", "gt", "le", "ge"})});
    consumers.push_back({"f64.load", 8, "i32", compared("f64", {"eq", "ne", "lt", "gt", "le", "ge"})});
    consumers.push_back({"i32.load", 4, "i32",
                         compared("i32", {"eq", "lt_s", "gt_u", "add", "sub", "and", "or", "xor", "mul",
                                          "shl", "shr_s", "rotl"})});
    consumers.push_back({"i64.load", 8, "i64",
                         compared("i64", {"add", "sub", "and", "or", "xor", "mul", "shl", "shr_u", "rotr"})});
    consumers.push_back(
        {"i32.load8_u", 1, "i32", compared("i32", {"eq", "lt_s", "gt_u", "add", "and", "or"})});
    consumers.push_back(
        {"i32.load16_s", 2, "i32", compared("i32", {"eq", "lt_s", "gt_u", "add", "and", "or"})});
    consumers.push_back({"i32.load",
                         4,
                         "i32",
                         {"(i32.clz {0})", "(i32.ctz {0})", "(i32.popcnt {0})", "(i32.extend8_s {0})",
                          "(i32.extend16_s {0})", "(i32.eqz {0})"}});
    consumers.push_back({"i32.load", 4, "f64", {"(f64.convert_i32_s {0})", "(f64.convert_i32_u {0})"}});
    consumers.push_back({"i32.load", 4, "f32", {"(f32.convert_i32_s {0})", "(f32.reinterpret_i32 {0})"}});
    consumers.push_back({"i64.load", 8, "f64", {"(f64.convert_i64_s {0})", "(f64.reinterpret_i64 {0})"}});
    consumers.push_back({"f32.load", 4, "f64", {"(f64.promote_f32 {0})"}});
    consumers.push_back({"f64.load", 8, "f32", {"(f32.demote_f64 {0})"}});
    consumers.push_back({"f64.load", 8, "i32", {"(i32.trunc_sat_f64_s {0})", "(i32.trunc_sat_f64_u {0})"}});
    consumers.push_back({"i32.load8_u",
                         1,
                         "v128",
                         {"(i8x16.splat {0})", "(i8x16.replace_lane 3 (v128.const i64x2 1 2) {0})"}});
    consumers.push_back({"i32.load16_u",
                         2,
                         "v128",
                         {"(i16x8.splat {0})", "(i16x8.replace_lane 3 (v128.const i64x2 1 2) {0})"}});
    consumers.push_back(
        {"i32.load", 4, "v128", {"(i32x4.splat {0})", "(i32x4.replace_lane 3 (v128.const i64x2 1 2) {0})"}});
    consumers.push_back(
        {"i64.load", 8, "v128", {"(i64x2.splat {0})", "(i64x2.replace_lane 1 (v128.const i64x2 1 2) {0})"}});
    consumers.push_back(
        {"f32.load", 4, "v128", {"(f32x4.splat {0})", "(f32x4.replace_lane 3 (v128.const i64x2 1 2) {0})"}});
    consumers.push_back(
        {"f64.load", 8, "v128", {"(f64x2.splat {0})", "(f64x2.replace_lane 1 (v128.const i64x2 1 2) {0})"}});
    for (const char* load : {"v128.load64_zero", "v128.load8x8_s", "v128.load64_splat"})
        consumers.push_back({load,
                             8,
                             "v128",
                             {"(f64x2.add (v128.const i64x2 1 2) {0})", "(v128.not {0})",
                              "(i8x16.swizzle (v128.const i64x2 1 2) {0})"}});
    consumers.push_back({"v128.load",
                         16,
                         "v128",
                         {"(f64x2.add (v128.const i64x2 1 2) {0})", "(f64x2.neg {0})",
                          "(i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 {0} {0})"}});
    std::string functions;
    std::vector<std::string> names;
    for (const Consumer& consumer : consumers)
        for (const std::string& code : consumer.codes) {
            const auto at = fmt::format("({} offset={} (i32.mul (local.get 0) (i32.const 4)))", consumer.load,
                                        memory_bytes - consumer.width_bytes);
            names.push_back(fmt::format("{} {}", consumer.load, names.size()));
            functions += fmt::format("(func (export \"{}\") (param i32) (result {}) {})\n", names.back(),
                                     consumer.result, fmt::format(fmt::runtime(code), at));
        }
    load(R"((memory 1 1) (data (i32.const 65520) "\01\82\03\84\05\86\07\88\91\12\93\14\95\16\f7\3f"))" +
         functions);
    for (const std::string& name : names) {
        EXPECT_EQ(call({Value(0)}, {}, name).trap, TrapCode::none) << name;
        EXPECT_EQ(call({Value(1)}, {}, name).trap, TrapCode::memory_out_of_bounds) << name;
        EXPECT_EQ(call({Value(0x4000'0000)}, {}, name).trap, TrapCode::none) << name;
    }
}

}  // namespace
}  // namespace wsb::testing
