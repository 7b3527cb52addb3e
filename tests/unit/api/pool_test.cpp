// SPDX-License-Identifier: Apache-2.0
// How a pool hands out its slots. What is in them: pool_state_test.cpp.
#include "engine/runtime/page_watch.h"
#include "tests/unit/api/pool_fixture.h"
#include "tests/unit/sanitized.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace wsb::testing {
namespace {

/// Finds its word zero, leaves it otherwise, and gives what it found plus a constant.
constexpr std::string_view module_7 = R"((memory (export "memory") 16) (data (i32.const 8) "\07")
    (func (export "f") (param i32) (result i32)
        (local i32)
        (local.set 1 (i32.add (i32.load (local.get 0)) (i32.load8_u (i32.const 8))))
        (i32.store (local.get 0) (i32.const -1))
        (i32.store8 (i32.const 8) (i32.const 99))
        (local.get 1)))";
constexpr std::string_view module_9 = R"((memory (export "memory") 1) (data (i32.const 8) "\09")
    (func (export "f") (param i32) (result i32) (i32.load8_u (i32.const 8))))";

struct PoolTest : PoolFixture {
    const InstancePre seven = pre(module_7);
    const InstancePre nine = pre(module_9);
};

TEST_F(PoolTest, ServesTheSameModuleInTheSameSlot) {
    const Pool pool = pool_of(small(4));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(call(take(pool, seven), "f", 4096), 7);
        EXPECT_EQ(call(take(pool, nine), "f", 4096), 9);
    }
    const PoolStatistics done = pool.statistics();
    EXPECT_EQ(done.takes, 20U);
    EXPECT_EQ(done.builds, 2U);
    EXPECT_EQ(done.slots_made, 2U);
    EXPECT_EQ(done.slots_taken, 0U);
    EXPECT_EQ(done.evictions, 0U);
}

TEST_F(PoolTest, GivesUpWhatWasFreeForLongest) {
    const Pool pool = pool_of(small(2));
    EXPECT_EQ(call(take(pool, seven), "f", 4096), 7);
    EXPECT_EQ(call(take(pool, nine), "f", 4096), 9);
    EXPECT_EQ(call(take(pool, seven), "f", 4096), 7);
    const InstancePre third = pre("(func (export \"f\") (param i32) (result i32) (i32.const 3))");
    EXPECT_EQ(call(take(pool, third), "f", 4096), 3);  // in the place of nine
    EXPECT_EQ(pool.statistics().evictions, 1U);
    EXPECT_EQ(call(take(pool, seven), "f", 4096), 7);
    EXPECT_EQ(pool.statistics().builds, 3U);
    EXPECT_EQ(call(take(pool, nine), "f", 4096), 9);
    EXPECT_EQ(pool.statistics().builds, 4U);
    EXPECT_EQ(pool.statistics().evictions, 2U);
    EXPECT_EQ(pool.statistics().slots_made, 2U);
}

/// A slot that served one module shows nothing of it to the next, whatever their shapes.
TEST_F(PoolTest, ShowsNothingOfTheModuleBefore) {
    const Pool pool = pool_of(small(1));
    const InstancePre reader = pre(R"((memory (export "memory") 32))");
    const InstancePre writer =
        pre(R"((memory (export "memory") 8) (data (i32.const 0) ")" + std::string(100'000, 'd') +
            R"(") (func (export "f") (result i32) (drop (memory.grow (i32.const 30)))
        (memory.fill (i32.const 0) (i32.const 255) (i32.const 2000000)) (i32.const 0)))");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(call(take(pool, writer), "f"), 0);
        const PooledInstance taken = take(pool, reader);
        std::vector<uint8_t> found(32 * 65'536);
        ASSERT_TRUE(taken.instance().memory()->read(0, found));
        EXPECT_EQ(found, std::vector<uint8_t>(found.size()));
    }
    EXPECT_EQ(pool.statistics().builds, 6U);
}

TEST_F(PoolTest, IsExhaustedAndRecovers) {
    const Pool pool = pool_of(small(2));
    std::optional<PooledInstance> first = take(pool, seven);
    const PooledInstance second = take(pool, seven);
    EXPECT_EQ(pool.statistics().slots_taken, 2U);
    const auto refused = pool.take(nine);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error()->code, ErrorCode::limit_exceeded);
    EXPECT_EQ(refused.error().error()->detail, "all 2 slots of the pool are taken");
    first.reset();
    EXPECT_EQ(call(take(pool, nine), "f", 4096), 9);
    EXPECT_EQ(Pool::create(engine, small(0)).error().code, ErrorCode::bad_usage);
}

TEST_F(PoolTest, LeasesMove) {
    const Pool pool = pool_of(small(2));
    PooledInstance one = take(pool, seven);
    PooledInstance other = take(pool, seven);
    EXPECT_EQ(call(one, "f", 4096), 7);
    one = std::move(other);
    EXPECT_EQ(pool.statistics().slots_taken, 1U);
    EXPECT_EQ(call(one, "f", 4096), 7);
    const PooledInstance last = std::move(one);
    EXPECT_EQ(pool.statistics().slots_taken, 1U);
    EXPECT_EQ(call(last, "f", 8192), 99);
}

TEST_F(PoolTest, LivesAsLongAsItsLeases) {
    std::optional<Pool> pool = pool_of(small(1));
    const PooledInstance taken = take(*pool, seven);
    pool.reset();
    EXPECT_EQ(call(taken, "f", 4096), 7);
}

TEST_F(PoolTest, FailedTakesLeaveTheSlotFree) {
    const Pool pool = pool_of(small(1));
    const InstancePre data = pre("(memory 1) (data (i32.const 5) \"x\") (data (i32.const 65536) \"x\")");
    const InstancePre elem = pre("(table 1 funcref) (func $f) (elem (i32.const 1) $f)");
    const InstancePre start = pre(R"((memory 1) (global $g (mut i32) (i32.const 0))
        (func $f (if (i32.or (global.get $g) (i32.load (i32.const 9))) (then (return)))
            (global.set $g (i32.const 1)) (i32.store (i32.const 9) (i32.const 1)) unreachable) (start $f))");
    const InstancePre throwing = pre("(tag $t) (func $f (throw $t)) (start $f)");
    const InstancePre spinning = pre("(func $f (loop (br 0))) (start $f)");
    const InstancePre large = pre("(memory 2000)");
    const InstancePre tables = pre("(table 5 funcref)");
    PoolOptions narrow = small(1);
    narrow.limits.table_elements = 4;
    const Pool narrow_pool = pool_of(narrow);
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(pool.take(data).error().is_trap(TrapCode::memory_out_of_bounds));
        EXPECT_TRUE(pool.take(elem).error().is_trap(TrapCode::table_out_of_bounds));
        EXPECT_TRUE(pool.take(start).error().is_trap(TrapCode::unreachable)) << "what it did is not there";
        const auto thrown = pool.take(throwing);
        ASSERT_TRUE(thrown.error().is_trap(TrapCode::uncaught_exception));
        EXPECT_EQ(thrown.error().trap()->exception, 0U) << "its store is gone";
        EXPECT_TRUE(pool.take(spinning, {.fuel = 1000}).error().is_trap(TrapCode::out_of_fuel));
        EXPECT_EQ(pool.take(large).error().error()->code, ErrorCode::limit_exceeded);
        EXPECT_EQ(narrow_pool.take(tables).error().error()->code, ErrorCode::limit_exceeded);
        EXPECT_EQ(call(take(pool, seven), "f", 4096), 7);
    }
    EXPECT_EQ(pool.statistics().slots_taken, 0U);
    EXPECT_EQ(pool.statistics().slots_made, 1U);
}

TEST_F(PoolTest, RunsTheStartFunctionEachTime) {
    int32_t started = 0;
    linker.function("host", "started", [&](Caller& caller) { started += *caller.data<int32_t>(); }).value();
    const InstancePre starting =
        pre(R"((import "host" "started" (func $h)) (global $g (mut i32) (i32.const 0))
        (func $f (call $h) (global.set $g (i32.add (global.get $g) (i32.const 5)))) (start $f)
        (func (export "f") (result i32) (global.get $g)))");
    const Pool pool = pool_of(small(1));
    int32_t step = 10;
    for (int i = 1; i <= 3; ++i) {
        const PooledInstance taken = take(pool, starting, {.fuel = {}, .data = &step});
        EXPECT_EQ(started, 10 * i);
        EXPECT_EQ(call(taken, "f"), 5);
        EXPECT_GT(taken.store().fuel_consumed(), 0U);
    }
    EXPECT_EQ(pool.statistics().builds, 1U);
}

TEST_F(PoolTest, TrimLetsModulesGo) {
    const Pool pool = pool_of(small(2));
    const auto environment = std::make_shared<int>(0);
    {
        Linker own(engine);
        own.function("host", "f", [environment] {}).value();
        const InstancePre held = own.instantiate_pre(module(R"((import "host" "f" (func)))")).value();
        static_cast<void>(take(pool, held));
    }
    EXPECT_EQ(environment.use_count(), 2) << "for the next time";
    const PooledInstance taken = take(pool, seven);
    pool.trim();
    EXPECT_EQ(environment.use_count(), 1);
    EXPECT_EQ(call(taken, "f", 4096), 7);
}

/// Which way a reset went. A thread that touches no new pages leaves what is known true.
TEST_F(PoolTest, AsksTheKernelOnlyWhenItHasTo) {
    if (is_sanitized)
        GTEST_SKIP() << "every allocation touches new pages";
    if (!runtime::can_watch_pages())
        GTEST_SKIP() << "no PAGEMAP_SCAN here";
    const Pool pool = pool_of(small(1));
    using Kinds = std::pair<uint64_t, uint64_t>;  // known, scanned: of stack and memory
    const auto kinds_of = [&](const auto& use) {
        const PoolStatistics before = pool.statistics();
        use();
        const PoolStatistics after = pool.statistics();
        return Kinds(after.ranges_known - before.ranges_known, after.ranges_scanned - before.ranges_scanned);
    };
    const auto quiet = [&] { call(take(pool, seven), "f", 40'000); };
    // Something else of this thread may touch a new page now and then.
    const auto comes_to = [&](const auto& use, Kinds expected) {
        for (int i = 0; i < 50; ++i) {
            quiet();
            if (kinds_of(use) == expected)
                return true;
        }
        return false;
    };
    EXPECT_TRUE(comes_to(quiet, Kinds(2, 0)));
    EXPECT_EQ(kinds_of([&] { call(take(pool, seven), "f", 800'000); }), Kinds(0, 2)) << "a new page";
    EXPECT_EQ(call(take(pool, seven), "f", 800'000), 7);
    EXPECT_TRUE(comes_to(quiet, Kinds(2, 0)));
    EXPECT_TRUE(
        comes_to([&] { static_cast<void>(take(pool, seven).instance().memory()->data()); }, Kinds(1, 1)))
        << "the host has a pointer into the memory";
    EXPECT_TRUE(comes_to(quiet, Kinds(2, 0)));
    EXPECT_EQ(kinds_of([&] {
                  const PooledInstance taken = take(pool, seven);
                  std::jthread([&] { call(taken, "f", 900'000); }).join();
              }),
              Kinds(0, 2))
        << "another thread ran it";
    EXPECT_EQ(call(take(pool, seven), "f", 900'000), 7);
}

/// Taken on one thread, used on a second, returned on a third or back on the first.
TEST_F(PoolTest, LeasesGoFromThreadToThread) {
    const Pool pool = pool_of(small(1));
    for (int i = 0; i < 20; ++i) {
        std::optional<PooledInstance> taken = take(pool, seven);
        for (int thread = 0; thread < 2; ++thread)
            std::jthread([&] {
                EXPECT_EQ(call(*taken, "f", 4096 + (20 * thread + i) * 16'384), thread == 0 ? 7 : 99);
            }).join();
        std::jthread([&] {
            ASSERT_TRUE(taken->instance().memory()->write(4096, std::vector<uint8_t>(8, 1)));
        }).join();
        if (i % 2 == 0)
            std::jthread([&] { taken.reset(); }).join();
    }
    const PooledInstance last = take(pool, seven);
    std::vector<uint8_t> found(16 * 65'536);
    ASSERT_TRUE(last.instance().memory()->read(0, found));
    std::vector<uint8_t> expected(found.size());
    expected[8] = 7;
    EXPECT_EQ(found, expected);
    EXPECT_EQ(pool.statistics().builds, 1U);
}

/// Each way for another thread to write a page for the first time, in a slot whose pages were known, while
/// the thread of the lease has no fault.
TEST_F(PoolTest, WritesOfOtherThreadsAreSeen) {
    const Module writer = module(R"((import "m" "memory" (memory 16)) (data (i32.const 800000) "xxxx"))");
    const std::vector<std::function<void(const PooledInstance&)>> ways{
        [](const PooledInstance& taken) { call(taken, "f", 800'000); },
        [](const PooledInstance& taken) {
            ASSERT_TRUE(taken.instance().memory()->write(800'000, std::vector<uint8_t>(4, 1)));
        },
        [](const PooledInstance& taken) { taken.instance().memory()->data()[800'000] = 1; },
        [&](const PooledInstance& taken) {
            Linker own(engine);
            own.instance("m", taken.instance()).value();
            ASSERT_TRUE(own.instantiate(taken.store(), writer));
        }};
    for (size_t way = 0; way < ways.size(); ++way) {
        SCOPED_TRACE(way);
        const Pool pool = pool_of(small(1));
        for (int i = 0; i < 5; ++i)
            call(take(pool, seven), "f", 4096);
        std::atomic<int> stage = 0;
        std::optional<PooledInstance> taken;
        // Begun before, so that this thread does not fault because of it.
        std::jthread other([&] {
            while (stage != 1)
                std::this_thread::yield();
            ways[way](*taken);
            stage = 2;
        });
        for (int i = 0; i < 5; ++i)
            call(take(pool, seven), "f", 4096);
        taken = take(pool, seven);
        stage = 1;
        while (stage != 2)
            std::this_thread::yield();
        taken.reset();
        EXPECT_EQ(call(take(pool, seven), "f", 800'000), 7);
    }
}

/// Two leases of one thread, whose uses and returns interleave.
TEST_F(PoolTest, LeasesOfOneThreadInterleave) {
    const Pool pool = pool_of(small(2));
    for (int i = 0; i < 40; ++i) {
        std::optional<PooledInstance> a = take(pool, seven);
        std::optional<PooledInstance> b = take(pool, seven);
        EXPECT_EQ(call(*a, "f", 4096 + i * 8192), 7);
        EXPECT_EQ(call(*b, "f", 900'000 - i * 8192), 7);
        (i % 2 == 0 ? a : b).reset();
        const PooledInstance c = take(pool, seven);
        EXPECT_EQ(call(c, "f", 500'000), 7);
    }
}

/// More threads than slots: who is refused waits for another's lease to end. How often that happens is
/// the scheduler's affair; that everyone is served in the end is the pool's.
TEST_F(PoolTest, ServesManyThreads) {
    const Pool pool = pool_of(small(6));
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 8; ++thread)
            threads.emplace_back([&, thread] {
                for (int served = 0; served < 200;) {
                    const bool is_seven = (served + thread) % 3 != 0;
                    auto taken = pool.take(is_seven ? seven : nine);
                    if (!taken) {
                        ASSERT_EQ(taken.error().error()->code, ErrorCode::limit_exceeded);
                        std::this_thread::yield();
                        continue;
                    }
                    EXPECT_EQ(call(*taken, "f", 4096 + (served % 20) * 4096), is_seven ? 7 : 9);
                    ++served;
                }
            });
    }
    EXPECT_EQ(pool.statistics().slots_taken, 0U);
    EXPECT_LE(pool.statistics().slots_made, 6U);
}

TEST_F(PoolTest, WorksInAForkedChild) {
    const Pool pool = pool_of(small(1));
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(call(take(pool, seven), "f", 40'000), 7);
    const pid_t child = ::fork();
    if (child == 0) {
        bool is_new = true;
        for (int i = 0; i < 20; ++i)
            is_new = is_new && call(take(pool, seven), "f", 40'000 + i / 2 * 8192) == 7;
        ::_exit(is_new ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(call(take(pool, seven), "f", 40'000), 7);
}

uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t all = 0;
    uint64_t resident = 0;
    statm >> all >> resident;
    return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}
int64_t descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST_F(PoolTest, DoesNotGrowWithUse) {
    const InstancePre large = pre(R"((memory 16) (data (i32.const 0) ")" + std::string(300'000, 'd') + R"(")
        (type $list (array i8))
        (func (export "f") (param i32) (result i32) (i32.store8 (local.get 0) (i32.const 0))
            (drop (array.new_default $list (i32.const 1000)))
            (memory.grow (i32.rem_u (local.get 0) (i32.const 2)))))");
    const Pool pool = pool_of(small(3));
    const auto use = [&](int takes) {
        for (int i = 0; i < takes; ++i) {
            EXPECT_EQ(call(take(pool, i % 10 == 0 ? nine : seven), "f", 4096), i % 10 == 0 ? 9 : 7);
            if (i % 100 == 0) {
                EXPECT_EQ(call(take(pool, large), "f", i * 7 % 1'000'000), 16);
            }
        }
    };
    use(2'000);
    const uint64_t before_bytes = resident_bytes();
    const int64_t before_descriptors = descriptors();
    use(is_sanitized ? 5'000 : 100'000);
    EXPECT_EQ(descriptors(), before_descriptors);
    if (!is_sanitized) {
        EXPECT_LT(resident_bytes(), before_bytes + (uint64_t{1} << 20));
    }
}

/// Deep recursion in one lease does not cost its slot's memory for ever.
TEST_F(PoolTest, GivesPagesBackToTheSystem) {
    if (is_sanitized)
        GTEST_SKIP() << "memory is not counted";
    const InstancePre greedy =
        pre(R"((memory 512) (func $deep (export "deep") (param i32) (call $deep (local.get 0)))
        (func (export "fill") (param i32) (result i32)
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 33554432)) (i32.const 0)))");
    const Pool pool = pool_of(small(8));
    const uint64_t before_bytes = resident_bytes();
    std::vector<PooledInstance> taken;
    for (int i = 0; i < 8; ++i) {
        taken.push_back(take(pool, greedy));
        EXPECT_EQ(call(taken.back(), "fill", 0), 0);
        EXPECT_FALSE(func<void(int32_t)>(taken.back(), "deep")(0));
    }
    EXPECT_GT(resident_bytes(), before_bytes + (uint64_t{250} << 20));
    taken.clear();
    EXPECT_LT(resident_bytes(), before_bytes + (uint64_t{8} << 20));
}

/// With the default address space of 6 GiB for each.
TEST_F(PoolTest, TenThousandLive) {
    if (is_sanitized)
        GTEST_SKIP() << "too much address space";
    PoolOptions options;
    options.slots = 10'000;
    const Pool pool = pool_of(options);
    const InstancePre image =
        pre(R"((memory (export "memory") 2) (data (i32.const 8) "\07") (data (i32.const 1000) ")" +
            std::string(50'000, 'd') + R"(")
        (func (export "f") (param i32) (result i32)
            (i32.store (i32.const 70000) (local.get 0)) (i32.store8 (i32.const 8) (i32.const 8)) (i32.load8_u (i32.const 1000))))");
    for (int round = 0; round < 2; ++round) {
        std::vector<PooledInstance> live;
        live.reserve(options.slots);
        for (int i = 0; i < 10'000; ++i) {
            auto taken = pool.take(image);
            ASSERT_TRUE(taken) << i << ": " << taken.error().message();
            live.push_back(*std::move(taken));
            ASSERT_EQ(call(live.back(), "f", i), 'd');
        }
        EXPECT_FALSE(pool.take(seven));
        for (int i = 0; i < 10'000; i += 777) {
            uint8_t byte = 0;
            ASSERT_TRUE(live[static_cast<size_t>(i)].instance().memory()->read(70'001, std::span(&byte, 1)));
            EXPECT_EQ(byte, i >> 8 & 255);
        }
    }
    EXPECT_EQ(pool.statistics().builds, 10'000U);
}

}  // namespace
}  // namespace wsb::testing
