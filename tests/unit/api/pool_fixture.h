// SPDX-License-Identifier: Apache-2.0
// A pool, and the ways to use an instance of it.
#pragma once

#include "tests/unit/api/api_fixture.h"

#include <functional>
#include <string_view>

namespace wsb::testing {

/// With all features, so that every kind of state can be there.
struct PoolFixture : ApiTest {
    PoolFixture() : ApiTest(Features::up_to(4)) {}

    /// Little address space, so that sanitizers bear it.
    [[nodiscard]] static PoolOptions small(uint32_t slots, bool watches_pages = true) {
        PoolOptions options;
        options.slots = slots;
        options.memory_reservation_bytes = uint64_t{64} << 20;
        options.guard_bytes = uint64_t{64} << 10;
        options.limits.memory_bytes = uint64_t{64} << 20;
        options.watches_pages = watches_pages;
        return options;
    }
    [[nodiscard]] Pool pool_of(const PoolOptions& options) const {
        return Pool::create(engine, options).value();
    }
    [[nodiscard]] InstancePre pre(std::string_view wat) const {
        auto made = linker.instantiate_pre(module(wat));
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    [[nodiscard]] static PooledInstance take(const Pool& pool, const InstancePre& pre,
                                             const TakeOptions& options = {}) {
        auto taken = pool.take(pre, options);
        EXPECT_TRUE(taken) << taken.error().message();
        return *std::move(taken);
    }
    template <class Signature>
    [[nodiscard]] static TypedFunc<Signature> func(const PooledInstance& taken, std::string_view name) {
        return taken.instance().typed_function<Signature>(name).value();
    }
    /// Calls a function from (i32, …) to i32.
    template <class... Args>
    static int32_t call(const PooledInstance& taken, std::string_view name, Args... args) {
        auto result = func<int32_t(Args...)>(taken, name)(args...);
        EXPECT_TRUE(result) << name << ": " << result.error().message();
        return result.value_or(-1);
    }
};

}  // namespace wsb::testing
