// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/api_fixture.h"

namespace wsb::testing {
namespace {

using FuncTest = ApiTest;

TEST_F(FuncTest, TypedCallsConvert) {
    const Instance i = instance(R"((module
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "swap") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
        (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
        (func (export "nothing"))))");
    EXPECT_EQ(i.typed_function<int32_t(int32_t, int32_t)>("add").value()(2, -5).value(), -3);
    EXPECT_EQ(i.typed_function<uint32_t(uint32_t, uint32_t)>("add").value()(2, 3).value(), 5u);
    const auto swapped =
        i.typed_function<std::tuple<float, int64_t>(int64_t, float)>("swap").value()(-7, 1.5f);
    EXPECT_EQ(swapped.value(), std::tuple(1.5f, int64_t{-7}));
    EXPECT_EQ(i.typed_function<double(double)>("half").value()(3).value(), 1.5);
    EXPECT_TRUE(i.typed_function<void()>("nothing").value()());
}

TEST_F(FuncTest, TypedSignaturesAreChecked) {
    const Instance i = instance(R"((module (func (export "f") (param i32) (result i64) (i64.const 1))))");
    const auto outcome = i.typed_function<int32_t(int32_t)>("f");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message(),
              "signature does not match: expected (i32) -> (i32), found (i32) -> (i64)");
    EXPECT_EQ(i.typed_function<void()>("g").error().code, ErrorCode::unknown_export);
    EXPECT_EQ(i.memory("f").error().message(), "unknown export: f is a function, not a memory");
}

TEST_F(FuncTest, UntypedCallsCheckTheirArguments) {
    const Func f = instance(R"((module (func (export "f") (param i32 i64) (result i64 i32)
        (local.get 1) (local.get 0))))")
                       .func("f")
                       .value();
    EXPECT_EQ(to_string(f.type()), "(i32, i64) -> (i64, i32)");
    EXPECT_EQ(f.call({int32_t{1}, int64_t{2}}).value(), (std::vector<Value>{int64_t{2}, int32_t{1}}));
    EXPECT_EQ(f.call({int32_t{1}}).error().error()->code, ErrorCode::signature_mismatch);
    EXPECT_EQ(f.call({int32_t{1}, 2.0}).error().message(),
              "signature does not match: argument 2: expected i64, found f64");
}

TEST_F(FuncTest, TrapsCarryABacktrace) {
    const Instance i = instance(R"((module $m
        (func $inner (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
        (func $outer (export "outer") (param i32) (result i32) (call $inner (local.get 0)))))");
    const auto outcome = i.typed_function<int32_t(int32_t)>("outer").value()(0);
    ASSERT_FALSE(outcome);
    const Trap* trap = outcome.error().trap();
    ASSERT_NE(trap, nullptr);
    EXPECT_EQ(trap->code, TrapCode::integer_divide_by_zero);
    EXPECT_EQ(outcome.error().message(), "trap: integer divide by zero");
    ASSERT_EQ(trap->frames.size(), 2u);
    EXPECT_EQ(trap->frames[0].func_name, "inner");
    EXPECT_EQ(trap->frames[1].func_name, "outer");
    EXPECT_EQ(trap->frames[1].module_name, "m");
    // The store is as good as before.
    EXPECT_EQ(i.typed_function<int32_t(int32_t)>("outer").value()(1).value(), 1);
}

TEST_F(FuncTest, EndlessRecursionTraps) {
    const Instance i = instance(R"((module (func $f (export "f") (call $f))))");
    const auto outcome = i.typed_function<void()>("f").value()();
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::stack_overflow));
    EXPECT_EQ(outcome.error().trap()->frames.size(), 64u);
}

TEST_F(FuncTest, FunctionReferencesTravel) {
    const Instance i = instance(R"((module
        (func $seven (result i32) (i32.const 7))
        (elem declare func $seven)
        (func (export "get") (result funcref) (ref.func $seven))
        (func (export "null") (result funcref) (ref.null func))
        (func (export "is_null") (param funcref) (result i32) (ref.is_null (local.get 0)))))");
    const auto seven = i.typed_function<std::optional<Func>()>("get").value()().value();
    ASSERT_TRUE(seven);
    EXPECT_EQ(seven->typed<int32_t()>().value()().value(), 7);
    EXPECT_FALSE(i.typed_function<std::optional<Func>()>("null").value()().value());
    const Func is_null = i.func("is_null").value();
    EXPECT_EQ(is_null.call({Value(*seven)}).value()[0], Value(0));
    EXPECT_EQ(is_null.call({Value::null(ValType::funcref())}).value()[0], Value(1));
    EXPECT_FALSE(is_null.call({Value::null(ValType::externref())}));
    Store other = Store::create(engine).value();
    const Func foreign = linker.instantiate(other, i.module()).value().func("get").value();
    EXPECT_FALSE(is_null.call({Value(foreign)}));
}

TEST_F(FuncTest, HostObjectsTravel) {
    const Instance i = instance(R"((module
        (func (export "same") (param externref) (result externref) (local.get 0))))");
    const ExternRef ref = ExternRef::create(store, std::string("host")).value();
    const auto same = i.typed_function<ExternRef(ExternRef)>("same").value();
    EXPECT_EQ(same(ref).value(), ref);
    EXPECT_EQ(std::any_cast<std::string>(*same(ref).value().object(store)), "host");
    EXPECT_TRUE(same(ExternRef()).value().is_null());
    EXPECT_EQ(i.func("same").value().call({Value(ExternRef::from_raw(98))}).error().error()->code,
              ErrorCode::signature_mismatch);
    EXPECT_EQ(same(ExternRef::from_raw(98)).error().message(),
              "signature does not match: a reference of another store, or one that was let go");
}

TEST_F(FuncTest, FuelStopsAnEndlessLoop) {
    const Instance i = instance(R"((module (func (export "spin") (loop (br 0)))
        (func (export "one") (result i32) (i32.const 1))))");
    store.set_fuel(10'000);
    const auto outcome = i.typed_function<void()>("spin").value()();
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::out_of_fuel));
    EXPECT_EQ(store.fuel_left(), 0u);
    EXPECT_EQ(store.fuel_consumed(), 10'000u);
    store.set_fuel(10);
    EXPECT_EQ(i.typed_function<int32_t()>("one").value()().value(), 1);
    EXPECT_LT(store.fuel_left().value(), 10u);
}

TEST_F(FuncTest, ManyParametersAndResults) {
    std::string params, gets;
    std::vector<Value> args;
    for (int n = 0; n < 100; ++n) {
        params += " i32";
        gets += " (local.get " + std::to_string(99 - n) + ")";
        args.emplace_back(n);
    }
    const Func f =
        instance("(module (func (export \"f\") (param" + params + ") (result" + params + ")" + gets + "))")
            .func("f")
            .value();
    const auto results = f.call(args).value();
    ASSERT_EQ(results.size(), 100u);
    EXPECT_EQ(results[0], Value(99));
    EXPECT_EQ(results[99], Value(0));
}

}  // namespace
}  // namespace wsb::testing
