// SPDX-License-Identifier: Apache-2.0
// An engine, a linker and a store for tests of the public API.
#pragma once

#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace wsb::testing {

struct ApiTest : ::testing::Test {
    ApiTest() = default;
    explicit ApiTest(Features features) : engine(with(features)) {}

    Engine engine;
    Linker linker{engine};
    Store store = Store::create(engine).value();

    [[nodiscard]] static Config with(Features features) {
        Config config;
        config.features = features;
        return config;
    }
    [[nodiscard]] Module module(std::string_view wat) const {
        auto made = Module::from_wat(engine, wat);
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    [[nodiscard]] CallResult<Instance> try_instance(std::string_view wat) {
        return linker.instantiate(store, module(wat));
    }
    [[nodiscard]] Instance instance(std::string_view wat) {
        auto made = try_instance(wat);
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
};

}  // namespace wsb::testing
