// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/types.h"

#include "engine/isa/features.h"
#include "engine/isa/limits.h"

#include <gtest/gtest.h>

namespace wsb {
namespace {

TEST(Types, HaveTheirText) {
    EXPECT_EQ(to_string(ValType::i32), "i32");
    EXPECT_EQ(to_string(ValType::v128), "v128");
    EXPECT_EQ(to_string(ValType()), "bottom");
    EXPECT_EQ(to_string(ValType::funcref()), "funcref");
    EXPECT_EQ(to_string(ValType::externref()), "externref");
    EXPECT_EQ(to_string(ValType::reference(HeapType::none, true)), "nullref");
    EXPECT_EQ(to_string(ValType::reference(HeapType::noexn, true)), "nullexnref");
    EXPECT_EQ(to_string(ValType::reference(HeapType::extern_, false)), "(ref extern)");
    EXPECT_EQ(to_string(ValType::reference(HeapType::struct_, false)), "(ref struct)");
    EXPECT_EQ(to_string(ValType::reference(HeapType(TypeIdx(3U)), true)), "(ref null 3)");
    EXPECT_EQ(to_string(ValType::reference(HeapType(TypeIdx(3U)), false)), "(ref 3)");
    EXPECT_EQ(to_string(HeapType(HeapType::i31)), "i31");
    EXPECT_EQ(to_string(HeapType(TypeIdx(12U))), "12");
}

TEST(Types, KeepEveryIndexApartFromAbstractTypes) {
    for (const uint32_t index : {0U, 1U, limits::types - 1, limits::types}) {
        const auto type = ValType::reference(HeapType(TypeIdx(index)), true);
        EXPECT_TRUE(type.is_ref());
        EXPECT_TRUE(type.is_nullable());
        EXPECT_TRUE(type.heap().is_defined());
        EXPECT_EQ(type.heap().type_index().value, index);
        EXPECT_FALSE(type.as_non_null().is_nullable());
        EXPECT_EQ(type.as_non_null().heap(), type.heap());
    }
    const auto noexn = ValType::reference(HeapType::noexn, false);
    EXPECT_FALSE(noexn.heap().is_defined());
    EXPECT_EQ(noexn.heap().abstract(), HeapType::noexn);
    EXPECT_FALSE(noexn.is_defaultable());
}

TEST(Types, KeepEveryIndexApartFromAbstractTypesIfExact) {
    for (const uint32_t index : {0U, 1U, limits::types - 1, limits::types}) {
        const HeapType heap = HeapType::exact(TypeIdx(index));
        const auto type = ValType::reference(heap, true);
        EXPECT_EQ(type.heap(), heap);
        EXPECT_TRUE(type.is_ref() && type.is_nullable());
        EXPECT_TRUE(heap.is_defined() && heap.is_exact());
        EXPECT_EQ(heap.type_index().value, index);
        EXPECT_NE(heap, HeapType(TypeIdx(index)));
        EXPECT_EQ(heap.as_inexact(), HeapType(TypeIdx(index)));
        EXPECT_EQ(heap.with_index(TypeIdx(7U)), HeapType::exact(TypeIdx(7U)));
        EXPECT_EQ(heap.as_inexact().with_index(TypeIdx(7U)), HeapType(TypeIdx(7U)));
    }
    EXPECT_FALSE(HeapType(HeapType::noexn).is_exact());
    EXPECT_EQ(to_string(HeapType::exact(TypeIdx(12U))), "(exact 12)");
    EXPECT_EQ(to_string(ValType::reference(HeapType::exact(TypeIdx(3U)), true)), "(ref null (exact 3))");
}

TEST(Features, FollowTheVersions) {
    EXPECT_TRUE(default_features.has(Feature::gc));
    EXPECT_FALSE(default_features.has(Feature::threads));
    EXPECT_TRUE(Features::up_to(4).has(Feature::threads));
    EXPECT_FALSE(Features::up_to(1).has(Feature::simd));
    EXPECT_TRUE(Features::up_to(1).has(Feature::mvp));
    Features features = default_features;
    features.disable(Feature::gc);
    EXPECT_FALSE(features.has(Feature::gc));
    features.enable(Feature::gc);
    EXPECT_EQ(features, default_features);
    EXPECT_EQ(feature_name(Feature::relaxed_simd), "relaxed-simd");
}

}  // namespace
}  // namespace wsb
