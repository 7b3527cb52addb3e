// SPDX-License-Identifier: Apache-2.0
// Nothing of one lease is there in the next: each kind of state is changed in one and looked for in the next,
// in the same slot, which was not built anew.
#include "tests/unit/api/pool_fixture.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>

namespace wsb::testing {
namespace {

using Use = std::function<void(const PooledInstance&)>;

uint64_t address_space_bytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t pages = 0;
    statm >> pages;
    return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// With and without asking the kernel which pages were written.
struct PoolState : PoolFixture, ::testing::WithParamInterface<bool> {
    static constexpr int rounds = 4;
    const Pool pool = pool_of(small(1, GetParam()));

    /// `use` finds the state new and changes it, again and again.
    void again(const InstancePre& pre, const Use& use, uint64_t expected_builds = 1) const {
        for (int round = 0; round < rounds; ++round) {
            SCOPED_TRACE(round);
            use(take(pool, pre));
        }
        EXPECT_EQ(pool.statistics().builds, expected_builds);
        EXPECT_EQ(pool.statistics().takes, rounds);
    }
};
INSTANTIATE_TEST_SUITE_P(, PoolState, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "AskingTheKernel" : "WithoutAsking"; });

constexpr std::string_view memory_module = R"((memory (export "memory") {} {})
    (data (i32.const 100) "begin") (data (i32.const {}) "end") (data $passive "passive")
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "set") (param i32 i32) (result i32) (i32.store8 (local.get 0) (local.get 1)) (i32.const 0))
    (func (export "fill") (param i32 i32) (result i32)
        (memory.fill (local.get 0) (i32.const 255) (local.get 1)) (i32.const 0))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "drop") (result i32) (data.drop $passive) (i32.const 0))
    (func (export "init") (result i32)
        (memory.init $passive (i32.const 300) (i32.const 0) (i32.const 7)) (i32.const 0)))";

std::string memory_of(int pages, int max_pages, int end) {
    return fmt::format(memory_module, pages, max_pages, end);
}

/// Images that are copied, images that are mapped, and none.
TEST_P(PoolState, MemoryOfAllSizes) {
    struct Shape {
        int pages;
        int end;
    };
    for (const auto [pages, end] :
         {Shape{1, 200}, Shape{1, 60'000}, Shape{16, 1'000'000}, Shape{32, 90'000}}) {
        const Pool own = pool_of(small(1, GetParam()));
        const std::string padding(static_cast<size_t>(end) / 2, 'p');
        const InstancePre pre_made = pre(memory_of(pages, 100, end) + "(data (i32.const 400) \"" +
                                         (end > 1000 ? padding : "") + "\")");
        for (int round = 0; round < rounds; ++round) {
            SCOPED_TRACE(fmt::format("{} pages, end {}, round {}", pages, end, round));
            const PooledInstance taken = take(own, pre_made);
            const Memory memory = taken.instance().memory().value();
            EXPECT_EQ(memory.size_pages(), static_cast<uint64_t>(pages));
            std::vector<uint8_t> found(memory.size_bytes());
            ASSERT_TRUE(memory.read(0, found));
            std::vector<uint8_t> expected(memory.size_bytes());
            std::ranges::copy(std::string_view("begin"), expected.begin() + 100);
            std::ranges::copy(std::string_view("end"), expected.begin() + end);
            if (end > 1000)
                std::ranges::copy(padding, expected.begin() + 400);
            EXPECT_EQ(found, expected);
            // Some pages, every page, or the ends.
            if (round == 0)
                for (int at = 5; at < pages * 65'536; at += 20'000)
                    call(taken, "set", at, 77);
            else if (round == 1)
                call(taken, "fill", 0, pages * 65'536);
            else
                call(taken, "set", pages * 65'536 - 1, 1);
        }
        EXPECT_EQ(own.statistics().builds, 1U);
    }
}

TEST_P(PoolState, GrownMemory) {
    again(pre(memory_of(1, 100, 200)), [](const PooledInstance& taken) {
        EXPECT_FALSE(func<int32_t(int32_t)>(taken, "get")(65'536)) << "not there yet";
        EXPECT_EQ(taken.store().memory_bytes(), 65'536U);
        EXPECT_EQ(taken.store().peak_memory_bytes(), 65'536U);
        ASSERT_EQ(call(taken, "grow", 20), 1);
        for (int at = 65'536; at < 21 * 65'536; at += 4'096)
            EXPECT_EQ(call(taken, "get", at), 0);
        call(taken, "fill", 65'536, 20 * 65'536);
        EXPECT_EQ(taken.store().memory_bytes(), 21U * 65'536);
    });
}

/// What is beyond the size is not accessible, even to the host's own mistakes.
TEST_P(PoolState, GrownMemoryIsInaccessibleMeanwhile) {
    const InstancePre growing = pre(memory_of(1, 100, 200));
    uint8_t* base = nullptr;
    again(growing, [&](const PooledInstance& taken) {
        base = taken.instance().memory().value().data().data();
        EXPECT_EXIT(
            {
                [[maybe_unused]] const volatile uint8_t beyond = base[65'536];
                ::_exit(0);
            },
            [](int status) { return status != 0; }, "");
        call(taken, "grow", 1);
        base[65'536] = 1;
    });
}

TEST_P(PoolState, MemoryThatTheHostWrites) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    again(pre(memory_of(16, 100, 200)), [&](const PooledInstance& taken) {
        const Memory memory = taken.instance().memory().value();
        EXPECT_EQ(call(taken, "get", 500'000), 0);
        EXPECT_EQ(call(taken, "get", 600'000), 0);
        EXPECT_EQ(call(taken, "get", 700'000), 0);
        // By the kernel, by a pointer, by the API.
        ASSERT_EQ(::write(ends[1], "x", 1), 1);
        ASSERT_EQ(::read(ends[0], memory.view(500'000, 1)->data(), 1), 1);
        memory.data()[600'000] = 1;
        ASSERT_TRUE(memory.write(700'000, std::array<uint8_t, 1>{1}));
    });
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_P(PoolState, DroppedSegments) {
    again(pre(memory_of(1, 1, 200) + R"((table 2 funcref) (elem $e func $f $f) (func $f)
        (func (export "elem") (result i32)
            (table.init $e (i32.const 0) (i32.const 0) (i32.const 2)) (elem.drop $e) (i32.const 0)))"),
          [](const PooledInstance& taken) {
              EXPECT_EQ(call(taken, "get", 300), 0);
              EXPECT_EQ(call(taken, "init"), 0);
              EXPECT_EQ(call(taken, "get", 300), 'p');
              call(taken, "drop");
              EXPECT_FALSE(func<int32_t()>(taken, "init")());
              EXPECT_EQ(call(taken, "elem"), 0);
              EXPECT_FALSE(func<int32_t()>(taken, "elem")());
          });
}

TEST_P(PoolState, Globals) {
    again(pre(R"((global $a (export "a") (mut i32) (i32.const 5)) (global $b i64 (i64.const 6))
        (global $v (mut v128) (v128.const i64x2 1 2)) (global $r (mut externref) (ref.null extern))
        (global $f (mut funcref) (ref.func $next))
        (func $next (export "next") (result i32)
            (global.set $a (i32.add (global.get $a) (i32.const 1)))
            (global.set $v (i64x2.add (global.get $v) (global.get $v)))
            (global.set $f (ref.null func))
            (i32.add (global.get $a) (i32.wrap_i64 (i64x2.extract_lane 1 (global.get $v)))))
        (func (export "clean") (result i32)
            (i32.and (ref.is_null (global.get $r)) (i32.eqz (ref.is_null (global.get $f)))))
        (func (export "keep") (param externref) (global.set $r (local.get 0))))"),
          [](const PooledInstance& taken) {
              EXPECT_EQ(call(taken, "clean"), 1);
              EXPECT_EQ(call(taken, "next"), 10);
              EXPECT_EQ(call(taken, "next"), 15);
              ASSERT_TRUE(taken.instance().global("a")->set(Value(100)));
              const ExternRef object = ExternRef::create(taken.store(), 5).value();
              ASSERT_TRUE(func<void(ExternRef)>(taken, "keep")(object));
          });
}

TEST_P(PoolState, Tables) {
    again(
        pre(R"((table $t (export "t") 4 funcref) (table $e 0 100 externref) (elem (table $t) (i32.const 1) func $one $two)
        (type $n (func (result i32))) (func $one (type $n) (i32.const 1)) (func $two (type $n) (i32.const 2))
        (elem declare func $two)
        (func (export "call") (param i32) (result i32) (call_indirect $t (type $n) (local.get 0)))
        (func (export "swap") (result i32) (table.set $t (i32.const 1) (ref.func $two)) (i32.const 0))
        (func (export "size") (result i32) (i32.add (i32.mul (i32.const 1000) (table.size $e)) (table.size $t)))
        (func (export "grow") (param i32) (result i32)
            (drop (table.grow $e (ref.null extern) (local.get 0)))
            (table.grow $t (ref.func $two) (local.get 0))))"),
        [](const PooledInstance& taken) {
            EXPECT_EQ(call(taken, "size"), 4);
            EXPECT_EQ(call(taken, "call", 1), 1);
            EXPECT_EQ(call(taken, "call", 2), 2);
            EXPECT_FALSE(func<int32_t(int32_t)>(taken, "call")(3)) << "uninitialized";
            EXPECT_FALSE(func<int32_t(int32_t)>(taken, "call")(4)) << "not there";
            EXPECT_EQ(call(taken, "grow", 50), 4);
            EXPECT_EQ(call(taken, "size"), 50'054);
            EXPECT_EQ(call(taken, "call", 4), 2);
            call(taken, "swap");
            EXPECT_EQ(call(taken, "call", 1), 2);
            ASSERT_TRUE(taken.instance().table("t")->set(3, *taken.instance().table("t")->get(1)));
        });
}

TEST_P(PoolState, Objects) {
    again(pre(R"((type $list (array (mut i32))) (tag $tag (param i32))
        (global $kept (mut (ref null $list)) (ref.null $list))
        (func (export "is_new") (result i32) (ref.is_null (global.get $kept)))
        (func (export "keep") (param i32) (result i32)
            (global.set $kept (array.new $list (i32.const 7) (local.get 0)))
            (array.get $list (global.get $kept) (i32.const 0)))
        (func (export "make") (result anyref) (array.new $list (i32.const 7) (i32.const 3)))
        (func (export "throw") (result i32) (throw $tag (i32.const 1))))"),
          [](const PooledInstance& taken) {
              EXPECT_EQ(call(taken, "is_new"), 1);
              EXPECT_EQ(taken.store().memory_bytes(), 0U);
              EXPECT_EQ(taken.store().heap_statistics().capacity_bytes, 0U);
              EXPECT_EQ(taken.store().heap_statistics().collections, 0U);
              EXPECT_EQ(call(taken, "keep", 100'000), 7);
              taken.store().collect_garbage();
              EXPECT_GT(taken.store().memory_bytes(), 400'000U);
              EXPECT_TRUE(taken.instance().func("make")->call({}));
              const auto thrown = func<int32_t()>(taken, "throw")();
              ASSERT_FALSE(thrown);
              EXPECT_TRUE(Exception::of(taken.store(), thrown.error()).has_value());
          });
}

/// What the host kept of an object is refused in the next lease, not followed.
TEST_P(PoolState, ObjectsInTheHandsOfTheHost) {
    std::optional<Value> kept;
    again(pre(R"((type $box (struct (field i32)))
        (func (export "make") (result anyref) (struct.new $box (i32.const 3))))"),
          [&](const PooledInstance& taken) {
              if (kept) {
                  EXPECT_FALSE(kept->has_type(taken.store(), ValType::reference(HeapType::any, true)));
              }
              kept = taken.instance().func("make")->call({})->front();
              EXPECT_TRUE(kept->has_type(taken.store(), ValType::reference(HeapType::any, true)));
          });
}

TEST_P(PoolState, HostReferences) {
    const auto object = std::make_shared<int>(1);
    again(pre("(module)"), [&](const PooledInstance& taken) {
        EXPECT_EQ(object.use_count(), 1) << "that of the lease before is still there";
        const ExternRef reference = ExternRef::create(taken.store(), object).value();
        EXPECT_EQ(reference.raw(), 2U) << "the first one";
        EXPECT_EQ(object.use_count(), 2);
    });
    EXPECT_EQ(object.use_count(), 1);
}

TEST_P(PoolState, FuelLimitsAndData) {
    const InstancePre spinning =
        pre(R"((memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 1)))
        (func (export "spin") (result i32) (loop (br 0)) unreachable))");
    int mine = 0;
    again(spinning, [&](const PooledInstance& taken) {
        StoreRef store_of_lease = taken.store();
        EXPECT_EQ(store_of_lease.fuel_left(), std::nullopt);
        EXPECT_EQ(store_of_lease.fuel_consumed(), 0U);
        EXPECT_EQ(store_of_lease.data(), nullptr);
        EXPECT_EQ(store_of_lease.last_limit_reached(), std::nullopt);
        EXPECT_EQ(store_of_lease.limits().memory_bytes, uint64_t{64} << 20);
        EXPECT_EQ(call(taken, "grow"), 1);
        store_of_lease.set_data(&mine);
        StoreLimits limits;
        limits.memory_bytes = 1;
        store_of_lease.set_limits(limits);
        EXPECT_EQ(call(taken, "grow"), -1);
        EXPECT_EQ(store_of_lease.last_limit_reached(), LimitKind::memory_bytes);
        store_of_lease.set_fuel(1000);
        const auto spun = func<int32_t()>(taken, "spin")();
        EXPECT_TRUE(spun.error().is_trap(TrapCode::out_of_fuel));
        EXPECT_EQ(store_of_lease.fuel_left(), 0U);
    });
    const PooledInstance given = take(pool, spinning, {.fuel = 500, .data = &mine});
    EXPECT_EQ(given.store().fuel_left(), 500U);
    EXPECT_EQ(given.store().data(), &mine);
}

TEST_P(PoolState, TrapsMidway) {
    again(pre(R"((memory 1) (global $g (mut i32) (i32.const 1))
        (func $deep (export "deep") (param i32) (result i32) (local i64 i64 i64 i64)
            (i32.store (i32.const 4) (local.get 0)) (global.set $g (local.get 0))
            (call $deep (i32.add (local.get 0) (i32.const 1))))
        (func (export "state") (result i32) (i32.add (i32.load (i32.const 4)) (global.get $g)))
        (func (export "divide") (param i32) (result i32)
            (global.set $g (i32.const 9)) (i32.div_u (i32.const 1) (local.get 0))))"),
          [](const PooledInstance& taken) {
              EXPECT_EQ(call(taken, "state"), 1);
              EXPECT_TRUE(func<int32_t(int32_t)>(taken, "divide")(0).error().is_trap(
                  TrapCode::integer_divide_by_zero));
              EXPECT_EQ(call(taken, "state"), 9);
              EXPECT_TRUE(func<int32_t(int32_t)>(taken, "deep")(2).error().is_trap(TrapCode::stack_overflow));
              EXPECT_GT(call(taken, "state"), 1000);
          });
}

/// Locals that were never set come from the stack of the lease before, if they are not zeroed.
TEST_P(PoolState, Stack) {
    again(pre(R"((func $deep (export "deep") (param i64 i32) (local i64 i64 i64)
            (local.set 2 (local.get 0)) (local.set 3 (local.get 0)) (local.set 4 (local.get 0))
            (if (local.get 1) (then (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1))))))
        (func (export "sum") (result i64) (local i64 i64 i64 i64 i64 i64)
            (i64.add (i64.add (local.get 0) (local.get 1)) (i64.add (local.get 2) (local.get 5)))))"),
          [](const PooledInstance& taken) {
              EXPECT_EQ(func<int64_t()>(taken, "sum")().value(), 0);
              EXPECT_TRUE((func<void(int64_t, int32_t)>(taken, "deep")(0x5ec3e7, 1000)));
          });
}

TEST_P(PoolState, WhatTheHostAddedToTheStore) {
    const auto environment = std::make_shared<int>(0);
    linker.function("host", "unused", [environment] {}).value();
    std::weak_ptr<const runtime::CompiledModule> second_module;
    std::vector<uint64_t> address_space;
    again(pre(R"((memory (export "memory") 1) (global (export "g") (mut i32) (i32.const 3)))"),
          [&](const PooledInstance& taken) {
              EXPECT_EQ(taken.store().memory_bytes(), 65'536U);
              EXPECT_EQ(taken.instance().global("g")->get().i32(), 3);
              EXPECT_TRUE(second_module.expired());
              address_space.push_back(address_space_bytes());
              // A second instance, which uses the first and writes into its memory as it begins.
              Linker other(engine);
              other.instance("first", taken.instance()).value();
              other.function("host", "f", [environment] { return *environment; }).value();
              const auto second = other.instantiate(
                  taken.store(),
                  module(R"((import "first" "memory" (memory 1)) (import "first" "g" (global (mut i32)))
                      (import "host" "f" (func (result i32)))
                      (memory 4) (table 3 funcref) (data (i32.const 20) "x") (func $f (global.set 0 (i32.const 4))) (start $f))"));
              ASSERT_TRUE(second) << second.error().message();
              second_module = second->module().compiled();
              EXPECT_EQ(taken.instance().memory()->data()[20], 'x');
              EXPECT_GT(environment.use_count(), 2);
              ASSERT_TRUE(Memory::create(taken.store(), {AddressType::i32, false, {1, 60'000}}));
              ASSERT_TRUE(Table::create(taken.store(), {AddressType::i32, ValType::funcref(), {1, 1}},
                                        Value::null(ValType::funcref())));
              ASSERT_TRUE(Global::create(taken.store(), {ValType::i32, true}, Value(1)));
              EXPECT_EQ(taken.store().memory_bytes(), 6U * 65'536);
          });
    EXPECT_EQ(environment.use_count(), 2) << "held by the store still";
    EXPECT_LT(address_space.back(), address_space[1] + (uint64_t{1} << 31)) << "memories are still there";
}

TEST_P(PoolState, ManyMemoriesOfAllKinds) {
    again(pre(R"((memory $a 1) (memory $b i64 1 4) (memory $c 100 (pagesize 1)) (memory $d 3)
        (data (memory $b) (i64.const 10) "b") (data (memory $c) (i32.const 99) "c") (data (memory $d) (i32.const 190000) "d")
        (func (export "sum") (result i32)
            (i32.add (i32.add (i32.load8_u $a (i32.const 65535)) (i32.load8_u $b (i64.const 10)))
                (i32.add (i32.load8_u $c (i32.const 99)) (i32.load8_u $d (i32.const 190000)))))
        (func (export "sizes") (result i32)
            (i32.add (i32.wrap_i64 (memory.size $b)) (i32.add (memory.size $c) (memory.size $d))))
        (func (export "change") (result i32)
            (i32.store8 $a (i32.const 65535) (i32.const 1)) (i32.store8 $b (i64.const 10) (i32.const 1))
            (i32.store8 $c (i32.const 99) (i32.const 1)) (i32.store8 $d (i32.const 190000) (i32.const 1))
            (drop (memory.grow $c (i32.const 5000)))
            (memory.fill $c (i32.const 100) (i32.const 7) (i32.const 5000))
            (drop (memory.grow $b (i64.const 1)))
            (memory.grow $d (i32.const 2)))
        (func (export "grown") (result i32) (drop (memory.grow $c (i32.const 5000))) (i32.load8_u $c (i32.const 5000))))"),
          [](const PooledInstance& taken) {
              EXPECT_EQ(call(taken, "sum"), 'b' + 'c' + 'd');
              EXPECT_EQ(call(taken, "sizes"), 1 + 100 + 3);
              EXPECT_EQ(call(taken, "grown"), 0);
              EXPECT_EQ(call(taken, "change"), 3);
          });
}

// What cannot be reset is built anew each time.

TEST_P(PoolState, SharedMemories) {
    again(
        pre(R"((memory (export "memory") 1 4 shared) (data (i32.const 3) "x")
            (func (export "add") (result i32) (drop (memory.grow (i32.const 1))) (i32.atomic.rmw8.add_u (i32.const 3) (i32.const 1))))"),
        [](const PooledInstance& taken) {
            EXPECT_EQ(taken.instance().memory()->size_pages(), 1U);
            EXPECT_EQ(call(taken, "add"), 'x');
            EXPECT_EQ(call(taken, "add"), 'x' + 1);
        },
        rounds);
}

TEST_P(PoolState, ImportedMemories) {
    const SharedMemory shared = SharedMemory::create({AddressType::i32, true, {1, 2}}).value();
    linker.define("host", "memory", shared).value();
    again(
        pre(R"((memory (import "host" "memory") 1 2 shared) (data (i32.const 3) "x")
            (func (export "add") (result i32) (drop (i32.atomic.rmw8.add_u (i32.const 4) (i32.const 1)))
                (i32.atomic.rmw8.add_u (i32.const 3) (i32.const 1))))"),
        [](const PooledInstance& taken) { EXPECT_EQ(call(taken, "add"), 'x'); }, rounds);
    uint8_t byte = 0;
    ASSERT_TRUE(shared.read(4, std::span(&byte, 1)));
    EXPECT_EQ(byte, rounds) << "what is shared is not reset";
}

TEST_P(PoolState, ObjectsOfConstantExpressions) {
    again(
        pre(R"((type $box (struct (field (mut i32)))) (global $g (ref $box) (struct.new $box (i32.const 5)))
            (func (export "next") (result i32)
                (struct.set $box 0 (global.get $g) (i32.add (i32.const 1) (struct.get $box 0 (global.get $g))))
                (struct.get $box 0 (global.get $g))))"),
        [](const PooledInstance& taken) { EXPECT_EQ(call(taken, "next"), 6); }, rounds);
}

TEST_P(PoolState, ScatteredData) {
    again(
        pre(R"((memory 100) (data (i32.const 0) "a") (data (i32.const 6000000) "b")
            (func (export "next") (result i32)
                (i32.store8 (i32.const 6000000) (i32.add (i32.const 1) (i32.load8_u (i32.const 6000000))))
                (i32.load8_u (i32.const 6000000))))"),
        [](const PooledInstance& taken) { EXPECT_EQ(call(taken, "next"), 'b' + 1); }, rounds);
}

}  // namespace
}  // namespace wsb::testing
