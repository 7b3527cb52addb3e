// SPDX-License-Identifier: Apache-2.0
// Exceptions among many blocks.
#include "tests/unit/api/api_fixture.h"

#include <chrono>
#include <string>

namespace wsb::testing {
namespace {

using CatchSearchTest = ApiTest;

/// Otherwise a guest could make the host work long for little fuel.
TEST_F(CatchSearchTest, DoesNotDependOnBlocksElsewhere) {
    std::string blocks;
    for (int i = 0; i < 100'000; ++i)
        blocks += "(block (try_table (catch $t 0)))";
    const auto run = [&](const std::string& before) {
        const Instance i = instance("(tag $t) (func (export \"f\") (param i32) (block " + before +
                                    R"() (loop (block (try_table (catch $t 0) (throw $t)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
        const auto f = i.typed_function<void(int32_t)>("f").value();
        EXPECT_TRUE(f(1));
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_TRUE(f(20'000));
        return std::chrono::steady_clock::now() - begin;
    };
    const auto alone = run("");
    // A linear search takes a thousand times as long; entering the blocks once, a little.
    EXPECT_LT(run(blocks), alone * 20 + std::chrono::milliseconds(100));
}

TEST_F(CatchSearchTest, BlocksHaveABoundedNumberOfClauses) {
    const auto load = [&](int count) {
        std::string clauses;
        for (int i = 0; i < count; ++i)
            clauses += "(catch $t 0)";
        return Module::from_wat(engine, "(tag $t) (func (block (try_table " + clauses + ")))");
    };
    EXPECT_TRUE(load(1000));
    const auto refused = load(1001);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace wsb::testing
