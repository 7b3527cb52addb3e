// SPDX-License-Identifier: Apache-2.0
// Custom descriptors: clauses of types, exact types, allocation and casts by descriptor.
#include "tests/unit/validate/validate_fixture.h"

namespace wsb::validate::testing {
namespace {

using enum ErrorCode;

const std::vector<uint8_t> group{0x4e};
const std::vector<uint8_t> single{0x5f, 0x00};

const Expected clauses[] = {
    in_declaration("(type (descriptor 1) (struct)) (type (describes 0) (struct))", descriptor_type,
                   "is outside rec group", {0x4d, 0x01}),
    in_declaration("(type (struct)) (type (describes 0) (struct))", described_type, "is outside rec group",
                   {0x4c, 0x00}),
    in_declaration("(type (describes 4000000000) (struct))", described_type, "is outside rec group", {0x4c}),
    in_declaration("(rec (type (descriptor 4000000000) (struct)))", descriptor_type, "is outside rec group",
                   group),
    in_declaration("(rec (type (descriptor 1) (struct)) (type (struct)))", type_not_described, "0", group),
    in_declaration("(rec (type (struct)) (type (describes 0) (struct)))", described_type,
                   "is not described by descriptor 1", group),
    in_declaration("(rec (type (descriptor 2) (struct)) (type (describes 0) (struct))"
                   " (type (describes 0) (struct)))",
                   described_type, "is not described by descriptor 1", group),
    in_declaration("(type (describes 0) (descriptor 0) (struct))", forward_described_type, "0 in type 0",
                   {0x4c, 0x00}),
    in_declaration("(rec (type (describes 1) (struct)) (type (descriptor 0) (struct)))",
                   forward_described_type, "1 in type 0", group),
    in_declaration("(rec (type (describes 1) (descriptor 1) (struct))"
                   " (type (describes 0) (descriptor 0) (struct)))",
                   forward_described_type, "1 in type 0", group),
    in_declaration("(rec (type (descriptor 1) (func)) (type (describes 0) (struct)))", descriptor_type,
                   "must be a struct", group),
    in_declaration("(rec (type (descriptor 1) (struct)) (type (describes 0) (array i8)))", described_type,
                   "must be a struct", group),
};

const Expected subtypes[] = {
    in_declaration("(rec (type $a (sub (descriptor $b) (struct))) (type $b (sub (describes $a) (struct))))"
                   " (type (sub $a (struct)))",
                   sub_type, "type 2 cannot extend type 0", {0x50, 0x01, 0x00}),
    in_declaration("(rec (type $a (sub (descriptor $b) (struct))) (type $b (sub (describes $a) (struct))))"
                   " (type (sub $b (struct)))",
                   sub_type, "type 2 cannot extend type 1", {0x50, 0x01, 0x01}),
    in_declaration("(type $s (sub (struct))) (rec (type $a (descriptor $b) (struct))"
                   " (type $b (sub $s (describes $a) (struct))))",
                   sub_type, "type 2 cannot extend type 0", group),
    in_declaration("(rec (type $a (sub (descriptor $b) (struct))) (type $b (sub (describes $a) (struct)))"
                   " (type $c (sub $a (descriptor $d) (struct))) (type $d (describes $c) (struct)))",
                   descriptor_type, "3 does not match 1", group),
    in_declaration("(rec (type $a (sub (descriptor $b) (struct))) (type $b (sub (describes $a) (struct)))"
                   " (type $c (descriptor $d) (struct)) (type $d (sub $b (describes $c) (struct))))",
                   described_type, "2 does not match 0", group),
    in_declaration("(rec (type $a (sub (descriptor $b) (struct (field i32))))"
                   " (type $b (sub (describes $a) (struct)))"
                   " (type $c (sub $a (descriptor $d) (struct (field i64))))"
                   " (type $d (sub $b (describes $c) (struct))))",
                   sub_type, "type 2 cannot extend type 0", group),
};

const Expected exact_types[] = {
    in_declaration("(type (struct (field (ref (exact 1)))))", unknown_type, "1", {0x5f, 0x01, 0x64, 0x62}),
    in_declaration("(type $f (func)) (import \"a\" \"b\" (func $1 (type $f)))"
                   " (global (ref (exact $f)) (ref.func $1))",
                   type_mismatch, "expected (ref (exact 0)), found (ref 0) (end)", {0x0b}),
    in_declaration("(import \"a\" \"b\" (func (exact (type 5))))", unknown_type, "5", {0x01, 'a'}),
    in_declaration("(type (struct)) (import \"a\" \"b\" (func (exact (type 0))))", type_mismatch,
                   "type 0 is not a function type", {0x01, 'a'}),
};

class DescriptorsTest : public RejectsTest {};

TEST_P(DescriptorsTest, WithCodeTextAndPlace) {
    expect_error(judge(GetParam().source), GetParam());
}
INSTANTIATE_TEST_SUITE_P(Clauses, DescriptorsTest, ::testing::ValuesIn(clauses), row_name);
INSTANTIATE_TEST_SUITE_P(Subtypes, DescriptorsTest, ::testing::ValuesIn(subtypes), row_name);
INSTANTIATE_TEST_SUITE_P(ExactTypes, DescriptorsTest, ::testing::ValuesIn(exact_types), row_name);

/// Types of the bodies: $c is below $a, $s has no descriptor.
std::string with_types(std::string_view body) {
    return R"((rec (type $a (sub (descriptor $b) (struct (field i32))))
            (type $b (sub (describes $a) (struct)))
            (type $c (sub $a (descriptor $d) (struct (field i32) (field anyref))))
            (type $d (sub $b (describes $c) (struct))))
        (type $s (struct)) )" +
           std::string(body);
}

struct Body {
    const char* text;
    ErrorCode code;
    const char* detail;
};
std::ostream& operator<<(std::ostream& out, const Body& body) {
    return out << body.text;
}

const Body bodies[] = {
    {"(func (drop (struct.new $a (i32.const 1))))", type_with_descriptor, "0"},
    {"(func (drop (struct.new_default $a)))", type_with_descriptor, "0"},
    {"(func (drop (struct.new_desc $s (ref.null none))))", type_without_descriptor,
     "requires non-descriptor allocation"},
    {"(func (drop (struct.new_default_desc $s (ref.null none))))", type_without_descriptor,
     "requires non-descriptor allocation"},
    {"(func (param (ref $b)) (drop (struct.new_desc $a (i32.const 1) (local.get 0))))", type_mismatch,
     "expected (ref null (exact 1)), found (ref 1) (struct.new_desc)"},
    {"(func (param (ref (exact $d))) (drop (struct.new_default_desc $a (local.get 0))))", type_mismatch,
     "expected (ref null (exact 1)), found (ref (exact 3)) (struct.new_default_desc)"},
    {"(func (drop (struct.new_desc 9 (ref.null none))))", unknown_type, "9"},
    {"(func (drop (ref.get_desc 9 (unreachable))))", unknown_type, "9"},
    {"(func (drop (ref.get_desc $s (ref.null none))))", type_without_descriptor, "4"},
    {"(func (drop (ref.get_desc $a)))", type_mismatch, "expected a value, found nothing (ref.get_desc)"},
    {"(func (drop (ref.get_desc $a (i32.const 1))))", type_mismatch,
     "expected (ref null 0), found i32 (ref.get_desc)"},
    {"(func (param (ref (exact $c))) (result (ref (exact $b))) (ref.get_desc $a (local.get 0)))",
     type_mismatch, "expected (ref (exact 1)), found (ref 1) (end)"},
    {"(func (drop (ref.cast_desc_eq (ref any) (unreachable))))", cast_without_descriptor,
     "any does not have a descriptor"},
    {"(func (drop (ref.cast_desc_eq (ref null $s) (unreachable))))", cast_without_descriptor,
     "4 does not have a descriptor"},
    {"(func (drop (ref.cast_desc_eq (ref 9) (unreachable))))", unknown_type, "9"},
    {"(func (param anyref (ref $b)) (drop (ref.cast_desc_eq (ref (exact $a)) (local.get 0) (local.get 1))))",
     type_mismatch, "expected (ref null (exact 1)), found (ref 1) (ref.cast_desc_eq)"},
    {"(func (param funcref (ref $b)) (drop (ref.cast_desc_eq (ref $a) (local.get 0) (local.get 1))))",
     type_mismatch, "expected anyref, found funcref (ref.cast_desc_eq)"},
    {"(func (drop (br_on_cast_desc_eq 0 funcref (ref $a) (unreachable))))", type_mismatch,
     "expected funcref, found (ref 0) (br_on_cast_desc_eq)"},
    {"(func (result anyref) (br_on_cast_desc_eq_fail 0 anyref (ref none) (unreachable)))",
     cast_without_descriptor, "none does not have a descriptor"},
    {"(func (param (ref $d)) (result anyref)"
     " (br_on_cast_desc_eq 0 anyref (ref (exact $a)) (ref.null any) (local.get 0)))",
     type_mismatch, "expected (ref null (exact 1)), found (ref 3) (br_on_cast_desc_eq)"},
    {"(global anyref (ref.get_desc $a (ref.null none)))", constant_expression_required, "ref.get_desc"},
};

class DescriptorBodiesTest : public ::testing::TestWithParam<Body> {};

TEST_P(DescriptorBodiesTest, AreRefused) {
    const Judged judged = judge(with_types(GetParam().text));
    ASSERT_FALSE(judged.verdict);
    EXPECT_EQ(judged.verdict.error().code, GetParam().code) << judged.verdict.error().message();
    EXPECT_EQ(judged.verdict.error().detail, GetParam().detail);
}
INSTANTIATE_TEST_SUITE_P(Rows, DescriptorBodiesTest, ::testing::ValuesIn(bodies),
                         [](const auto& row) { return "row" + std::to_string(row.index); });

TEST(Descriptors, MessagesAreThoseOfTheOfficialSuite) {
    const auto message = [](std::string_view text) { return judge(with_types(text)).verdict.error().text(); };
    EXPECT_EQ(message("(func (drop (ref.cast_desc_eq (ref $s) (unreachable))))"),
              "type 4 does not have a descriptor");
    EXPECT_EQ(message("(func (drop (struct.new_desc $s)))"),
              "type without descriptor requires non-descriptor allocation");
    EXPECT_EQ(message("(type (descriptor 5) (func))"), "type is not described by its descriptor: 5");
}

TEST(Descriptors, ValidOnes) {
    expect_valid(with_types(R"((global $b (ref (exact $b)) (struct.new $b))
        (global (ref (exact $a)) (struct.new_desc $a (i32.const 1) (global.get $b)))
        (global (ref (exact $a)) (struct.new_default_desc $a (global.get $b)))
        (func (param (ref (exact $c))) (result (ref (exact $d))) (ref.get_desc $c (local.get 0)))
        (func (result (ref (exact $b))) (ref.get_desc $a (unreachable))))"));
    // A chain of descriptors, and a supertype that has none.
    expect_valid(R"((rec (type $s (sub (struct))) (type $a (sub $s (descriptor $b) (struct (field i32))))
        (type $b (describes $a) (descriptor $m) (struct)) (type $m (describes $b) (struct))))");
}

/// What makes references says exactly what they are only if the feature is on.
TEST(Descriptors, ExactTypesComeWithTheFeature) {
    const auto verdict = [](Features features) {
        return judge("(type $s (sub (struct))) (func (result i32) (struct.new $s))", features).verdict;
    };
    EXPECT_EQ(verdict(Features::up_to(4)).error().detail, "expected i32, found (ref (exact 0)) (end)");
    EXPECT_EQ(verdict(default_features).error().detail, "expected i32, found (ref 0) (end)");
    expect_valid("(type $s (struct)) (func (result (ref $s)) (struct.new $s))", default_features);
}

TEST(Descriptors, RelaxTheTypesOfCasts) {
    constexpr const char* source = R"((type $a (sub (struct))) (type $b (struct (field i32)))
        (func (param (ref $a)) (result anyref) (br_on_cast 0 (ref $a) (ref $b) (local.get 0))))";
    expect_valid(source);
    EXPECT_EQ(judge(source, default_features).verdict.error().detail,
              "expected (ref 0), found (ref 1) (br_on_cast)");
}

}  // namespace
}  // namespace wsb::validate::testing
