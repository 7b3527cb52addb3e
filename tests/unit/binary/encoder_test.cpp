// SPDX-License-Identifier: Apache-2.0
#include "engine/binary/encoder.h"

#include "engine/binary/decoder.h"
#include "tests/unit/binary/sample_modules.h"

#include <gtest/gtest.h>

#include <limits>

namespace wsb::binary {
namespace {

using testing::Bytes;
using testing::everything;
using testing::ModuleBytes;
using testing::one_function;

Bytes u64(uint64_t value) {
    Encoder out;
    out.u64(value);
    return out.take();
}
Bytes s64(int64_t value) {
    Encoder out;
    out.s64(value);
    return out.take();
}

TEST(Encoder, WritesShortestLeb128) {
    EXPECT_EQ(u64(0), (Bytes{0x00}));
    EXPECT_EQ(u64(127), (Bytes{0x7f}));
    EXPECT_EQ(u64(128), (Bytes{0x80, 0x01}));
    EXPECT_EQ(u64(UINT64_MAX).size(), 10U);
    EXPECT_EQ(s64(63), (Bytes{0x3f}));
    EXPECT_EQ(s64(64), (Bytes{0xc0, 0x00}));
    EXPECT_EQ(s64(-64), (Bytes{0x40}));
    EXPECT_EQ(s64(-65), (Bytes{0xbf, 0x7f}));
    EXPECT_EQ(s64(-1), (Bytes{0x7f}));
}

TEST(Encoder, WritesWhatTheCursorReads) {
    for (unsigned shift = 0; shift < 64; ++shift) {
        for (const int64_t delta : {-1, 0, 1}) {
            const uint64_t value = (uint64_t{1} << shift) + static_cast<uint64_t>(delta);
            const auto signed_value = static_cast<int64_t>(value);
            EXPECT_EQ(Cursor(u64(value)).u64(), value);
            EXPECT_EQ(Cursor(s64(signed_value)).s64(), signed_value);
        }
    }
    constexpr auto least = std::numeric_limits<int64_t>::min();
    EXPECT_EQ(Cursor(s64(least)).s64(), least);
}

TEST(Encoder, WritesShortFormsOfTypes) {
    const auto type = [](ValType value) {
        Encoder out;
        out.val_type(value);
        return out.take();
    };
    EXPECT_EQ(type(ValType::f64), (Bytes{0x7c}));
    EXPECT_EQ(type(ValType::funcref()), (Bytes{0x70}));
    EXPECT_EQ(type(ValType::reference(HeapType::noexn, true)), (Bytes{0x74}));
    EXPECT_EQ(type(ValType::reference(HeapType::func, false)), (Bytes{0x64, 0x70}));
    EXPECT_EQ(type(ValType::reference(HeapType(TypeIdx(64U)), true)), (Bytes{0x63, 0xc0, 0x00}));
}

TEST(Encoder, ReadsBackEveryType) {
    std::vector<ValType> types{ValType::i32,
                               ValType::i64,
                               ValType::f32,
                               ValType::f64,
                               ValType::v128,
                               ValType::reference(HeapType(TypeIdx(0U)), true),
                               ValType::reference(HeapType(TypeIdx(999'999U)), false)};
    for (uint32_t heap = 0; heap <= HeapType::noexn; ++heap)
        for (const bool nullable : {false, true})
            types.push_back(ValType::reference(static_cast<HeapType::Abstract>(heap), nullable));
    for (const ValType type : types) {
        Encoder out;
        out.val_type(type);
        Cursor cursor(out.bytes());
        EXPECT_EQ(read_val_type(cursor), type) << to_string(type);
        EXPECT_TRUE(cursor.at_end());
    }
}

TEST(EncodeModule, IsTheIdentityOnCanonicalModules) {
    for (const Bytes& bytes : {ModuleBytes().bytes(), one_function({0x00, 0x0b}), everything()}) {
        const auto module = decode(bytes);
        ASSERT_TRUE(module.has_value()) << module.error().message();
        EXPECT_EQ(encode(*module), bytes);
    }
}

TEST(EncodeModule, KeepsTheSharedBit) {
    const Bytes bytes = ModuleBytes().section(section_ids::memory, {0x01, 0x07, 0x01, 0x02}).bytes();
    const auto module = decode(bytes, Features::up_to(4));
    ASSERT_TRUE(module.has_value());
    EXPECT_EQ(encode(*module), bytes);
}

TEST(EncodeModule, MakesModulesCanonical) {
    // An empty section goes, and with it nothing that stands behind it; a long number gets short.
    const Bytes bytes = ModuleBytes()
                            .section(section_ids::type, {0x81, 0x00, 0x60, 0x80, 0x00, 0x00})
                            .section(section_ids::function, {0x00})
                            .custom("c", {0x01})
                            .bytes();
    const auto module = decode(bytes);
    ASSERT_TRUE(module.has_value());
    const Bytes canonical =
        ModuleBytes().section(section_ids::type, {0x01, 0x60, 0x00, 0x00}).custom("c", {0x01}).bytes();
    EXPECT_EQ(encode(*module), canonical);
}

}  // namespace
}  // namespace wsb::binary
