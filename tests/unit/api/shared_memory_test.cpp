// SPDX-License-Identifier: Apache-2.0
// Shared memories and atomic instructions: several threads, each with a store of its own.
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace wsb::testing {
namespace {

constexpr uint64_t page = 65'536;
constexpr int thread_count = 4;

MemoryType shared_pages(uint64_t min, uint64_t max) {
    return {AddressType::i32, true, {min, max}};
}

struct SharedMemoryTest : ::testing::Test {
    Engine engine = [] {
        Config config;
        config.features = Features::up_to(4);
        return Engine(config);
    }();
    SharedMemory memory = SharedMemory::create(shared_pages(1, 4)).value();

    [[nodiscard]] Module module(const std::string& fields) const {
        auto made = Module::from_wat(
            engine, "(module (import \"env\" \"memory\" (memory 1 4 shared))" + fields + ")");
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    [[nodiscard]] Instance instance(StoreRef store, const Module& module) const {
        Linker linker(engine);
        EXPECT_TRUE(linker.define("env", "memory", memory));
        auto made = linker.instantiate(store, module);
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    [[nodiscard]] Store store(const StoreLimits& limits = {}) const {
        return Store::create(engine, limits).value();
    }
    /// Runs a body on each of several threads, with a store and an instance of the module there.
    void on_threads(const Module& module, const std::function<void(const Instance&, int)>& body) const {
        std::vector<std::thread> threads;
        for (int i = 0; i < thread_count; ++i) {
            threads.emplace_back([&, i] {
                const Store own = store();
                body(instance(own, module), i);
            });
        }
        for (std::thread& thread : threads)
            thread.join();
    }
    template <class T>
    [[nodiscard]] T at(uint64_t offset_bytes) const {
        T value{};
        EXPECT_TRUE(memory.read(offset_bytes, {reinterpret_cast<uint8_t*>(&value), sizeof value}));
        return value;
    }
};

TEST_F(SharedMemoryTest, AtomicCountersAddUp) {
    const Module counting = module(R"((func (export "count") (param $n i32)
        (loop
            (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
            (drop (i64.atomic.rmw.sub (i32.const 8) (i64.const 1)))
            (drop (i32.atomic.rmw8.xor_u (i32.const 17) (i32.const 1)))
            (drop (i32.atomic.rmw16.add_u (i32.const 18) (i32.const 3)))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))");
    constexpr int32_t rounds = 5001;
    on_threads(counting, [](const Instance& instance, int) {
        EXPECT_TRUE(instance.typed_function<void(int32_t)>("count").value()(rounds));
    });
    EXPECT_EQ(at<int32_t>(0), thread_count * rounds);
    EXPECT_EQ(at<int64_t>(8), -thread_count * rounds);
    EXPECT_EQ(at<uint32_t>(16), uint32_t{static_cast<uint16_t>(3 * thread_count * rounds)} << 16);
}

TEST_F(SharedMemoryTest, CompareExchangeMakesALock) {
    const Module locking = module(R"((func (export "add") (param $n i32)
        (loop
            (loop (br_if 0 (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1))))
            (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1)))
            (i32.atomic.store (i32.const 0) (i32.const 0))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))");
    on_threads(locking, [](const Instance& instance, int) {
        EXPECT_TRUE(instance.typed_function<void(int32_t)>("add").value()(500));
    });
    EXPECT_EQ(at<int64_t>(8), thread_count * 500);
}

/// What guests may do to each other must not be a data race of the host's: for ThreadSanitizer.
TEST_F(SharedMemoryTest, PlainAccessesMayRace) {
    const Module racing = module(R"((data $d "0123456789")
        (func (export "race") (param $n i32)
            (loop
                (i32.store (i32.const 100) (local.get $n))
                (i64.store offset=1 (i32.const 101) (i64.load (i32.const 99)))
                (f64.store (i32.const 104) (f64.load (i32.const 112)))
                (i32.store8 (i32.const 103) (i32.load16_s (i32.const 101)))
                (v128.store (i32.const 96) (v128.load32x2_u (i32.const 101)))
                (v128.store8_lane 1 (i32.const 102) (v128.load64_lane 0 (i32.const 97) (v128.const i64x2 1 2)))
                (memory.fill (i32.const 90) (local.get $n) (i32.const 30))
                (memory.copy (i32.const 93) (i32.const 90) (i32.const 30))
                (memory.init $d (i32.const 95) (i32.const 0) (i32.const 10))
                (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))");
    on_threads(racing, [&](const Instance& instance, int) {
        EXPECT_TRUE(instance.typed_function<void(int32_t)>("race").value()(200));
        static_cast<void>(at<uint64_t>(95));
    });
}

TEST_F(SharedMemoryTest, AlignedIntegersDoNotTear) {
    const Module writing = module(R"(
        (func (export "write") (param $value i64) (param $n i32)
            (loop (i64.store (i32.const 8) (local.get $value))
                (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "read") (result i64) (i64.load (i32.const 8))))");
    on_threads(writing, [](const Instance& instance, int i) {
        if (i < 2) {
            EXPECT_TRUE(
                (instance.typed_function<void(int64_t, int32_t)>("write").value()(i == 0 ? 0 : -1, 3000)));
            return;
        }
        auto read = instance.typed_function<int64_t()>("read").value();
        for (int n = 0; n < 1000; ++n) {
            const int64_t value = *read();
            EXPECT_TRUE(value == 0 || value == -1) << value;
        }
    });
}

TEST_F(SharedMemoryTest, WaitIsEndedByNotify) {
    const Module waiting = module(R"(
        (func (export "wait") (result i32) (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1)))
        (func (export "notify") (result i32) (memory.atomic.notify (i32.const 8) (i32.const -1))))");
    std::atomic<int> woken = 0;
    on_threads(waiting, [&](const Instance& instance, int i) {
        if (i > 0) {
            EXPECT_EQ(*instance.typed_function<int32_t()>("wait").value()(), 0);
            return;
        }
        auto notify = instance.typed_function<int32_t()>("notify").value();
        while (woken < thread_count - 1)
            woken += *notify();
    });
    EXPECT_EQ(woken, thread_count - 1);
}

TEST_F(SharedMemoryTest, WaitComparesAndTimesOut) {
    const Store own = store();
    const Instance i = instance(own, module(R"(
        (func (export "wait32") (param i32 i32 i64) (result i32)
            (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
        (func (export "wait64") (param i32 i64 i64) (result i32)
            (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2))))"));
    auto wait32 = i.typed_function<int32_t(int32_t, int32_t, int64_t)>("wait32").value();
    auto wait64 = i.typed_function<int32_t(int32_t, int64_t, int64_t)>("wait64").value();
    EXPECT_EQ(*wait32(0, 1, -1), 1);
    EXPECT_EQ(*wait64(0, int64_t{1} << 40, -1), 1);
    EXPECT_EQ(*wait32(0, 0, 0), 2);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(*wait64(0, 0, 5'000'000), 2);
    EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(5));
    EXPECT_TRUE(wait32(2, 0, 0).error().is_trap(TrapCode::unaligned_atomic));
    EXPECT_TRUE(wait64(4, 0, 0).error().is_trap(TrapCode::unaligned_atomic));
    EXPECT_TRUE(wait32(65'536, 0, 0).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_EQ(*wait32(65'532, 0, 0), 2);
}

TEST_F(SharedMemoryTest, GrowthIsSeenByOtherStores) {
    const Module growing = module(R"(
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size))
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))");
    StoreLimits limits;
    limits.memory_bytes = 2 * page;
    const Store first = store(limits);
    const Store second = store();
    const Instance a = instance(first, growing);
    const Instance b = instance(second, growing);
    const auto call = [](const Instance& instance, const char* name, int32_t argument) {
        return instance.typed_function<int32_t(int32_t)>(name).value()(argument);
    };
    EXPECT_TRUE(call(b, "load", 65'533).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_EQ(*call(a, "grow", 1), 1);
    EXPECT_EQ(*call(b, "load", 65'533), 0);
    EXPECT_EQ(*b.typed_function<int32_t()>("size").value()(), 2);
    // Each store is charged with what was there when it came, and with what it added.
    EXPECT_EQ(first.memory_bytes(), 2 * page);
    EXPECT_EQ(second.memory_bytes(), page);
    EXPECT_EQ(*call(a, "grow", 1), -1);
    EXPECT_EQ(first.last_limit_reached(), LimitKind::memory_bytes);
    EXPECT_EQ(*call(b, "grow", 3), -1);
    EXPECT_EQ(second.memory_bytes(), page);
    EXPECT_EQ(*call(b, "grow", 2), 2);
    EXPECT_EQ(second.memory_bytes(), 3 * page);
    EXPECT_EQ(*call(a, "load", 4 * page - 4), 0);
    EXPECT_EQ(memory.size_bytes(), 4 * page);
    EXPECT_EQ(memory.grow(1), std::nullopt);
    EXPECT_EQ(memory.grow(~uint64_t{0}), std::nullopt);
}

TEST_F(SharedMemoryTest, PagesAreGivenOutOnce) {
    memory = SharedMemory::create(shared_pages(1, 101)).value();
    const Module growing = Module::from_wat(engine, R"((module (import "env" "memory" (memory 1 101 shared))
        (func (export "grow") (result i32) (local i32)
            (local.set 0 (memory.grow (i32.const 1)))
            (if (i32.ge_s (local.get 0) (i32.const 0))
                (then (drop (i32.atomic.rmw.add (i32.mul (local.get 0) (i32.const 65536)) (i32.const 1)))))
            (local.get 0))))")
                               .value();
    on_threads(growing, [](const Instance& instance, int) {
        auto grow = instance.typed_function<int32_t()>("grow").value();
        while (*grow() >= 0) {
        }
    });
    EXPECT_EQ(memory.size_bytes(), 101 * page);
    for (uint64_t number = 1; number < 101; ++number)
        EXPECT_EQ(at<int32_t>(number * page), 1) << number;
}

TEST_F(SharedMemoryTest, OneMemoryInAStoreHoweverItCame) {
    const Store own = store();
    Linker linker(engine);
    ASSERT_TRUE(linker.define("env", "memory", memory));
    const Instance i = linker.instantiate(own, module("(export \"m\" (memory 0))")).value();
    EXPECT_TRUE(linker.instantiate(own, module("")));
    EXPECT_EQ(own.memory_bytes(), page);
    const Memory exported = i.memory("m").value();
    EXPECT_EQ(exported.shared(), memory);
    EXPECT_EQ(std::get<Memory>(*linker.get(own, "env", "memory")).shared(), memory);
    EXPECT_EQ(exported.size_bytes(), page);
    // Bytes that others may be changing are copied, never pointed at.
    EXPECT_TRUE(exported.data().empty());
    EXPECT_FALSE(exported.view(0, 1));
    EXPECT_TRUE(exported.store_value<uint32_t>(page - 4, 77));
    EXPECT_FALSE(exported.store_value<uint32_t>(page - 3, 77));
    EXPECT_EQ(exported.load<uint32_t>(page - 4), 77u);
    EXPECT_EQ(at<uint32_t>(page - 4), 77u);
    EXPECT_EQ(exported.grow(1), 1u);
    EXPECT_EQ(own.memory_bytes(), 2 * page);
}

TEST_F(SharedMemoryTest, AModulesOwnMemoryOutlivesItsStore) {
    std::optional<SharedMemory> kept;
    {
        const Store own = store();
        const Module owner = Module::from_wat(engine, R"((module (memory (export "m") 1 2 shared)
            (data (i32.const 8) "kept")))")
                                 .value();
        kept = Linker(engine).instantiate(own, owner)->memory("m")->shared();
    }
    std::string text(4, ' ');
    ASSERT_TRUE(kept->read(8, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
    EXPECT_EQ(text, "kept");
    EXPECT_EQ(kept->type(), shared_pages(1, 2));
}

TEST_F(SharedMemoryTest, TypesAndLimitsAreChecked) {
    EXPECT_EQ(SharedMemory::create({AddressType::i32, false, {1, 2}}).error().code, ErrorCode::bad_usage);
    EXPECT_EQ(SharedMemory::create({AddressType::i32, true, {1, {}}}).error().code,
              ErrorCode::shared_memory_without_max);
    EXPECT_EQ(SharedMemory::create(shared_pages(2, 1)).error().code, ErrorCode::memory_size);
    const Store plain_store = store();
    EXPECT_EQ(Memory::create(plain_store, {AddressType::i32, true, {1, {}}}).error().code,
              ErrorCode::shared_memory_without_max);
    EXPECT_FALSE(Memory::create(plain_store, {AddressType::i32, false, {1, 2}})->shared());
    StoreLimits limits;
    limits.memory_bytes = page - 1;
    const Store small = store(limits);
    Linker linker(engine);
    ASSERT_TRUE(linker.define("env", "memory", memory));
    EXPECT_EQ(linker.instantiate(small, module("")).error().error()->code, ErrorCode::limit_exceeded);
    EXPECT_EQ(linker.get(small, "env", "memory"), std::nullopt);
    EXPECT_EQ(small.memory_bytes(), 0u);
    EXPECT_EQ(small.last_limit_reached(), LimitKind::memory_bytes);
    // Not shared, too small a maximum.
    for (const char* type : {"1 4", "1 3 shared", "2 4 shared"}) {
        const Module other = Module::from_wat(engine, "(module (import \"env\" \"memory\" (memory " +
                                                          std::string(type) + ")))")
                                 .value();
        EXPECT_EQ(linker.instantiate(plain_store, other).error().error()->code,
                  ErrorCode::incompatible_import);
    }
}

TEST_F(SharedMemoryTest, WithoutTheFeatureModulesAreRefused) {
    const Engine standard;
    EXPECT_FALSE(Module::from_wat(standard, "(module (memory 1 1 shared))"));
    EXPECT_FALSE(Module::from_wat(standard, "(module (func (atomic.fence)))"));
}

TEST_F(SharedMemoryTest, PlainAccessesAreWhatTheyAreElsewhere) {
    const Store own = store();
    const Instance i = instance(own, module(R"(
        (func (export "bytes") (param i32) (result i64 i32 f32 i64)
            (i64.store (local.get 0) (i64.const 0x80c000c08f82f384))
            (i64.load (local.get 0)) (i32.load8_s offset=1 (local.get 0))
            (f32.load offset=4 (local.get 0)) (i64.load32_s (local.get 0))))"));
    const Func bytes = i.func("bytes").value();
    for (const int32_t address : {0, 1, 3, 65'528}) {
        const auto results = bytes.call({Value(address)}).value();
        EXPECT_EQ(results[0].i64(), static_cast<int64_t>(0x80c000c08f82f384));
        EXPECT_EQ(results[1].i32(), -13);
        EXPECT_EQ(std::bit_cast<uint32_t>(results[2].f32()), 0x80c000c0u);
        EXPECT_EQ(results[3].i64(), static_cast<int32_t>(0x8f82f384));
    }
    EXPECT_TRUE(bytes.call({Value(65'529)}).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_TRUE(bytes.call({Value(-1)}).error().is_trap(TrapCode::memory_out_of_bounds));
}

TEST_F(SharedMemoryTest, VectorsOfASharedMemory) {
    const Store own = store();
    const Instance i = instance(own, module(R"(
        (func (export "store") (param i32 v128) (v128.store offset=1 (local.get 0) (local.get 1)))
        (func (export "load") (param i32) (result v128) (v128.load (local.get 0)))
        (func (export "widen") (param i32) (result v128) (v128.load8x8_u (local.get 0)))
        (func (export "lanes") (param i32) (result v128)
            (v128.store16_lane 3 (local.get 0) (v128.const i16x8 0 0 0 0x7654 0 0 0 0))
            (v128.load32_lane offset=1 1 (local.get 0) (v128.const i32x4 9 9 9 9))))"));
    const auto call = [&](const char* name, std::vector<Value> args) { return i.func(name)->call(args); };
    V128 bytes{};
    for (uint8_t n = 0; n < 16; ++n)
        bytes[n] = static_cast<uint8_t>(n + 1);
    for (const int32_t address : {7, 8, 65'519}) {
        ASSERT_TRUE(call("store", {Value(address), Value(bytes)}));
        EXPECT_EQ(call("load", {Value(address + 1)}).value()[0].v128(), bytes);
        EXPECT_EQ(call("widen", {Value(address + 1)}).value()[0].v128(),
                  (V128{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0}));
        EXPECT_EQ(call("lanes", {Value(address)}).value()[0].v128(),
                  (V128{9, 0, 0, 0, 0x76, 2, 3, 4, 9, 0, 0, 0, 9, 0, 0, 0}));
    }
    EXPECT_TRUE(call("store", {Value(65'520), Value(bytes)}).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_TRUE(call("load", {Value(65'521)}).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_TRUE(call("lanes", {Value(65'532)}).error().is_trap(TrapCode::memory_out_of_bounds));
}

TEST_F(SharedMemoryTest, AtomicsOfAnyMemory) {
    const Store own = store();
    const Instance i = Linker(engine)
                           .instantiate(own, Module::from_wat(engine, R"((module
        (memory $plain 1) (memory $wide i64 1 2 shared)
        (func (export "wide") (param i64) (result i64)
            (drop (i64.atomic.rmw32.xchg_u $wide offset=8 (local.get 0) (i64.const -1)))
            (i64.atomic.rmw.add $wide offset=8 (local.get 0) (i64.const 5)))
        (func (export "plain") (param i32) (result i32)
            (i32.atomic.store16 $plain (local.get 0) (i32.const 0x12345))
            (atomic.fence)
            (i32.atomic.rmw16.cmpxchg_u $plain (local.get 0) (i32.const 0x72345) (i32.const 1)))
        (func (export "notify") (param i32) (result i32) (memory.atomic.notify $plain (local.get 0) (i32.const 1)))
        (func (export "wait") (param i32) (result i32)
            (memory.atomic.wait32 $plain (local.get 0) (i32.const 0) (i64.const -1)))))")
                                                 .value())
                           .value();
    auto wide = i.typed_function<int64_t(int64_t)>("wide").value();
    EXPECT_EQ(*wide(16), 0xffff'ffff);
    EXPECT_TRUE(wide(2).error().is_trap(TrapCode::unaligned_atomic));
    EXPECT_TRUE(wide(page).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_TRUE(wide(-8).error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_TRUE(wide(-16).error().is_trap(TrapCode::memory_out_of_bounds));
    auto plain = i.typed_function<int32_t(int32_t)>("plain").value();
    EXPECT_EQ(*plain(6), 0x2345);
    EXPECT_TRUE(plain(7).error().is_trap(TrapCode::unaligned_atomic));
    auto notify = i.typed_function<int32_t(int32_t)>("notify").value();
    EXPECT_EQ(*notify(4), 0);
    EXPECT_TRUE(notify(6).error().is_trap(TrapCode::unaligned_atomic));
    EXPECT_TRUE(notify(65'536).error().is_trap(TrapCode::memory_out_of_bounds));
    auto wait = i.typed_function<int32_t(int32_t)>("wait").value();
    EXPECT_TRUE(wait(4).error().is_trap(TrapCode::expected_shared_memory));
}

/// One unit each, charged before the effect, also by the one that traps.
TEST_F(SharedMemoryTest, FuelIsExact) {
    const Module costing = module(R"((func (export "f") (param i32) (result i32)
        (i32.atomic.store (local.get 0) (i32.const 1)) (atomic.fence)
        (drop (i32.atomic.rmw.cmpxchg (local.get 0) (i32.const 1) (i32.const 2)))
        (drop (memory.atomic.notify (local.get 0) (i32.const 1)))
        (drop (memory.atomic.wait32 (local.get 0) (i32.const 7) (i64.const 0)))
        (i32.atomic.load offset=2 (i32.const 2))))");
    constexpr uint64_t cost = 3 + 1 + 4 + 3 + 4 + 2;
    Store own = store();
    const auto f = instance(own, costing).typed_function<int32_t(int32_t)>("f").value();
    for (uint64_t fuel = 0; fuel <= cost; ++fuel) {
        own.set_fuel(fuel);
        const auto result = f(4);
        if (fuel < cost) {
            EXPECT_TRUE(result.error().is_trap(TrapCode::out_of_fuel)) << fuel;
            EXPECT_EQ(own.fuel_left(), 0u);
        } else {
            EXPECT_EQ(*result, 2);
        }
    }
    own.set_fuel(100);
    EXPECT_TRUE(f(5).error().is_trap(TrapCode::unaligned_atomic));
    EXPECT_EQ(own.fuel_left(), 100u - 3u);
}

}  // namespace
}  // namespace wsb::testing
