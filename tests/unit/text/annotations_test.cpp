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
        (func $f (@name "three") (local $x (@name "ignored") i32))
        (type $t (@name "T") (func))
        (export "f" (func $f))))");
    EXPECT_EQ(module.names.module, "Module");
    EXPECT_EQ(module.names.funcs, (NameMap{{0, "one two"}, {1, "three"}}));
    EXPECT_EQ(module.names.types, (NameMap{{0, "T"}}));
    EXPECT_EQ(module.exports.at(0).index, 1U);
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
    expect_error("(func (@name \"\\ff\"))", "@name annotation: malformed UTF-8");
    const auto misplaced = assemble("(func (@metadata.code.branch_hint \"\\01\") nop)");
    ASSERT_FALSE(misplaced.has_value());
    EXPECT_EQ(misplaced.error().code, ErrorCode::invalid_branch_hint);
    EXPECT_TRUE(
        misplaced.error().message().starts_with("@metadata.code.branch_hint annotation: invalid target"));
    expect_error("(@metadata.code.branch_hint \"\\01\") (func)",
                 "@metadata.code.branch_hint annotation: not in a function");
}

TEST(Annotations, OthersAreBlanks) {
    module_of("(@a) (module (@b \"x\" (y)) (func (@c) nop (@\"quoted\") (nop (@d))))");
}

}  // namespace
}  // namespace wsb::text
