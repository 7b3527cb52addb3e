// SPDX-License-Identifier: Apache-2.0
// What a module may be like, and what compiling it may cost.
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;

std::string many(int count, const std::string& text) {
    std::string all;
    for (int i = 0; i < count; ++i)
        all += text;
    return all;
}

/// Expects that a module compiles with `enough` and not with `little`.
void expect_limit(const std::string& wat, const ModuleLimits& enough, const ModuleLimits& little,
                  std::string_view message) {
    Config config;
    config.module_limits = enough;
    const auto made = Module::from_wat(Engine(config), wat);
    EXPECT_TRUE(made) << made.error().message();
    config.module_limits = little;
    const auto refused = Module::from_wat(Engine(config), wat);
    ASSERT_FALSE(refused) << message;
    EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
    EXPECT_NE(refused.error().message().find(message), std::string::npos) << refused.error().message();
}

TEST(ModuleLimits, BoundTheShape) {
    expect_limit("(func) (func)", {.functions = 2}, {.functions = 1},
                 "functions of the module: 2 found, 1 allowed");
    expect_limit("(func (local i32 i64 i64))", {.locals = 3}, {.locals = 2}, "locals of a function: 3 found");
    expect_limit(R"((memory 1) (data "12345") (data "123"))", {.data_bytes = 8}, {.data_bytes = 7},
                 "data segments");
    expect_limit("(func" + many(100, "(drop (i32.const 1))") + ")", {.function_bytes = 400},
                 {.function_bytes = 100}, "bytes of a function");
    expect_limit("(func (block (block (block))))", {.nesting = 4}, {.nesting = 3}, "nesting deeper than 3");
    expect_limit("(func)", {.size_bytes = 30}, {.size_bytes = 20}, "bytes of the module");
}

TEST(ModuleLimits, BoundTheCompilation) {
    const std::string wat = many(
        2000, "(func (param i32) (result i32)" + many(20, "(local.get 0)") + many(19, "(i32.add)") + ")");
    expect_limit(wat, {.compiled_bytes = 10'000'000}, {.compiled_bytes = 100'000},
                 "compiled code of more than 100000");
    expect_limit(wat, {.compile_time = 10min}, {.compile_time = 1us}, "compile time");
}

}  // namespace
}  // namespace wsb::testing
