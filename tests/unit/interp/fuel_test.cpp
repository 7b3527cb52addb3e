// SPDX-License-Identifier: Apache-2.0
// Fuel is exact: for every control shape the fuel consumed is the number of instructions counted by hand,
// and with a budget of N the run stops exactly at unit N, for every N.
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/interp/fuel_shapes.h"

#include <string>

namespace wsb::testing {
namespace {

class FuelTest : public ApiTest, public ::testing::WithParamInterface<Shape> {
protected:
    FuelTest() : ApiTest(Features::up_to(4)) {}
    void SetUp() override {
        ASSERT_TRUE(linker.function("host", "twice", [](int32_t x) { return 2 * x; }));
        ASSERT_TRUE(linker.function("host", "fail", []() -> CallResult<void> { return host_trap("no"); }));
    }
};

TEST_P(FuelTest, CostIsTheNumberOfInstructions) {
    const Func f = instance(GetParam().wat).func("f").value();
    store.set_fuel(1'000'000);
    const auto outcome = f.call({GetParam().argument});
    if (GetParam().trap == TrapCode::none)
        ASSERT_TRUE(outcome) << outcome.error().message();
    else
        ASSERT_TRUE(!outcome && outcome.error().is_trap(GetParam().trap));
    EXPECT_EQ(store.fuel_consumed(), GetParam().cost);
}

TEST_P(FuelTest, StopsExactlyAtEveryUnit) {
    const Func f = instance(GetParam().wat).func("f").value();
    const std::string_view text = GetParam().wat;
    const bool has_bulk = text.find("memory.") != text.npos || text.find("array.") != text.npos ||
                          text.find("large") != text.npos || text.find("v128") != text.npos ||
                          text.find("i64 i64 i64") != text.npos;
    for (uint64_t budget = 0; budget < GetParam().cost; ++budget) {
        store.set_fuel(budget);
        const auto outcome = f.call({GetParam().argument});
        ASSERT_FALSE(outcome) << budget;
        EXPECT_TRUE(outcome.error().is_trap(TrapCode::out_of_fuel)) << budget << outcome.error().message();
        // A bulk operation runs whole or not at all, so it can leave units over.
        if (!has_bulk) {
            EXPECT_EQ(store.fuel_left(), 0u) << budget;
        }
    }
    for (const uint64_t more : {0u, 1u, 4095u, 4096u, 4097u, 10'000u}) {
        store.set_fuel(GetParam().cost + more);
        const auto outcome = f.call({GetParam().argument});
        EXPECT_EQ(outcome.has_value(), GetParam().trap == TrapCode::none);
        if (!outcome) {
            EXPECT_TRUE(outcome.error().is_trap(GetParam().trap));
        }
        EXPECT_EQ(store.fuel_left(), more);
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FuelTest, ::testing::ValuesIn(shapes),
                         [](const auto& shape) { return std::string(shape.param.name); });

using FuelLimitTest = ApiTest;

/// Where the run stopped can be seen from what it wrote.
TEST_F(FuelLimitTest, NothingRunsBeyondTheBudget) {
    const Instance i = instance(R"((global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (loop (global.set $g (i32.add (global.get $g) (i32.const 1))) (br 0))))");
    const auto f = i.typed_function<void()>("f").value();
    const Global g = i.global("g").value();
    for (uint64_t budget = 0; budget < 20'000; budget += 37) {
        ASSERT_TRUE(g.set(Value(0)));
        store.set_fuel(budget);
        const auto outcome = f();
        ASSERT_TRUE(!outcome && outcome.error().is_trap(TrapCode::out_of_fuel));
        // get const add set br = 5 units an iteration; the set is the fourth
        EXPECT_EQ(g.get().i32(), static_cast<int32_t>((budget + 1) / 5)) << budget;
        EXPECT_EQ(store.fuel_left(), 0u);
    }
}

/// The head of the inner loop owes the units of what comes before it; the change to the stepping form pays
/// them.
TEST_F(FuelLimitTest, ChangingFormsInALoopCostsNothing) {
    const Instance i = instance(R"((global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (param i32) (local i32) (loop (local.set 1 (i32.const 4)) (drop (i32.const 1))
            (loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    const auto f = i.typed_function<void(int32_t)>("f").value();
    constexpr int32_t rounds = 300;
    constexpr uint64_t cost = rounds * (3 + 4 * 5 + 4 + 5);
    for (uint64_t budget = cost - 70; budget < cost + 4200; ++budget) {
        ASSERT_TRUE(i.global("g").value().set(Value(0)));
        store.set_fuel(budget);
        const uint64_t before = store.fuel_consumed();
        ASSERT_EQ(f(rounds).has_value(), budget >= cost) << budget;
        ASSERT_EQ(store.fuel_consumed() - before, std::min(budget, cost));
        ASSERT_EQ(i.global("g").value().get().i32(), budget >= cost - 5    ? rounds
                                                     : budget >= cost - 37 ? rounds - 1
                                                                           : rounds - 2);
    }
}

TEST_F(FuelLimitTest, LongStraightCodeIsCheckedInBetween) {
    std::string body;
    for (int i = 0; i < 20'000; ++i)
        body += "(global.set $g (i32.const " + std::to_string(i) + "))";
    const Instance i =
        instance("(global $g (export \"g\") (mut i32) (i32.const -1)) (func (export \"f\")" + body + ")");
    const auto f = i.typed_function<void()>("f").value();
    for (const uint64_t budget :
         {0u, 1u, 2u, 4000u, 4095u, 4096u, 4097u, 8192u, 12'345u, 39'998u, 39'999u, 40'000u}) {
        ASSERT_TRUE(i.global("g").value().set(Value(-1)));
        store.set_fuel(budget);
        EXPECT_EQ(f().has_value(), budget == 40'000);
        EXPECT_EQ(i.global("g").value().get().i32(), static_cast<int32_t>(budget / 2) - 1) << budget;
        EXPECT_EQ(store.fuel_left(), 0u);
    }
}

TEST_F(FuelLimitTest, HostFunctionsCanBurnFuel) {
    ASSERT_TRUE(linker.function("host", "burn", [](Caller& caller) { caller.store().set_fuel(10); }));
    const Instance i =
        instance(R"((import "host" "burn" (func $burn)) (global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (call $burn)
            (loop (global.set $g (i32.add (global.get $g) (i32.const 1))) (br 0))))");
    store.set_fuel(1'000'000);
    const auto outcome = i.typed_function<void()>("f").value()();
    ASSERT_TRUE(!outcome && outcome.error().is_trap(TrapCode::out_of_fuel));
    EXPECT_EQ(i.global("g").value().get().i32(), 2);
    EXPECT_EQ(store.fuel_left(), 0u);
}

TEST_F(FuelLimitTest, DeepRecursionIsATrap) {
    const Instance i = instance(R"((func $f (export "f") (param i32) (result i32)
        (i32.add (i32.const 1) (call $f (local.get 0)))))");
    const auto f = i.typed_function<int32_t(int32_t)>("f").value();
    const auto outcome = f(1);
    ASSERT_TRUE(!outcome && outcome.error().is_trap(TrapCode::stack_overflow));
    EXPECT_FALSE(outcome.error().trap()->frames.empty());
}

}  // namespace
}  // namespace wsb::testing
