// SPDX-License-Identifier: Apache-2.0
// What tests of the text layer share: assembling, decoding, errors with their place.
#pragma once

#include "engine/binary/decoder.h"
#include "engine/text/wat.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsb::text::testing {

/// Assembles and decodes; a failed expectation and an empty module if that is impossible.
inline Module module_of(std::string_view source) {
    const auto bytes = assemble(source);
    EXPECT_TRUE(bytes.has_value()) << source << ": " << bytes.error().message();
    if (!bytes)
        return {};
    auto module = binary::decode(*bytes, Features::up_to(4));
    EXPECT_TRUE(module.has_value()) << source << ": " << module.error().message();
    return module ? *std::move(module) : Module{};
}

/// The instructions of function 0, the final END left out.
inline std::vector<uint8_t> code_of(std::string_view instructions) {
    const Module module = module_of("(module (func " + std::string(instructions) + "))");
    if (module.bodies.empty())
        return {};
    const auto view = module.view(module.bodies[0].expression);
    return {view.begin(), view.end() - 1};
}

inline void expect_error(std::string_view source, std::string_view message) {
    const auto bytes = assemble(source);
    ASSERT_FALSE(bytes.has_value()) << source << ": expected " << message;
    EXPECT_TRUE(bytes.error().message().starts_with(message)) << source << ": " << bytes.error().message();
    EXPECT_EQ(error_kind(bytes.error().code), ErrorKind::malformed);
    EXPECT_NE(bytes.error().line, 0U) << source;
    EXPECT_NE(bytes.error().column, 0U) << source;
}

}  // namespace wsb::text::testing
