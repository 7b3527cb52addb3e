// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/layout.h"

#include <gtest/gtest.h>

namespace wsb {
namespace {

FieldType field(ValType type, StorageType::Packing packing = StorageType::unpacked) {
    return {{type, packing}, false};
}

SubType structure(std::vector<FieldType> fields, std::optional<uint32_t> super, bool has_descriptor) {
    SubType type;
    type.is_final = false;
    if (super)
        type.super = TypeIdx(*super);
    if (has_descriptor)
        type.descriptor = TypeIdx(99U);
    type.composite = StructType{std::move(fields)};
    return type;
}

struct Chain {
    std::vector<SubType> types;

    [[nodiscard]] StructLayout layout(size_t index) const {
        const auto type_at = [&](TypeIdx at) -> const SubType& { return types[at.value]; };
        return struct_layout(*types[index].structure(), fields_before_descriptor(types[index], type_at));
    }
};

TEST(Layout, FieldsAreAligned) {
    const Chain chain{{structure({field(ValType::i32, StorageType::i8), field(ValType::i32, StorageType::i16),
                                  field(ValType::v128), field(ValType::i32)},
                                 {}, false)}};
    const StructLayout layout = chain.layout(0);
    EXPECT_EQ(layout.offsets_bytes, (std::vector<uint32_t>{8, 10, 16, 32}));
    EXPECT_EQ(layout.size_bytes, 36U);
    EXPECT_EQ(layout.descriptor_offset_bytes, 0U);
}

TEST(Layout, DescriptorsLieInFrontWhereTheTopmostTypeHasOne) {
    const Chain chain{{structure({}, {}, true), structure({field(ValType::i32)}, 0, true),
                       structure({field(ValType::i32), field(ValType::i32)}, 1, true)}};
    EXPECT_EQ(chain.layout(0).size_bytes, 16U);
    for (size_t i = 0; i < 3; ++i)
        EXPECT_EQ(chain.layout(i).descriptor_offset_bytes, 8U);
    EXPECT_EQ(chain.layout(2).offsets_bytes, (std::vector<uint32_t>{16, 20}));
    EXPECT_EQ(chain.layout(2).size_bytes, 24U);
}

TEST(Layout, DescriptorsLieBehindTheFieldsOfATypeThatHasNone) {
    const Chain chain{
        {structure({field(ValType::i32)}, {}, false),
         structure({field(ValType::i32), field(ValType::i32, StorageType::i8)}, 0, true),
         structure({field(ValType::i32), field(ValType::i32, StorageType::i8), field(ValType::i64)}, 1,
                   true)}};
    EXPECT_EQ(chain.layout(0).offsets_bytes, (std::vector<uint32_t>{8}));
    EXPECT_EQ(chain.layout(1).offsets_bytes, (std::vector<uint32_t>{8, 24}));
    EXPECT_EQ(chain.layout(1).descriptor_offset_bytes, 16U);
    EXPECT_EQ(chain.layout(2).offsets_bytes, (std::vector<uint32_t>{8, 24, 32}));
    EXPECT_EQ(chain.layout(2).descriptor_offset_bytes, 16U);
    EXPECT_EQ(chain.layout(2).size_bytes, 40U);
}

}  // namespace
}  // namespace wsb
