// SPDX-License-Identifier: Apache-2.0
// Machine code means what the interpreter does: traps and their places, calls between tiers and with the
// host, collections, exceptions, frames of all sizes.
#include "tests/unit/jit/tiers_fixture.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace wsb::testing {
namespace {

/// Something that traps behind effects that stay: f is called with its argument in local 0.
struct Trapping {
    const char* name;
    TrapCode trap;
    const char* body;
    int32_t argument = 0;
};
std::ostream& operator<<(std::ostream& out, const Trapping& trapping) {
    return out << trapping.name;
}

constexpr Trapping trappings[] = {
    {"unreachable", TrapCode::unreachable, "(unreachable)"},
    {"div_s_zero", TrapCode::integer_divide_by_zero, "(drop (i32.div_s (i32.const 7) (local.get 0)))"},
    {"div_u_zero", TrapCode::integer_divide_by_zero, "(drop (i32.div_u (local.get 0) (i32.const 0)))"},
    {"rem_s_zero", TrapCode::integer_divide_by_zero, "(drop (i32.rem_s (i32.const 7) (local.get 0)))"},
    {"rem_u_zero_64", TrapCode::integer_divide_by_zero,
     "(drop (i64.rem_u (i64.const 7) (i64.extend_i32_u (local.get 0))))"},
    {"div_overflow", TrapCode::integer_overflow, "(drop (i32.div_s (local.get 0) (i32.const -1)))",
     INT32_MIN},
    {"div_overflow_64", TrapCode::integer_overflow,
     "(drop (i64.div_s (i64.const -9223372036854775808) (i64.extend_i32_s (local.get 0))))", -1},
    {"trunc_nan", TrapCode::invalid_conversion,
     "(drop (i32.trunc_f64_s (f64.div (f64.const 0) (f64.convert_i32_s (local.get 0)))))"},
    {"trunc_large", TrapCode::integer_overflow, "(drop (i32.trunc_f64_u (f64.const 4294967296)))"},
    {"trunc_infinite_32", TrapCode::integer_overflow, "(drop (i32.trunc_f32_s (f32.const inf)))"},
    {"trunc_large_64", TrapCode::integer_overflow,
     "(drop (i64.trunc_f64_s (f64.const 9223372036854775808)))"},
    {"load", TrapCode::memory_out_of_bounds, "(drop (i32.load (local.get 0)))", 65533},
    {"load_negative", TrapCode::memory_out_of_bounds, "(drop (i64.load (local.get 0)))", -1},
    {"load_constant", TrapCode::memory_out_of_bounds, "(drop (i32.load8_u (i32.const 65536)))"},
    {"load_offset", TrapCode::memory_out_of_bounds, "(drop (f64.load offset=65529 (local.get 0)))"},
    {"load_offset_2_31", TrapCode::memory_out_of_bounds, "(drop (i32.load offset=2147483643 (local.get 0)))"},
    {"load_offset_beyond_2_31", TrapCode::memory_out_of_bounds,
     "(drop (i32.load offset=2147483644 (local.get 0)))"},
    {"load_offset_2_32", TrapCode::memory_out_of_bounds, "(drop (i32.load offset=4294967295 (local.get 0)))"},
    {"load_sum_2_32", TrapCode::memory_out_of_bounds, "(drop (i32.load offset=4294967295 (i32.const -1)))"},
    {"store", TrapCode::memory_out_of_bounds, "(i64.store (local.get 0) (i64.const -1))", 65529},
    {"store_second", TrapCode::memory_out_of_bounds,
     "(i32.store (local.get 0) (i32.const 1)) (i32.store offset=4 (local.get 0) (i32.const 2))", 65532},
    {"bulk", TrapCode::memory_out_of_bounds, "(memory.fill (i32.const 65530) (i32.const 9) (i32.const 7))"},
    {"table", TrapCode::table_out_of_bounds, "(drop (table.get (local.get 0)))", 9},
    {"indirect_undefined", TrapCode::undefined_element, "(call_indirect (local.get 0))", 9},
    {"indirect_null", TrapCode::uninitialized_element, "(call_indirect (local.get 0))", 2},
    {"indirect_type", TrapCode::indirect_call_mismatch, "(call_indirect (local.get 0))", 1},
    {"null_call", TrapCode::null_function_reference, "(call_ref $v (ref.null $v))"},
    {"null_reference", TrapCode::null_reference, "(drop (ref.as_non_null (table.get (i32.const 2))))"},
    {"null_structure", TrapCode::null_structure_reference, "(drop (struct.get $s 0 (ref.null $s)))"},
    {"cast", TrapCode::cast_failure, "(drop (ref.cast (ref $s) (ref.i31 (local.get 0))))"},
    {"array", TrapCode::array_out_of_bounds,
     "(drop (array.get $a (array.new_default $a (i32.const 3)) (local.get 0)))", 3},
    {"uncaught", TrapCode::uncaught_exception, "(throw $e (local.get 0))"},
    {"host", TrapCode::host_error, "(call $fail)"},
};

void failing_host(Linker& linker) {
    ASSERT_TRUE(linker.function("host", "fail", []() -> CallResult<void> { return host_trap("refused"); }));
    ASSERT_TRUE(linker.function("host", "throw", []() -> void { throw std::runtime_error("lost"); }));
    ASSERT_TRUE(linker.function("host", "exit", []() -> CallResult<void> { return exit_with(7); }));
}

class JitTrapTest : public TiersTest, public ::testing::WithParamInterface<Trapping> {};

TEST_P(JitTrapTest, LeavesTheSame) {
    begin({}, failing_host);
    load(fmt::format(R"((import "host" "fail" (func $fail))
        (type $v (func)) (type $s (struct (field i32))) (type $a (array i64)) (tag $e (param i32))
        (memory (export "m") 1) (table 4 funcref) (global $g (export "g") (mut i64) (i64.const 0))
        (elem (i32.const 0) $nothing $other) (func $nothing) (func $other (param i32))
        (func $body (param i32) (local i32 i64 f64)
            (local.set 1 (i32.const 3)) (local.set 3 (f64.const 2.5))
            (loop
                (i32.store offset=16 (i32.const 0) (i32.add (i32.load offset=16 (i32.const 0)) (local.get 1)))
                (global.set $g (i64.add (global.get $g) (i64.trunc_f64_s (local.get 3))))
                (if (i32.eqz (local.get 1)) (then {}))
                (local.set 1 (i32.sub (local.get 1) (i32.const 1))) (br 0)))
        (func (export "f") (param i32) (i32.const 4) (call $body (local.get 0)) (drop)))",
                     GetParam().body));
    const Observed seen = call({Value(GetParam().argument)});
    EXPECT_EQ(seen.trap, GetParam().trap);
    EXPECT_GE(seen.frames.size(), 2u);
    all([](TierRun& run) { run.reset_globals(); });
    call({Value(GetParam().argument)}, 1'000'000);
}
INSTANTIATE_TEST_SUITE_P(Kinds, JitTrapTest, ::testing::ValuesIn(trappings),
                         [](const auto& trapping) { return std::string(trapping.param.name); });

TEST_F(TiersTest, StackOverflow) {
    load(R"((global $depth (export "depth") (mut i32) (i32.const 0))
        (func $f (export "f") (param i32) (result i32) (local i64 i64)
            (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
            (i32.add (i32.const 1) (call $f (local.get 0))))
        (table funcref (elem $i)) (func $i (export "indirect") (result i32)
            (i32.add (i32.const 1) (call_indirect (result i32) (i32.const 0)))))");
    EXPECT_EQ(call({Value(1)}).trap, TrapCode::stack_overflow);
    EXPECT_EQ(call({Value(1)}, 10'000'000).trap, TrapCode::stack_overflow);
    EXPECT_EQ(call({}, {}, "indirect").trap, TrapCode::stack_overflow);
}

TEST_F(TiersTest, HostFunctions) {
    begin({}, [](Linker& linker) {
        failing_host(linker);
        ASSERT_TRUE(linker.function("host", "mix", [](int32_t a, int64_t b, float c, double d) {
            return static_cast<double>(a) + static_cast<double>(b) + static_cast<double>(c) + d;
        }));
        ASSERT_TRUE(linker.function("host", "again", [](Caller& caller, int32_t n) -> CallResult<int32_t> {
            const auto item = caller.get("inner");
            return TypedFunc<int32_t(int32_t)>::from(std::get<Func>(*item)).value()(n);
        }));
        ASSERT_TRUE(linker.function("host", "grow",
                                    [](Caller& caller) { static_cast<void>(caller.memory("m")->grow(1)); }));
    });
    load(R"((import "host" "mix" (func $mix (param i32 i64 f32 f64) (result f64)))
        (import "host" "again" (func $again (param i32) (result i32)))
        (import "host" "grow" (func $grow)) (import "host" "fail" (func $fail))
        (import "host" "throw" (func $throw)) (import "host" "exit" (func $exit))
        (memory (export "m") 1 9) (global $g (export "g") (mut i32) (i32.const 0))
        (func $inner (export "inner") (param i32) (result i32)
            (global.set $g (i32.add (global.get $g) (local.get 0)))
            (if (i32.eqz (local.get 0)) (then (unreachable)))
            (if (result i32) (i32.lt_s (local.get 0) (i32.const 4)) (then (local.get 0))
                (else (i32.mul (i32.const 3) (call $again (i32.sub (local.get 0) (i32.const 3)))))))
        (func (export "f") (param i32) (result f64 i32)
            (call $mix (local.get 0) (i64.const 5) (f32.const 0.5) (f64.const 0.25))
            (call $again (local.get 0)))
        (func (export "grown") (param i32) (result i32)
            (call $grow) (i32.store (i32.const 131000) (local.get 0)) (i32.load (i32.const 131000)))
        (func (export "failing") (call $fail)) (func (export "throwing") (call $throw))
        (func (export "exiting") (call $exit)))");
    EXPECT_EQ(call({Value(20)}).trap, TrapCode::none);
    EXPECT_EQ(call({Value(21)}).trap, TrapCode::none);
    EXPECT_EQ(call({Value(0)}).trap, TrapCode::unreachable);
    for (uint64_t fuel = 0; fuel < 100; ++fuel)
        call({Value(20)}, fuel);
    EXPECT_EQ(call({Value(8)}, {}, "grown").trap, TrapCode::none);
    EXPECT_EQ(call({}, {}, "failing").trap, TrapCode::host_error);
    call({}, {}, "throwing");
    EXPECT_TRUE(call({}, {}, "exiting").is_other_failure);
}

/// Exceptions and casts among calls of all kinds, and tail calls.
TEST_F(TiersTest, CallsBetweenTiers) {
    load(R"((tag $e (param i32)) (table funcref (elem $even $odd)) (type $t (func (param i32) (result i32)))
        (func $even (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
            (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
        (func $odd (param i32) (result i32)
            (block (result i32) (try_table (catch $e 0) (nop))
                (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
                (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
        (func $thrower (param i32) (result i32) (local i64 f64)
            (local.set 1 (i64.const 9))
            (if (i32.lt_s (local.get 0) (i32.const 3)) (then (throw $e (local.get 0))))
            (i32.add (call $thrower (i32.sub (local.get 0) (i32.const 1))) (i32.wrap_i64 (local.get 1))))
        (func $catcher (param i32) (result i32)
            (block (result i32) (try_table (result i32) (catch $e 0) (call $thrower (local.get 0)))))
        (func $legacy (param i32) (result i32)
            (try (result i32) (do (call $thrower (local.get 0))) (catch $e (i32.add (i32.const 100)))))
        (func $cast (param i32) (result i32)
            (i31.get_s (block (result (ref i31)) (br_on_cast 0 anyref (ref i31) (ref.i31 (local.get 0)))
                (unreachable))))
        (func $jit (param i32) (result i32) (local i32 f64)
            (local.set 2 (f64.const 0.5))
            (loop
                (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 7)) (call $catcher (local.get 0))))
                (local.set 1 (i32.xor (local.get 1) (call $legacy (local.get 0))))
                (local.set 1 (i32.add (local.get 1) (call $cast (local.get 0))))
                (local.set 2 (f64.add (local.get 2) (f64.const 1)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.add (local.get 1) (i32.trunc_f64_s (local.get 2))))
        (func (export "f") (param i32) (result i32 i32) (call $even (local.get 0)) (call $jit (local.get 0)))
        (func (export "uncaught") (param i32) (drop (call $thrower (local.get 0)))))");
    EXPECT_EQ(call({Value(1000)}).trap, TrapCode::none);
    const uint64_t total = call({Value(40)}).consumed_units;
    for (uint64_t fuel = 0; fuel < total + 4200; fuel += fuel < 4000 ? 41 : 1)
        call({Value(40)}, fuel);
    EXPECT_EQ(call({Value(9)}, {}, "uncaught").trap, TrapCode::uncaught_exception);
}

TEST_F(TiersTest, CallsBetweenInstances) {
    load(R"((memory (export "m") 1) (global $g (export "g") (mut i32) (i32.const 5))
        (func (export "add") (param i32 f64) (result i32)
            (i32.store (i32.const 8) (local.get 0))
            (global.set $g (i32.add (global.get $g) (local.get 0)))
            (i32.add (i32.load (i32.const 8)) (i32.trunc_f64_s (local.get 1))))
        (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (table (export "t") 2 funcref))",
         "lib");
    load(R"((import "lib" "add" (func $add (param i32 f64) (result i32)))
        (import "lib" "div" (func $div (param i32) (result i32))) (import "lib" "t" (table 2 funcref))
        (memory (export "m") 2) (type $t (func (param i32 f64) (result i32)))
        (elem (i32.const 0) func $add $own) (elem declare func $add)
        (func $own (param i32 f64) (result i32) (i32.store (i32.const 70000) (local.get 0)) (i32.const 3))
        (func (export "f") (param i32) (result i32 i32 i32 i32)
            (call $add (local.get 0) (f64.const 1.5))
            (call_indirect (type $t) (local.get 0) (f64.const 2) (i32.const 0))
            (call_indirect (type $t) (local.get 0) (f64.const 2) (i32.const 1))
            (call_ref $t (i32.const 4) (f64.const 9) (ref.func $add)))
        (func (export "tail") (param i32) (result i32) (return_call $add (local.get 0) (f64.const 1)))
        (func (export "trap") (param i32) (result i32) (i32.add (i32.const 1) (call $div (local.get 0)))))");
    EXPECT_EQ(call({Value(11)}).trap, TrapCode::none);
    EXPECT_EQ(call({Value(11)}, {}, "tail").trap, TrapCode::none);
    EXPECT_EQ(call({Value(0)}, {}, "trap").trap, TrapCode::integer_divide_by_zero);
}

/// References in registers, in slots and on the way, while everything else is collected at each allocation.
TEST_F(TiersTest, CollectionsInMachineCode) {
    Config config;
    config.collect_always = true;
    begin(config);
    load(R"((type $box (struct (field (mut i32)))) (type $node (struct (field i32) (field (ref null $node))))
        (type $list (array (mut (ref null $box))))
        (func $box (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
        (func $get (param (ref null $box)) (result i32) (struct.get $box 0 (local.get 0)))
        (func $litter (param i32) (loop (drop (call $box (i32.const 99)))
            (br_if 0 (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0)))))
        (func $stale (param i64 i64 i64) (i64.store (i32.const 0) (local.get 0))) (memory 1)
        (func (export "f") (param i32) (result i32) (local (ref null $box)) (local (ref null $node) i32)
            (local.set 1 (call $box (local.get 0)))
            ;; what looks like no reference where references go next
            (call $stale (i64.const 0x123456780) (i64.const 0x3333333330) (i64.const 0x5555555550))
            (ref.as_non_null (local.get 1)) (drop (struct.new $box (i32.const 7)))
            (struct.get $box 0) (local.set 3)
            (call $stale (i64.const 0x123456780) (i64.const 0x3333333330) (i64.const 0x5555555550))
            (ref.as_non_null (local.get 1)) ;; stays on the stack, and its local changes
            (call $litter (i32.const 2))
            (local.set 1 (call $box (i32.const 5)))
            (drop (call $box (i32.const 6)))
            (struct.get $box 0) (local.set 3 (i32.add (local.get 3)))
            (loop
                (local.set 2 (struct.new $node (local.get 0) (local.get 2)))
                (local.get 1) (call $litter (i32.const 1)) (call $get)
                (local.set 3 (i32.add (local.get 3)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (loop
                (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 3)) (struct.get $node 0 (local.get 2))))
                (br_if 0 (i32.eqz (ref.is_null
                    (local.tee 2 (struct.get $node 1 (local.get 2)))))))
            (local.get 3))
        (func $deep (param (ref null $box) i32) (result (ref null $box))
            (if (result (ref null $box)) (local.get 1)
                (then (drop (call $box (i32.const 3)))
                    (call $deep (struct.new $box (i32.add (call $get (local.get 0)) (i32.const 1)))
                        (i32.sub (local.get 1) (i32.const 1)))
                    (drop) (local.get 0))
                (else (local.get 0))))
        (func (export "deep") (param i32) (result i32)
            (call $get (call $deep (call $box (local.get 0)) (i32.const 30))))
        (func (export "select") (param i32) (result i32) (local (ref null $box) (ref null $box))
            (local.set 1 (call $box (i32.const 1))) (local.set 2 (call $box (i32.const 2)))
            (select (result (ref null $box)) (local.get 1) (local.get 2) (local.get 0))
            (block (result (ref $box)) (br_on_non_null 0 (local.get 1)) (unreachable))
            (call $litter (i32.const 3)) (call $get) (local.set 0) (call $get)
            (i32.add (local.get 0))))");
    for (const std::optional<uint64_t> fuel :
         {std::optional<uint64_t>(), std::optional<uint64_t>(1'000'000)}) {
        EXPECT_EQ(call({Value(12)}, fuel).trap, TrapCode::none);
        EXPECT_EQ(call({Value(12)}, fuel, "deep").trap, TrapCode::none);
        EXPECT_EQ(call({Value(1)}, fuel, "select").trap, TrapCode::none);
        EXPECT_EQ(call({Value(0)}, fuel, "select").trap, TrapCode::none);
    }
}

/// References on the stack that the interpreter has put into their slots, where the collector looks for them.
TEST_F(TiersTest, CollectionsFindWhatTheInterpreterHasInSlots) {
    Config config;
    config.collect_always = true;
    begin(config);
    load(R"((type $box (struct (field i32)))
        (func $box (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
        (func $stale (param i64 i64 i64 i64 i64 i64))
        (func $many (param i32 (ref null $box)) (result i32) (local i32)
            (call $stale (i64.const 0x123456780) (i64.const 0x123456780) (i64.const 0x123456780) (i64.const 0x123456780)
                (i64.const 0x123456780) (i64.const 0x123456780))
            (block (result i32 i32 i32)
                (local.get 1) (i32.const 1) (i32.const 2) (i32.const 3) (br_if 0 (local.get 0))
                (struct.new $box (i32.const 8)) (drop) (drop) (drop) (drop) (struct.get $box 0)
                (i32.const 4) (i32.const 5))
            (i32.add) (i32.add))
        (func $itself (param (ref null $box)) (result i32)
            (call $stale (i64.const 0x123456780) (i64.const 0x123456780) (i64.const 0x123456780) (i64.const 0x123456780)
                (i64.const 0x123456780) (i64.const 0x123456780))
            (local.get 0) (local.set 0 (local.get 0))
            (drop (struct.new $box (i32.const 8))) (struct.get $box 0)
            (local.get 0) (drop (local.tee 0 (local.get 0)))
            (drop (struct.new $box (i32.const 8))) (struct.get $box 0) (i32.add))
        (func (export "itself") (result i32) (call $itself (call $box (i32.const 41))))
        (func (export "many") (param i32) (result i32) (call $many (local.get 0) (call $box (i32.const 40)))))");
    EXPECT_EQ(call({}, {}, "itself").results[0][0], 82u);
    EXPECT_EQ(call({Value(1)}, {}, "many").results[0][0], 6u);
    EXPECT_EQ(call({Value(0)}, {}, "many").results[0][0], 49u);
}

// Sizes

std::string repeated(std::string_view text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i)
        all += fmt::format(fmt::runtime(text), i);
    return all;
}

TEST_F(TiersTest, ManyLocals) {
    for (const int locals : {1, 15, 16, 17, 18, 63, 64, 65, 1000, 9000}) {
        begin();
        load(fmt::format(R"((func $dirty (param i64 i64 i64 i64) (result i64)
                (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
                {} (local.get 20))
            (func $g (param i32) (result i64) (local {}) (local i64 f64) (local v128)
                (local.set {} (i64.const 7))
                (i64.add (i64.add {} (local.get {})) (i64.reinterpret_f64 (local.get {}))))
            (func (export "f") (param i32) (result i64)
                (drop (call $dirty (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)))
                (call $g (local.get 0))))",
                         repeated("(local.set {} (i64.const -1))", 23), repeated(" i64", locals), locals + 1,
                         fmt::format("(i64.add (local.get 1) (local.get {}))", locals), locals + 1,
                         locals + 2));
        const Observed seen = call({Value(1)});
        ASSERT_EQ(seen.results.size(), 1u);
        EXPECT_EQ(seen.results[0][0], locals == 0 ? 0u : 7u) << locals;
        for (uint64_t fuel = 0; fuel < 250; ++fuel)
            call({Value(1)}, fuel);
        call({Value(1)}, 4100);
        if (HasFailure())
            return;
    }
}

TEST_F(TiersTest, ManyParametersAndResults) {
    constexpr int count = 200;
    load(fmt::format(R"((type $t (func (param{0}) (result{0})))
        (func $g (type $t) {1})
        (func (export "f") (param i32) (result{0})
            {2} (block (type $t) (br_if 0 (local.get 0)) (call $g) (call $g)) (call $g)))",
                     repeated(" i64", count), repeated("(i64.add (local.get {}) (i64.const 1))", count),
                     repeated("(i64.const {})", count)));
    EXPECT_EQ(call({Value(0)}).results[9][0], 9u + 3);
    EXPECT_EQ(call({Value(1)}).results[9][0], 9u + 1);
}

TEST_F(TiersTest, LongTables) {
    constexpr int count = 5000;
    std::string depths;
    for (int i = 0; i < count; ++i)
        depths += fmt::format(" {}", (i * 7) % 3);
    load(fmt::format(R"((func (export "f") (param i32) (result i32) (local i32)
        (block (block (block (br_table {} 2 (local.get 0))) (return (i32.const 1)))
            (return (i32.add (i32.const 1) (i32.const 2)))) (i32.clz (i32.const 3))))",
                     depths));
    for (const int32_t index : {0, 1, 2, 3, count - 1, count, count + 1, INT32_MAX, INT32_MIN, -1})
        EXPECT_EQ(call({Value(index)}).trap, TrapCode::none);
}

/// Loops that are not reachable have no code, but those behind them keep their places.
TEST_F(TiersTest, LoopsBehindWhatIsNotReachable) {
    load(R"((func (export "f") (param i32) (result i32) (local i32 i32)
        (block (br 0) (loop (local.set 2 (i32.const 7)) (br 0)))
        (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if 0 (local.get 0)))
        (i32.add (local.get 1) (local.get 2))))");
    EXPECT_EQ(call({Value(10)}).results[0][0], 55u);
}

TEST_F(TiersTest, DeepStacks) {
    constexpr int depth = 50'000;
    const auto begin_time = std::chrono::steady_clock::now();
    load(fmt::format(R"((func (export "f") (param i32) (result i32) (local i32 i32)
        {} {}))",
                     repeated("(local.get 0) (local.set 1 (i32.add (local.get 0) (i32.const {0})))\n", depth),
                     repeated("(i32.add)\n", depth - 1)));
    EXPECT_LT(std::chrono::steady_clock::now() - begin_time, std::chrono::seconds(20));
    EXPECT_EQ(call({Value(3)}).results[0][0], 3u * depth);
}

/// Two bytes of a branch must not become code for each of a thousand values.
TEST_F(TiersTest, BranchesWithManyValuesStaySmall) {
    Config config;
    config.module_limits.compiled_bytes = 16 << 20;
    begin(config);
    constexpr int values = 1000, branches = 5000;
    load(fmt::format(R"((type $t (func (result{0})))
        (func (export "f") (param i32) (result i64) (local i64)
            (i64.const 5)
            (block (type $t) (drop (i32.const 1)) (i64.const 8) {1} {2}
                (br 0)) {3} (i64.add)))",
                     repeated(" i64", values), repeated("(i64.const {})", values),
                     repeated("(br_if 0 (local.get 0))", branches), repeated("(i64.add)", values - 1)));
    const Observed taken = call({Value(1)});
    const Observed fallen = call({Value(0)});
    EXPECT_EQ(taken.results, fallen.results);
    EXPECT_EQ(taken.results[0][0], 999u * 1000 / 2 + 5);
}

TEST_F(TiersTest, ConstantsAtTheEdges) {
    const int64_t edges[] = {0,
                             1,
                             -1,
                             127,
                             128,
                             -128,
                             -129,
                             255,
                             256,
                             32767,
                             65535,
                             65536,
                             INT32_MAX,
                             INT32_MIN,
                             int64_t{INT32_MAX} + 1,
                             int64_t{INT32_MIN} - 1,
                             UINT32_MAX,
                             int64_t{UINT32_MAX} + 1,
                             INT64_MAX,
                             INT64_MIN};
    const char* const ops[] = {"add",   "sub",  "mul",  "and", "or",   "xor",  "shl",  "shr_s",
                               "shr_u", "rotl", "rotr", "eq",  "lt_s", "gt_u", "le_s", "ge_u"};
    std::string text =
        "(memory (export \"m\") 1) (func (export \"f\") (param i64) (local i64 i64)"
        "(local.set 1 (i64.mul (local.get 0) (i64.const -7)))";
    int at = 0;
    const auto store = [&](bool is_compare, const std::string& value) {
        text += fmt::format("({} (i32.const {}) {})", is_compare ? "i32.store" : "i64.store", at, value);
        at += 8;
    };
    for (const char* const op : ops) {
        const bool is_compare = std::string_view("eq lt_s gt_u le_s ge_u").find(op) != std::string_view::npos;
        for (const int64_t edge : edges) {
            store(is_compare, fmt::format("(i64.{} (local.get 0) (i64.const {}))", op, edge));
            store(is_compare, fmt::format("(i64.{} (i64.const {}) (local.get 1))", op, edge));
            const auto narrow = static_cast<int32_t>(edge);
            const auto in_32 =
                fmt::format("(i32.{} (i32.wrap_i64 (local.get 1)) (i32.const {}))", op, narrow);
            store(is_compare, is_compare ? in_32 : fmt::format("(i64.extend_i32_u {})", in_32));
            if (edge != 0 && std::string_view(op) == "add")
                for (const char* const divide : {"div_u", "rem_u", "rem_s"})
                    store(false, fmt::format("(i64.{} (local.get 1) (i64.const {}))", divide, edge));
        }
    }
    ASSERT_LT(at, 65536);
    load(text + ")");
    for (const int64_t x : edges)
        EXPECT_EQ(call({Value(x)}).trap, TrapCode::none);
}

}  // namespace
}  // namespace wsb::testing
