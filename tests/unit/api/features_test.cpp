// SPDX-License-Identifier: Apache-2.0
// Each feature can be switched off: a module that needs it is refused then, and the message names it.
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace wsb::testing {
namespace {

struct Example {
    Feature feature;
    const char* wat;  ///< one use of the feature; needs others at most beside it
};

std::ostream& operator<<(std::ostream& out, const Example& example) {
    return out << feature_name(example.feature) << ": " << example.wat;
}

/// At least one for each row of features.def, and one for each way to use the feature.
const Example examples[] = {
    {Feature::mvp, "(func nop)"},
    {Feature::sign_extension, "(func (drop (i32.extend8_s (i32.const 1))))"},
    {Feature::saturating_float_to_int, "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))"},
    {Feature::multi_value, "(func (result i32 i32) (i32.const 1) (i32.const 2))"},
    {Feature::multi_value, "(func (i32.const 1) (block (param i32) (drop)))"},
    {Feature::bulk_memory, "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"},
    {Feature::bulk_memory, "(data \"passive\")"},
    {Feature::bulk_memory, "(func $f) (elem func $f)"},
    {Feature::reference_types, "(func (param externref))"},
    {Feature::reference_types, "(func (drop (ref.null func)))"},
    {Feature::reference_types, "(table 1 funcref) (table 1 funcref)"},
    {Feature::reference_types,
     "(func (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3))))"},
    {Feature::simd, "(func (drop (i8x16.splat (i32.const 1))))"},
    {Feature::simd, "(func (param v128))"},
    {Feature::relaxed_simd, "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))"},
    {Feature::tail_call, "(func $f (return_call $f))"},
    {Feature::extended_const, "(global i32 (i32.add (i32.const 1) (i32.const 2)))"},
    {Feature::function_references, "(type $t (func)) (func (param (ref $t)))"},
    {Feature::function_references, "(type $t (func)) (func $f (call_ref $t (ref.null $t)))"},
    {Feature::function_references, "(func $f) (table 1 (ref func) (ref.func $f))"},
    {Feature::gc, "(type (struct))"},
    {Feature::gc, "(type (array i8))"},
    {Feature::gc, "(rec (type (func)) (type (func)))"},
    {Feature::gc, "(type (sub (func)))"},
    {Feature::gc, "(func (param i31ref))"},
    {Feature::gc, "(func (param (ref null i31)) (drop (ref.eq (local.get 0) (local.get 0))))"},
    {Feature::exceptions, "(tag)"},
    {Feature::exceptions, "(import \"a\" \"b\" (tag))"},
    {Feature::exceptions, "(func (block (try_table (catch_all 0))))"},
    {Feature::exceptions, "(func (param exnref))"},
    {Feature::multi_memory, "(memory 1) (memory 1)"},
    {Feature::memory64, "(memory i64 1)"},
    {Feature::memory64, "(table i64 1 funcref)"},
    {Feature::threads, "(memory 1 1 shared)"},
    {Feature::threads, "(func (atomic.fence))"},
    {Feature::wide_arithmetic, "(func (i64.mul_wide_u (i64.const 1) (i64.const 2)) (drop) (drop))"},
    {Feature::custom_page_sizes, "(memory 1 (pagesize 1))"},
    {Feature::legacy_exceptions, "(func (try (do) (catch_all)))"},
    {Feature::custom_descriptors, "(rec (type (descriptor 1) (struct)) (type (describes 0) (struct)))"},
    {Feature::custom_descriptors, "(type $t (struct)) (func (param (ref (exact $t))))"},
    {Feature::custom_descriptors, "(type $t (struct)) (func (drop (ref.null (exact $t))))"},
    {Feature::custom_descriptors, "(type $t (func)) (import \"a\" \"b\" (func (exact (type $t))))"},
    {Feature::custom_descriptors, "(type $t (func)) (global (ref null $t) (ref.null (exact $t)))"},
};

class FeatureTest : public ::testing::TestWithParam<Example> {};

TEST_P(FeatureTest, IsNeededByItsExample) {
    const Engine engine({.features = Features::up_to(4)});
    const auto module = Module::from_wat(engine, GetParam().wat);
    EXPECT_TRUE(module) << module.error().message();
}

TEST_P(FeatureTest, IsNamedWhereItIsOff) {
    Features features = Features::up_to(4);
    features.disable(GetParam().feature);
    const auto module = Module::from_wat(Engine({.features = features}), GetParam().wat);
    ASSERT_FALSE(module);
    const std::string message = module.error().message();
    EXPECT_NE(message.find(feature_name(GetParam().feature)), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(Examples, FeatureTest, ::testing::ValuesIn(examples));

TEST(Features, EachHasAnExample) {
    for (const Feature feature : all_features)
        EXPECT_TRUE(std::ranges::find(examples, feature, &Example::feature) != std::end(examples))
            << feature_name(feature);
}

TEST(Features, AreFoundByName) {
    for (const Feature feature : all_features)
        EXPECT_EQ(find_feature(feature_name(feature)), feature);
    EXPECT_EQ(find_feature("wide_arithmetic"), std::nullopt);
    EXPECT_EQ(find_feature(""), std::nullopt);
}

TEST(Features, ProposalsAreOffByDefault) {
    EXPECT_FALSE(default_features.has(Feature::threads));
    EXPECT_FALSE(default_features.has(Feature::wide_arithmetic));
    EXPECT_FALSE(default_features.has(Feature::custom_page_sizes));
    EXPECT_FALSE(default_features.has(Feature::custom_descriptors));
    EXPECT_TRUE(default_features.has(Feature::gc));
}

}  // namespace
}  // namespace wsb::testing
