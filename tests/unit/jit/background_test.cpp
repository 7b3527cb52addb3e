// SPDX-License-Identifier: Apache-2.0
// Config::background_compilation: another thread compiles, the run goes on meanwhile and comes to the same.
#include "wsb/engine.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;

class BackgroundTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code: this build or this processor has no compiler";
    }
    [[nodiscard]] static Config config_of(bool is_in_background) {
        Config config;
        config.tier = TierChoice::automatic;
        config.background_compilation = is_in_background;
        return config;
    }
    [[nodiscard]] static std::ptrdiff_t threads() {
        return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
    }
    /// Calls "f" until so many functions have machine code.
    [[nodiscard]] static bool runs_until_compiled(const v1::Module& module,
                                                  const TypedFunc<int32_t(int32_t)>& f, uint64_t functions) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (module.code_statistics().machine_functions < functions) {
            if (std::chrono::steady_clock::now() > end || f(100'000).value() != 705'082'704)
                return false;
        }
        return f(100'000).value() == 705'082'704;
    }
};

/// The sum of 1 to the argument.
constexpr const char* loop = R"((func (export "f") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))";

TEST_F(BackgroundTest, AnotherThreadCompiles) {
    for (const bool is_in_background : {false, true}) {
        const auto before = threads();
        {
            const Engine engine(config_of(is_in_background));
            const auto module = v1::Module::from_wat(engine, loop);
            ASSERT_TRUE(module);
            EXPECT_EQ(threads(), before);  // nothing is hot yet
            Store store = Store::create(engine).value();
            const Instance instance = Linker(engine).instantiate(store, *module).value();
            const auto f = instance.typed_function<int32_t(int32_t)>("f").value();
            EXPECT_TRUE(runs_until_compiled(*module, f, 1));
            EXPECT_EQ(threads(), before + (is_in_background ? 1 : 0));
        }
        EXPECT_EQ(threads(), before);
    }
}

TEST_F(BackgroundTest, FuelIsTheSame) {
    const auto consumed = [](const Config& config) {
        const Engine engine(config);
        const auto module = v1::Module::from_wat(engine, loop).value();
        Store store = Store::create(engine).value();
        store.set_fuel(1'000'000);
        const Instance instance = Linker(engine).instantiate(store, module).value();
        const auto f = instance.typed_function<int32_t(int32_t)>("f").value();
        int calls = 0;
        while (f(1000))
            ++calls;
        return std::pair(calls, store.fuel_consumed());
    };
    const auto expected = consumed({});
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(consumed(config_of(true)), expected);
}

/// Whatever the thread is doing.
TEST_F(BackgroundTest, ModulesEndWhileTheyAreCompiled) {
    std::string body;
    for (int i = 0; i < 3000; ++i)
        body += fmt::format("(local.set 1 (i32.rotl (i32.add (local.get 0) (local.get 1)) (i32.const {})))",
                            i % 32);
    std::string functions;
    for (int i = 0; i < 20; ++i)
        functions += fmt::format(R"((func (export "f{}") (param i32) (result i32) (local i32)
            (loop {} (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))",
                                 i, body);
    for (int round = 0; round < 10; ++round) {
        const Engine engine(config_of(true));
        const auto module = v1::Module::from_wat(engine, functions).value();
        Store store = Store::create(engine).value();
        const Instance instance = Linker(engine).instantiate(store, module).value();
        for (int i = 0; i < 2 * round; ++i)
            ASSERT_TRUE(instance.func(fmt::format("f{}", i)).value().call({Value(100)}));
    }
}

TEST_F(BackgroundTest, StoresOfSeveralThreads) {
    Config config = config_of(true);
    config.tiering = {.sample_units = 64, .hot_samples = 2};
    const Engine engine(config);
    const auto module = v1::Module::from_wat(engine, loop).value();
    std::vector<std::jthread> runs;
    for (int i = 0; i < 3; ++i)
        runs.emplace_back([&] {
            Store store = Store::create(engine).value();
            const Instance instance = Linker(engine).instantiate(store, module).value();
            const auto f = instance.typed_function<int32_t(int32_t)>("f").value();
            EXPECT_TRUE(runs_until_compiled(module, f, 1));
        });
    runs.clear();
    EXPECT_EQ(module.code_statistics().machine_functions, 1u);
}

TEST_F(BackgroundTest, MachineCodeIsLimited) {
    Config config = config_of(true);
    config.module_limits.compiled_bytes = 2000;
    const Engine engine(config);
    std::string functions = loop;
    for (int i = 0; i < 20; ++i)
        functions += fmt::format(R"((func (export "f{}") (param i32) (result i32)
            (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0)))",
                                 i);
    const auto module = v1::Module::from_wat(engine, functions).value();
    Store store = Store::create(engine).value();
    const Instance instance = Linker(engine).instantiate(store, module).value();
    const auto f = instance.typed_function<int32_t(int32_t)>("f").value();
    EXPECT_TRUE(runs_until_compiled(module, f, 1));
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(instance.func(fmt::format("f{}", i)).value().call({Value(200'000)}));
    EXPECT_LT(module.code_statistics().machine_functions, 20u);
    EXPECT_LE(module.code_statistics().machine_bytes, 2000u);
}

}  // namespace
}  // namespace wsb::testing
