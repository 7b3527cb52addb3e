// SPDX-License-Identifier: Apache-2.0
// Bodies that are not valid. The compiler hears of each instruction before anybody has looked at the next: it
// must neither trust what lies ahead nor change what an error says.
#include "tests/unit/binary/sample_modules.h"
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace wsb::testing {
namespace {

using binary::Encoder;
using binary::testing::Bytes;
using binary::testing::ModuleBytes;
namespace section_ids = binary::section_ids;

struct Invalid {
    const char* name;
    Bytes body;  ///< locals and expression
};
std::ostream& operator<<(std::ostream& out, const Invalid& invalid) {
    return out << invalid.name;
}

[[nodiscard]] Bytes many(size_t count, const Bytes& piece, const Bytes& end) {
    Bytes bytes{0x00};
    for (; count != 0; --count)
        bytes.insert(bytes.end(), piece.begin(), piece.end());
    bytes.insert(bytes.end(), end.begin(), end.end());
    return bytes;
}

/// (param i32 f64), a memory.
[[nodiscard]] Bytes module_of(const Bytes& body) {
    Encoder code;
    code.u32(1);
    code.u64(body.size());
    code.raw(body);
    return ModuleBytes()
        .section(section_ids::type, {0x01, 0x60, 0x02, 0x7f, 0x7c, 0x00})
        .section(section_ids::function, {0x01, 0x00})
        .section(section_ids::memory, {0x01, 0x00, 0x01})
        .section(section_ids::code, Bytes(code.bytes().begin(), code.bytes().end()))
        .bytes();
}

class InvalidBodies : public ::testing::TestWithParam<Invalid> {};

TEST_P(InvalidBodies, SayTheSameInEachTier) {
    if (!Engine::has_jit())
        GTEST_SKIP() << "no machine code: this build or this processor has no compiler";
    const Bytes bytes = module_of(GetParam().body);
    const auto expected = v1::Module::compile(Engine({.tier = TierChoice::interpreter}), bytes);
    const auto found = v1::Module::compile(Engine({.tier = TierChoice::jit}), bytes);
    ASSERT_FALSE(expected);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message(), expected.error().message());
}

INSTANTIATE_TEST_SUITE_P(
    All, InvalidBodies,
    ::testing::Values(
        // Results that would go to a local at once.
        Invalid{"no_such_local", {0x00, 0x20, 1, 0x20, 1, 0xa0, 0x21, 0x7f, 0x0b}},
        Invalid{"local_of_another_kind", {0x00, 0x20, 1, 0x20, 1, 0xa0, 0x21, 0, 0x0b}},
        Invalid{"load_to_no_local", {0x00, 0x20, 0, 0x28, 2, 0, 0x21, 5, 0x0b}},
        // The body's last byte belongs to something else.
        Invalid{"offset_at_the_end", {0x00, 0x20, 0, 0x28, 2, 0x0b}},
        Invalid{"local_at_the_end", {0x00, 0x20, 0, 0x45, 0x21, 0x0b}},
        Invalid{"constant_at_the_end", {0x00, 0x41, 0x0b}},
        Invalid{"number_without_end", {0x00, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x0b}},
        // What the glance at locals meets first.
        Invalid{"unknown_instruction", {0x00, 0x20, 0, 0x1a, 0xff, 0x20, 9, 0x0b}},
        Invalid{"more_ends_than_blocks", {0x00, 0x0b, 0x0b, 0x20, 9, 0x0b}},
        Invalid{"blocks_without_end", many(500, {0x02, 0x40}, {0x0b})},
        Invalid{"nesting", many(120'000, {0x03, 0x40}, many(120'000, {0x0b}, {0x0b}))},
        Invalid{"many_locals", {0x01, 0xd1, 0x86, 0x03, 0x7f, 0x20, 0, 0x1a, 0x0b}},
        Invalid{"far_too_many_locals",
                {0x02, 0xff, 0xff, 0xff, 0xff, 0x07, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x07, 0x7f, 0x0b}}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace wsb::testing
