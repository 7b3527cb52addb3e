// SPDX-License-Identifier: Apache-2.0
// The process of the host stays as it is, whatever guests do, and its signals arrive and are handled by it.
#include "tests/sandbox/politeness/process_state.h"
#include "wsb/sandbox.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <sys/mman.h>
#include <thread>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using namespace wsb::literals;
using ::testing::HasSubstr;

const std::string guest = R"(
    (import "host" "look" (func $look))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 2 100) (table 2 10 funcref) (data (i32.const 0) "\10\00\00\00\06\00\00\00hello\n")
    (type $n (struct (field (ref null $n)) (field i64)))
    (func (export "look") (call $look))
    (func (export "write") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (func (export "trap") unreachable)
    (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
    (func (export "outside") (result i32) (i32.load (i32.const -4)))
    (func $deep (export "deep") (call $deep))
    (func (export "loop") (loop (br 0)))
    (func (export "grow") (drop (memory.grow (i32.const 30))) (memory.fill (i32.const 0) (i32.const 1) (i32.const 100000)))
    (func (export "objects") (local (ref null $n))
        (loop (local.set 0 (struct.new $n (local.get 0) (i64.const 1))) (br 0)))
    (func (export "floats") (result f64) (f64.div (f64.sqrt (f64.const -1)) (f64.const 0)))
    (func (export "random") (drop (call $random (i32.const 64) (i32.const 1000))))
    (func (export "sleep") (i32.store (i32.const 216) (i32.const 1)) (i64.store (i32.const 224) (i64.const 3600000000000))
        (drop (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400))))
    (func (export "count") (param i64) (result i64) (local i64)
        (loop (local.set 1 (i64.add (local.get 1) (i64.const 3)))
            (br_if 0 (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1)))))) (local.get 1)))";

SandboxBuilder builder(std::function<void()> look) {
    return Sandbox::builder()
        .module_text(guest)
        .function("host", "look", std::move(look))
        .limits({.memory_bytes = 8_MiB, .timeout = 30ms})
        .capture_output()
        .memory_dir("/memory")
        .allow_clock()
        .allow_random();
}

/// All that a sandbox does, ends of all kinds included.
void live_a_life(const SandboxBuilder& from) {
    auto built = from.build();
    ASSERT_TRUE(built) << built.error().message();
    Sandbox sandbox = *std::move(built);
    EXPECT_TRUE(sandbox.call<void>("look"));
    EXPECT_TRUE(sandbox.call<int32_t>("write"));
    for (const char* ending : {"trap", "deep", "loop", "objects", "sleep"})
        EXPECT_FALSE(sandbox.call<void>(ending)) << ending;
    EXPECT_FALSE(sandbox.call<int32_t>("divide"));
    EXPECT_FALSE(sandbox.call<int32_t>("outside"));
    EXPECT_TRUE(sandbox.reset());
    EXPECT_TRUE(sandbox.call<void>("grow"));
    EXPECT_TRUE(sandbox.call<double>("floats"));
    EXPECT_TRUE(sandbox.call<void>("random"));
    auto other = sandbox.clone();
    ASSERT_TRUE(other);
    EXPECT_TRUE(other->call<void>("look"));
    EXPECT_FALSE(other->call<void>("loop"));
}

/// What the library may have after its first use: its view of the process's pages, kept open.
ProcessState without_page_map(ProcessState state) {
    std::erase_if(state, [](const auto& item) { return item.second.ends_with("/pagemap"); });
    return state;
}

void expect_same(const ProcessState& before, const ProcessState& after) {
    EXPECT_EQ(before.size(), after.size());
    for (const auto& [what, value] : before) {
        const auto found = after.find(what);
        EXPECT_EQ(found == after.end() ? "gone" : found->second, value) << what;
    }
    for (const auto& [what, value] : after)
        EXPECT_TRUE(before.contains(what)) << what << " is new: " << value;
}

/// With the first thread the C library installs handlers of its own.
[[maybe_unused]] const bool has_started_a_thread = [] {
    std::thread([] {}).join();
    return true;
}();

TEST(Politeness, TheProcessStaysAsItIs) {
    const ProcessState before = without_page_map(process_state());
    ProcessState during;
    live_a_life(builder([&] { during = process_state(false); }));
    expect_same(process_state(false), during);
    expect_same(before, without_page_map(process_state()));
}

TEST(Politeness, OnManyThreadsAtATime) {
    const ProcessState before = without_page_map(process_state());
    constexpr int thread_count = 4;
    std::barrier begin(thread_count);
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) {
        threads.emplace_back([&, i] {
            const ProcessState own = process_state(false);
            begin.arrive_and_wait();
            ProcessState during;
            const auto from = builder([&] { during = process_state(false); })
                                  .compile_threads(i % 2 == 0 ? 1 : 3)
                                  .lazy(i % 2 == 0);
            for (int round = 0; round < 3; ++round)
                live_a_life(from);
            expect_same(own, during);
            expect_same(own, process_state(false));
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    expect_same(before, without_page_map(process_state()));
}

TEST(Politeness, WhatCannotBeBuiltLeavesNothingEither) {
    const ProcessState before = without_page_map(process_state());
    for (const char* text : {"(module", "(func (result i32))", R"((import "no" "one" (func)))",
                             "(memory 60000)", "(func $f unreachable) (start $f)"})
        EXPECT_FALSE(Sandbox::builder().module_text(text).limits({.memory_bytes = 1_MiB}).build()) << text;
    EXPECT_FALSE(Sandbox::builder().module_file("/nowhere").build());
    EXPECT_FALSE(Sandbox::builder().module_text("(module)").allow_dir("/nowhere", "/").build());
    expect_same(before, without_page_map(process_state()));
}

/// And that one not where it is not wanted.
TEST(Politeness, MachineCodeAddsOneHandler) {
    if (!Engine::has_jit())
        GTEST_SKIP() << "no machine code";
    const std::string handler = fmt::format("handler of signal {}", SIGSEGV);
    const ProcessState before = without_page_map(process_state());
    for (const bool has_guard_regions : {false, true}) {
        const auto from = builder([] {}).tier(TierChoice::jit).guard_regions(has_guard_regions);
        live_a_life(from);
        ProcessState after = without_page_map(process_state());
        if (has_guard_regions)
            for (const std::string& what : {handler, std::string("kernel: SigCgt:")})
                after[what] = before.at(what);
        expect_same(before, after);
    }
}

/// What a host has set up stays what it is: rounding, masks, handlers.
TEST(Politeness, OfAHostThatIsUnusual) {
    std::thread([] {
        std::fesetround(FE_UPWARD);
        sigset_t mask;
        ::sigemptyset(&mask);
        ::sigaddset(&mask, SIGUSR1);
        ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
        const ProcessState before = process_state(false);
        ProcessState during;
        live_a_life(builder([&] { during = process_state(false); }));
        expect_same(before, during);
        expect_same(before, process_state(false));
        EXPECT_EQ(std::fegetround(), FE_UPWARD);
    }).join();
}

// Signals of the host, while guests run.

constexpr size_t page_bytes = 4096;
struct Handled {
    std::atomic<int> faults = 0, alarms = 0, pipes = 0;
    std::atomic<bool> is_on_own_stack = false;
    uint8_t* page = nullptr;
    uint8_t* stack_begin = nullptr;
    size_t stack_bytes = 0;
};
Handled handled;

void on_fault(int, siginfo_t* info, void*) {
    // Not the address of a local: AddressSanitizer may keep those elsewhere.
    const auto* here = static_cast<const uint8_t*>(__builtin_frame_address(0));
    handled.is_on_own_stack = here >= handled.stack_begin && here < handled.stack_begin + handled.stack_bytes;
    handled.faults.fetch_add(1);
    if (info->si_addr != handled.page)
        ::_exit(9);
    ::mprotect(handled.page, page_bytes, PROT_READ | PROT_WRITE);
}
void on_alarm(int) {
    handled.alarms.fetch_add(1);
}
void on_pipe(int) {
    handled.pipes.fetch_add(1);
}

struct HostSignals : ::testing::Test {
    HostSignals() : stack(size_t{64} << 10) {
        stack_t alternate{};
        alternate.ss_sp = stack.data();
        alternate.ss_size = stack.size();
        ::sigaltstack(&alternate, &stack_before);
        handled.stack_begin = stack.data();
        handled.stack_bytes = stack.size();
        handled.faults = handled.alarms = handled.pipes = 0;
        handled.page =
            static_cast<uint8_t*>(::mmap(nullptr, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        struct sigaction action{};
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        action.sa_sigaction = on_fault;
        ::sigaction(SIGSEGV, &action, &fault_before);
        action.sa_flags = SA_RESTART;
        action.sa_handler = on_alarm;
        ::sigaction(SIGALRM, &action, &alarm_before);
        action.sa_handler = on_pipe;
        ::sigaction(SIGPIPE, &action, &pipe_before);
    }
    ~HostSignals() override {
        const itimerval off{};
        ::setitimer(ITIMER_REAL, &off, nullptr);
        ::sigaction(SIGSEGV, &fault_before, nullptr);
        ::sigaction(SIGALRM, &alarm_before, nullptr);
        ::sigaction(SIGPIPE, &pipe_before, nullptr);
        ::sigaltstack(&stack_before, nullptr);
        ::munmap(handled.page, page_bytes);
    }
    static void every_millisecond() {
        const itimerval timer{{0, 1000}, {0, 1000}};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }

    std::vector<uint8_t> stack;
    stack_t stack_before{};
    struct sigaction fault_before{}, alarm_before{}, pipe_before{};
};

TEST_F(HostSignals, AFaultOfTheHostsBelowAGuestIsTheHosts) {
    auto sandbox = builder([] { *handled.page = 1; }).build().value();
    EXPECT_TRUE(sandbox.call<void>("look"));
    EXPECT_EQ(handled.faults, 1);
    EXPECT_TRUE(handled.is_on_own_stack);
    // And guests that go beyond their memory or stack raise none.
    EXPECT_FALSE(sandbox.call<int32_t>("outside"));
    EXPECT_FALSE(sandbox.call<void>("deep"));
    EXPECT_EQ(handled.faults, 1);
}

TEST_F(HostSignals, AlarmsArriveWhileGuestsRun) {
    auto sandbox = builder([] {}).limits({.memory_bytes = 8_MiB, .timeout = 100ms}).build().value();
    every_millisecond();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(sandbox.call<void>("loop").error().limit()->resource, Resource::wall_time);
        EXPECT_EQ(sandbox.call<void>("sleep").error().limit()->resource, Resource::wall_time);
        EXPECT_GE(sandbox.last_call().wall_time, 100ms) << "an alarm does not end a sleep";
        EXPECT_EQ(sandbox.call<int64_t>("count", int64_t{100'000}).value(), 300'000);
        EXPECT_EQ(sandbox.call<int32_t>("write").value(), 0);
        EXPECT_TRUE(sandbox.reset());
    }
    EXPECT_GE(handled.alarms, 100);
}

TEST_F(HostSignals, ABrokenPipeIsTheGuestsError) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    auto sandbox =
        Sandbox::builder().module_text(guest).function("host", "look", [] {}).stdio(-1, ends[1], -1).build();
    ASSERT_TRUE(sandbox);
    EXPECT_EQ(sandbox->call<int32_t>("write").value(), 0);
    ::close(ends[0]);
    EXPECT_EQ(sandbox->call<int32_t>("write").value(), 64);  // pipe
    EXPECT_EQ(handled.pipes, 0);
    ::raise(SIGPIPE);
    EXPECT_EQ(handled.pipes, 1) << "the host's own arrive as ever";
    ::close(ends[1]);
}

// Thread rules: a sandbox moves between threads; ledgers, logs and cancellation sources are shared by all.

TEST(Threads, ASandboxMovesBetweenCalls) {
    auto sandbox = builder([] {}).build().value();
    for (int i = 0; i < 4; ++i) {
        std::thread([&] {
            EXPECT_EQ(sandbox.call<int64_t>("count", int64_t{1000}).value(), 3000);
            EXPECT_FALSE(sandbox.call<void>("loop"));
            EXPECT_TRUE(sandbox.reset());
        }).join();
        EXPECT_EQ(sandbox.call<int32_t>("write").value(), 0);
    }
}

TEST(Threads, ManySandboxesShareALedgerALogATemplateAndACancellation) {
    const auto tenant = Ledger::create({.memory_bytes = 64_MiB});
    std::atomic<int> lines = 0;
    const auto log = AuditLog::callback([&](std::string_view) { ++lines; }, {});
    const auto source = CancellationSource::create().value();
    auto original = builder([] {})
                        .ledger(tenant)
                        .audit(log)
                        .cancellation(source.token())
                        .limits({.memory_bytes = 8_MiB, .timeout = 60s})
                        .build()
                        .value();
    std::vector<Sandbox> clones;
    for (int i = 0; i < 4; ++i)
        clones.push_back(original.clone().value());
    std::vector<std::thread> threads;
    std::atomic<int> running = 0;
    for (Sandbox& sandbox : clones) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) {
                auto another = sandbox.clone();
                ASSERT_TRUE(another);
                EXPECT_EQ(another->call<int64_t>("count", int64_t{100}).value(), 300);
                EXPECT_TRUE(sandbox.reset());
                EXPECT_EQ(sandbox.call<int32_t>("write").value(), 0);
            }
            ++running;
            EXPECT_TRUE(sandbox.call<void>("loop").error().is_cancelled());
        });
    }
    while (running < 4) {
        EXPECT_LE(tenant->used(Resource::memory), 64_MiB);
        std::this_thread::yield();
    }
    source.cancel();
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(tenant->used(Resource::instances), 5u);
    clones.clear();
    EXPECT_EQ(tenant->used(Resource::instances), 1u);
    EXPECT_TRUE(log.flush());
    EXPECT_GE(lines, 4 * 20);
}

}  // namespace
}  // namespace wsb::testing
