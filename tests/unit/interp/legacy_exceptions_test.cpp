// SPDX-License-Identifier: Apache-2.0
// Legacy try blocks where the official suite has no case: together with try_table, operands below them,
// code around them that fuses, and the exception that a catch block keeps.
#include "tests/unit/api/api_fixture.h"

#include <string>

namespace wsb::testing {
namespace {

struct LegacyExceptionsTest : ApiTest {
    LegacyExceptionsTest() : ApiTest(Features::up_to(4)) {}

    /// What the export "f" of type [i32] -> [i32] answers; with any budget of fuel it must be the same.
    int32_t run(const std::string& wat, int32_t argument) {
        const Func f = instance(wat).func("f").value();
        store.set_fuel(1'000'000);
        const uint64_t before = store.fuel_consumed();
        const auto outcome = f.call({argument});
        EXPECT_TRUE(outcome) << outcome.error().message();
        if (!outcome)
            return -1;
        const int32_t answer = outcome->front().i32();
        const uint64_t cost = store.fuel_consumed() - before;
        for (uint64_t budget = 0; budget < cost; ++budget) {
            store.set_fuel(budget);
            const auto stopped = f.call({argument});
            EXPECT_TRUE(!stopped && stopped.error().is_trap(TrapCode::out_of_fuel)) << budget;
            EXPECT_EQ(store.fuel_left(), 0u) << budget;
        }
        store.set_fuel(cost);
        const auto exact = f.call({argument});
        EXPECT_TRUE(exact && exact->front().i32() == answer);
        return answer;
    }
};

TEST_F(LegacyExceptionsTest, OperandsBelowSurvive) {
    const std::string wat = R"((tag $e (param i32 i64))
        (func $g (param i32) (if (local.get 0) (then (throw $e (local.get 0) (i64.const 100)))))
        (func (export "f") (param i32) (result i32) (local i64)
            (i32.add (i32.mul (local.get 0) (i32.const 3))
                (i32.add (local.get 0)
                    (try (result i32) (do (call $g (local.get 0)) (i32.const 1000))
                        (catch $e (local.set 1) (i32.add (i32.wrap_i64 (local.get 1)))))))))";
    EXPECT_EQ(run(wat, 5), 15 + 5 + 105);
    EXPECT_EQ(run(wat, 0), 1000);
}

TEST_F(LegacyExceptionsTest, LocalsAreThoseOfTheThrow) {
    const std::string wat = R"((tag $e) (func $g (throw $e))
        (func (export "f") (param i32) (result i32)
            (try (do (local.set 0 (i32.const 1)) (local.set 0 (i32.add (local.get 0) (i32.const 41)))
                     (call $g) (local.set 0 (i32.const 9)))
                (catch_all))
            (local.get 0)))";
    EXPECT_EQ(run(wat, 5), 42);
}

/// Each rethrow takes the exception of the block that its label names.
TEST_F(LegacyExceptionsTest, RethrowTakesTheNamedException) {
    const std::string wat = R"((tag $e (param i32))
        (func $inner (param i32)
            (try $a (do (throw $e (i32.const 1)))
                (catch $e (drop)
                    (try $b (do (throw $e (i32.const 2)))
                        (catch $e (drop)
                            (br_if $b (i32.eq (local.get 0) (i32.const 2)))
                            (if (local.get 0) (then (rethrow $a)) (else (rethrow $b))))))))
        (func (export "f") (param i32) (result i32)
            (try (result i32) (do (call $inner (local.get 0)) (i32.const 9)) (catch $e))))";
    EXPECT_EQ(run(wat, 0), 2);
    EXPECT_EQ(run(wat, 1), 1);
    EXPECT_EQ(run(wat, 2), 9);
}

/// A throw in a catch block is not caught by the same try, not even by one whose body has no code.
TEST_F(LegacyExceptionsTest, CatchBlocksAreNotProtectedByTheirTry) {
    const std::string wat = R"((tag $e) (func $g (throw $e))
        (func (export "f") (param i32) (result i32)
            (try (result i32) (do
                (try (do (throw $e)) (catch_all (call $g)))
                (i32.const 1))
                (catch_all (i32.const 2)))))";
    EXPECT_EQ(run(wat, 0), 2);
    const std::string empty = R"((tag $e) (func $g (param i32) (throw $e))
        (func $h (param i32) try catch_all end (call $g (local.get 0)))
        (func (export "f") (param i32) (result i32)
            (try (result i32) (do (call $h (local.get 0)) (i32.const 1)) (catch_all (i32.const 2)))))";
    EXPECT_EQ(run(empty, 0), 2);
}

/// The cells around a try that fuse with what stands before or behind it stay outside of it.
TEST_F(LegacyExceptionsTest, CodeAroundThatFuses) {
    const std::string wat = R"((tag $e) (func $g (throw $e))
        (func (export "f") (param i32) (result i32)
            (try (result i32) (do
                (try (result i32) (do
                    (i32.lt_s (local.get 0) (i32.const 10))
                    (try (param i32) (do (if (then (call $g)))) (catch_all))
                    (try (result i32) (do (i32.gt_s (local.get 0) (i32.const 20))) (delegate 0))
                    (if (then (call $g)))
                    (i32.const 1))
                    (catch_all (i32.const 2))))
                (catch_all (i32.const 3)))))";
    EXPECT_EQ(run(wat, 5), 1);
    EXPECT_EQ(run(wat, 15), 1);
    EXPECT_EQ(run(wat, 25), 2);
}

TEST_F(LegacyExceptionsTest, DelegateGoesOnInTheClausesOfItsTarget) {
    const auto wat = [](const std::string& label) {
        return R"((tag $e) (tag $f) (func $g (throw $e))
            (func $h (result i32)
                (block $caught
                    (return (try_table $table (result i32) (catch $e $caught)
                        (try $legacy (result i32) (do
                            (try (result i32) (do
                                (try (do (call $g)) (delegate )" +
               label + R"())
                                (i32.const 0))
                                (catch_all (i32.const 1))))
                            (catch $f (i32.const 2))
                            (catch $e (i32.const 3))))))
                (i32.const 4))
            (func (export "f") (param i32) (result i32)
                (try (result i32) (do (call $h)) (catch_all (i32.const 5)))))";
    };
    EXPECT_EQ(run(wat("0"), 0), 1);
    EXPECT_EQ(run(wat("$legacy"), 0), 3);
    EXPECT_EQ(run(wat("$table"), 0), 4);
    EXPECT_EQ(run(wat("$caught"), 0), 5);
    EXPECT_EQ(run(wat("4"), 0), 5);
}

/// An exception that try_table caught by reference is rethrown by a legacy try, and the other way round.
TEST_F(LegacyExceptionsTest, ReferencesAndRethrowsAreOfTheSameExceptions) {
    const std::string wat = R"((tag $e (param i32))
        (func (export "f") (param i32) (result i32) (local exnref)
            (block $out (result i32)
                (block $ref (result i32 exnref)
                    (try_table (catch_ref $e $ref)
                        (try (do (throw $e (local.get 0))) (catch $e (drop) (rethrow 0))))
                    (unreachable))
                (local.set 1) (drop)
                (try (result i32) (do (throw_ref (local.get 1))) (catch $e (i32.add (i32.const 1)))))))";
    EXPECT_EQ(run(wat, 6), 7);
}

/// Branches with values out of a catch block leave the exception behind.
TEST_F(LegacyExceptionsTest, BranchesOutOfCatchBlocks) {
    const std::string wat = R"((tag $e (param i32))
        (func (export "f") (param i32) (result i32) (local i32 i32)
            (block $out (result i32 i32 i32)
                (try $t (result i32 i32 i32) (do (throw $e (local.get 0)))
                    (catch $e
                        (local.set 1)
                        (i32.const 1) (i32.const 2) (local.get 1)
                        (br_if $t (i32.eq (local.get 0) (i32.const 3)))
                        (i32.add (i32.const 10))
                        (br_table $out $t (i32.eq (local.get 0) (i32.const 4)))))
                (drop) (drop) (drop) (i32.const 100) (i32.const 200) (i32.const 300))
            (i32.add) (i32.add)))";
    EXPECT_EQ(run(wat, 3), 600);
    EXPECT_EQ(run(wat, 4), 600);
    EXPECT_EQ(run(wat, 5), 18);
}

TEST_F(LegacyExceptionsTest, VectorsAreCaught) {
    const std::string wat = R"((tag $e (param v128 i32))
        (func (export "f") (param i32) (result i32) (local v128)
            (try (result i32) (do (throw $e (i32x4.splat (local.get 0)) (i32.const 4)))
                (catch $e (local.set 0) (local.set 1)
                    (i32.add (local.get 0) (i32x4.extract_lane 3 (local.get 1)))))))";
    EXPECT_EQ(run(wat, 8), 12);
}

/// The exception of an open catch block is a root, those of closed ones are not.
TEST_F(LegacyExceptionsTest, TheCollectorSeesWhatIsCaught) {
    Config config = with(Features::up_to(4));
    config.collect_always = true;
    engine = Engine(config);
    linker = Linker(engine);
    store = Store::create(engine).value();
    const std::string wat = R"((type $s (struct (field i32))) (tag $e (param i64)) (tag $r (param (ref $s)))
        (func $churn (param i32)
            (loop (drop (struct.new $s (i32.const 77)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func $throw (param i32) (throw $r (struct.new $s (local.get 0))))
        (func $rethrow (param i32)
            (try (do (call $throw (local.get 0)))
                (catch_all
                    (try (do (throw $e (i64.const 5))) (catch $e (drop) (call $churn (i32.const 20))))
                    (call $churn (i32.const 20))
                    (rethrow 0))))
        (func (export "f") (param i32) (result i32)
            (try (result (ref $s)) (do (call $rethrow (local.get 0)) (unreachable)) (catch $r))
            (call $churn (i32.const 3))
            (struct.get $s 0)))";
    EXPECT_EQ(run(wat, 41), 41);
}

TEST_F(LegacyExceptionsTest, CaughtExceptionsAreCollected) {
    store.set_limits({.memory_bytes = 1 << 20});
    const Instance i = instance(R"((tag $e (param i64 i64 i64 i64)) (func (export "f") (param i32)
        (loop (try (do (throw $e (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
                (catch $e (drop) (drop) (drop) (drop)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    EXPECT_TRUE(i.func("f").value().call({int32_t{100'000}}));
}

}  // namespace
}  // namespace wsb::testing
