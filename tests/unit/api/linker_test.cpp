// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/api_fixture.h"

#include <stdexcept>

namespace wsb::testing {
namespace {

using LinkerTest = ApiTest;

TEST_F(LinkerTest, DeducesTypesOfHostFunctions) {
    int32_t seen = 0;
    ASSERT_TRUE(linker.function("env", "log", [&](int32_t value) { seen = value; }));
    ASSERT_TRUE(linker.function("env", "div", [](int64_t a, int64_t b) { return std::tuple(a / b, a % b); }));
    ASSERT_TRUE(linker.function("env", "scale", [](Caller&, float x, double y) { return x * y; }));
    const Instance i = instance(R"((module
        (import "env" "log" (func $log (param i32)))
        (import "env" "div" (func $div (param i64 i64) (result i64 i64)))
        (import "env" "scale" (func $scale (param f32 f64) (result f64)))
        (func (export "log") (param i32) (call $log (local.get 0)))
        (func (export "div") (param i64 i64) (result i64 i64) (call $div (local.get 0) (local.get 1)))
        (func (export "scale") (param f32 f64) (result f64) (call $scale (local.get 0) (local.get 1)))))");
    EXPECT_TRUE(i.typed_function<void(int32_t)>("log").value()(-9));
    EXPECT_EQ(seen, -9);
    const auto div = i.typed_function<std::tuple<int64_t, int64_t>(int64_t, int64_t)>("div").value();
    EXPECT_EQ(div(17, 5).value(), std::tuple(int64_t{3}, int64_t{2}));
    EXPECT_EQ(i.typed_function<double(float, double)>("scale").value()(1.5f, 4).value(), 6.0);
}

TEST_F(LinkerTest, RawFunctionsAreChecked) {
    const FuncType type{{ValType::i32}, {ValType::i64, ValType::i32}};
    bool wrong = false;
    ASSERT_TRUE(linker.function(
        "env", "f", type,
        [&](Caller&, std::span<const Value> args, std::span<Value> results) -> CallResult<void> {
            results[0] = int64_t{args[0].i32()} * 2;
            if (wrong)
                results[1] = 1.5;
            return {};
        }));
    const Func f = instance(R"((module (import "env" "f" (func $f (param i32) (result i64 i32)))
        (func (export "g") (param i32) (result i64 i32) (call $f (local.get 0)))))")
                       .func("g")
                       .value();
    EXPECT_EQ(f.call({21}).value(), (std::vector<Value>{int64_t{42}, int32_t{0}}));
    wrong = true;
    const auto outcome = f.call({21});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message(), "trap: host function failed: result 2: expected i32, found f64");
}

TEST_F(LinkerTest, HostFunctionsTrapExitAndThrow) {
    ASSERT_TRUE(linker.function("env", "f", [](int32_t what) -> CallResult<int32_t> {
        switch (what) {
            case 0: return 5;
            case 1: return host_trap("no such row");
            case 2: return exit_with(3);
            case 3: return std::unexpected(Failure(Trap{TrapCode::out_of_fuel, {}, {}}));
            default: throw std::runtime_error("thrown");
        }
    }));
    const auto f = instance(R"((module (import "env" "f" (func $f (param i32) (result i32)))
        (func $g (export "g") (param i32) (result i32) (call $f (local.get 0)))))")
                       .typed_function<int32_t(int32_t)>("g")
                       .value();
    EXPECT_EQ(f(0).value(), 5);
    const auto trapped = f(1);
    ASSERT_FALSE(trapped);
    EXPECT_EQ(trapped.error().message(), "trap: host function failed: no such row");
    ASSERT_EQ(trapped.error().trap()->frames.size(), 1u);
    EXPECT_EQ(trapped.error().trap()->frames[0].func_name, "g");
    const auto exited = f(2);
    ASSERT_FALSE(exited);
    ASSERT_NE(exited.error().exit(), nullptr);
    EXPECT_EQ(exited.error().exit()->status, 3u);
    EXPECT_TRUE(f(3).error().is_trap(TrapCode::out_of_fuel));
    EXPECT_EQ(f(4).error().message(), "trap: host function failed: thrown");
    EXPECT_EQ(f(0).value(), 5);
}

TEST_F(LinkerTest, CallerSeesTheInstance) {
    ASSERT_TRUE(linker.function("env", "print", [](Caller& caller, uint32_t offset, uint32_t length) {
        const auto memory = caller.memory();
        ASSERT_TRUE(memory);
        const auto bytes = memory->view(offset, length);
        ASSERT_TRUE(bytes);
        EXPECT_FALSE(memory->view(65'536, 1));
        *caller.data<std::string>() = std::string(bytes->begin(), bytes->end());
        EXPECT_TRUE(caller.instance());
        EXPECT_TRUE(caller.get("run"));
    }));
    std::string text;
    store.set_data(&text);
    const Instance i = instance(R"((module
        (import "env" "print" (func $print (param i32 i32)))
        (memory (export "memory") 1) (data (i32.const 16) "hello")
        (func (export "run") (call $print (i32.const 16) (i32.const 5)))))");
    EXPECT_TRUE(i.typed_function<void()>("run").value()());
    EXPECT_EQ(text, "hello");
}

TEST_F(LinkerTest, HostAndGuestCallEachOther) {
    ASSERT_TRUE(linker.function("env", "again", [](Caller& caller, int32_t depth) -> CallResult<int32_t> {
        const auto f = caller.instance()->typed_function<int32_t(int32_t)>("f");
        if (!f)
            return std::unexpected(f.error());
        return (*f)(depth - 1);
    }));
    const auto f = instance(R"((module (import "env" "again" (func $again (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
                (else (i32.add (i32.const 1) (call $again (local.get 0))))))))")
                       .typed_function<int32_t(int32_t)>("f")
                       .value();
    EXPECT_EQ(f(50).value(), 50);
    const auto outcome = f(1'000);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::stack_overflow));
    EXPECT_EQ(f(50).value(), 50);
}

TEST_F(LinkerTest, FuelIsExactInHostFunctions) {
    std::optional<uint64_t> left;
    ASSERT_TRUE(linker.function("env", "look", [&](Caller& caller) {
        left = caller.store().fuel_left();
        EXPECT_TRUE(caller.store().consume_fuel(100));
    }));
    const auto f =
        instance(R"((module (import "env" "look" (func $look)) (func (export "f") (call $look) (nop))))")
            .typed_function<void()>("f")
            .value();
    store.set_fuel(1'000);
    ASSERT_TRUE(f());
    ASSERT_TRUE(left);
    EXPECT_LT(*left, 1'000u);
    EXPECT_LE(store.fuel_left().value(), *left - 100);
}

TEST_F(LinkerTest, ErrorsNameTheImport) {
    const auto unknown = try_instance(R"((module (import "env" "log" (func (param i32)))))");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().message(), "unknown import: env.log (function (i32) -> ())");
    EXPECT_EQ(error_kind(unknown.error().error()->code), ErrorKind::unlinkable);
    ASSERT_TRUE(linker.function("env", "log", [](int64_t) {}));
    const auto wrong = try_instance(R"((module (import "env" "log" (func (param i32)))))");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message(),
              "incompatible import type: env.log: expected function (i32) -> (), found function "
              "(i64) -> ()");
}

TEST_F(LinkerTest, InstancesServeEachOther) {
    const Instance counter = instance(R"((module
        (global $n (export "n") (mut i32) (i32.const 0)) (memory (export "m") 1)
        (func (export "next") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))))");
    ASSERT_TRUE(linker.instance("counter", counter));
    const Instance user = instance(R"((module
        (import "counter" "next" (func $next (result i32))) (import "counter" "n" (global $n (mut i32)))
        (import "counter" "m" (memory 1))
        (func (export "twice") (result i32) (drop (call $next)) (i32.store8 (i32.const 5) (i32.const 77)) (call $next))))");
    EXPECT_EQ(user.typed_function<int32_t()>("twice").value()().value(), 2);
    EXPECT_EQ(counter.global("n").value().get(), Value(2));
    EXPECT_EQ(counter.memory("m").value().load<uint8_t>(5), 77);
    // Another store cannot have it.
    Store other = Store::create(engine).value();
    const auto outcome = linker.instantiate(other, user.module());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error()->code, ErrorCode::bad_usage);
}

TEST_F(LinkerTest, EnginesDoNotMix) {
    const Engine other;
    const Module m = Module::from_wat(other, "(module)").value();
    const auto outcome = linker.instantiate(store, m);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error()->code, ErrorCode::bad_usage);
}

}  // namespace
}  // namespace wsb::testing
