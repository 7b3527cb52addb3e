// SPDX-License-Identifier: Apache-2.0
// With any budget machine code stops where the interpreter does. It leaves the last 4,096 units to the
// interpreter's stepping form, so programs are repeated until they take more than that: then the tiers change
// at one place after the other, and so does the end.
#include "tests/unit/interp/fuel_shapes.h"
#include "tests/unit/jit/tiers_fixture.h"
#include "wsb/cancellation.hpp"

#include <fmt/format.h>

namespace wsb::testing {
namespace {

/// Units that are left to the stepping form.
constexpr uint64_t window = 4096;

void host_functions(Linker& linker) {
    ASSERT_TRUE(linker.function("host", "twice", [](int32_t x) { return 2 * x; }));
    ASSERT_TRUE(linker.function("host", "fail", []() -> CallResult<void> { return host_trap("no"); }));
}

class JitFuelTest : public TiersTest, public ::testing::WithParamInterface<Shape> {
protected:
    /// Budgets where something can be different: the first ones, two rounds of the program from where the
    /// tiers begin to change, the last ones; and some in between.
    [[nodiscard]] static std::vector<uint64_t> budgets(uint64_t total, uint64_t round) {
        std::vector<uint64_t> all;
        for (uint64_t n = 0; n <= total + window + 2; ++n) {
            const bool is_first = n < 2 * round;
            const bool is_change = n + 2 >= window && n < window + 2 * round + 10;
            const bool is_last = n + round + 2 >= total && n <= total + 2;
            const bool is_beyond = n + 2 >= total + window - round;
            if (is_first || is_change || is_last || is_beyond || n % 61 == 0)
                all.push_back(n);
        }
        return all;
    }
};

TEST_P(JitFuelTest, EveryBudgetEndsAsInTheInterpreter) {
    const Shape& shape = GetParam();
    begin({}, host_functions);
    load(shape.wat);
    const bool has_result = jit().last().func("f").value().type().results.size() == 1;
    // A call from another instance, that returns through the header.
    load(fmt::format(R"((import "m" "f" (func $f (param i32){}))
        (global $sum (export "sum") (mut i32) (i32.const 0)) (global $n (export "n") (mut i32) (i32.const 0))
        (func (export "burn") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "f") (param i32 i32)
            (loop {}
                (global.set $n (i32.add (global.get $n) (i32.const 1)))
                (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))))",
                     has_result ? " (result i32)" : "",
                     has_result ? "(global.set $sum (i32.add (i32.mul (global.get $sum) (i32.const 31)) "
                                  "(call $f (local.get 0))))"
                                : "(call $f (local.get 0))"),
         "driver");
    const bool traps = shape.trap != TrapCode::none;
    const uint64_t round = shape.cost + 16;
    const auto rounds = static_cast<int32_t>(traps ? 1 : (window + 3 * round) / round);
    all([](TierRun& run) { run.reset_globals(); });
    const Observed whole = call({Value(shape.argument), Value(rounds)}, 1'000'000);
    EXPECT_EQ(whole.trap, shape.trap);
    for (const uint64_t budget : budgets(whole.consumed_units, round)) {
        all([](TierRun& run) { run.reset_globals(); });
        const Observed seen = call({Value(shape.argument), Value(rounds)}, budget);
        EXPECT_EQ(seen.trap, budget < whole.consumed_units ? TrapCode::out_of_fuel : shape.trap)
            << budget << ": " << seen << "; all: " << whole;
        if (HasFailure())
            return;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, JitFuelTest, ::testing::ValuesIn(shapes),
                         [](const auto& shape) { return std::string(shape.param.name); });

/// Programs whose values lie where only machine code has them when the tiers change.
constexpr Shape settlements[] = {
    // An extended constant is no constant in the interpreter.
    {"extended_constant", R"((func $g (param i32)) (func $f (export "f") (param i32) (result i32)
        (call $g (local.get 0)) ;; leaves its argument where the constant goes
        (i64.extend_i32_u (i32.const 77)) (call $g (local.get 0)) (i32.wrap_i64)))",
     5, 4},
    {"constants_over_calls", R"((func $g (param i32) (result i32) (local.get 0))
        (func $f (export "f") (param i32) (result i32)
        (i32.const 1000) (i64.const -3) (f32.const 2.5) (f64.const 4)
        (call $g (local.get 0)) (f64.convert_i32_s) (f64.add) (i32.trunc_f64_s) (f32.convert_i32_s)
        (f32.add) (i64.trunc_f32_s) (i64.add) (i32.wrap_i64) (i32.add)))",
     5, 0},
    {"mixed_over_calls",
     R"((global $g (mut i32) (i32.const 0)) (func $g (param i32) (result i32) (local.get 0))
        (func $f (export "f") (param i32) (result i32) (local i64 f64 f32)
        (local.set 1 (i64.const 5)) (local.set 2 (f64.const 1.5)) (local.set 3 (f32.const 0.5))
        (local.get 1) (i64.const 9) (i64.add (local.get 1) (i64.const 1)) (f64.mul (local.get 2) (local.get 2))
        (f32.add (local.get 3) (local.get 3)) (i32.lt_u (local.get 0) (i32.const 9))
        (call $g (local.get 0)) (i32.add) (f32.convert_i32_s) (f32.add) (f64.promote_f32) (f64.add)
        (i64.trunc_f64_s) (i64.add) (i64.add) (i64.mul) (i32.wrap_i64)))",
     5, 0},
    {"over_loops", R"((func $f (export "f") (param i32) (result i32) (local i32 i32)
        (local.set 1 (i32.const 3)) (local.set 2 (i32.const 4))
        (local.get 1) (local.get 2) (i32.const 5) (i32.add (local.get 1) (local.get 0))
        (loop (local.set 2 (i32.add (local.get 2) (local.get 1)))
            (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
        (local.get 2) (i32.add) (i32.add) (i32.mul) (i32.sub)))",
     5, 0},
    {"loop_with_parameters", R"((func $f (export "f") (param i32) (result i32) (local i32)
        (local.set 1 (i32.const 6))
        (i32.const 1) (local.get 0)
        (loop (param i32 i32) (result i32) (i32.add) (i32.add (local.get 1) (i32.const 2))
            (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))) (i32.add))))",
     5, 0},
    {"swapped_locals", R"((func $f (export "f") (param i32) (result i32) (local i32 i32)
        (local.set 1 (i32.const 9)) (local.set 2 (i32.const 4))
        (loop (local.get 1) (local.get 2) (local.set 1) (local.set 2)
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.sub (local.get 1) (local.get 2))))",
     5, 0},
    {"vectors_over_calls", R"((func $g (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0)))
        (func $f (export "f") (param i32) (result i32) (local v128)
        (local.set 1 (i32x4.splat (local.get 0))) (local.get 1) (v128.const i32x4 1 2 3 4) (i32.const 3)
        (call $g (local.get 1)) (i32x4.extract_lane 1) (i32.add) (i32x4.splat) (i32x4.add) (i32x4.add)
        (i32x4.extract_lane 2)))",
     5, 0},
};

class JitSettlementTest : public JitFuelTest {};
TEST_P(JitSettlementTest, EveryBudgetEndsAsInTheInterpreter) {
    load(fmt::format(R"({} (global $sum (export "sum") (mut i32) (i32.const 0))
        (func (export "g") (param i32 i32) (loop
            (global.set $sum (i32.add (i32.mul (global.get $sum) (i32.const 31)) (call $f (local.get 0))))
            (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))))",
                     GetParam().wat));
    const std::vector<Value> arguments{Value(GetParam().argument), Value(400)};
    all([](TierRun& run) { run.reset_globals(); });
    const uint64_t total = call(arguments, 1'000'000, "g").consumed_units;
    for (const uint64_t budget : budgets(total, total / 400)) {
        all([](TierRun& run) { run.reset_globals(); });
        call(arguments, budget, "g");
        if (HasFailure())
            return;
    }
}
INSTANTIATE_TEST_SUITE_P(Values, JitSettlementTest, ::testing::ValuesIn(settlements),
                         [](const auto& shape) { return std::string(shape.param.name); });

/// Recursion, so that returns find less fuel than their calls did.
TEST_F(TiersTest, ReturnsWithoutFuel) {
    load(R"((global $calls (export "calls") (mut i32) (i32.const 0))
        (func $fib (export "f") (param i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
                (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                               (call $fib (i32.sub (local.get 0) (i32.const 2))))))))");
    all([](TierRun& run) { run.reset_globals(); });
    const uint64_t total = call({Value(13)}, 1'000'000).consumed_units;
    ASSERT_GT(total, 2 * window);
    for (uint64_t budget = window - 5; budget < total + window + 5;
         budget += budget < window + 300 ? 1 : 53) {
        all([](TierRun& run) { run.reset_globals(); });
        call({Value(13)}, budget);
        if (HasFailure())
            return;
    }
}

/// With something that may interrupt, fuel comes in slices, and machine code goes on after each.
TEST_F(TiersTest, SlicesGoOn) {
    load(R"((memory (export "m") 1) (global $g (export "g") (mut i64) (i64.const 0))
        (func $step (param i64 f64) (result i64 f64) (local i64)
            (local.set 2 (i64.rotl (local.get 0) (i64.const 7)))
            (i64.add (local.get 2) (i64.const 1)) (f64.add (local.get 1) (f64.const 0.25)))
        (func $deep (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0))))
        (func $tail (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 3))))
            (return_call $tail (i32.sub (local.get 0) (i32.const 1))))
        (func (export "f") (param i32) (result i64 f64) (local i64 f64)
            (loop
                (call $step (local.get 1) (local.get 2)) (local.set 2) (local.set 1)
                (memory.fill (i32.const 8) (local.get 0) (i32.const 300))
                (global.set $g (i64.add (global.get $g) (i64.extend_i32_u
                    (i32.add (call $deep (i32.const 9)) (call $tail (i32.const 5))))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1) (local.get 2)))");
    const Observed whole = call({Value(3000)});
    EXPECT_EQ(whole.trap, TrapCode::none);
    EXPECT_GT(whole.consumed_units, 300'000u);
    all([](TierRun& run) {
        run.reset_globals();
        run.store().set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
    });
    Observed sliced = call({Value(3000)});
    EXPECT_EQ(sliced, whole);
    for (const uint64_t less : {0u, 1u, 2u, 100u, 5000u, 40'000u}) {
        all([](TierRun& run) { run.reset_globals(); });
        const Observed seen = call({Value(3000)}, whole.consumed_units - less);
        EXPECT_EQ(seen.trap, less == 0 ? TrapCode::none : TrapCode::out_of_fuel);
    }
}

TEST_F(TiersTest, MachineCodeIsInterrupted) {
    load(R"((func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (local i32) (loop (local.set 0 (call $g (local.get 0))) (br 0)))
        (func (export "loop") (loop (br 0)))
        (func $t (export "tail") (return_call $t)))");
    for (const char* const func : {"f", "loop", "tail"}) {
        jit().store().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
        const Observed seen = jit().call(func, {}, std::nullopt);
        EXPECT_EQ(seen.trap, TrapCode::interrupted) << func;
        EXPECT_FALSE(seen.frames.empty());
    }
}

}  // namespace
}  // namespace wsb::testing
