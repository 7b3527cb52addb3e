// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/opcode.h"

#include <gtest/gtest.h>

#include <string>

namespace wsb {
namespace {

TEST(OpTable, EveryRowIsFoundByItsEncoding) {
    for (size_t i = 0; i < op_count; ++i) {
        const auto found = find_op(op_table[i].prefix, op_table[i].code);
        ASSERT_TRUE(found.has_value()) << op_table[i].text.view();
        EXPECT_EQ(static_cast<size_t>(*found), i) << op_table[i].text.view();
    }
}

TEST(OpTable, EveryRowIsFoundByItsText) {
    for (size_t i = 0; i < op_count; ++i) {
        const auto found = find_op(op_table[i].text.view());
        ASSERT_TRUE(found.has_value()) << op_table[i].text.view();
        EXPECT_EQ(op_info(*found).text.view(), op_table[i].text.view());
        if (static_cast<size_t>(*found) == i)
            continue;
        // The second encoding follows the first.
        EXPECT_EQ(static_cast<size_t>(*found), i - 1) << op_table[i].text.view();
    }
}

TEST(OpTable, FourTextsHaveTwoEncodings) {
    EXPECT_EQ(find_op("select"), Op::select);
    EXPECT_EQ(op_info(Op::select_t).text.view(), "select");
    EXPECT_EQ(find_op("ref.test"), Op::ref_test);
    EXPECT_EQ(op_info(Op::ref_test_null).text.view(), "ref.test");
    EXPECT_EQ(find_op("ref.cast"), Op::ref_cast);
    EXPECT_EQ(op_info(Op::ref_cast_null).text.view(), "ref.cast");
    EXPECT_EQ(find_op("ref.cast_desc_eq"), Op::ref_cast_desc_eq);
    EXPECT_EQ(op_info(Op::ref_cast_desc_eq_null).text.view(), "ref.cast_desc_eq");
    for (const Op op : {Op::ref_test, Op::ref_cast, Op::ref_cast_desc_eq}) {
        EXPECT_EQ(op_info(null_form(op)).text.view(), op_info(op).text.view());
        EXPECT_FALSE(takes_null(op));
        EXPECT_TRUE(takes_null(null_form(op)));
    }
    size_t repeated = 0;
    for (size_t i = 1; i < op_count; ++i)
        repeated += op_table[i].text == op_table[i - 1].text.view() ? 1 : 0;
    EXPECT_EQ(repeated, 4U);
}

TEST(OpTable, IdsAreTheTexts) {
    constexpr auto spelled = std::to_array<std::string_view>({
#define WSB_OP(id, ...) #id,
#include "engine/isa/ops_all.def"
#undef WSB_OP
    });
    for (size_t i = 0; i < op_count; ++i) {
        std::string expected{op_table[i].text};
        for (char& c : expected)
            c = c == '.' ? '_' : c;
        const std::string_view id = spelled[i];
        const bool is_second_form = id == "select_t" || id.ends_with("_null");
        EXPECT_TRUE(id == expected || id == expected + "_" || (is_second_form && id.starts_with(expected)))
            << id;
    }
}

TEST(OpTable, KnowsWhatIsNotThere) {
    EXPECT_FALSE(find_op(0, 0xff).has_value());
    EXPECT_FALSE(find_op(0, 0xc5).has_value());
    EXPECT_FALSE(find_op(0, 0xfc).has_value());
    EXPECT_FALSE(find_op(0xfc, 0x17).has_value());
    EXPECT_FALSE(find_op(0xfd, 0x9a).has_value());
    EXPECT_FALSE(find_op(0xfd, UINT32_MAX).has_value());
    EXPECT_FALSE(find_op(0xff, 0).has_value());
    EXPECT_FALSE(find_op("i32.sub2").has_value());
    EXPECT_FALSE(find_op("").has_value());
}

TEST(OpTable, HasTheEncodingsOfTheStandard) {
    EXPECT_EQ(find_op(0, 0x6a), Op::i32_add);
    EXPECT_EQ(find_op(0, 0x1f), Op::try_table);
    EXPECT_EQ(find_op(0, 0x0a), Op::throw_ref);
    EXPECT_EQ(find_op(0, 0xd3), Op::ref_eq);
    EXPECT_EQ(find_op(0xfb, 0x18), Op::br_on_cast);
    EXPECT_EQ(find_op(0xfc, 0x08), Op::memory_init);
    EXPECT_EQ(find_op(0xfd, 0x0c), Op::v128_const);
    EXPECT_EQ(find_op(0xfd, 0x100), Op::i8x16_relaxed_swizzle);
    EXPECT_EQ(find_op(0xfe, 0x03), Op::atomic_fence);
}

}  // namespace
}  // namespace wsb
