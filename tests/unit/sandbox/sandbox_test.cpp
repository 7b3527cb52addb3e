// SPDX-License-Identifier: Apache-2.0
// One test for each promise of the sandbox, which fails if its wiring is cut.
#include "wsb/sandbox.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>
#include <vector>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using namespace wsb::literals;
using ::testing::HasSubstr;

constexpr const char* counting = R"((memory (export "memory") 1 4) (global $g (mut i32) (i32.const 0))
    (table (export "t") 1 4 funcref)
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "count") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (i32.add (global.get $g) (i32.mul (i32.const 100) (i32.load (i32.const 8)))))
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "loop") (loop (br 0)))
    (func $deep (export "deep") (call $deep))
    (func (export "trap") unreachable))";

Sandbox make(SandboxBuilder builder) {
    auto built = builder.try_build();
    EXPECT_TRUE(built) << built.error().message();
    return *std::move(built);
}

TEST(Sandbox, CallsByNameAndType) {
    Sandbox sandbox = make(Sandbox::builder().module_text(counting));
    EXPECT_EQ(sandbox.call<int32_t>("add", 2, 3).value(), 5);
    auto add = sandbox.typed_function<int32_t(int32_t, int32_t)>("add");
    ASSERT_TRUE(add);
    EXPECT_EQ((*add)(40, 2).value(), 42);
    EXPECT_GT(sandbox.last_call().fuel, 0u);
    EXPECT_EQ(sandbox.call<int64_t>("add", 2, 3).error().error()->code, ErrorCode::signature_mismatch);
    EXPECT_EQ(sandbox.call<void>("none").error().error()->code, ErrorCode::unknown_export);
    const Value args[] = {Value(int32_t{1}), Value(int32_t{2})};
    EXPECT_EQ(sandbox.call_values("add", args)->at(0).i32(), 3);
    const Result<int32_t> plain = sandbox.call<int32_t>("trap");
    EXPECT_FALSE(plain);
}

TEST(Sandbox, EachCallHasItsFuelAndItsTime) {
    Sandbox sandbox =
        make(Sandbox::builder().module_text(counting).limits({.fuel = 1'000'000, .timeout = 10s}));
    for (int i = 0; i < 3; ++i) {
        const auto outcome = sandbox.call<void>("loop");
        ASSERT_FALSE(outcome);
        ASSERT_TRUE(outcome.error().limit());
        EXPECT_EQ(outcome.error().limit()->resource, Resource::fuel);
        EXPECT_EQ(outcome.error().limit()->limit, 1'000'000u);
        EXPECT_EQ(sandbox.last_call().fuel, 1'000'000u);
        EXPECT_TRUE(sandbox.call<int32_t>("add", 1, 1));
    }
}

TEST(Sandbox, TimeOutIsALimit) {
    Sandbox sandbox = make(Sandbox::builder().module_text(counting).limits({.timeout = 20ms}));
    const auto outcome = sandbox.call<void>("loop");
    ASSERT_FALSE(outcome);
    ASSERT_TRUE(outcome.error().limit());
    EXPECT_EQ(outcome.error().limit()->resource, Resource::wall_time);
    EXPECT_THAT(outcome.error().message(), HasSubstr("limit reached: time: 20000000 ns allowed"));
    EXPECT_GE(sandbox.last_call().wall_time, 20ms);
    EXPECT_EQ(sandbox.last_call().limit->resource, Resource::wall_time);
    EXPECT_TRUE(sandbox.call<int32_t>("add", 1, 1));
}

TEST(Sandbox, ProcessorTimeIsALimit) {
    Sandbox sandbox = make(Sandbox::builder().module_text(counting).limits({.cpu_time = 20ms}));
    EXPECT_EQ(sandbox.call<void>("loop").error().limit()->resource, Resource::cpu_time);
    EXPECT_GE(sandbox.last_call().cpu_time, 19ms);
}

TEST(Sandbox, TotalsHoldBeyondCallsAndResets) {
    Sandbox sandbox = make(Sandbox::builder().module_text(counting).limits({.total_time = 500ms}));
    int calls = 0;
    while (sandbox.call<int32_t>("add", 1, 1)) {
        if (++calls % 8 == 0) {
            ASSERT_TRUE(sandbox.reset());
        }
        EXPECT_LT(calls, 1'000'000);
        if (calls >= 16) {
            EXPECT_EQ(sandbox.call<void>("loop").error().limit()->resource, Resource::wall_time);
            break;
        }
    }
    EXPECT_FALSE(sandbox.call<int32_t>("add", 1, 1));
    Sandbox fuelled = make(Sandbox::builder().module_text(counting).limits({.total_fuel = 100'000}));
    EXPECT_TRUE(fuelled.call<int32_t>("add", 1, 1));
    EXPECT_EQ(fuelled.call<void>("loop").error().limit()->resource, Resource::fuel);
    EXPECT_EQ(fuelled.ledger()->used(Resource::fuel), 100'000u);
    EXPECT_FALSE(fuelled.call<int32_t>("add", 1, 1));
}

TEST(Sandbox, MemoryIsCountedTogether) {
    Sandbox sandbox = make(Sandbox::builder().module_text(counting).limits({.memory_bytes = 130_KiB}));
    EXPECT_EQ(sandbox.call<int32_t>("grow").value(), 1);
    EXPECT_EQ(sandbox.call<int32_t>("grow").value(), -1);  // with the table's eight bytes
    EXPECT_EQ(sandbox.last_call().memory_bytes, 128_KiB + 8);
    const auto refused =
        Sandbox::builder().module_text("(memory 10)").limits({.memory_bytes = 128_KiB}).try_build();
    ASSERT_FALSE(refused);
    ASSERT_TRUE(refused.error().limit());
    EXPECT_EQ(refused.error().limit()->resource, Resource::memory);
    EXPECT_EQ(refused.error().limit()->asked, 640_KiB);
}

TEST(Sandbox, TheStackIsALimit) {
    std::vector<uint64_t> fuel;
    for (const uint64_t stack_bytes : {64_KiB, 128_KiB}) {
        Sandbox sandbox = make(Sandbox::builder().module_text(counting).limits({.stack_bytes = stack_bytes}));
        const auto outcome = sandbox.call<void>("deep");
        EXPECT_TRUE(outcome.error().cause().is_trap(TrapCode::stack_overflow));
        EXPECT_EQ(outcome.error().limit()->resource, Resource::stack);
        EXPECT_EQ(outcome.error().limit()->limit, stack_bytes);
        fuel.push_back(sandbox.last_call().fuel);
    }
    // Twice the room, twice as deep.
    EXPECT_NEAR(static_cast<double>(fuel[1]), 2.0 * static_cast<double>(fuel[0]),
                0.1 * static_cast<double>(fuel[0]));
}

TEST(Sandbox, ElementsOfTablesAreLimited) {
    const auto builder = [](uint64_t elements) {
        return Sandbox::builder()
            .module_text(R"((table 10 funcref) (func (export "grow") (param i32) (result i32)
                (table.grow (ref.null func) (local.get 0))))")
            .limits({.table_elements = elements});
    };
    Sandbox sandbox = make(builder(100));
    EXPECT_EQ(sandbox.call<int32_t>("grow", 91).value(), -1);
    EXPECT_EQ(sandbox.call<int32_t>("grow", 90).value(), 10);
    const auto refused = builder(9).try_build();
    ASSERT_FALSE(refused);
    ASSERT_TRUE(refused.error().limit()) << refused.error().message();
    EXPECT_EQ(refused.error().limit()->resource, Resource::table_elements);
}

TEST(Sandbox, ModulesAreLimited) {
    const auto refused =
        Sandbox::builder().module_text(counting).limits({.module = {.functions = 3}}).build();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
    EXPECT_THAT(refused.error().message(), HasSubstr("functions of the module: 6 found, 3 allowed"));
}

TEST(Sandbox, HostFunctionsAreCheckedCountedAndLimited) {
    int calls = 0;
    auto builder = Sandbox::builder()
                       .module_text(R"((import "host" "log" (func $log (param i32)))
                           (func (export "f") (loop (call $log (i32.const 7)) (br 0))))")
                       .limits({.host_calls = 10})
                       .function("host", "log", [&](int32_t) { ++calls; });
    Sandbox sandbox = make(builder);
    EXPECT_EQ(sandbox.call<void>("f").error().limit()->resource, Resource::host_calls);
    EXPECT_EQ(calls, 10);
    builder.function("host", "log", [](int64_t) {});
    const auto wrong = builder.build();
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message(), HasSubstr("host.log"));
    const auto missing = Sandbox::builder().module_text(R"((import "host" "log" (func)))").build();
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message(), HasSubstr("host.log: function () -> ()"));
}

TEST(Sandbox, ResetLeavesNothing) {
    Sandbox sandbox = make(Sandbox::builder().module_text(counting));
    auto count = *sandbox.typed_function<int32_t()>("count");
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(count().value(), 101);
        EXPECT_EQ(count().value(), 202);
        EXPECT_EQ(sandbox.call<int32_t>("grow").value(), 1);
        ASSERT_TRUE(sandbox.reset());
        EXPECT_EQ(sandbox.ledger()->used(Resource::instances), 1u);
        EXPECT_EQ(sandbox.ledger()->used(Resource::memory), 64_KiB + 8);
    }
}

TEST(Sandbox, ClonesAreApartButForTheLedgerAbove) {
    const auto tenant = Ledger::create({.memory_bytes = 200_KiB});
    Sandbox one = make(Sandbox::builder().module_text(counting).ledger(tenant));
    EXPECT_EQ(one.call<int32_t>("count").value(), 101);
    auto other = one.clone();
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_EQ(other->call<int32_t>("count").value(), 101);
    EXPECT_EQ(one.call<int32_t>("grow").value(), 1);
    EXPECT_EQ(other->call<int32_t>("grow").value(), -1);
    EXPECT_TRUE(one.clone().error().limit()->is_shared);
    EXPECT_EQ(tenant->used(Resource::instances), 2u);
    {
        const Sandbox gone = *std::move(other);
    }
    EXPECT_EQ(tenant->used(Resource::instances), 1u);
    EXPECT_EQ(tenant->used(Resource::memory), 128_KiB + 8);
}

TEST(Sandbox, CancellationIsNoLimit) {
    const auto source = CancellationSource::create().value();
    Sandbox sandbox = make(Sandbox::builder().module_text(counting).cancellation(source.token()));
    std::thread other([&] {
        std::this_thread::sleep_for(20ms);
        source.cancel();
    });
    const auto outcome = sandbox.call<void>("loop");
    other.join();
    EXPECT_TRUE(outcome.error().is_cancelled());
    EXPECT_FALSE(outcome.error().limit());
}

/// A start function runs in it as well.
TEST(Sandbox, CancellationEndsAReset) {
    const auto source = CancellationSource::create().value();
    bool is_endless = false;
    Sandbox sandbox = make(Sandbox::builder()
                               .module_text(R"((import "host" "is_endless" (func $is_endless (result i32)))
                                   (func $start (loop (br_if 0 (call $is_endless)))) (start $start))")
                               .cancellation(source.token())
                               .function("host", "is_endless", [&] {
                                   if (is_endless)
                                       source.cancel();
                                   return is_endless ? 1 : 0;
                               }));
    is_endless = true;
    const auto outcome = sandbox.reset();
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_cancelled());
}

// What WASI gives.

constexpr const char* talking = R"((import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (data (i32.const 100) "hello\n") (data (i32.const 0) "\64\00\00\00\06\00\00\00")
    (func (export "write") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (func (export "flood") (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br 0)))
    (func (export "random") (result i64) (drop (call $random (i32.const 16) (i32.const 8)))
        (i64.load (i32.const 16)))
    (func (export "time") (result i32) (call $time (i32.const 0) (i64.const 0) (i32.const 24)))
    (func (export "sleep") (result i32)  ;; a clock subscription of an hour at 200
        (i32.store8 (i32.const 208) (i32.const 0)) (i32.store (i32.const 216) (i32.const 1))
        (i64.store (i32.const 224) (i64.const 3600000000000))
        (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400)))
    (func (export "_start") (call $exit (i32.const 7))))";

TEST(Sandbox, NothingIsGivenThatWasNotGranted) {
    Sandbox sandbox = make(Sandbox::builder().module_text(talking));
    EXPECT_EQ(sandbox.call<int32_t>("write").value(), 8);  // badf
    EXPECT_EQ(sandbox.call<int64_t>("random").value(), 0);
    EXPECT_NE(sandbox.call<int32_t>("time").value(), 0);
    for (const ImportNeed& need : sandbox.explain())
        EXPECT_EQ(need.is_granted, need.name == "proc_exit") << need.name << ": " << need.grant;
}

TEST(Sandbox, WhatIsGrantedIsThere) {
    Sandbox sandbox = make(Sandbox::builder()
                               .module_text(talking)
                               .capture_output()
                               .allow_clock(ClockMode::virtual_)
                               .allow_random(RandomMode::seeded, 5));
    EXPECT_EQ(sandbox.call<int32_t>("write").value(), 0);
    EXPECT_EQ(sandbox.take_output(), "hello\n");
    const int64_t random = sandbox.call<int64_t>("random").value();
    EXPECT_NE(random, 0);
    EXPECT_EQ(sandbox.call<int32_t>("time").value(), 0);
    EXPECT_EQ(sandbox.call<int32_t>("sleep").value(), 0);  // at once
    EXPECT_EQ(sandbox.run().value(), 7u);
    EXPECT_EQ(sandbox.last_call().exit, 7u);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_EQ(sandbox.call<int64_t>("random").value(), random);
    EXPECT_EQ(sandbox.take_output(), "");
    for (const ImportNeed& need : sandbox.explain())
        EXPECT_TRUE(need.is_granted) << need.name;
}

TEST(Sandbox, TheEnvironmentIsWhatIsNamed) {
    const auto variables = [](SandboxBuilder builder) {
        Sandbox sandbox = make(std::move(builder.module_text(R"((import "wasi_snapshot_preview1"
                "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "count") (result i32)
                (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
            (func (export "bytes") (result i32)
                (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 4))))")));
        return std::pair(sandbox.call<int32_t>("count").value(), sandbox.call<int32_t>("bytes").value());
    };
    EXPECT_EQ(variables(Sandbox::builder()), std::pair(0, 0));
    EXPECT_EQ(variables(std::move(Sandbox::builder().env("LANG", "C"))), std::pair(1, 7));
}

// Looks at a clock, waits for standard input and a clock, reads standard input.
constexpr const char* waiting = R"((import "wasi_snapshot_preview1" "clock_time_get"
        (func $time (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "time") (param i32) (result i64)
        (drop (call $time (local.get 0) (i64.const 0) (i32.const 24))) (i64.load (i32.const 24)))
    ;; After the time the clock's subscription, at 200; one of standard input behind it.
    (func (export "wait") (param $ns i64) (param $count i32) (result i32)
        (i32.store (i32.const 216) (i32.const 1)) (i64.store (i32.const 224) (local.get $ns))
        (i32.store8 (i32.const 256) (i32.const 1))
        (drop (call $poll (i32.const 200) (i32.const 300) (local.get $count) (i32.const 400)))
        (i32.load (i32.const 400)))
    (func (export "read") (param i32) (result i32)
        (i32.store (i32.const 0) (i32.const 500)) (i32.store (i32.const 4) (local.get 0))
        (if (result i32) (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
            (then (i32.const -1)) (else (i32.load (i32.const 8)))))
    (func (export "first") (result i32) (i32.load8_u (i32.const 500))))";

TEST(Sandbox, AFrozenClockMovesBySleepOnly) {
    constexpr auto start = std::chrono::sys_days(std::chrono::year(2024) / 2 / 29);
    const int64_t start_ns = std::chrono::nanoseconds(start.time_since_epoch()).count();
    constexpr int64_t hour_ns = 3'600'000'000'000;
    auto builder = Sandbox::builder().module_text(waiting).allow_clock(ClockMode::frozen).clock_start(start);
    Sandbox sandbox = make(builder);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(sandbox.call<int64_t>("time", 0).value(), start_ns);
        EXPECT_EQ(sandbox.call<int64_t>("time", 1).value(), 0);
    }
    EXPECT_EQ(sandbox.call<int32_t>("wait", hour_ns, 1).value(), 1);  // at once
    EXPECT_EQ(sandbox.call<int64_t>("time", 0).value(), start_ns + hour_ns);
    EXPECT_EQ(sandbox.call<int64_t>("time", 1).value(), hour_ns);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_EQ(sandbox.call<int64_t>("time", 0).value(), start_ns);
    Sandbox moving = make(builder.allow_clock(ClockMode::virtual_));
    EXPECT_GT(moving.call<int64_t>("time", 0).value(), start_ns - 1);
    EXPECT_GT(moving.call<int64_t>("time", 0).value(), start_ns);
}

TEST(Sandbox, AVirtualClockPassesWhileOthersAreWaitedFor) {
    int silent[2];
    ASSERT_EQ(::pipe(silent), 0);
    for (const ClockMode mode : {ClockMode::virtual_, ClockMode::frozen}) {
        Sandbox sandbox = make(Sandbox::builder()
                                   .module_text(waiting)
                                   .allow_clock(mode)
                                   .stdio(silent[0], -1, -1)
                                   .limits({.timeout = 10s}));
        EXPECT_EQ(sandbox.call<int32_t>("wait", int64_t{20'000'000}, 2).value(), 1);
        EXPECT_GE(sandbox.last_call().wall_time, 15ms);
        EXPECT_GE(sandbox.call<int64_t>("time", 1).value(), 20'000'000);
        EXPECT_LT(sandbox.call<int64_t>("time", 1).value(), 21'000'000);
    }
    ::close(silent[0]);
    ::close(silent[1]);
}

TEST(Sandbox, InputComesFromAFunction) {
    std::string left = "abc";
    Sandbox sandbox =
        make(Sandbox::builder().module_text(waiting).input("not this").on_input([&](std::span<char> target) {
            const size_t taken = std::min(left.size(), target.size());
            std::ranges::copy_n(left.begin(), static_cast<ptrdiff_t>(taken), target.begin());
            left.erase(0, taken);
            return taken;
        }));
    EXPECT_EQ(sandbox.call<int32_t>("read", 2).value(), 2);
    EXPECT_EQ(sandbox.call<int32_t>("first").value(), 'a');
    EXPECT_EQ(sandbox.call<int32_t>("read", 100).value(), 1);
    EXPECT_EQ(sandbox.call<int32_t>("first").value(), 'c');
    EXPECT_EQ(sandbox.call<int32_t>("read", 100).value(), 0);
    left = "more";
    ASSERT_TRUE(sandbox.reset());
    EXPECT_EQ(sandbox.call<int32_t>("read", 100).value(), 4);
    // One that claims too much, and one that fails.
    Sandbox liar = make(Sandbox::builder().module_text(waiting).on_input(
        [](std::span<char> target) { return target.size() + 1; }));
    EXPECT_EQ(liar.call<int32_t>("read", 100).value(), -1);
    Sandbox failing = make(Sandbox::builder().module_text(waiting).on_input(
        [](std::span<char>) -> size_t { throw std::runtime_error("no input today"); }));
    const auto outcome = failing.call<int32_t>("read", 100);
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().message(), HasSubstr("no input today"));
    // What is read is counted as from any stream.
    Sandbox limited = make(Sandbox::builder()
                               .module_text(waiting)
                               .limits({.read_bytes = 5})
                               .on_input([](std::span<char> target) { return target.size(); }));
    EXPECT_EQ(limited.call<int32_t>("read", 100).value(), 5);
    EXPECT_EQ(limited.call<int32_t>("read", 1).error().limit()->resource, Resource::read);
}

TEST(Sandbox, OutputIsLimitedToTheByte) {
    Sandbox sandbox =
        make(Sandbox::builder().module_text(talking).capture_output().limits({.output_bytes = 1000}));
    const auto outcome = sandbox.call<void>("flood");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().limit()->resource, Resource::output);
    EXPECT_EQ(sandbox.take_output().size(), 1000u);
}

TEST(Sandbox, SleepEndsAtTheDeadline) {
    Sandbox sandbox = make(Sandbox::builder().module_text(talking).allow_clock().limits({.timeout = 30ms}));
    const auto outcome = sandbox.call<int32_t>("sleep");
    ASSERT_FALSE(outcome);
    ASSERT_TRUE(outcome.error().limit()) << outcome.error().message();
    EXPECT_EQ(outcome.error().limit()->resource, Resource::wall_time);
    EXPECT_LT(sandbox.last_call().wall_time, 5s);
}

TEST(Sandbox, RatesMakeTheGuestWait) {
    Sandbox sandbox = make(Sandbox::builder().module_text(talking).capture_output().limits(
        {.output_bytes = 3000, .output_rate = 10'000}));
    EXPECT_FALSE(sandbox.call<void>("flood"));
    EXPECT_GE(sandbox.last_call().wall_time, 150ms);  // 3,000 bytes less a tenth of a second's
}

TEST(Sandbox, AModuleCanBePinned) {
    const auto refused = Sandbox::builder().module_text(counting).module_sha256(std::string(64, '0')).build();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("SHA-256"));
}

TEST(Sandbox, MachineCodeComesFromAnotherThreadWhereAsked) {
    if (!Engine::has_jit())
        GTEST_SKIP() << "no machine code";
    const auto threads = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
    };
    for (const bool is_in_background : {false, true}) {
        const auto before = threads();
        Sandbox sandbox = make(Sandbox::builder()
                                   .module_text(R"((func (export "f") (param i32) (result i32)
                                       (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                                       (local.get 0)))")
                                   .tier(TierChoice::automatic)
                                   .background_compilation(is_in_background));
        EXPECT_EQ((sandbox.call<int32_t>("f", int32_t{1'000'000}).value()), 0);
        EXPECT_EQ(threads(), before + (is_in_background ? 1 : 0));
    }
}

TEST(Sandbox, AFailedResetCanBeRepeated) {
    int fails = 0;
    Sandbox sandbox = make(Sandbox::builder()
                               .module_text(R"((import "host" "ok" (func $ok (result i32)))
                                   (func (export "_initialize") (if (i32.eqz (call $ok)) (then unreachable)))
                                   (func (export "f")))")
                               .function("host", "ok", [&]() -> int32_t { return fails == 0 ? 1 : 0; }));
    fails = 1;
    EXPECT_FALSE(sandbox.reset());
    fails = 0;
    EXPECT_TRUE(sandbox.reset());
    EXPECT_TRUE(sandbox.call<void>("f"));
}

/// The same on every machine: NaNs, clocks and random bytes.
TEST(Sandbox, Deterministic) {
    const std::string wat =
        R"((import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "nan") (result i64) (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))))
        (func (export "random") (result i64) (drop (call $random (i32.const 0) (i32.const 8))) (i64.load (i32.const 0)))
        (func (export "time") (result i64) (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0)))
            (i64.load (i32.const 0))))";
    const auto answers = [&](SandboxBuilder builder) {
        Sandbox sandbox = make(builder.module_text(wat));
        std::vector<uint64_t> all;
        for (const char* name : {"nan", "random", "time"})
            all.push_back(sandbox.call<uint64_t>(name).value());
        return all;
    };
    const auto first = answers(Sandbox::builder().deterministic(7));
    EXPECT_EQ(first[0], 0x7ff8'0000'0000'0000);
    EXPECT_EQ(answers(Sandbox::builder().deterministic(7)), first);
    EXPECT_NE(answers(Sandbox::builder().deterministic(8))[1], first[1]);
    EXPECT_EQ(answers(Sandbox::builder())[0], 0xfff8'0000'0000'0000) << "what x86 gives";
}

TEST(Sandbox, ClonesAreMadeInMicroseconds) {
    Sandbox one = make(Sandbox::builder().module_text(talking).capture_output().limits(
        {.memory_bytes = 1_MiB, .timeout = 10s}));
    auto fastest = std::chrono::nanoseconds(1s);
    for (int i = 0; i < 1000; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const auto clone = one.clone();
        fastest = std::min<std::chrono::nanoseconds>(fastest, std::chrono::steady_clock::now() - begin);
        ASSERT_TRUE(clone);
    }
    RecordProperty("nanoseconds", static_cast<int>(fastest.count()));
    std::fprintf(stderr, "a clone takes %d ns\n", static_cast<int>(fastest.count()));
    EXPECT_LT(fastest, 100us);
}

/// Grants, limits and functions too, and none of what the original has become.
TEST(Sandbox, ClonesHaveWhatTheOriginalWasGiven) {
    int calls = 0;
    Sandbox one = make(Sandbox::builder()
                           .module_text(R"((import "host" "f" (func $f))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\05\00\00\00hello" ) (data (i32.const 16) "hello")
        (func (export "f") (call $f)) (func (export "loop") (loop (br 0)))
        (func (export "write") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))")
                           .function("host", "f", [&] { ++calls; })
                           .capture_output()
                           .limits({.timeout = 20ms, .output_bytes = 12, .host_calls = 20}));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(one.call<int32_t>("write").value(), 0);
    EXPECT_EQ(one.call<int32_t>("write").error().limit()->resource, Resource::output);
    for (int i = 0; i < 3; ++i) {
        Sandbox clone = one.clone().value();
        EXPECT_EQ(clone.take_output(), "");
        for (int write = 0; write < 3; ++write)
            EXPECT_EQ(clone.call<int32_t>("write").value(), 0);
        EXPECT_EQ(clone.call<int32_t>("write").error().limit()->resource, Resource::output);
        EXPECT_EQ(clone.take_output(), "hellohellohe");
        EXPECT_EQ(clone.call<void>("loop").error().limit()->resource, Resource::wall_time);
        EXPECT_TRUE(clone.call<void>("f"));
        EXPECT_EQ(calls, i + 1);
        EXPECT_TRUE(clone.reset());
    }
    EXPECT_EQ(one.take_output(), "hellohellohe");
}

/// Beyond the slots of the pool they have stores of their own.
TEST(Sandbox, ThereIsNoLastClone) {
    Sandbox one =
        make(Sandbox::builder().module_text("(memory 1) (func (export \"f\") (result i32) (i32.const 7))"));
    std::vector<Sandbox> clones;
    for (int i = 0; i < 1100; ++i) {
        auto clone = one.clone();
        ASSERT_TRUE(clone) << i << ": " << clone.error().message();
        clones.push_back(*std::move(clone));
    }
    for (Sandbox& clone : clones) {
        ASSERT_EQ(clone.call<int32_t>("f").value(), 7);
        ASSERT_TRUE(clone.reset());
    }
}

/// A start function has the limits of a reset, processor time included.
TEST(Sandbox, ProcessorTimeIsALimitOfResetsToo) {
    int round = 0;
    Sandbox sandbox = make(Sandbox::builder()
                               .module_text(R"((import "host" "loops" (func $loops (result i32)))
        (func $s (if (call $loops) (then (loop (br 0))))) (start $s) (func (export "f")))")
                               .function("host", "loops", [&]() -> int32_t { return round++; })
                               .limits({.cpu_time = 20ms}));
    const auto outcome = sandbox.reset();
    ASSERT_FALSE(outcome);
    ASSERT_TRUE(outcome.error().limit()) << outcome.error().message();
    EXPECT_EQ(outcome.error().limit()->resource, Resource::cpu_time);
}

// The audit log.

struct AuditTest : ::testing::Test {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("wsb_audit_" + std::to_string(::getpid()) + ".jsonl");
    ~AuditTest() override { std::filesystem::remove(path); }
    [[nodiscard]] std::string content() const {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

TEST_F(AuditTest, SaysWhatHappened) {
    {
        const auto log = AuditLog::open(path).value();
        Sandbox sandbox = make(Sandbox::builder().module_text(talking).capture_output().audit(log).limits(
            {.output_bytes = 100}));
        EXPECT_FALSE(sandbox.call<void>("flood"));
        EXPECT_TRUE(sandbox.call<int64_t>("random"));
        EXPECT_TRUE(log.flush());
    }
    const std::string text = content();
    for (const char* expected :
         {R"("event":"module_loaded")", R"("event":"instance_created")",
          R"("event":"grant_used","grant":"stdio")",
          R"("event":"limit_reached","limit":"output","allowed":100)", R"("event":"trap")",
          R"("event":"denied","what":"random_get")", R"("event":"instance_ended")"})
        EXPECT_THAT(text, HasSubstr(expected));
    const auto verdict = verify_audit(path);
    ASSERT_TRUE(verdict) << verdict.error().message();
    EXPECT_GE(verdict->records, 7u);
    {
        const Sandbox again =
            make(Sandbox::builder().module_text("(module)").audit(AuditLog::json_lines(path)));
    }
    EXPECT_GT(verify_audit(path)->records, verdict->records);
}

TEST_F(AuditTest, HostCallsAreToldIfAskedFor) {
    for (const bool is_asked : {false, true}) {
        std::vector<std::string> lines;
        {
            const auto log = AuditLog::callback([&](std::string_view line) { lines.emplace_back(line); },
                                                {.has_host_calls = is_asked});
            Sandbox sandbox =
                make(Sandbox::builder()
                         .module_text(R"((import "a" "b" (func $f)) (func (export "f") (call $f)))")
                         .function("a", "b", [] {})
                         .audit(log));
            EXPECT_TRUE(sandbox.call<void>("f"));
            EXPECT_TRUE(log.flush());
        }
        const auto told = std::ranges::count_if(lines, [](const std::string& line) {
            return line.find(R"("event":"host_call","module":"a","name":"b")") != line.npos;
        });
        EXPECT_EQ(told, is_asked ? 1 : 0);
    }
}

TEST_F(AuditTest, AnyChangeIsNoticed) {
    {
        Sandbox sandbox = make(Sandbox::builder().module_text(counting).audit(AuditLog::json_lines(path)));
        EXPECT_FALSE(sandbox.call<void>("trap"));
    }
    const std::string good = content();
    ASSERT_TRUE(verify_audit(path));
    const auto is_bad_with = [&](std::string text) {
        std::ofstream(path, std::ios::trunc) << text;
        return !verify_audit(path);
    };
    for (size_t i = 0; i < good.size(); i += 7) {
        std::string changed = good;
        changed[i] ^= 1;
        EXPECT_TRUE(is_bad_with(changed)) << i;
    }
    EXPECT_TRUE(is_bad_with(good.substr(good.find('\n') + 1)));  // the first is missing
    EXPECT_TRUE(is_bad_with(good.substr(0, good.size() - 5)));
    EXPECT_TRUE(is_bad_with(good + "{}\n"));
    EXPECT_FALSE(AuditLog::open(path));
}

TEST_F(AuditTest, NothingOfTheGuestBreaksALine) {
    std::vector<std::string> lines;
    {
        const auto log = AuditLog::callback([&](std::string_view line) { lines.emplace_back(line); }, {});
        Sandbox sandbox =
            make(Sandbox::builder()
                     .module_text(R"((import "a" "b" (func $f)) (func (export "f") (call $f)))")
                     .function("a", "b",
                               []() -> CallResult<void> {
                                   return host_trap("\"}\n{\"v\":1,\"event\":\"x\",\"hash\":\"\xff");
                               })
                     .audit(log));
        EXPECT_FALSE(sandbox.call<void>("f"));
        EXPECT_TRUE(log.flush());
    }
    for (const std::string& line : lines)
        EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_THAT(lines, ::testing::Contains(HasSubstr(R"(\"}\n{\"v\":1)")));
}

TEST_F(AuditTest, AFullQueueDropsAndSaysSo) {
    std::vector<std::string> lines;
    std::mutex gate;
    {
        gate.lock();
        const auto log = AuditLog::callback(
            [&](std::string_view line) {
                const std::scoped_lock lock(gate);
                lines.emplace_back(line);
            },
            {.most_waiting = 4});
        Sandbox sandbox = make(Sandbox::builder().module_text(counting).audit(log));
        for (int i = 0; i < 50; ++i)
            EXPECT_FALSE(sandbox.call<void>("trap"));
        gate.unlock();
        EXPECT_TRUE(log.flush());
    }
    EXPECT_LT(lines.size(), 20u);
    EXPECT_THAT(lines, ::testing::Contains(HasSubstr(R"("event":"dropped","records":)")));
}

}  // namespace
}  // namespace wsb::testing
