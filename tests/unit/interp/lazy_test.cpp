// SPDX-License-Identifier: Apache-2.0
// Config::lazy_translation changes when functions are translated and nothing else: results, traps, their
// places and fuel are those of a module that was translated whole, whichever way a function is reached first.
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/sanitized.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

// Sanitizers have an operator new of their own.
#ifndef WSB_IS_SANITIZED
namespace {

/// How many allocations of this thread go well until one is refused; negative: none is.
thread_local int64_t allocations_until_refusal = -1;

}  // namespace

// Not inlined: g++ would take malloc and free for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size_bytes) {
    void* const memory =
        allocations_until_refusal-- == 0 ? nullptr : std::malloc(std::max<size_t>(size_bytes, 1));
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}
#endif

namespace wsb::testing {
namespace {

Config config_of(bool is_lazy, bool collects_always = false) {
    Config config;
    config.features = Features::up_to(4);
    config.lazy_translation = is_lazy;
    config.collect_always = collects_always;
    return config;
}

/// A module with an export "f" of type (i32) -> (i32). It can import "host" "back", which calls the export
/// "back" of its caller, and "other" "fib".
struct Way {
    const char* name;
    const char* wat;
};

std::ostream& operator<<(std::ostream& out, const Way& way) {
    return out << way.name;
}

constexpr const char* other_module = R"((memory (export "m") 1)
    (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "grow_and_trap") (param i32) (result i32)
        (i32.store (i32.const 8) (i32.const 7)) (i32.load (i32.const -1))))";

const Way ways[] = {
    {"direct", R"((func $g (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
        (func (export "f") (param i32) (result i32)
            (i32.add (call $g (local.get 0)) (call $g (i32.const 1)))))"},
    {"many_locals",
     R"((func $g (param i32) (result i32) (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
            i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
            i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
            i64 i64 i64 i64 i64 i64 i64 i64 i64) (i32.wrap_i64 (local.get 60)))
        (func (export "f") (param i32) (result i32) (call $g (local.get 0))))"},
    {"vectors_and_many_results", R"((func $g (param v128 i32) (result i32 v128 f64)
            (local.get 1) (local.get 0) (f64.const 2))
        (func (export "f") (param i32) (result i32)
            (call $g (i32x4.splat (local.get 0)) (i32.const 5)) (drop) (drop)))"},
    {"indirect", R"((type $t (func (param i32) (result i32))) (table funcref (elem $g $h))
        (func $g (type $t) (i32.add (local.get 0) (i32.const 1)))
        (func $h (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0)))
        (func (export "f") (param i32) (result i32)
            (call_indirect (type $t) (local.get 0) (i32.const 1))))"},
    {"reference", R"((type $t (func (param i32) (result i32))) (elem declare func $g)
        (func $g (type $t) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (call_ref $t (local.get 0) (ref.func $g))))"},
    {"tail_calls", R"((type $t (func (param i32) (result i32))) (table funcref (elem $a $b $c))
        (func $a (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 77))))
            (return_call $b (i32.sub (local.get 0) (i32.const 1))))
        (func $b (type $t) (local i64 i64 i64 i64)
            (return_call_indirect (type $t) (local.get 0) (i32.const 2)))
        (func $c (type $t) (return_call_ref $t (local.get 0) (ref.func $a)))
        (func (export "f") (param i32) (result i32) (return_call $a (local.get 0))))"},
    {"other_instance", R"((import "other" "fib" (func $fib (param i32) (result i32)))
        (table funcref (elem $fib))
        (func (export "f") (param i32) (result i32) (i32.add (call $fib (i32.const 4))
            (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))))"},
    {"tail_call_to_other_instance", R"((import "other" "fib" (func $fib (param i32) (result i32)))
        (func $g (param i32) (result i32) (return_call $fib (local.get 0)))
        (func (export "f") (param i32) (result i32) (i32.add (call $g (local.get 0)) (i32.const 1))))"},
    {"trap_in_other_instance", R"((import "other" "grow_and_trap" (func $g (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) (i32.add (i32.const 1) (call $g (local.get 0)))))"},
    {"through_the_host", R"((import "host" "back" (func $host (param i32) (result i32)))
        (func (export "back") (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0)))
        (func (export "f") (param i32) (result i32) (i32.add (call $host (local.get 0))
            (call $host (i32.sub (local.get 0) (local.get 0))))))"},
    {"start", R"((global $g (mut i32) (i32.const 0)) (start $s)
        (func $s (call $t)) (func $t (global.set $g (i32.const 9)))
        (func (export "f") (param i32) (result i32) (global.get $g)))"},
    {"exceptions", R"((tag $e (param i32))
        (func $throw (param i32) (throw $e (i32.add (local.get 0) (i32.const 1))))
        (func $between (param i32) (call $throw (local.get 0)))
        (func (export "f") (param i32) (result i32)
            (block $caught (result i32)
                (try_table (catch $e $caught) (call $between (local.get 0))) (i32.const 0))))"},
    {"legacy_exceptions", R"((tag $e (param i32))
        (func $throw (param i32) (throw $e (i32.add (local.get 0) (i32.const 1))))
        (func $between (param i32) (try (do (call $throw (local.get 0))) (catch_all (rethrow 0))))
        (func (export "f") (param i32) (result i32)
            (try (result i32) (do (call $between (local.get 0)) (i32.const 0))
                (catch $e (i32.add (i32.const 10))))))"},
    {"uncaught", R"((tag $e) (func $throw (throw $e))
        (func (export "f") (param i32) (result i32) (call $throw) (i32.const 0)))"},
    {"objects", R"((type $s (struct (field (mut (ref null $s))) (field i32)))
        (func $make (param (ref null $s) i32) (result (ref $s))
            (struct.new $s (local.get 0) (local.get 1)))
        (func $sum (param (ref null $s)) (result i32)
            (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0))
                (else (i32.add (struct.get $s 1 (local.get 0)) (call $sum (struct.get $s 0 (local.get 0)))))))
        (func (export "f") (param i32) (result i32)
            (call $sum (call $make (call $make (call $make (ref.null $s) (i32.const 1)) (i32.const 2))
                (local.get 0)))))"},
    {"recursion", R"((func $g (param i32) (result i32) (local i64 i64)
            (i32.add (i32.const 1) (call $h (i32.add (local.get 0) (i32.const 1)))))
        (func $h (param i32) (result i32) (i32.add (i32.const 1) (call $g (local.get 0))))
        (func (export "f") (param i32) (result i32) (call $g (local.get 0))))"},
    {"indirect_recursion", R"((type $t (func (param i32) (result i32))) (table funcref (elem $g))
        (func $g (type $t) (local i64 i64)
            (i32.add (i32.const 1) (call_indirect (type $t) (local.get 0) (i32.const 0))))
        (func (export "f") (param i32) (result i32) (call $g (local.get 0))))"},
};

/// An engine, a store and an instance of a way.
struct World {
    explicit World(const char* wat, const Config& config) : engine(config) {
        EXPECT_TRUE(linker.function("host", "back", [](Caller& caller, int32_t x) -> CallResult<int32_t> {
            return caller.instance()->typed_function<int32_t(int32_t)>("back").value()(x);
        }));
        const Module other = Module::from_wat(engine, other_module).value();
        EXPECT_TRUE(linker.instance("other", linker.instantiate(store, other).value()));
        module = Module::from_wat(engine, wat).value();
        store.set_fuel(fuel_of_start);
        instance = linker.instantiate(store, *module).value();
    }

    /// All that can be seen of a call.
    std::string call(int32_t argument, std::optional<uint64_t> fuel) {
        store.set_fuel(fuel);
        const uint64_t before = store.fuel_consumed();
        const auto outcome = instance->func("f").value().call({argument});
        const uint64_t cost = store.fuel_consumed() - before;
        if (outcome)
            return fmt::format("{} for {}", (*outcome)[0].i32(), cost);
        const Trap* const trap = outcome.error().trap();
        return fmt::format("{} for {}", trap != nullptr ? trap->to_string() : "no trap", cost);
    }

    static constexpr uint64_t fuel_of_start = 1000;
    Engine engine;
    Linker linker{engine};
    Store store = Store::create(engine).value();
    std::optional<Module> module;
    std::optional<Instance> instance;
};

class LazyTest : public ::testing::TestWithParam<Way> {};

TEST_P(LazyTest, IsAsEager) {
    for (const bool collects_always : {false, true}) {
        World eager(GetParam().wat, config_of(false, collects_always));
        World lazy(GetParam().wat, config_of(true, collects_always));
        EXPECT_EQ(lazy.store.fuel_left(), eager.store.fuel_left());
        for (const int32_t argument : {7, 0, 7})
            EXPECT_EQ(lazy.call(argument, std::nullopt), eager.call(argument, std::nullopt));
    }
}

TEST_P(LazyTest, StopsAtTheSameUnits) {
    World eager(GetParam().wat, config_of(false));
    for (uint64_t fuel = 0; fuel < 60; ++fuel) {
        // A new one each time, so that functions are met for the first time with this much fuel.
        World lazy(GetParam().wat, config_of(true));
        EXPECT_EQ(lazy.call(7, fuel), eager.call(7, fuel)) << fuel;
        EXPECT_EQ(lazy.call(7, 5000 + fuel), eager.call(7, 5000 + fuel)) << fuel;
    }
}

#ifndef WSB_IS_SANITIZED
/// Wherever memory ends while functions are translated: the call traps, and the next one goes well.
TEST_P(LazyTest, NothingIsLostWithoutMemory) {
    const std::string expected = World(GetParam().wat, config_of(false)).call(7, 100'000);
    int traps = 0;
    for (int64_t count = 0; count < 2000; count += 7) {
        World lazy(GetParam().wat, config_of(true));
        const Func f = lazy.instance->func("f").value();
        lazy.store.set_fuel(100'000);
        allocations_until_refusal = count;
        const auto outcome = f.call({7});
        const bool was_refused = allocations_until_refusal < 0;
        allocations_until_refusal = -1;
        if (!outcome && outcome.error().is_trap(TrapCode::allocation_failure))
            ++traps;
        EXPECT_EQ(lazy.call(7, 100'000), expected) << count;
        if (!was_refused)
            break;
    }
    EXPECT_GT(traps, 0);
}
#endif

INSTANTIATE_TEST_SUITE_P(Ways, LazyTest, ::testing::ValuesIn(ways),
                         [](const auto& way) { return std::string(way.param.name); });

TEST(LazyTranslation, TranslatesWhatIsCalled) {
    constexpr const char* wat = R"((func (export "f") (param i32) (result i32)
            (if (local.get 0) (then (return (call $g)))) (call $h))
        (func $g (result i32) (i32.const 1)) (func $h (result i32) (i32.const 2)) (func $never))";
    World lazy(wat, config_of(true));
    const auto translated = [&] { return lazy.module->code_statistics().translated_functions; };
    EXPECT_EQ(lazy.module->code_statistics().functions, 4u);
    EXPECT_EQ(lazy.module->code_statistics().translated_bytes, 0u);
    EXPECT_EQ(translated(), 0u);
    lazy.call(0, std::nullopt);
    EXPECT_EQ(translated(), 2u);
    const uint64_t bytes = lazy.module->code_statistics().translated_bytes;
    lazy.call(0, std::nullopt);
    EXPECT_EQ(lazy.module->code_statistics().translated_bytes, bytes);
    lazy.call(1, std::nullopt);
    EXPECT_EQ(translated(), 3u);
    EXPECT_GT(lazy.module->code_statistics().translated_bytes, bytes);
    const World eager(wat, config_of(false));
    EXPECT_EQ(eager.module->code_statistics().translated_functions, 4u);
}

/// All bodies are judged when the module is loaded, frames beyond the limit included.
TEST(LazyTranslation, RefusesWhatEagerRefuses) {
    std::string wide_frame = "(func $f (result i32) (local";
    for (int i = 0; i < 49'000; ++i)
        wide_frame += i % 3 == 0 ? " i32" : " v128";
    const std::string bad[] = {
        "(func (result i32) (i64.const 1))", "(func) (func (br 1))",
        "(func (local i32) (local.get 1))",  wide_frame + ") (i32.const 1))",
        "(func (export \"f\") (call 7))",
    };
    for (const std::string& wat : bad) {
        const auto eager = Module::from_wat(Engine(config_of(false)), wat);
        const auto lazy = Module::from_wat(Engine(config_of(true)), wat);
        ASSERT_FALSE(eager);
        ASSERT_FALSE(lazy);
        EXPECT_EQ(lazy.error().message(), eager.error().message());
        EXPECT_EQ(lazy.error().offset_bytes, eager.error().offset_bytes);
        EXPECT_EQ(lazy.error().func, eager.error().func);
    }
}

/// Where the bound of a frame does not suffice, the frame itself is found at once.
TEST(LazyTranslation, TranslatesLargeFramesAtOnce) {
    std::string wat = R"((func (export "f") (param i32) (result i32) (local)";
    for (int i = 0; i < 45'000; ++i)
        wat += " i32";
    World lazy((wat + ") (i32.const 5)) (func)").c_str(), config_of(true));
    EXPECT_EQ(lazy.module->code_statistics().translated_functions, 1u);
    EXPECT_EQ(lazy.call(1, std::nullopt), "5 for 704");
}

/// Stores of several threads meet the same functions for the first time.
TEST(LazyTranslation, ThreadsShareAModule) {
    constexpr int thread_count = 4, function_count = 40;
    std::string wat = R"((type $t (func (param i32) (result i32))) (table funcref (elem)";
    for (int i = 0; i < function_count; ++i)
        wat += " $f" + std::to_string(i);
    wat += "))";
    for (int i = 0; i < function_count; ++i)
        wat += fmt::format(
            "(func $f{} (export \"f{}\") (type $t) (if (i32.eqz (local.get 0)) (then unreachable)) "
            "(i32.add (i32.const {}) (call_indirect (type $t) (i32.sub (local.get 0) "
            "(i32.const 1)) (i32.rem_u (i32.add (local.get 0) (i32.const {})) (i32.const {})))))",
            i, i, i, 7 * i, function_count);
    wat += R"((func (export "f") (type $t) (i32.const 0)))";
    const auto all_calls = [&](const Engine& engine, const Module& module) {
        Store store = Store::create(engine).value();
        const Instance instance = Linker(engine).instantiate(store, module).value();
        std::string seen;
        for (int i = 0; i < function_count; ++i) {
            store.set_fuel(50'000);
            const auto outcome = instance.func("f" + std::to_string(i)).value().call({i + 3});
            seen += outcome ? "returned" : outcome.error().trap()->to_string();
            seen += fmt::format(" {}\n", store.fuel_left().value_or(0));
        }
        return seen;
    };
    const Engine eager_engine(config_of(false)), engine(config_of(true));
    const std::string expected = all_calls(eager_engine, Module::from_wat(eager_engine, wat).value());
    for (int repeat = 0; repeat < 10; ++repeat) {
        const Module module = Module::from_wat(engine, wat).value();
        std::atomic<int> waiting = thread_count;
        std::vector<std::string> seen(thread_count);
        std::vector<std::thread> threads;
        for (std::string& mine : seen) {
            threads.emplace_back([&] {
                --waiting;
                while (waiting != 0) {
                }
                mine = all_calls(engine, module);
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        for (const std::string& mine : seen)
            EXPECT_EQ(mine, expected);
    }
}

}  // namespace
}  // namespace wsb::testing
