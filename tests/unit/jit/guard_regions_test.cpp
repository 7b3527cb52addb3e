// SPDX-License-Identifier: Apache-2.0
// Accesses without checks: every memory that they can meet has its guard region, what runs into it is the
// interpreter's trap, and every other fault is whoever's it was. What concerns the whole process happens in
// one of its own: there the handler is installed by the test.
#include "tests/unit/sanitized.h"
#include "wsb/engine.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <optional>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace wsb::testing {
namespace {

using ::testing::ExitedWithCode;

constexpr size_t page_bytes = 4096;

Config config(TierChoice tier = TierChoice::jit) {
    Config config;
    config.tier = tier;
    config.features = Features::up_to(4);
    config.tiering = {.sample_units = 1, .hot_samples = 1};
    return config;
}

/// Where accesses lead: 0, the last byte, the first beyond, as far as an index goes, and as far as anything
/// goes that is not checked: an index of 2^32 - 1, and an offset and a width that make 2^31 - 1.
constexpr const char* accesses = R"(
    (func (export "near") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "far") (param i32) (result i32) (i32.load offset=0x7fff_fffb (local.get 0)))
    (func (export "widest") (param i32) (result i32)
        (i32x4.extract_lane 0 (v128.load offset=0x7fff_ffef (local.get 0))))
    (func (export "store") (param i32) (i64.store offset=0x7fff_fff7 (local.get 0) (i64.const -1)))
    (func (export "constant") (result i32) (i32.load (i32.const -1)))
    (func (export "behind") (param i32) (result i32)
        (i32.add (i32.load8_u (i32.const 0)) (i32.load16_u offset=4 (local.get 0)))))";

void expect_traps(const Instance& instance, uint32_t size_bytes) {
    const auto trap_of = [&](const char* name, std::vector<Value> arguments) {
        const auto outcome = instance.func(name).value().call(arguments);
        return outcome || outcome.error().trap() == nullptr ? TrapCode::none : outcome.error().trap()->code;
    };
    const auto value = [](uint32_t index) { return Value(static_cast<int32_t>(index)); };
    for (int round = 0; round < 3; ++round) {  // with `automatic` not all of them in machine code
        EXPECT_EQ(trap_of("near", {value(size_bytes - 1)}), TrapCode::none);
        for (const uint32_t index : {size_bytes, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu})
            EXPECT_EQ(trap_of("near", {value(index)}), TrapCode::memory_out_of_bounds) << index;
        for (const char* name : {"far", "widest", "store"})
            for (const uint32_t index : {0u, size_bytes, 0x8000'0000u, 0xffff'ffffu})
                EXPECT_EQ(trap_of(name, {value(index)}), TrapCode::memory_out_of_bounds) << name << index;
        EXPECT_EQ(trap_of("constant", {}), TrapCode::memory_out_of_bounds);
        EXPECT_EQ(trap_of("behind", {value(size_bytes - 5)}), TrapCode::memory_out_of_bounds);
        EXPECT_EQ(trap_of("behind", {value(size_bytes - 6)}), TrapCode::none);
    }
}

class GuardRegions : public ::testing::TestWithParam<TierChoice> {
protected:
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code";
        m_engine.emplace(config(GetParam()));
        EXPECT_TRUE(m_engine->has_guard_regions()) << "is there a limit on address space?";
    }
    [[nodiscard]] Module module(const std::string& text) const {
        return Module::from_wat(*m_engine, text + accesses).value();
    }
    [[nodiscard]] const Engine& engine() const { return *m_engine; }

private:
    std::optional<Engine> m_engine;
};
INSTANTIATE_TEST_SUITE_P(Tiers, GuardRegions, ::testing::Values(TierChoice::jit, TierChoice::automatic),
                         [](const auto& test) { return test.param == TierChoice::jit ? "jit" : "auto"; });

TEST_P(GuardRegions, AnInstancesOwn) {
    Store store = Store::create(engine()).value();
    Linker linker(engine());
    for (const char* memory : {"(memory 1)", "(memory 1 1)", "(memory 1 65536)"})
        expect_traps(linker.instantiate(store, module(memory)).value(), 65536);
}

TEST_P(GuardRegions, OfTheHostsMakingWithLittleRoom) {
    Store store = Store::create(engine()).value();
    Linker linker(engine());
    const auto memory = Memory::create(store, {.limits_pages = {1, 2}}).value();
    ASSERT_TRUE(linker.define("m", "m", memory));
    const auto instance = linker.instantiate(store, module(R"((import "m" "m" (memory 1 10)))")).value();
    expect_traps(instance, 65536);
    EXPECT_TRUE(memory.grow(1));
    expect_traps(instance, 2 * 65536);
}

TEST_P(GuardRegions, AnotherInstancesSecond) {
    Store store = Store::create(engine()).value();
    Linker linker(engine());
    const auto owner = linker.instantiate(
        store, Module::from_wat(engine(), R"((memory i64 1 1) (memory (export "m") 1 1))").value());
    ASSERT_TRUE(linker.instance("m", owner.value()));
    expect_traps(linker.instantiate(store, module(R"((import "m" "m" (memory 1)))")).value(), 65536);
}

TEST_P(GuardRegions, OfAPoolWhateverItsLayout) {
    for (const uint64_t reservation_bytes : {uint64_t{65536}, uint64_t{64} << 20, uint64_t{1} << 33}) {
        PoolOptions options;
        options.slots = 2;
        options.memory_reservation_bytes = reservation_bytes;
        options.guard_bytes = 65536;
        options.limits.memory_bytes = uint64_t{1} << 20;
        const Pool pool = Pool::create(engine(), options).value();
        Linker linker(engine());
        const auto pre = linker.instantiate_pre(module("(memory 1 2)")).value();
        for (int round = 0; round < 3; ++round)
            expect_traps(pool.take(pre).value().instance(), 65536);
    }
}

/// The rest of the system's page is accessible, and 64-bit addresses reach anywhere: these are checked.
TEST_P(GuardRegions, NotOfSmallPagesAndLargeAddresses) {
    Store store = Store::create(engine()).value();
    Linker linker(engine());
    const auto trap_at = [&](const char* memory, const char* index) {
        const auto text =
            std::string(memory) + R"((func (export "f") (result i32) (i32.load8_u )" + index + "))";
        const auto instance = linker.instantiate(store, Module::from_wat(engine(), text).value()).value();
        for (int round = 0; round < 3; ++round)
            static_cast<void>(instance.func("f").value().call({}));
        const auto outcome = instance.func("f").value().call({});
        return outcome ? TrapCode::none : outcome.error().trap()->code;
    };
    EXPECT_EQ(trap_at("(memory 100 (pagesize 1))", "(i32.const 99)"), TrapCode::none);
    EXPECT_EQ(trap_at("(memory 100 (pagesize 1))", "(i32.const 100)"), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(trap_at("(memory i64 1)", "(i64.const 65535)"), TrapCode::none);
    EXPECT_EQ(trap_at("(memory i64 1)", "(i64.const 0x1_8000_0000)"), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(trap_at("(memory 1 2 shared)", "(i32.const 65536)"), TrapCode::memory_out_of_bounds);
}

/// Each thread's faults are its own, while modules of others come and go.
TEST_P(GuardRegions, OfManyThreadsAtATime) {
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            const int rounds = is_sanitized ? 5 : 30;
            for (int round = 0; round < rounds; ++round) {
                Store store = Store::create(engine()).value();
                Linker linker(engine());
                const auto made = linker.instantiate(store, module("(memory 1)")).value();
                const auto func = made.func("near").value();
                for (int call = 0; call < 100; ++call) {
                    const auto outcome = func.call({Value(static_cast<int32_t>(65536 << i))});
                    wrong += outcome || !outcome.error().is_trap(TrapCode::memory_out_of_bounds) ||
                             outcome.error().trap()->frames.size() != 1;
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
}

// The process as a whole.

struct ProcessFaults : ::testing::Test {
    ProcessFaults() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code";
    }
};

/// An instance in an engine of its own.
struct Guest {
    explicit Guest(const Config& with, std::function<void()> host = [] {}) : engine(with), linker(engine) {
        linker.function("host", "call", std::move(host)).value();
        instance.emplace(linker
                             .instantiate(store, Module::from_wat(engine, R"(
            (import "host" "call" (func $host)) (memory (export "memory") 1 1)
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
            (func (export "host") (param i32) (drop (i32.load (local.get 0))) (call $host)))")
                                                     .value())
                             .value());
    }
    [[nodiscard]] bool traps() const {
        const auto outcome = instance->func("load").value().call({Value(65536)});
        return !outcome && outcome.error().is_trap(TrapCode::memory_out_of_bounds);
    }

    Engine engine;
    Linker linker;
    Store store = Store::create(engine).value();
    std::optional<Instance> instance;
};

[[nodiscard]] volatile uint8_t* inaccessible_page() {
    return static_cast<volatile uint8_t*>(
        ::mmap(nullptr, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

std::atomic<int> faults = 0;
void open_page(int, siginfo_t* info, void*) {
    ++faults;
    ::mprotect(info->si_addr, page_bytes, PROT_READ | PROT_WRITE);
}
void count_only(int) {
    ++faults;
}

void install(int flags, void (*action)(int, siginfo_t*, void*), void (*handler)(int)) {
    struct sigaction wanted{};
    wanted.sa_flags = flags;
    if (action != nullptr)
        wanted.sa_sigaction = action;
    else
        wanted.sa_handler = handler;
    if (::sigaction(SIGSEGV, &wanted, nullptr) != 0)
        ::_exit(2);
}

TEST_F(ProcessFaults, GoToTheHandlerThatWasThere) {
    const auto run = [] {
        install(SA_SIGINFO, open_page, nullptr);
        volatile uint8_t* const page = inaccessible_page();
        const Guest guest(config(), [&] { *page = 1; });
        const bool before = guest.traps() && faults == 0;
        const bool is_called = guest.instance->func("host").value().call({Value(0)}).has_value();
        ::_exit(before && is_called && faults == 1 && guest.traps() && faults == 1 ? 0 : 1);
    };
    EXPECT_EXIT(run(), ExitedWithCode(0), "");
}

TEST_F(ProcessFaults, GoToAHandlerOfTheOldKind) {
    const auto run = [] {
        install(0, nullptr, count_only);
        const Guest guest(config());
        ::raise(SIGSEGV);
        ::_exit(faults == 1 && guest.traps() && faults == 1 ? 0 : 1);
    };
    EXPECT_EXIT(run(), ExitedWithCode(0), "");
}

TEST_F(ProcessFaults, ThatWereIgnoredStillAre) {
    const auto run = [] {
        install(0, nullptr, SIG_IGN);
        const Guest guest(config());
        ::raise(SIGSEGV);
        ::_exit(guest.traps() ? 0 : 1);
    };
    EXPECT_EXIT(run(), ExitedWithCode(0), "");
}

TEST_F(ProcessFaults, OfTheHostEndIt) {
    const auto crash = [] {
        const Guest guest(config());
        if (!guest.traps())
            ::_exit(0);
        *inaccessible_page() = 1;
        ::_exit(0);
    };
    EXPECT_DEATH(crash(), "");
    const auto raise = [] {
        const Guest guest(config());
        ::raise(SIGSEGV);
        ::_exit(0);
    };
    EXPECT_DEATH(raise(), "");
}

/// A fault in the guard region, but not of an access of the guest's.
TEST_F(ProcessFaults, OfTheHostBeyondAMemoryEndIt) {
    const auto crash = [] {
        std::optional<Guest> guest;
        guest.emplace(config(), [&] {
            volatile uint8_t* const end = guest->instance->memory("memory").value().data().data() + 65536;
            *end = 1;
        });
        static_cast<void>(guest->instance->func("host").value().call({Value(0)}));
        ::_exit(0);
    };
    EXPECT_DEATH(crash(), "");
}

TEST_F(ProcessFaults, AreLeftAloneWithoutGuardRegions) {
    const auto run = [] {
        install(0, nullptr, count_only);
        Config without = config();
        without.guard_regions = false;
        const Guest guest(without);
        const bool is_right = !guest.engine.has_guard_regions() && guest.traps();
        struct sigaction found{};
        ::sigaction(SIGSEGV, nullptr, &found);
        ::_exit(is_right && found.sa_handler == count_only ? 0 : 1);
    };
    EXPECT_EXIT(run(), ExitedWithCode(0), "");
}

[[nodiscard]] rlim_t used_address_space() {
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * page_bytes;
}
void limit_address_space(rlim_t more_bytes) {
    const rlim_t most = used_address_space() + more_bytes;
    const rlimit limit{most, most};
    if (::setrlimit(RLIMIT_AS, &limit) != 0)
        ::_exit(2);
}

TEST_F(ProcessFaults, WhereAddressSpaceIsLimitedThereAreChecks) {
    if (is_sanitized)
        GTEST_SKIP() << "sanitizers want all address space";
    for (const rlim_t more_bytes : {rlim_t{200} << 20, rlim_t{10} << 30}) {
        const auto run = [&] {
            limit_address_space(more_bytes);
            const Guest guest(config());
            ::_exit(!guest.engine.has_guard_regions() && guest.traps() ? 0 : 1);
        };
        EXPECT_EXIT(run(), ExitedWithCode(0), "") << more_bytes;
    }
}

TEST_F(ProcessFaults, WhereAddressSpaceIsLimitedLaterAMemoryIsRefused) {
    if (is_sanitized)
        GTEST_SKIP() << "sanitizers want all address space";
    const auto run = [] {
        const Engine engine(config());
        limit_address_space(rlim_t{1} << 30);
        Store store = Store::create(engine).value();
        const auto made = Memory::create(store, {.limits_pages = {1, 1}});
        ::_exit(!made && made.error().code == ErrorCode::out_of_memory &&
                        made.error().message().find("6 GiB") != std::string::npos
                    ? 0
                    : 1);
    };
    EXPECT_EXIT(run(), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace wsb::testing
