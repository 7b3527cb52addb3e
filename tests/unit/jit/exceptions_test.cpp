// SPDX-License-Identifier: Apache-2.0
// Exceptions and casts that branch in machine code: what handlers find in locals and on the stack, searches
// through frames of both tiers and of the host, and that no function is left to the interpreter for them.
#include "tests/unit/jit/tiers_fixture.h"
#include "wsb/exception.hpp"

#include <fmt/format.h>

namespace wsb::testing {
namespace {

class JitExceptionTest : public TiersTest {
protected:
    /// Loads a module whose functions must all become machine code.
    void load_compiled(std::string_view wat) {
        load(wat);
        const auto module = Module::from_wat(jit_engine(), wat);
        ASSERT_TRUE(module);
        const CodeStatistics statistics = module->code_statistics();
        EXPECT_EQ(statistics.machine_functions, statistics.functions);
    }
    /// All budgets near the beginning, and where the tiers change when `wat` burns some first.
    void call_with_all_budgets(const std::vector<Value>& arguments, std::string_view func = "f") {
        const uint64_t total = call(arguments, 1'000'000, func).consumed_units;
        for (uint64_t budget = 0; budget < total + 4200; budget += budget + 300 < 4096 ? 37 : 1) {
            all([](TierRun& run) { run.reset_globals(); });
            call(arguments, budget, func);
            if (HasFailure())
                return;
        }
    }

    [[nodiscard]] static Engine jit_engine() {
        return Engine({.tier = TierChoice::jit, .features = Features::up_to(4)});
    }
};

/// What becomes machine code at load is not translated for the interpreter, but for what catches.
TEST_F(JitExceptionTest, OnlyWhatCatchesIsTranslated) {
    const auto module = Module::from_wat(jit_engine(), R"((tag $e)
        (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (loop (br_if 0 (i32.const 0))))
        (func (block $caught (try_table (catch $e $caught) (throw $e)))))");
    ASSERT_TRUE(module);
    const CodeStatistics statistics = module->code_statistics();
    EXPECT_EQ(statistics.machine_functions, 3u);
    EXPECT_EQ(statistics.translated_functions, 1u);
}

/// Every kind of value, some in registers and some not, changed inside the block and read by the handler.
TEST_F(JitExceptionTest, HandlersSeeWhatTheBlockChanged) {
    load_compiled(R"((tag $e (param i32)) (func $throw (param i32) (throw $e (local.get 0)))
        (func (export "f") (param i32) (result i32)
            (local i32 i64 f32 f64 v128 i32 i32 i32 i32 i32 i32)
            (local.set 2 (i64.const 5)) (local.set 6 (i32.const 40))
            (loop $again
                (block $caught (result i32)
                    (try_table (catch $e $caught)
                        (local.set 1 (i32.add (local.get 1) (local.get 0)))
                        (local.set 2 (i64.mul (local.get 2) (i64.const 3)))
                        (local.set 3 (f32.add (local.get 3) (f32.const 0.5)))
                        (local.set 4 (f64.add (local.get 4) (f64.const 1.25)))
                        (local.set 5 (i32x4.add (local.get 5) (v128.const i32x4 1 2 3 4)))
                        (local.set 7 (i32.add (local.get 7) (i32.const 2)))
                        (local.set 8 (i32.add (local.get 8) (i32.const 3)))
                        (local.set 9 (i32.add (local.get 9) (i32.const 4)))
                        (local.set 10 (i32.add (local.get 10) (i32.const 5)))
                        (local.set 11 (i32.add (local.get 11) (i32.const 6)))
                        (if (i32.and (local.get 0) (i32.const 1)) (then (call $throw (local.get 1))))
                        (local.set 1 (i32.xor (local.get 1) (i32.const 77)))
                        (if (i32.and (local.get 0) (i32.const 2)) (then (throw $e (local.get 7)))))
                    (local.set 9 (i32.const 1000)) (local.get 8))
                (local.set 6 (i32.add (i32.mul (local.get 6) (i32.const 31))))
                (local.set 6 (i32.add (local.get 6) (i32.add (local.get 1) (i32.wrap_i64 (local.get 2)))))
                (local.set 6 (i32.add (local.get 6) (i32.trunc_f32_s (f32.mul (local.get 3) (f32.const 2)))))
                (local.set 6 (i32.add (local.get 6) (i32.trunc_f64_s (f64.mul (local.get 4) (f64.const 4)))))
                (local.set 6 (i32.add (local.get 6) (i32x4.extract_lane 3 (local.get 5))))
                (local.set 6 (i32.add (local.get 6) (i32.add (local.get 9) (local.get 10))))
                (local.set 6 (i32.add (local.get 6) (i32.add (local.get 7) (local.get 11))))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 6)))");
    EXPECT_EQ(call({Value(9)}).trap, TrapCode::none);
    call_with_all_budgets({Value(40)});
}

/// What lies on the stack below the block stays, as constants, locals' old values and results of calls.
TEST_F(JitExceptionTest, TheStackBelowStays) {
    load_compiled(R"((tag $e (param i32 i64)) (tag $v (param v128))
        (func $g (param i32) (result i32) (if (i32.and (local.get 0) (i32.const 1))
            (then (throw $e (local.get 0) (i64.const 9)))) (local.get 0))
        (func $h (param i32) (result v128) (throw $v (i32x4.splat (local.get 0))))
        (func $once (param i32) (result i64) (local i64)
            (i64.const 1000) (i64.extend_i32_s (local.get 0)) (i64.extend_i32_s (call $g (i32.const 2)))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (i64.extend_i32_u (i32.const 5))
            (block $h (result i32 i64)
                (try_table (result i32 i64) (catch $e $h)
                    (i32.add (i32.const 3) (call $g (local.get 0))) (i64.const 4)))
            (local.set 1) (i64.extend_i32_s) (i64.add (local.get 1))
            (i64.add) (i64.mul) (i64.sub) (i64.xor))
        (func $vector (param i32) (result i32)
            (i32.const 3) (v128.const i32x4 5 6 7 8)
            (block $h (result v128) (try_table (result v128) (catch $v $h) (call $h (local.get 0))))
            (i32x4.add) (i32x4.extract_lane 2) (i32.mul))
        (func (export "f") (param i32) (result i64) (local i64)
            (loop (local.set 1 (i64.add (i64.rotl (local.get 1) (i64.const 7)) (call $once (local.get 0))))
                (local.set 1 (i64.add (local.get 1) (i64.extend_i32_s (call $vector (local.get 0)))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))");
    EXPECT_EQ(call({Value(7)}).trap, TrapCode::none);
    call_with_all_budgets({Value(60)});
}

/// Clauses whose labels are a loop, the function, and one several blocks out; with references.
TEST_F(JitExceptionTest, LabelsOfAllKinds) {
    load_compiled(
        R"((tag $a (param i32)) (tag $b) (tag $c (param i32 i32)) (global $n (export "n") (mut i32) (i32.const 0))
        (func $pick (param i32)
            (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 5))) (then (throw $a (local.get 0))))
            (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3))) (then (throw $b)))
            (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 2))) (then (throw $c (local.get 0) (i32.const 6)))))
        (func $to_function (param i32) (result i32 i32)
            (try_table (catch $c 0) (call $pick (local.get 0))) (local.get 0) (i32.const -1))
        (func $single (param i32) (result i32)
            (try_table (catch $a 0) (call $pick (local.get 0))) (i32.const -2))
        (func $to_loop (param i32) (result i32) (local i32)
            (local.get 0)
            (loop $again (param i32)
                (local.set 0) (local.set 1 (i32.add (local.get 1) (local.get 0)))
                (if (i32.gt_u (local.get 0) (i32.const 40)) (then (return (local.get 1))))
                (block $b
                    (try_table (catch $a $again) (catch $b $b)
                        (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                        (call $pick (i32.mul (local.get 0) (i32.const 15)))))
                (br $again (i32.add (local.get 0) (i32.const 2))))
            (unreachable))
        (func $again (param i32) (result i32) (local exnref)
            (block $outer (result i32)
                (block $all (result exnref)
                    (block $ref (result i32 exnref)
                        (try_table (catch_ref $a $ref) (catch_all_ref $all)
                            (block (try_table (catch $b 0) (call $pick (local.get 0)))
                                (br $outer (i32.const 7))))
                        (br $outer (i32.const 8)))
                    (local.set 1) (drop)
                    (try_table (result i32) (catch $a $outer) (throw_ref (local.get 1)))
                    (unreachable))
                (local.set 1)
                (block (try_table (catch_all 0) (throw_ref (local.get 1)))) (i32.const 9)))
        (func $one (param i32) (local i32 i32)
            (call $to_function (local.get 0)) (local.set 1) (local.set 2)
            (local.set 1 (i32.add (local.get 1) (i32.mul (i32.const 7) (local.get 2))))
            (local.set 1 (i32.xor (local.get 1) (call $to_loop (local.get 0))))
            (global.set $n (i32.add (local.get 1) (i32.mul (i32.const 5) (global.get $n)))))
        (func (export "f") (param i32)
            (loop
                (block (try_table (catch_all 0) (call $one (local.get 0))))
                (block (try_table (catch_all 0) (global.set $n (i32.add (global.get $n) (call $single (local.get 0))))))
                (block (try_table (catch_all 0) (global.set $n (i32.add (global.get $n) (call $again (local.get 0))))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    EXPECT_EQ(call({Value(31)}).trap, TrapCode::none);
    call_with_all_budgets({Value(31)});
}

TEST_F(JitExceptionTest, LegacyBlocks) {
    load_compiled(R"((tag $a (param i32)) (tag $b) (global $n (export "n") (mut i32) (i32.const 0))
        (func $pick (param i32)
            (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3))) (then (throw $a (local.get 0))))
            (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 2))) (then (throw $b))))
        (func $catch (param i32) (result i32) (local i32)
            (i32.const 5)
            (try (result i32)
                (do (local.set 1 (i32.const 4)) (call $pick (local.get 0)) (local.set 1 (i32.const 6)) (i32.const 1))
                (catch $a (i32.add (local.get 1)))
                (catch_all (i32.mul (local.get 1) (i32.const 3))))
            (i32.mul))
        (func $rethrow (param i32) (result i32) (local i32)
            (try $outer (result i32)
                (do (try $inner (result i32)
                    (do (local.set 1 (i32.const 9)) (call $pick (local.get 0)) (i32.const 2))
                    (catch $a (local.set 1 (i32.add (local.get 1)))
                        (try (do (call $pick (local.get 0)))
                            (catch $a (drop) (rethrow $inner)) (catch_all (rethrow 0)))
                        (unreachable))
                    (catch_all (local.set 1 (i32.const 20)) (rethrow $inner))))
                (catch $a (i32.add (local.get 1)))
                (catch_all (local.get 1))))
        (func $delegate (param i32) (result i32)
            (try $t (result i32)
                (do (try (do
                        (try (do (try (do (call $pick (local.get 0))) (delegate $t))
                                 (call $pick (i32.add (local.get 0) (i32.const 1))))
                            (delegate 0)))
                        (catch_all (return (i32.const 11))))
                    (i32.const 12))
                (catch $a (i32.add (i32.const 100)))
                (catch_all (i32.const 13))))
        (func $empty (param i32) (result i32)
            (try (result i32) (do (try (do (call $pick (local.get 0)))) (i32.const 1)) (catch_all (i32.const 2))))
        (func $to_caller (param i32) (try (do (try (do (call $pick (local.get 0))) (delegate 1)))
            (catch_all (unreachable))))
        (func $of_caller (param i32) (result i32)
            (try (result i32) (do (call $to_caller (local.get 0)) (i32.const 3)) (catch $a) (catch_all (i32.const 4))))
        (func $add (param i32) (global.set $n (i32.add (i32.mul (global.get $n) (i32.const 3)) (local.get 0))))
        (func (export "f") (param i32)
            (loop
                (call $add (call $catch (local.get 0)))
                (call $add (call $rethrow (local.get 0)))
                (call $add (call $delegate (local.get 0)))
                (call $add (call $empty (local.get 0)))
                (call $add (call $of_caller (local.get 0)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    EXPECT_EQ(call({Value(13)}).trap, TrapCode::none);
    call_with_all_budgets({Value(26)});
}

/// Thrown by the host, thrown through the host, and thrown between instances; by tail calls too.
TEST_F(JitExceptionTest, HostsAndInstances) {
    begin({}, [](Linker& linker) {
        ASSERT_TRUE(linker.function("host", "throw", [](Caller& caller, int32_t x) -> CallResult<void> {
            if (x % 2 == 0)
                return {};
            const Tag tag = std::get<Tag>(*caller.get("t"));
            return Exception::create(tag, std::array{Value(x)}).value().thrown();
        }));
        ASSERT_TRUE(linker.function("host", "again", [](Caller& caller, int32_t x) -> CallResult<void> {
            return TypedFunc<void(int32_t)>::from(std::get<Func>(*caller.get("inner"))).value()(x);
        }));
    });
    load(R"((tag $t (export "t") (param i32))
        (func (export "throw") (param i32) (if (i32.and (local.get 0) (i32.const 2))
            (then (throw $t (i32.const 50))))))",
         "lib");
    load(R"((import "host" "throw" (func $host (param i32))) (import "host" "again" (func $again (param i32)))
        (import "lib" "throw" (func $lib (param i32))) (import "lib" "t" (tag $t (param i32)))
        (export "t" (tag $t)) (memory 1) (global $n (export "n") (mut i32) (i32.const 0))
        (func (export "inner") (param i32) (call $host (i32.shr_u (local.get 0) (i32.const 2))))
        (func $tail (param i32) (return_call $host (i32.shr_u (local.get 0) (i32.const 3))))
        (func $add (param i32) (global.set $n (i32.add (i32.mul (global.get $n) (i32.const 3)) (local.get 0))))
        (func (export "f") (param i32) (local i32)
            (loop
                (local.set 1 (i32.const 1))
                (block $h (result i32)
                    (try_table (catch $t $h)
                        (local.set 1 (i32.const 2)) (call $host (local.get 0))
                        (local.set 1 (i32.const 3)) (call $lib (local.get 0))
                        (local.set 1 (i32.const 4)) (call $again (local.get 0))
                        (local.set 1 (i32.const 5)) (call $tail (local.get 0)))
                    (i32.const 9))
                (call $add) (i32.store (i32.const 8) (local.get 1)) (call $add (i32.load (i32.const 8)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "uncaught") (param i32) (call $again (local.get 0))))");
    EXPECT_EQ(call({Value(33)}).trap, TrapCode::none);
    call_with_all_budgets({Value(33)});
    EXPECT_EQ(call({Value(4)}, {}, "uncaught").trap, TrapCode::uncaught_exception);
}

/// With fuel in slices a frame may be in stepping form above and below frames that are not.
TEST_F(JitExceptionTest, FormsChangeUnderway) {
    load_compiled(R"((tag $e (param i32)) (global $n (export "n") (mut i32) (i32.const 0))
        (func $down (param i32) (result i32) (local i32)
            (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 1))))
            (local.set 1 (i32.const 3))
            (block $h (result i32)
                (try_table (result i32) (catch $e $h)
                    (local.set 1 (i32.const 4)) (call $down (i32.sub (local.get 0) (i32.const 1)))))
            (global.set $n (i32.add (i32.mul (i32.const 3) (global.get $n)) (local.get 1)))
            (local.set 0 (i32.add (local.get 0)))
            (if (i32.rem_u (local.get 0) (i32.const 3)) (then (throw $e (local.get 0))))
            (local.get 0))
        (func (export "f") (param i32) (result i32) (local i32)
            (loop
                (block $h (result i32) (try_table (result i32) (catch $e $h) (call $down (i32.const 20))))
                (local.set 1 (i32.add (local.get 1)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))");
    call_with_all_budgets({Value(13)});
    all([](TierRun& run) { run.reset_globals(); });
    const Observed whole = call({Value(400)});
    EXPECT_GT(whole.consumed_units, 100'000u);
    all([](TierRun& run) {
        run.reset_globals();
        run.store().set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
    });
    EXPECT_EQ(call({Value(400)}), whole);
    for (uint64_t less = 0; less < 9000; less += 67) {
        all([](TierRun& run) { run.reset_globals(); });
        call({Value(400)}, whole.consumed_units - less);
    }
}

/// Casts that branch forward, back, out of the function and with other values, on locals and on results.
TEST_F(JitExceptionTest, CastsThatBranch) {
    load_compiled(
        R"((type $a (sub (struct (field i32) (field (ref null any))))) (type $b (sub $a (struct (field i32) (field (ref null any)))))
        (func $list (param i32) (result (ref null any)) (local (ref null any))
            (loop
                (if (i32.and (local.get 0) (i32.const 1))
                    (then (local.set 1 (struct.new $b (local.get 0) (local.get 1))))
                    (else (local.set 1 (struct.new $a (local.get 0) (local.get 1)))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
        (func $sum (param (ref null any)) (result i32) (local i32 i32)
            (block $end (result (ref null any))
                (loop $next
                    (block $is_b (result (ref $b))
                        (block $not_a (result (ref null any))
                            (br_on_cast $is_b (ref null any) (ref $b) (local.get 0))
                            (br_on_cast_fail $not_a (ref null any) (ref $a))
                            (struct.get $a 0) (local.set 1 (i32.add (local.get 1)))
                            (local.set 0 (struct.get $a 1 (ref.cast (ref $a) (local.get 0))))
                            (br $next))
                        (br $end))
                    (struct.get $b 0) (local.set 2 (i32.add (local.get 2)))
                    (local.set 0 (struct.get $b 1 (ref.cast (ref $b) (local.get 0))))
                    (br $next))
                (unreachable))
            (drop)
            (i32.add (i32.mul (local.get 1) (i32.const 1000)) (local.get 2)))
        (func $back (param (ref null any) i32) (result i32)
            (i32.const 3) (local.get 0)
            (loop $next (param i32 (ref null any)) (result i32)
                (local.set 0) (local.set 1 (i32.add (local.get 1)))
                (i32.const 4)
                (block $out (param i32) (result i32 (ref null any))
                    (br_on_cast_fail $out (ref null any) (ref $a) (local.get 0))
                    (struct.get $a 1)
                    (br_on_cast $next (ref null any) (ref $b))
                    (br_on_cast_fail $out (ref null any) (ref $a))
                    (br $next))
                (drop) (i32.add (local.get 1))))
        (func $leave (param (ref null any)) (result (ref null any))
            (br_on_cast 0 (ref null any) (ref $b) (local.get 0)) (drop)
            (br_on_cast_fail 0 (ref null any) (ref null $a) (ref.null any)))
        (func (export "f") (param i32) (result i32 i32 i32 i32) (local (ref null any))
            (local.set 1 (call $list (local.get 0)))
            (call $sum (local.get 1)) (call $back (local.get 1) (i32.const 2))
            (call $sum (call $leave (local.get 1))) (call $sum (call $leave (struct.new $a (i32.const 8) (ref.null any))))))");
    EXPECT_EQ(call({Value(9)}).trap, TrapCode::none);
    call_with_all_budgets({Value(90)});
}

/// Exceptions, what they carry, and what lies below a block, while everything else is collected.
TEST_F(JitExceptionTest, Collections) {
    Config config;
    config.collect_always = true;
    begin(config);
    load_compiled(R"((type $box (struct (field i32))) (tag $e (param (ref $box) i32))
        (func $box (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
        (func $throw (param i32) (throw $e (call $box (local.get 0)) (local.get 0)))
        (func $stale (param i64 i64 i64 i64 i64 i64))
        (func $litter (param i32) (drop (call $box (i32.const 99))) (drop (struct.new $box (local.get 0)))
            (call $stale (i64.const 0x123456780) (i64.const 0x123456780) (i64.const 0x123456780) (i64.const 0x123456780)
                (i64.const 0x123456780) (i64.const 0x123456780)))
        (func $new (param i32) (result i32) (local exnref (ref null $box) i32)
            (local.set 2 (call $box (i32.const 3)))
            (call $box (i32.const 4)) (local.get 2)
            (local.set 2 (call $box (i32.const 5)))
            (block $h (result (ref $box) i32 exnref)
                (try_table (catch_ref $e $h) (local.set 2 (call $box (i32.const 6))) (call $throw (local.get 0)))
                (unreachable))
            (local.set 1) (local.set 3) (call $litter (i32.const 1))
            (struct.get $box 0) (local.set 3 (i32.add (local.get 3)))
            (block $h (result (ref $box) i32)
                (try_table (catch $e $h) (call $litter (i32.const 1)) (throw_ref (local.get 1)))
                (unreachable))
            (drop) (call $litter (i32.const 1)) (struct.get $box 0) (local.set 3 (i32.add (local.get 3)))
            (call $litter (i32.const 1))
            (struct.get $box 0) (i32.mul (i32.const 100)) (local.set 3 (i32.add (local.get 3)))
            (struct.get $box 0) (local.set 3 (i32.add (local.get 3)))
            (i32.add (local.get 3) (struct.get $box 0 (local.get 2))))
        (func $legacy (param i32) (result i32)
            (call $box (i32.const 7))
            (try (result i32)
                (do (try (result i32) (do (call $throw (local.get 0)) (unreachable))
                    (catch $e (drop) (call $litter (i32.const 2)) (struct.get $box 0) (drop) (rethrow 0))))
                (catch $e (call $litter (i32.const 1)) (drop) (struct.get $box 0)))
            (local.set 0) (struct.get $box 0) (i32.add (local.get 0)))
        (func (export "f") (param i32) (result i32 i32) (call $new (local.get 0)) (call $legacy (local.get 0))))");
    EXPECT_EQ(call({Value(11)}).trap, TrapCode::none);
    EXPECT_EQ(call({Value(11)}, 1'000'000).trap, TrapCode::none);
    for (uint64_t fuel = 0; fuel < 300; ++fuel)
        call({Value(11)}, fuel);
}

/// Many blocks inside each other and beside each other: the right one catches, and compiling stays fast.
TEST_F(JitExceptionTest, ManyBlocks) {
    constexpr int count = 300;
    std::string nested, beside;
    for (int i = 0; i < count; ++i) {
        nested += "(block (try_table (catch $a 0) (local.set 1 (i32.add (local.get 1) (i32.const 1)))\n";
        beside += fmt::format(
            "(try (do (if (i32.eq (local.get 0) (i32.const {0})) (then (throw $a))))"
            "(catch $a (local.set 1 (i32.add (local.get 1) (i32.const {0})))))\n",
            i);
    }
    load_compiled(fmt::format(R"((tag $a) (func (export "f") (param i32) (result i32) (local i32)
        {} (throw $a) {} {} (local.get 1)))",
                              nested, std::string(size_t{2} * count, ')'), beside));
    for (const int32_t x : {0, 7, count - 1, count})
        EXPECT_EQ(call({Value(x)}).results[0][0], static_cast<uint64_t>(count + (x == count ? 0 : x)));
}

}  // namespace
}  // namespace wsb::testing
