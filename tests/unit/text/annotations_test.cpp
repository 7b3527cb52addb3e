// SPDX-License-Identifier: Apache-2.0
// Custom sections, names and branch hints written as annotations.
#include "engine/binary/section.h"
#include "tests/unit/text/text_fixture.h"

namespace wsb::text {
namespace {

using testing::expect_error;
using testing::module_of;

TEST(Annotations, CustomSectionsAtTheirPlaces) {
    const Module module = module_of(R"((module
        (@custom "last" "a" "b\00")
        (@custom "first" (before first))
        (@custom "before code" (before code) "x")
        (func)
        (@custom "after type" (after type))
        (@custom "no such section" (after global))))");
    std::vector<std::string> names;
    for (const CustomSection& custom : module.customs)
        names.push_back(custom.name);
    EXPECT_EQ(names,
              (std::vector<std::string>{"first", "after type", "no such section", "before code", "last"}));
    ASSERT_EQ(module.customs.size(), 5U);
    EXPECT_EQ(module.customs[0].after_section, 0U);
    EXPECT_EQ(module.customs[1].after_section, binary::section_ids::type);
    EXPECT_EQ(module.customs[4].after_section, binary::section_ids::code);
    EXPECT_EQ(module.customs[4].content.size_bytes, 3U);
    EXPECT_EQ(module_of("(@custom \"alone\")").customs.size(), 1U);
}

TEST(Annotations, NamesInsteadOfIdentifiers) {
    const Module module = module_of(R"((module $m (@name "Module")
        (func (@name "one two"))
        (func $f (@name "three"))
        (type $t (@name "T") (func))
        (export "f" (func $f))))");
    EXPECT_EQ(module.names.module, "Module");
    EXPECT_EQ(module.names.funcs, (NameMap{{0, "one two"}, {1, "three"}}));
    EXPECT_EQ(module.names.types, (NameMap{{0, "T"}}));
    EXPECT_EQ(module.exports.at(0).index, 1U);
}

TEST(Annotations, NamesOfLocalsAndFields) {
    const Module module = module_of(R"((module
        (type $s (struct (field (@name "one") i32) (field $b (@name "two") i64) (field f32 f64)))
        (func (param $x (@name "same") i32) (param (@name "same") i64) (param f32 f64)
            (local (@name "a local") i32) (local $y (@name "") i32) (local $z i64)
            (local.set $x (local.get $y)))))");
    EXPECT_EQ(module.names.fields, (std::map<uint32_t, NameMap>{{0, {{0, "one"}, {1, "two"}}}}));
    EXPECT_EQ(module.names.locals,
              (std::map<uint32_t, NameMap>{{0, {{0, "same"}, {1, "same"}, {4, "a local"}, {6, "z"}}}}));
}

TEST(Annotations, BranchHintsAtOffsetsInBodies) {
    const Module module = module_of(R"((func (param i32) (local i64)
        block
        local.get 0
        (@metadata.code.branch_hint "\01") br_if 0
        end
        (@metadata.code.branch_hint "\00")
        (if (local.get 0) (then))))");
    ASSERT_EQ(module.customs.size(), 1U);
    EXPECT_EQ(module.customs[0].name, "metadata.code.branch_hint");
    const auto content = module.view(module.customs[0].content);
    EXPECT_EQ(std::vector<uint8_t>(content.begin(), content.end()),
              (std::vector<uint8_t>{1, 0, 2, 7, 1, 1, 12, 1, 0}));
    const auto body = module.view(module.bodies.at(0).whole);
    EXPECT_EQ(body[7], 0x0d);
    EXPECT_EQ(body[12], 0x04);
}

TEST(Annotations, WrongOnes) {
    expect_error("(@custom)", "@custom annotation: missing section name");
    expect_error("(@custom \"a\" (before nothing))", "@custom annotation: malformed section kind");
    expect_error("(@custom \"a\" (over code))", "@custom annotation: malformed placement");
    expect_error("(@custom \"a\" \"b\" c)", "@custom annotation: unexpected token");
    expect_error("(func (@custom \"a\"))", "misplaced @custom annotation");
    expect_error("(type (func (@custom \"a\")))", "misplaced @custom annotation");
    expect_error("(module (@name \"a\") (@name \"b\"))", "@name annotation: multiple module");
    expect_error("(func) (@name \"a\")", "misplaced @name annotation");
    expect_error("(func (nop) (@name \"a\"))", "misplaced @name annotation");
    expect_error("(func (param i32 (@name \"a\") i32))", "misplaced @name annotation");
    expect_error("(func (local (@name \"a\") (@name \"b\") i32))", "@name annotation: multiple names");
    expect_error("(func (@name \"\\ff\"))", "@name annotation: malformed UTF-8");
    expect_error("(@metadata.code.branch_hint \"\\01\") (func)",
                 "@metadata.code.branch_hint annotation: not in a function");
}

TEST(Annotations, BranchHintsElsewhereAreInvalid) {
    const auto bytes = assemble("(func (@metadata.code.branch_hint \"\\01\") nop)");
    ASSERT_FALSE(bytes);
    EXPECT_EQ(error_kind(bytes.error().code), ErrorKind::invalid);
    EXPECT_EQ(bytes.error().text(), "@metadata.code.branch_hint annotation: invalid target");
    EXPECT_EQ(bytes.error().line, 1u);
}

TEST(Annotations, OthersAreBlanks) {
    module_of("(@a) (module (@b \"x\" (y)) (func (@c) nop (@\"quoted\") (nop (@d))))");
}

}  // namespace
}  // namespace wsb::text
