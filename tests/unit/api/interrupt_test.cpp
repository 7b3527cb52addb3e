// SPDX-License-Identifier: Apache-2.0
// Calls end in time whatever the guest does, and fuel stays exact meanwhile.
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/sanitized.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// How late a call may end. A busy machine may take the processor away for longer than that, so the best of
/// some tries counts; under sanitizers everything takes longer.
constexpr auto slack = 10ms;
constexpr int tries = 20;

/// What the system takes now for as many new pages as a slice of fuel can touch: a store and the loop around
/// it are six units. Where a machine is short of memory that alone can be longer than the slack.
Clock::duration time_of_new_pages() {
    constexpr size_t page_bytes = 4096, size_bytes = (size_t{1} << 15) / 6 * page_bytes;
    void* const place =
        ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return {};
    const auto begin = Clock::now();
    for (size_t at = 0; at < size_bytes; at += page_bytes)
        static_cast<volatile uint8_t*>(place)[at] = 1;
    const auto time = Clock::now() - begin;
    ::munmap(place, size_bytes);
    return time;
}

/// A guest that never ends by itself, or not for long.
struct Endless {
    const char* name;
    const char* wat;
};

std::ostream& operator<<(std::ostream& out, const Endless& endless) {
    return out << endless.name;
}

const Endless endless[] = {
    {"loop", R"((func (export "f") (loop (br 0))))"},
    {"loop_of_calls", R"((func $g) (func (export "f") (loop (call $g) (br 0))))"},
    {"tail_calls", R"((func $f (export "f") (return_call $f)))"},
    {"fibonacci", R"((func $fib (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2)) (then (local.get 0))
            (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                           (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
        (func (export "f") (drop (call $fib (i64.const 90)))))"},
    {"new_pages", R"((memory 32768) (func (export "f") (local i32)
        (loop (i32.store8 (local.get 0) (i32.const 1))
            (local.set 0 (i32.add (local.get 0) (i32.const 4096))) (br 0))))"},
    {"memory_fill", R"((memory 32768) (func (export "f")
        (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x7fff_ffff)) (br 0))))"},
    {"memory_copy", R"((memory 32768) (func (export "f")
        (loop (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x7fff_0000)) (br 0))))"},
    {"memory_copy_down", R"((memory 32768) (func (export "f")
        (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 0x7fff_0000)) (br 0))))"},
    {"memory_grow", R"((memory 0 65536) (func (export "f")
        (loop (drop (memory.grow (i32.const 1))) (br 0))))"},
    {"table_fill", R"((table 9_000_000 funcref) (func (export "f")
        (loop (table.fill (i32.const 0) (ref.null func) (i32.const 9_000_000)) (br 0))))"},
    {"table_copy", R"((table 9_000_000 funcref) (func (export "f")
        (loop (table.copy (i32.const 1) (i32.const 0) (i32.const 8_999_999)) (br 0))))"},
    {"table_grow", R"((table 0 funcref) (func (export "f")
        (loop (drop (table.grow (ref.null func) (i32.const 100_000))) (br 0))))"},
    {"array_fill", R"((type $a (array (mut i64))) (func (export "f") (local $x (ref null $a))
        (local.set $x (array.new_default $a (i32.const 100_000_000)))
        (loop (array.fill $a (local.get $x) (i32.const 0) (i64.const 1) (i32.const 100_000_000)) (br 0))))"},
    {"array_new", R"((type $a (array (mut i64)))
        (func (export "f") (loop (drop (array.new $a (i64.const 1) (i32.const 50_000_000))) (br 0))))"},
    {"list", R"((type $n (struct (field (ref null $n)) (field i64))) (func (export "f") (local (ref null $n))
        (loop (local.set 0 (struct.new $n (local.get 0) (i64.const 1))) (br 0))))"},
    {"many_locals", R"((func $g (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64))
        (func (export "f") (loop (call $g) (br 0))))"},
    {"start_of_host_calls", R"((import "host" "nothing" (func $h))
        (func (export "f") (loop (call $h) (br 0))))"},
    {"slow_host_calls", R"((import "host" "slow" (func $h)) (func (export "f") (loop (call $h) (br 0))))"},
    {"sleep", R"((import "host" "sleep" (func $h)) (func (export "f") (loop (call $h) (br 0))))"},
    {"wait_for_descriptor",
     R"((import "host" "wait" (func $h)) (func (export "f") (loop (call $h) (br 0))))"},
    {"guest_of_host_of_guest", R"((import "host" "again" (func $h))
        (func (export "loop") (loop (br 0))) (func (export "f") (loop (call $h) (br 0))))"},
    {"atomic_wait", R"((memory 1 1 shared) (func (export "f")
        (loop (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))) (br 0))))"},
    {"exceptions", R"((tag $t) (func $throw (throw $t))
        (func (export "f") (loop (block $h (try_table (catch_all $h) (call $throw))) (br 0))))"},
    {"caught_traps", R"((func $deep (call $deep)) (func (export "f")
        (loop (block $h (try_table (catch_all $h) (loop (br 0)))) (br 0))))"},
};

struct InterruptTest : ApiTest {
    InterruptTest()
        : ApiTest([] {
              Features features = default_features;
              features.enable(Feature::threads);
              return features;
          }()) {
        EXPECT_EQ(::pipe(pipe_ends), 0);
        EXPECT_TRUE(linker.function("host", "nothing", [] {}));
        EXPECT_TRUE(linker.function("host", "slow", [] { std::this_thread::sleep_for(200us); }));
        EXPECT_TRUE(
            linker.function("host", "sleep", [](Caller& caller) { return caller.context().sleep_for(1h); }));
        EXPECT_TRUE(linker.function("host", "wait", [this](Caller& caller) -> CallResult<void> {
            pollfd one{pipe_ends[0], POLLIN, 0};
            auto ready = caller.context().wait_for({&one, 1});
            if (!ready)
                return std::unexpected(std::move(ready).error());
            return {};
        }));
        // Swallows the trap of the inner call.
        EXPECT_TRUE(linker.function("host", "again", [](Caller& caller) {
            const auto inner = caller.instance()->typed_function<void()>("loop");
            EXPECT_FALSE((*inner)());
        }));
    }
    ~InterruptTest() override {
        ::close(pipe_ends[0]);
        ::close(pipe_ends[1]);
    }

    /// Calls "f". @return how late it came back from being interrupted.
    Clock::duration run_until(const Instance& guest, const std::atomic<Clock::time_point>& end,
                              Interruption expected) {
        const auto f = guest.typed_function<void()>("f");
        EXPECT_TRUE(f);
        const auto outcome = (*f)();
        const auto late = Clock::now() - end.load();
        EXPECT_FALSE(outcome);
        if (outcome)
            return {};
        EXPECT_TRUE(outcome.error().is_trap(TrapCode::interrupted)) << outcome.error().message();
        EXPECT_EQ(outcome.error().trap()->interruption, expected);
        EXPECT_GE(late, 0ns);
        return late;
    }
    /// Whether one of some runs ended in time. `run` says how late it was.
    template <class Run>
    static void expect_in_time(Run run) {
        auto best = Clock::duration::max();
        for (int i = 0; i < tries && best > slack; ++i)
            best = std::min<Clock::duration>(best, run() - time_of_new_pages());
        if (!is_sanitized) {
            EXPECT_LE(best, slack);
        }
    }

    int pipe_ends[2] = {-1, -1};
};

struct EndlessTest : InterruptTest, ::testing::WithParamInterface<Endless> {};

TEST_P(EndlessTest, EndsAtTheDeadline) {
    const Instance guest = instance(GetParam().wat);
    for (const auto time : {1ms, 40ms}) {
        expect_in_time([&] {
            const std::atomic<Clock::time_point> end = Clock::now() + time;
            store.set_deadline(end.load());
            return run_until(guest, end, Interruption::deadline);
        });
    }
}

TEST_P(EndlessTest, EndsWhenCancelled) {
    const Instance guest = instance(GetParam().wat);
    expect_in_time([&] {
        const auto source = CancellationSource::create().value();
        store.set_cancellation(source.token());
        std::atomic<Clock::time_point> end = Clock::now();
        std::thread other([&] {
            std::this_thread::sleep_for(20ms);
            end = Clock::now();
            source.cancel();
        });
        const auto late = run_until(guest, end, Interruption::cancelled);
        other.join();
        return late;
    });
}

INSTANTIATE_TEST_SUITE_P(Guests, EndlessTest, ::testing::ValuesIn(endless),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(InterruptTest, NothingRunsAfterTheDeadline) {
    const Instance guest = instance(R"((global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (global.set $g (i32.const 1))))");
    const std::atomic<Clock::time_point> now = Clock::now();
    store.set_deadline(now.load());
    static_cast<void>(run_until(guest, now, Interruption::deadline));
    EXPECT_EQ(guest.global("g")->get().i32(), 0);
    store.set_deadline(std::nullopt);
    EXPECT_TRUE((*guest.typed_function<void()>("f"))());
    EXPECT_EQ(guest.global("g")->get().i32(), 1);
}

TEST_F(InterruptTest, StartFunctionsEndToo) {
    const Module endless_start = module("(func $s (loop (br 0))) (start $s)");
    expect_in_time([&] {
        const auto end = Clock::now() + 20ms;
        store.set_deadline(end);
        const auto made = linker.instantiate(store, endless_start);
        EXPECT_FALSE(made);
        EXPECT_TRUE(made.error().is_trap(TrapCode::interrupted)) << made.error().message();
        return Clock::now() - end;
    });
}

TEST_F(InterruptTest, ProcessorTimeDoesNotPassInSleep) {
    const Instance guest = instance(R"((import "host" "slow" (func $h)) (func (export "f") (loop (br 0)))
        (func (export "sleepy") (local i32) (loop (call $h)
            (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 200))))))");
    const auto sleepy = guest.typed_function<void()>("sleepy");
    store.set_cpu_time(30ms);
    EXPECT_TRUE((*sleepy)());  // 40 ms and more of time, but little of the processor's
    const auto begin = Clock::now();
    const auto outcome = (*guest.typed_function<void()>("f"))();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().trap()->interruption, Interruption::cpu_time);
    EXPECT_LT(Clock::now() - begin, 1s);
}

TEST_F(InterruptTest, ASignalHandlerMayCancel) {
    static const auto source = CancellationSource::create().value();
    store.set_cancellation(source.token());
    const Instance guest = instance(R"((func (export "f") (loop (br 0))))");
    struct sigaction action{};
    action.sa_handler = [](int) { source.cancel(); };
    struct sigaction before{};
    ASSERT_EQ(::sigaction(SIGALRM, &action, &before), 0);
    ::ualarm(20'000, 0);
    const auto outcome = (*guest.typed_function<void()>("f"))();
    ::sigaction(SIGALRM, &before, nullptr);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().trap()->interruption, Interruption::cancelled);
}

TEST_F(InterruptTest, TheMessageSaysWhy) {
    const Instance guest = instance(R"((func (export "f") (loop (br 0))))");
    store.set_deadline(Clock::now() + 1ms);
    const auto outcome = (*guest.typed_function<void()>("f"))();
    EXPECT_EQ(outcome.error().message(), "trap: interrupted: the deadline has passed");
    ASSERT_FALSE(outcome.error().trap()->frames.empty());
    EXPECT_EQ(outcome.error().trap()->frames.front().func_name, "f");
}

TEST_F(InterruptTest, ACallContextKnowsHowMuchTimeIsLeft) {
    std::optional<std::chrono::nanoseconds> left;
    ASSERT_TRUE(
        linker.function("host", "look", [&](Caller& caller) { left = caller.context().time_left(); }));
    const Instance guest = instance(R"((import "host" "look" (func $h)) (func (export "f") (call $h)))");
    const auto f = *guest.typed_function<void()>("f");
    ASSERT_TRUE(f());
    EXPECT_FALSE(left);
    store.set_deadline(Clock::now() + 10s);
    ASSERT_TRUE(f());
    ASSERT_TRUE(left);
    EXPECT_LE(*left, 10s);
    EXPECT_GT(*left, 5s);
}

/// Consumes the same with and without slices, and stops at the same unit.
TEST_F(InterruptTest, FuelStaysExactInSlices) {
    const Instance guest = instance(R"((memory 1)
        (func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (local i32)
            (loop (local.set 1 (call $g (local.get 1)))
                (memory.fill (i32.const 0) (i32.const 1) (i32.const 4096))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))");
    const auto f = *guest.typed_function<int32_t(int32_t)>("f");
    const uint64_t before = store.fuel_consumed();
    ASSERT_EQ(f(5000).value(), 5000);
    const uint64_t cost = store.fuel_consumed() - before;
    ASSERT_GT(cost, 300'000u);  // several slices
    store.set_deadline(Clock::now() + 1h);
    const uint64_t again = store.fuel_consumed();
    ASSERT_EQ(f(5000).value(), 5000);
    EXPECT_EQ(store.fuel_consumed() - again, cost);
    for (const uint64_t units :
         {cost, cost - 1, cost / 2, uint64_t{32'768}, uint64_t{40'000}, uint64_t{100}}) {
        store.set_fuel(units);
        const uint64_t start = store.fuel_consumed();
        const auto outcome = f(5000);
        EXPECT_EQ(outcome.has_value(), units == cost) << units;
        if (outcome)
            continue;
        EXPECT_TRUE(outcome.error().is_trap(TrapCode::out_of_fuel));
        const uint64_t sliced = store.fuel_consumed() - start;
        EXPECT_EQ(sliced + *store.fuel_left(), units);
        store.set_deadline(std::nullopt);
        store.set_fuel(units);
        const uint64_t plain_start = store.fuel_consumed();
        EXPECT_FALSE(f(5000));
        EXPECT_EQ(store.fuel_consumed() - plain_start, sliced);
        store.set_deadline(Clock::now() + 1h);
    }
}

TEST_F(InterruptTest, HostFunctionsSeeAndTakeFuelAcrossSlices) {
    uint64_t seen = 0;
    bool had_enough = false;
    ASSERT_TRUE(linker.function("host", "take", [&](Caller& caller, int64_t units) {
        seen = *caller.store().fuel_left();
        had_enough = caller.store().consume_fuel(static_cast<uint64_t>(units));
    }));
    const Instance guest = instance(R"((import "host" "take" (func $take (param i64)))
        (func (export "f") (param i64) (call $take (local.get 0)) (drop (i32.clz (i32.const 1)))))");
    const auto f = *guest.typed_function<void(int64_t)>("f");
    for (const bool is_sliced : {false, true}) {
        store.set_deadline(is_sliced ? std::optional(Clock::now() + 1h) : std::nullopt);
        store.set_fuel(1'000'000);
        ASSERT_TRUE(f(999'000));
        EXPECT_EQ(seen, 1'000'000u - 2);
        EXPECT_TRUE(had_enough);
        EXPECT_EQ(store.fuel_left(), 1'000u - 4);
        const auto outcome = f(5'000);
        EXPECT_FALSE(had_enough);
        ASSERT_FALSE(outcome);
        EXPECT_TRUE(outcome.error().is_trap(TrapCode::out_of_fuel));
        EXPECT_EQ(store.fuel_left(), 0u);
    }
}

TEST_F(InterruptTest, TheHostMaySetDeadlineAndFuelInTheMiddle) {
    ASSERT_TRUE(linker.function("host", "arm", [](Caller& caller) {
        caller.store().set_fuel(std::nullopt);
        caller.store().set_deadline(Clock::now() + 20ms);
    }));
    const Instance guest = instance(R"((import "host" "arm" (func $arm))
        (func (export "f") (call $arm) (loop (br 0))))");
    for (const uint64_t fuel : {uint64_t{10}, uint64_t{5'000}, uint64_t{1'000'000}}) {
        store.set_deadline(std::nullopt);
        store.set_fuel(fuel);
        const auto outcome = (*guest.typed_function<void()>("f"))();
        ASSERT_FALSE(outcome);
        EXPECT_TRUE(outcome.error().is_trap(TrapCode::interrupted)) << fuel << outcome.error().message();
    }
}

TEST_F(InterruptTest, PooledInstancesForgetTheDeadline) {
    const auto pre = linker.instantiate_pre(module(R"((func (export "f") (loop (br 0)))
        (func (export "g") (param i32) (loop
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"));
    const Pool pool = Pool::create(engine, {.slots = 1, .limits = {}}).value();
    for (int round = 0; round < 3; ++round) {
        TakeOptions options;
        options.deadline = Clock::now() + 5ms;
        const auto taken = pool.take(*pre, options);
        ASSERT_TRUE(taken);
        const auto outcome = (*taken->instance().typed_function<void()>("f"))();
        ASSERT_FALSE(outcome);
        EXPECT_TRUE(outcome.error().is_trap(TrapCode::interrupted));
        EXPECT_GE(Clock::now(), *options.deadline);
    }
    const auto taken = pool.take(*pre);
    EXPECT_TRUE((*taken->instance().typed_function<void(int32_t)>("g"))(100'000));
    EXPECT_EQ(pool.statistics().builds, 1u);
}

}  // namespace
}  // namespace wsb::testing
