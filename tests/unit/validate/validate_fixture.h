// SPDX-License-Identifier: Apache-2.0
// What tests of the validator share: modules as text, the verdict, and tables of expected errors.
#pragma once

#include "engine/binary/decoder.h"
#include "engine/text/wat.h"
#include "engine/validate/module_validator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::validate::testing {

/// A module with its verdict.
struct Judged {
    std::vector<uint8_t> bytes;
    Module module;
    Result<void> verdict;
};

inline Judged judge_bytes(std::vector<uint8_t> bytes, Features features = Features::up_to(4)) {
    Judged judged{std::move(bytes), {}, {}};
    auto module = binary::decode(judged.bytes, features);
    EXPECT_TRUE(module) << module.error().message();
    if (!module)
        return judged;
    judged.module = *std::move(module);
    TypeRegistry registry;
    judged.verdict = validate::validate(judged.module, registry);
    return judged;
}

inline Judged judge(std::string_view source, Features features = Features::up_to(4)) {
    auto bytes = text::assemble(source);
    EXPECT_TRUE(bytes) << source << ": " << bytes.error().message();
    return judge_bytes(bytes.value_or(std::vector<uint8_t>{}), features);
}

/// All that an error says.
struct Expected {
    const char* source;
    ErrorCode code;
    const char* detail;    ///< the whole of it
    uint32_t func;         ///< no_function for declarations
    uint64_t body_offset;  ///< in bytes, from the count of local declarations; of declarations not looked at
    /// What the offset of a declaration's error points at, as far as given.
    std::vector<uint8_t> at = {};
};

inline std::ostream& operator<<(std::ostream& out, const Expected& expected) {
    return out << expected.source;
}

/// In a body: function 0 unless said otherwise.
inline Expected in_body(const char* source, ErrorCode code, const char* detail, uint64_t body_offset,
                        uint32_t func = 0) {
    return {source, code, detail, func, body_offset};
}

inline Expected in_declaration(const char* source, ErrorCode code, const char* detail,
                               std::vector<uint8_t> at) {
    return {source, code, detail, no_function, 0, std::move(at)};
}

inline void expect_error(const Judged& judged, const Expected& expected) {
    ASSERT_FALSE(judged.verdict.has_value())
        << "is valid, but " << error_text(expected.code) << " was expected";
    const Error& error = judged.verdict.error();
    EXPECT_EQ(error.code, expected.code) << error.message();
    EXPECT_EQ(error.detail, expected.detail);
    EXPECT_TRUE(error.message().starts_with(error_text(expected.code))) << error.message();
    EXPECT_EQ(error.func, expected.func);
    ASSERT_LT(error.offset_bytes, judged.bytes.size());
    if (expected.func != no_function) {
        const uint64_t body = judged.module.body(FuncIdx(expected.func)).whole.offset_bytes;
        EXPECT_EQ(error.offset_bytes - body, expected.body_offset);
        return;
    }
    const auto found = std::span(judged.bytes).subspan(error.offset_bytes);
    ASSERT_LE(expected.at.size(), found.size());
    EXPECT_TRUE(std::ranges::equal(expected.at, found.first(expected.at.size())))
        << "offset " << error.offset_bytes << ", byte " << unsigned{found[0]};
}

/// One test for each row of a table.
class RejectsTest : public ::testing::TestWithParam<Expected> {};

/// Names by position: the tables' rows have none.
inline std::string row_name(const ::testing::TestParamInfo<Expected>& info) {
    return "row" + std::to_string(info.index);
}

inline void expect_valid(std::string_view source, Features features = Features::up_to(4)) {
    const Judged judged = judge(source, features);
    EXPECT_TRUE(judged.verdict) << source << ": " << judged.verdict.error().message();
}

}  // namespace wsb::validate::testing
