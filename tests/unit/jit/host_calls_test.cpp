// SPDX-License-Identifier: Apache-2.0
// Calls of the host from machine code, which makes them itself (sink_host_calls.cpp): what they leave is what
// the interpreter's leave, however they end.
#include "tests/unit/jit/tiers_fixture.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <thread>
#include <tuple>

namespace wsb::testing {
namespace {

using HostCalls = TiersTest;

void results_of_all_types(Linker& linker) {
    ASSERT_TRUE(linker.function("host", "i32", [](int32_t x) { return -x; }));
    ASSERT_TRUE(linker.function("host", "i64", [](int64_t x) { return -x; }));
    ASSERT_TRUE(linker.function("host", "f32", [](float x) { return -x; }));
    ASSERT_TRUE(linker.function("host", "f64", [](double x) { return -x; }));
    ASSERT_TRUE(linker.function("host", "v128", [](V128 x) {
        x[15] ^= 0xff;
        return x;
    }));
    ASSERT_TRUE(linker.function("host", "many", [](int32_t x) {
        return std::tuple(x + 1, 2.5f * static_cast<float>(x), int64_t{x});
    }));
}

TEST_F(HostCalls, ResultsOfAllTypes) {
    begin({}, results_of_all_types);
    std::string imports, functions;
    for (const char* type : {"i32", "i64", "f32", "f64", "v128"}) {
        imports += fmt::format(R"((import "host" "{0}" (func ${0} (param {0}) (result {0}))))", type);
        functions += fmt::format(R"((func (export "{0}") (param {0}) (result {0}) (local {0})
            (local.set 1 (local.get 0)) (call ${0} (call ${0} (call ${0} (local.get 1))))))",
                                 type);
    }
    load(imports + R"((import "host" "many" (func $many (param i32) (result i32 f32 i64))))" + functions +
         R"((func (export "many") (param i32) (result i32 f32 i64) (call $many (local.get 0))))");
    EXPECT_EQ(call({Value(7)}, {}, "i32").results[0][0], uint32_t(-7));
    EXPECT_EQ(call({Value(int64_t{1} << 40)}, {}, "i64").results[0][0], -(uint64_t{1} << 40));
    call({Value(1.5f)}, {}, "f32");
    call({Value(-0.0)}, {}, "f64");
    call({Value(V128{1, 2, 3})}, {}, "v128");
    EXPECT_EQ(call({Value(7)}, {}, "many").results.size(), 3u);
}

/// As the x86-64 ABI wants it, from whatever call, whose arguments are in slots.
TEST_F(HostCalls, TheStackIsAligned) {
    begin({}, [](Linker& linker) {
        const auto misaligned = [] {
            return static_cast<int32_t>(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) % 16);
        };
        ASSERT_TRUE(linker.function("host", "misaligned", misaligned));
    });
    load(R"((import "host" "misaligned" (func $misaligned (result i32)))
        (memory 1) (table funcref (elem $misaligned))
        (func $add (param i32) (result i32) (i32.add (local.get 0) (call $misaligned)))
        (func (export "f") (result i32)
            (call $add (i32.add (call $misaligned) (call_indirect (result i32) (i32.const 0))))))");
    EXPECT_EQ(call({}).results[0][0], 0u);
}

void host_takes_fuel(Linker& linker) {
    ASSERT_TRUE(linker.function("host", "work", [](Caller& caller, int32_t x) -> CallResult<int32_t> {
        if (!caller.store().consume_fuel(10))
            return host_trap("no fuel");
        return x + 1;
    }));
}

/// Each amount of fuel ends somewhere else, before, in and behind the calls.
TEST_F(HostCalls, FuelIsExact) {
    begin({}, host_takes_fuel);
    load(R"((import "host" "work" (func $work (param i32) (result i32)))
        (global (export "g") (mut i32) (i32.const 0))
        (func (export "f") (param i32) (result i32) (local i32)
            (loop (local.set 1 (call $work (local.get 1)))
                (global.set 0 (local.get 1))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))");
    for (uint64_t fuel = 0; fuel < 120; ++fuel) {
        call({Value(4)}, fuel);
        all([](TierRun& run) { run.reset_globals(); });
    }
}

void host_with_many(Linker& linker) {
    ASSERT_TRUE(linker.function("host", "many",
                                [](V128 a, V128 b, V128 c, V128 d) { return a[0] + b[0] + c[0] + d[0]; }));
}

/// The arguments of some call are what does not fit any more.
TEST_F(HostCalls, TheStackIsALimit) {
    Config config;
    config.max_stack_bytes = size_t{64} << 10;
    begin(config, host_with_many);
    load(R"((import "host" "many" (func $many (param v128 v128 v128 v128) (result i32)))
        (global (export "depth") (mut i32) (i32.const 0))
        (func $f (export "f") (param i32) (result i32)
            (global.set 0 (i32.add (global.get 0) (i32.const 1)))
            (drop (call $many (v128.const i64x2 1 0) (v128.const i64x2 2 0) (v128.const i64x2 3 0) (v128.const i64x2 4 0)))
            (call $f (local.get 0))))");
    EXPECT_EQ(call({Value(0)}).trap, TrapCode::stack_overflow);
}

/// Functions of another instance are imported as the host's are.
TEST_F(HostCalls, OtherInstances) {
    load(R"((memory 1) (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export "fail") (unreachable)))",
         "other");
    load(
        R"((import "other" "twice" (func $twice (param i32) (result i32))) (import "other" "fail" (func $fail))
        (memory 3)
        (func (export "f") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (call $fail)))
            (i32.add (call $twice (local.get 0)) (memory.size))))");
    EXPECT_EQ(call({Value(20)}).results[0][0], 43u);
    EXPECT_EQ(call({Value(0)}).trap, TrapCode::unreachable);
}

/// Nothing but host calls: somebody looks at the clock after some of them.
TEST_F(HostCalls, TheDeadlineHolds) {
    begin({}, [](Linker& linker) {
        ASSERT_TRUE(linker.function("host", "wait",
                                    [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }));
    });
    load(R"((import "host" "wait" (func $wait)) (func (export "f") (loop (call $wait) (br 0))))");
    jit().store().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
    EXPECT_EQ(jit().call("f", {}, std::nullopt).trap, TrapCode::interrupted);
    jit().store().set_deadline(std::nullopt);
}

}  // namespace
}  // namespace wsb::testing
