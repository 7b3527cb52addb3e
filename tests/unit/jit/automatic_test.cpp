// SPDX-License-Identifier: Apache-2.0
// Functions that get machine code while they run: which do, when, and that a run changes over in the middle.
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "engine/runtime/store.h"
#include "wsb/engine.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace wsb::testing {
namespace {

/// Tests of machine code skip where there is none. This one does not, so they do not skip anywhere else.
TEST(Compiler, IsThereWhereItCanBe) {
#if defined(WSB_HAS_JIT) && WSB_TAIL_DISPATCH
    EXPECT_EQ(Engine::has_jit(), __builtin_cpu_supports("sse4.2") != 0);
#else
    EXPECT_FALSE(Engine::has_jit());
#endif
}

/// An engine with one module, whose host function `mark` notes in which form the function runs that calls it.
class AutomaticTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code: this build or this processor has no compiler";
    }
    void load(std::string_view fields, Config config = {.tier = TierChoice::automatic}) {
        m_engine.emplace(config);
        m_module =
            v1::Module::from_wat(*m_engine, fmt::format(R"((import "host" "mark" (func $mark)){})", fields));
        ASSERT_TRUE(*m_module) << m_module->error().message();
        enter_store();
    }
    /// A new store of the same engine.
    void enter_store() {
        m_store = Store::create(*m_engine).value();
        Linker linker(*m_engine);
        ASSERT_TRUE(linker.function("host", "mark", [this](Caller&) {
            const auto& context = m_store->impl().context();
            m_marks.push_back(interp::find_code(context, context.trap_ip).is_machine());
        }));
        auto instance = linker.instantiate(*m_store, **m_module);
        ASSERT_TRUE(instance) << instance.error().message();
        m_instance = *instance;
    }
    [[nodiscard]] CallResult<std::vector<Value>> call(std::vector<Value> arguments = {}) {
        return m_instance->func("f").value().call(arguments);
    }
    [[nodiscard]] CodeStatistics statistics() const { return (*m_module)->code_statistics(); }

    std::optional<Engine> m_engine;
    std::optional<Result<v1::Module>> m_module;
    std::optional<Store> m_store;
    std::optional<Instance> m_instance;
    std::vector<bool> m_marks;  ///< by call of `mark`: whether it came from machine code
};

/// Local 0 rounds; a mark in each.
constexpr const char* loop_with_marks = R"((func (export "f") (param i32) (result i32) (local i32)
    (loop (call $mark)
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))";

TEST_F(AutomaticTest, ALoopIsEnteredInTheMiddle) {
    load(loop_with_marks);
    const auto results = call({Value(100'000)});
    ASSERT_TRUE(results);
    EXPECT_EQ((*results)[0].i32(), static_cast<int32_t>(100'000ll * 100'001 / 2));
    ASSERT_EQ(m_marks.size(), 100'000u);
    const auto change = std::ranges::find(m_marks, true);
    // Two slices of 32,768 units, at 11 a round, and the window.
    EXPECT_GT(change - m_marks.begin(), 2 * 32'768 / 11);
    EXPECT_LT(change - m_marks.begin(), 3 * 32'768 / 11);
    EXPECT_TRUE(std::all_of(change, m_marks.end(), [](bool is_machine) { return is_machine; }));
    EXPECT_EQ(statistics().machine_functions, 1u);
    EXPECT_GT(statistics().machine_bytes, 0u);
}

/// What the interpreter has not stored grows with operands times settlement points: where that is out of
/// proportion nothing of it is kept, and only the next call has machine code.
TEST_F(AutomaticTest, ManyOperandsAtManyPointsAreNotKept) {
    constexpr int operands = 500, points = 500;
    std::string text = R"((func (export "f") (param i32) (result i32) )";
    for (int i = 0; i < operands; ++i)
        text += "(i32.const 1)";
    for (int i = 0; i < points; ++i)
        text += "(loop)";
    text += R"((loop (call $mark) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))";
    for (int i = 1; i < operands; ++i)
        text += "(i32.add)";
    load(text + ")");
    for (const bool is_second : {false, true}) {
        const auto results = call({Value(50'000)});
        ASSERT_TRUE(results);
        EXPECT_EQ((*results)[0].i32(), operands);
        EXPECT_EQ(std::ranges::count(m_marks, is_second), 50'000);
        EXPECT_EQ(statistics().machine_functions, 1u);
        m_marks.clear();
    }
}

TEST_F(AutomaticTest, WhatIsColdStaysAsItIs) {
    load(loop_with_marks);
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(call({Value(100)}));
    EXPECT_EQ(std::ranges::count(m_marks, true), 0);
    EXPECT_EQ(statistics().machine_functions, 0u);
    EXPECT_EQ(statistics().machine_bytes, 0u);
}

TEST_F(AutomaticTest, ShortCallsAddUp) {
    load(loop_with_marks);
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(call({Value(100)}));
    EXPECT_FALSE(m_marks.front());
    EXPECT_TRUE(m_marks.back());
    EXPECT_GT(std::ranges::count(m_marks, true), 90'000);
}

TEST_F(AutomaticTest, TheInterpreterAloneIsAChoice) {
    load(loop_with_marks, {.tier = TierChoice::interpreter});
    ASSERT_TRUE(call({Value(100'000)}));
    EXPECT_EQ(std::ranges::count(m_marks, true), 0);
}

TEST_F(AutomaticTest, ThePlaceIsTheSameEachTime) {
    std::vector<std::ptrdiff_t> changes;
    for (int i = 0; i < 3; ++i) {
        load(loop_with_marks);
        m_marks.clear();
        ASSERT_TRUE(call({Value(50'000)}));
        changes.push_back(std::ranges::find(m_marks, true) - m_marks.begin());
    }
    EXPECT_EQ(changes[0], changes[1]);
    EXPECT_EQ(changes[0], changes[2]);
}

/// Fuel is low at entries and returns only.
TEST_F(AutomaticTest, Recursion) {
    load(R"((func $f (export "f") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (call $mark) (local.get 0))
            (else (i32.add (call $f (i32.sub (local.get 0) (i32.const 1)))
                           (call $f (i32.sub (local.get 0) (i32.const 2))))))))");
    const auto results = call({Value(22)});
    ASSERT_TRUE(results);
    EXPECT_EQ((*results)[0].i32(), 17'711);
    EXPECT_GT(std::ranges::count(m_marks, true), 20'000);
}

/// All the fuel is used by a callee that has no check of its own: it is noticed where it returns to, first in
/// the interpreter, then in machine code.
TEST_F(AutomaticTest, CalleesOfHotFunctions) {
    std::string much;
    for (int i = 0; i < 200; ++i)
        much += "(local.set 0 (i32.add (i32.rotl (local.get 0) (i32.const 3)) (i32.const 7)))";
    load(fmt::format(R"((func $g (param i32) (result i32) (call $mark) {} (local.get 0))
        (func (export "f") (param i32) (result i32) (local i32)
            (loop (local.set 1 (call $g (local.get 1)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))",
                     much));
    ASSERT_TRUE(call({Value(2000)}));
    EXPECT_TRUE(m_marks.back());
    EXPECT_EQ(statistics().machine_functions, 2u);
}

/// A loop that is the first thing of a function stands where its entry does.
TEST_F(AutomaticTest, LocalsOfALoopAtTheEntryAreKept) {
    load(R"((func (export "f") (result i32) (local i32 i32)
        (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 60000))))
        (call $mark)
        (local.get 1)))");
    const auto results = call();
    ASSERT_TRUE(results);
    EXPECT_EQ(static_cast<uint32_t>((*results)[0].i32()), 59'999u * 30'000u);
    EXPECT_TRUE(m_marks.back());
}

TEST_F(AutomaticTest, LargeFunctionsMustRunLonger) {
    std::string much;
    for (int i = 0; i < 4000; ++i)
        much += "(if (local.get 1) (then (call $mark)))";
    const std::string text = fmt::format(R"((func (export "f") (param i32) (local i32)
        (block (br_if 0 (i32.eqz (local.get 1))) {})
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
                                         much);
    load(text);
    ASSERT_TRUE(call({Value(3 * 32'768 / 4)}));
    EXPECT_EQ(statistics().machine_functions, 0u);
    ASSERT_TRUE(call({Value(100 * 32'768 / 4)}));
    EXPECT_EQ(statistics().machine_functions, 1u);
}

TEST_F(AutomaticTest, MachineCodeIsLimited) {
    Config config{.tier = TierChoice::automatic};
    config.module_limits.compiled_bytes = 2000;
    const std::string loop = "(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))";
    std::string functions;
    for (int i = 0; i < 20; ++i)
        functions += fmt::format("(func $g{} (param i32) {})", i, loop);
    std::string calls;
    for (int i = 0; i < 20; ++i)
        calls += fmt::format("(call $g{} (i32.const 50000))", i);
    load(fmt::format(R"({} (func (export "f") {}))", functions, calls), config);
    ASSERT_TRUE(call());
    EXPECT_GT(statistics().machine_functions, 0u);
    EXPECT_LT(statistics().machine_functions, 20u);
    EXPECT_LE(statistics().machine_bytes, 2000u);
}

/// One compiles, others go on or find the code there; all come to the same.
TEST_F(AutomaticTest, StoresOfSeveralThreads) {
    for (const bool is_lazy : {false, true}) {
        Config config;
        config.tier = TierChoice::automatic;
        config.lazy_translation = is_lazy;
        config.tiering = {.sample_units = 64, .hot_samples = 2};
        const Engine engine(config);
        std::string functions;
        for (int i = 0; i < 50; ++i)
            functions += fmt::format(R"((func $g{0} (param i32) (result i32) (local i32)
                (loop (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const {0})) (local.get 0)))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                {1} (i32.add)))",
                                     i,
                                     i == 0 ? "(local.get 1) (local.get 1)"
                                            : fmt::format("(local.get 1) (call $g{} (i32.const 40))", i - 1));
        const auto module = v1::Module::from_wat(
            engine, functions + R"((func (export "f") (result i32) (call $g49 (i32.const 40))))");
        ASSERT_TRUE(module) << module.error().message();
        std::array<uint32_t, 4> sums{};
        std::vector<std::thread> threads;
        for (uint32_t& sum : sums) {
            threads.emplace_back([&] {
                Store store = Store::create(engine).value();
                const Instance instance = Linker(engine).instantiate(store, *module).value();
                for (int i = 0; i < 20; ++i)
                    sum = sum * 31 +
                          static_cast<uint32_t>(instance.func("f").value().call({}).value()[0].i32());
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_EQ(module->code_statistics().machine_functions, 51u);
        for (const uint32_t sum : sums)
            EXPECT_EQ(sum, sums[0]);
    }
}

/// The host calls the guest from the guest: short of fuel in the slice is not short of fuel.
TEST_F(AutomaticTest, NestedEntries) {
    const auto run = [this](TierChoice tier) {
        load(R"((func (export "f") (param i32) (result i32) (local i32)
                (loop (local.set 1 (i32.add (local.get 1) (i32.const 3)))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 1)))",
             {.tier = tier});
        Linker linker(*m_engine);
        EXPECT_TRUE(linker.function("host", "again",
                                    [this](int32_t x) { return call({Value(x)}).value()[0].i32(); }));
        const auto outer = v1::Module::from_wat(*m_engine, R"(
            (import "host" "again" (func $again (param i32) (result i32)))
            (func (export "g") (param i32) (result i32) (local i32)
                (loop (local.set 1 (i32.add (local.get 1) (call $again (local.get 0))))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 1)))");
        const Instance instance = linker.instantiate(*m_store, outer.value()).value();
        m_store->set_fuel(10'000'000);
        EXPECT_EQ(instance.func("g").value().call({Value(1000)}).value()[0].i32(), 3 * 1000 * 1001 / 2);
        return m_store->fuel_consumed();
    };
    EXPECT_EQ(run(TierChoice::automatic), run(TierChoice::interpreter));
    run(TierChoice::automatic);
    EXPECT_EQ(statistics().machine_functions, 1u);
}

}  // namespace
}  // namespace wsb::testing
