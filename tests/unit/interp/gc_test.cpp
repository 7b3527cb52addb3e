// SPDX-License-Identifier: Apache-2.0
// References in guest frames survive a collection at every allocation, wherever a frame may hold them.
#include "tests/unit/api/api_fixture.h"

#include <optional>

namespace wsb::testing {
namespace {

/// Collects always, or when it pays.
class GcTest : public ::testing::TestWithParam<bool> {
protected:
    static Engine make_engine() {
        Config config;
        config.collect_always = GetParam();
        config.features = Features::up_to(4);
        return Engine(config);
    }
    Instance instance(std::string_view wat) {
        auto made = linker.instantiate(store, Module::from_wat(engine, wat).value());
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    /// With fuel of every kind: unlimited, and so low that all runs in stepping form.
    void expect(const Instance& i, int32_t argument, int32_t result) {
        const auto f = i.typed_function<int32_t(int32_t)>("f").value();
        store.set_fuel(std::nullopt);
        const uint64_t before = store.fuel_consumed();
        EXPECT_EQ(f(argument).value(), result);
        const uint64_t cost = store.fuel_consumed() - before;
        store.set_fuel(cost);
        EXPECT_EQ(f(argument).value(), result);
        EXPECT_EQ(store.fuel_left(), 0u);
        store.set_fuel(cost - 1);
        EXPECT_TRUE(f(argument).error().is_trap(TrapCode::out_of_fuel));
    }

    Engine engine = make_engine();
    Linker linker{engine};
    Store store = Store::create(engine).value();
};
INSTANTIATE_TEST_SUITE_P(Collections, GcTest, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "always" : "due"; });

/// Helpers: $box makes one around a number, $get reads it.
constexpr std::string_view prelude = R"(
    (type $box (struct (field (mut i32))))
    (type $node (struct (field i32) (field (ref null $node))))
    (type $list (array (mut (ref null $box))))
    (func $box (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
    (func $litter (param i32) (loop (drop (call $box (i32.const 99)))
        (br_if 0 (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0)))))
)";

std::string with_prelude(std::string_view text) {
    return std::string(prelude) + std::string(text);
}

TEST_P(GcTest, LocalsAndParameters) {
    expect(instance(with_prelude(R"((func $keep (param (ref $box)) (result i32)
            (call $litter (i32.const 50)) (struct.get $box 0 (local.get 0)))
        (func (export "f") (param i32) (result i32) (local (ref null $box))
            (local.set 1 (call $box (local.get 0)))
            (i32.add (call $keep (call $box (i32.const 1000))) (struct.get $box 0 (local.get 1)))))")),
           7, 1007);
}

TEST_P(GcTest, OperandsBelowACall) {
    expect(instance(with_prelude(R"((func (export "f") (param i32) (result i32)
        (i32.add (struct.get $box 0 (call $box (i32.const 5)))
            (struct.get $box 0 (block (result (ref $box)) (call $box (local.get 0))
                (call $litter (i32.const 50)))))))")),
           7, 12);
}

TEST_P(GcTest, LocalsReadBeforeTheyChange) {
    // The read of local 1 is still pending when the local is overwritten.
    expect(instance(with_prelude(R"((func (export "f") (param i32) (result i32) (local (ref null $box))
        (local.set 1 (call $box (local.get 0)))
        (local.get 1)
        (local.set 1 (call $box (i32.const 3)))
        (call $litter (i32.const 50))
        (i32.sub (struct.get $box 0) (struct.get $box 0 (local.get 1)))))")),
           7, 4);
}

TEST_P(GcTest, FieldsOfAnObjectBeingMade) {
    // Each array.new_fixed and struct.new collects while its operands are all there is.
    expect(instance(with_prelude(R"((func (export "f") (param i32) (result i32) (local (ref null $list))
        (local.set 1 (array.new_fixed $list 3 (call $box (i32.const 1)) (call $box (local.get 0))
            (call $box (i32.const 100))))
        (call $litter (i32.const 50))
        (i32.add (struct.get $box 0 (array.get $list (local.get 1) (i32.const 0)))
            (i32.add (struct.get $box 0 (array.get $list (local.get 1) (i32.const 1)))
                (struct.get $box 0 (array.get $list (local.get 1) (i32.const 2)))))))")),
           7, 108);
}

TEST_P(GcTest, DeepFrames) {
    expect(instance(with_prelude(R"((func $f (export "f") (param i32) (result i32) (local (ref null $box))
        (local.set 1 (call $box (local.get 0)))
        (if (result i32) (i32.eqz (local.get 0)) (then (call $litter (i32.const 10)) (i32.const 0))
            (else (i32.add (call $f (i32.sub (local.get 0) (i32.const 1)))
                (struct.get $box 0 (local.get 1)))))))")),
           100, 5050);
}

TEST_P(GcTest, AListThatGrows) {
    expect(instance(with_prelude(R"((func (export "f") (param i32) (result i32) (local (ref null $node) i32)
        (loop (local.set 1 (struct.new $node (local.get 0) (local.get 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (block (loop (br_if 1 (ref.is_null (local.get 1)))
            (local.set 2 (i32.add (local.get 2) (struct.get $node 0 (local.get 1))))
            (local.set 1 (struct.get $node 1 (local.get 1))) (br 0)))
        (local.get 2)))")),
           200, 20100);
}

TEST_P(GcTest, TailCallsAndIndirectCalls) {
    expect(instance(with_prelude(R"((type $t (func (param i32 (ref $box)) (result i32)))
        (table funcref (elem $loop))
        (func $loop (type $t) (if (i32.eqz (local.get 0)) (then (return (struct.get $box 0 (local.get 1)))))
            (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1))
                (call $box (i32.add (struct.get $box 0 (local.get 1)) (i32.const 2))) (i32.const 0)))
        (func (export "f") (param i32) (result i32)
            (call_indirect (type $t) (local.get 0) (call $box (i32.const 1)) (i32.const 0))))")),
           30, 61);
}

TEST_P(GcTest, BetweenInstances) {
    const Instance lower = instance(with_prelude(R"((func (export "f") (param (ref $box)) (result i32)
        (call $litter (i32.const 20)) (struct.get $box 0 (local.get 0)))
        (func (export "g") (param (ref $box) i32) (result i32) (return_call_indirect (param (ref $box))
            (result i32) (local.get 0) (local.get 1)))
        (table (export "t") 2 funcref))"));
    ASSERT_TRUE(linker.define("m", "f", lower.get("f").value()));
    ASSERT_TRUE(linker.define("m", "g", lower.get("g").value()));
    ASSERT_TRUE(linker.define("m", "t", lower.get("t").value()));
    expect(instance(R"((import "m" "f" (func $m (param (ref $box)) (result i32)))
        (import "m" "g" (func $g (param (ref $box) i32) (result i32))) (import "m" "t" (table 2 funcref))
        (elem (i32.const 1) $back)
        (type $box (struct (field (mut i32))))
        (func $back (param (ref $box)) (result i32) (local (ref $box))
            (local.set 1 (struct.new $box (i32.const 500)))
            (i32.add (struct.get $box 0 (local.get 0)) (call $m (local.get 1))))
        (func (export "f") (param i32) (result i32) (local (ref $box))
            (local.set 1 (struct.new $box (local.get 0)))
            (i32.add (i32.add (call $m (struct.new $box (i32.const 1))) (struct.get $box 0 (local.get 1)))
                (call $g (struct.new $box (i32.const 30)) (i32.const 1)))))"),
           7, 538);
}

TEST_P(GcTest, FramesBelowAHostFunction) {
    std::optional<TypedFunc<int32_t(int32_t)>> inner;
    ASSERT_TRUE(
        linker.function("host", "again", [&](int32_t n) -> CallResult<int32_t> { return (*inner)(n); }));
    const Instance i = instance(R"((import "host" "again" (func $again (param i32) (result i32)))
        (type $box (struct (field i32)))
        (func (export "f") (param i32) (result i32) (local (ref null $box))
            (local.set 1 (struct.new $box (local.get 0)))
            (if (i32.gt_s (local.get 0) (i32.const 0))
                (then (return (i32.add (call $again (i32.sub (local.get 0) (i32.const 1)))
                    (struct.get $box 0 (local.get 1))))))
            (struct.get $box 0 (local.get 1))))");
    inner = i.typed_function<int32_t(int32_t)>("f").value();
    expect(i, 20, 210);
}

TEST_P(GcTest, ExceptionsAndTheirValues) {
    expect(instance(with_prelude(R"((tag $t (param (ref $box) i32))
        (func $thrower (param i32) (throw $t (call $box (local.get 0)) (i32.const 3)))
        (func (export "f") (param i32) (result i32) (local (ref null $box) exnref i32)
            (block $caught (result (ref $box) i32 (ref exn))
                (try_table (catch_ref $t $caught) (call $thrower (local.get 0)))
                (unreachable))
            (local.set 2) (local.set 3) (local.set 1)
            (call $litter (i32.const 20))
            (block $again (result (ref $box) i32)
                (try_table (catch $t $again) (throw_ref (local.get 2))) (unreachable))
            (drop) (local.set 1)
            (call $litter (i32.const 20))
            (i32.add (struct.get $box 0 (local.get 1)) (local.get 3))))")),
           7, 10);
}

TEST_P(GcTest, SegmentsGlobalsAndTables) {
    expect(instance(with_prelude(R"((global $g (mut (ref null $box)) (struct.new $box (i32.const 1)))
        (table $t 3 (ref null $box))
        (elem $e (ref null $box) (struct.new $box (i32.const 10)) (struct.new $box (i32.const 20)))
        (func (export "f") (param i32) (result i32)
            (call $litter (i32.const 20))
            (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 2))
            (table.set $t (i32.const 0) (call $box (local.get 0)))
            (call $litter (i32.const 20))
            (i32.add (struct.get $box 0 (global.get $g))
                (i32.add (struct.get $box 0 (table.get $t (i32.const 0)))
                    (struct.get $box 0 (table.get $t (i32.const 2)))))))")),
           300, 321);
}

TEST_P(GcTest, EveryBudgetStopsAndLeavesTheHeapWhole) {
    const Instance i = instance(with_prelude(R"((func (export "f") (param i32) (result i32)
        (local (ref null $list)) (local.set 1 (array.new_default $list (local.get 0)))
        (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (array.set $list (local.get 1) (local.get 0) (call $box (local.get 0)))
            (br_if 0 (local.get 0)))
        (struct.get $box 0 (array.get $list (local.get 1) (i32.const 3)))))"));
    const auto f = i.typed_function<int32_t(int32_t)>("f").value();
    store.set_fuel(1'000'000);
    EXPECT_EQ(f(5).value(), 3);
    const uint64_t cost = 1'000'000 - store.fuel_left().value();
    for (uint64_t budget = 0; budget < cost; ++budget) {
        store.set_fuel(budget);
        EXPECT_TRUE(f(5).error().is_trap(TrapCode::out_of_fuel));
    }
    store.set_fuel(cost);
    EXPECT_EQ(f(5).value(), 3);
}

/// $a carries a $b, $c below it more; both $a and $b lie behind a type that has no descriptor.
constexpr std::string_view descriptors = R"(
    (type $top (sub (struct (field i32))))
    (rec (type $a (sub $top (descriptor $b) (struct (field i32) (field (ref null $box)))))
        (type $b (sub (describes $a) (struct (field (ref null $box)))))
        (type $c (sub $a (descriptor $d) (struct (field i32) (field (ref null $box)) (field v128))))
        (type $d (sub $b (describes $c) (descriptor $m) (struct (field (ref null $box)))))
        (type $m (describes $d) (struct (field (mut i32)))))
    (func $a (param i32) (result (ref (exact $a)))
        (struct.new_desc $a (local.get 0) (call $box (i32.const 1))
            (struct.new $b (call $box (local.get 0)))))
    (func $c (param i32) (result (ref (exact $c)))
        (struct.new_desc $c (local.get 0) (call $box (i32.const 2)) (v128.const i64x2 -1 -1)
            (struct.new_desc $d (call $box (local.get 0)) (struct.new $m (local.get 0)))))
    (func $number (param (ref $a)) (result i32)
        (struct.get $box 0 (struct.get $b 0 (ref.get_desc $a (local.get 0)))))
)";

TEST_P(GcTest, DescriptorsLiveWithTheirObjects) {
    expect(instance(with_prelude(std::string(descriptors) + R"(
        (func (export "f") (param i32) (result i32) (local (ref null $a) (ref null $c))
            (local.set 1 (call $a (local.get 0)))
            (local.set 2 (call $c (i32.const 30)))
            (call $litter (i32.const 50))
            (i32.add (i32.add (call $number (ref.as_non_null (local.get 1)))
                    (call $number (ref.as_non_null (local.get 2))))
                (struct.get $m 0 (ref.get_desc $d (ref.get_desc $c (local.get 2)))))))")),
           7, 67);
}

TEST_P(GcTest, DescriptorsAndFieldsOfADefault) {
    expect(instance(with_prelude(std::string(descriptors) + R"(
        (func (export "f") (param i32) (result i32) (local (ref null $a))
            (local.set 1 (struct.new_default_desc $a (struct.new $b (call $box (local.get 0)))))
            (call $litter (i32.const 50))
            (i32.add (i32.add (call $number (ref.as_non_null (local.get 1)))
                    (struct.get $a 0 (local.get 1)))
                (ref.is_null (struct.get $a 1 (local.get 1))))))")),
           7, 8);
}

TEST_P(GcTest, DescriptorsInCasts) {
    // Only the object whose descriptor it is passes; the operands are all that holds the others.
    expect(instance(with_prelude(std::string(descriptors) + R"(
        (func $is (param anyref (ref null $b)) (result i32)
            (block $yes (result (ref $a))
                (br_on_cast_desc_eq $yes anyref (ref $a) (local.get 0) (local.get 1))
                (drop) (call $litter (i32.const 20)) (return (i32.const 0)))
            (drop) (i32.const 1))
        (func $is_not (param anyref (ref null $b)) (result i32)
            (block $no (result anyref)
                (br_on_cast_desc_eq_fail $no anyref (ref null $a) (local.get 0) (local.get 1))
                (drop) (return (i32.const 0)))
            (drop) (i32.const 1))
        (func (export "f") (param i32) (result i32) (local (ref null $c) (ref null $d))
            (local.set 1 (call $c (local.get 0)))
            (local.set 2 (ref.get_desc $c (local.get 1)))
            (call $litter (i32.const 20))
            (i32.add (i32.add
                (struct.get $c 0 (ref.cast_desc_eq (ref $c) (local.get 1) (local.get 2)))
                (i32.mul (i32.const 10) (call $is (local.get 1) (local.get 2))))
            (i32.add (i32.add
                (i32.mul (i32.const 100) (call $is (call $a (i32.const 1)) (local.get 2)))
                (i32.mul (i32.const 1000) (call $is (ref.i31 (i32.const 1)) (local.get 2))))
            (i32.add
                (i32.mul (i32.const 10000) (call $is_not (call $box (i32.const 1)) (local.get 2)))
                (i32.mul (i32.const 100000) (call $is_not (ref.null none) (local.get 2))))))))")),
           7, 10017);
}

using GcLimitTest = ApiTest;

TEST_F(GcLimitTest, ShortLivedObjectsNeedNoMoreThanTheLimit) {
    StoreLimits limits;
    limits.memory_bytes = 8 << 20;
    store.set_limits(limits);
    const Instance i = instance(R"((type $s (struct (field i64 i64)))
        (func (export "f") (param i32) (loop (drop (struct.new_default $s))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    ASSERT_TRUE(i.typed_function<void(int32_t)>("f").value()(4'000'000));
    EXPECT_LE(store.peak_memory_bytes(), limits.memory_bytes);
}

TEST_F(GcLimitTest, KeptObjectsEndAtTheLimitWithItsName) {
    StoreLimits limits;
    limits.memory_bytes = 8 << 20;
    store.set_limits(limits);
    const Instance i = instance(R"((type $s (struct (field (ref null $s))))
        (func (export "f") (local (ref null $s)) (loop (local.set 0 (struct.new $s (local.get 0))) (br 0)))
        (func (export "g") (result i32) (struct.new_default $s) (drop) (i32.const 5)))");
    const auto outcome = i.typed_function<void()>("f").value()();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message(),
              "trap: allocation failure: the memory limit of 8388608 bytes is reached");
    EXPECT_EQ(store.last_limit_reached(), LimitKind::memory_bytes);
    // The store is as good as before.
    EXPECT_EQ(i.typed_function<int32_t()>("g").value()().value(), 5);
}

TEST_F(GcLimitTest, ConstantExpressionsUseRoomThatWasLetGo) {
    StoreLimits limits;
    limits.memory_bytes = 16 << 20;
    store.set_limits(limits);
    // Each instance makes 2 MiB of garbage: an array that its start function lets go.
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(try_instance(R"((type $a (array i8)) (global $g (mut (ref null $a))
            (array.new_default $a (i32.const 0x200000)))
            (func $drop (global.set $g (ref.null $a))) (start $drop))"))
            << i;
}

TEST_F(GcLimitTest, ArraysLargerThanEverythingAreRefused) {
    const Instance i = instance(R"((type $v (array v128))
        (func (export "f") (param i32) (drop (array.new_default $v (local.get 0)))))");
    const auto outcome = i.typed_function<void(int32_t)>("f").value()(-1);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::allocation_failure));
}

}  // namespace
}  // namespace wsb::testing
