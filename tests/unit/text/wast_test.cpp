// SPDX-License-Identifier: Apache-2.0
#include "engine/text/wast.h"

#include <gtest/gtest.h>

#include <string>

namespace wsb::text {
namespace {

Script script_of(std::string source) {
    auto script = parse_script(std::move(source));
    EXPECT_TRUE(script.has_value()) << script.error().message();
    return script ? *std::move(script) : Script{};
}

void expect_error(std::string source, std::string_view message) {
    const auto script = parse_script(source);
    ASSERT_FALSE(script.has_value()) << source;
    EXPECT_TRUE(script.error().message().starts_with(message)) << script.error().message();
}

/// The values that a call is given.
std::vector<ScriptValue> values_of(const std::string& values) {
    const Script script = script_of("(invoke \"f\" " + values + ")");
    if (script.commands.size() != 1)
        return {};
    return std::get<ScriptInvoke>(std::get<ScriptAction>(script.commands[0].body)).args;
}

TEST(Script, ModulesInAllForms) {
    const Script script = script_of(R"wast(
        (module $a (func))
        (module binary "\00asm" "\01\00\00\00")
        (module $q quote "(func" ")")
        (module definition $d (memory 1))
        (module instance $i $d)
        (module instance $d))wast");
    ASSERT_EQ(script.commands.size(), 6U);
    const auto& text = std::get<ScriptModule>(script.commands[0].body);
    EXPECT_EQ(text.name, "$a");
    EXPECT_EQ(text.source, "(module $a (func))");
    EXPECT_EQ(text.line, 2U);
    EXPECT_TRUE(text.assemble().has_value());
    const auto& binary = std::get<ScriptModule>(script.commands[1].body);
    EXPECT_EQ(binary.form, ScriptModule::Form::binary);
    EXPECT_EQ(binary.bytes.size(), 8U);
    const auto& quote = std::get<ScriptModule>(script.commands[2].body);
    EXPECT_EQ(quote.quoted, "(func)");
    EXPECT_EQ(quote.name, "$q");
    EXPECT_TRUE(quote.assemble().has_value());
    const auto& definition = std::get<ScriptModule>(script.commands[3].body);
    EXPECT_TRUE(definition.is_definition);
    EXPECT_EQ(definition.name, "$d");
    EXPECT_TRUE(definition.assemble().has_value());
    EXPECT_EQ(std::get<ScriptInstance>(script.commands[4].body).name, "$i");
    EXPECT_EQ(std::get<ScriptInstance>(script.commands[4].body).definition, "$d");
    EXPECT_EQ(std::get<ScriptInstance>(script.commands[5].body).definition, "$d");
}

TEST(Script, BareFieldsAreOneModule) {
    const Script script = script_of("(func) (memory 0) (func (export \"f\"))");
    ASSERT_EQ(script.commands.size(), 1U);
    EXPECT_TRUE(std::get<ScriptModule>(script.commands[0].body).assemble().has_value());
    EXPECT_TRUE(script_of("").commands.empty());
}

TEST(Script, ErrorsInModulesHaveLinesOfTheScript) {
    const Script script = script_of(";; one\n\n(module\n  (func nonsense))");
    const auto bytes = std::get<ScriptModule>(script.commands.at(0).body).assemble();
    ASSERT_FALSE(bytes.has_value());
    EXPECT_EQ(bytes.error().line, 4U);
    EXPECT_EQ(bytes.error().column, 9U);
}

TEST(Script, Assertions) {
    const Script script = script_of(R"(
        (assert_return (invoke $m "f" (i32.const 1)) (i64.const -1) (f32.const nan:canonical))
        (assert_return (get "g"))
        (assert_trap (invoke "f") "unreachable")
        (assert_trap (module (func)) "out of bounds")
        (assert_exhaustion (invoke "f") "call stack exhausted")
        (assert_exception (invoke "f"))
        (assert_malformed (module quote "x") "unknown operator")
        (assert_invalid (module (func)) "type mismatch")
        (assert_unlinkable (module (func)) "unknown import")
        (assert_malformed_custom (module quote "") "@custom")
        (assert_invalid_custom (module (func)) "@custom")
        (register "m" $m))");
    ASSERT_EQ(script.commands.size(), 12U);
    const auto& returns = std::get<AssertReturn>(script.commands[0].body);
    EXPECT_EQ(std::get<ScriptInvoke>(returns.action).module, "$m");
    ASSERT_EQ(returns.expected.size(), 2U);
    EXPECT_EQ(returns.expected[0].bits[0], UINT64_MAX);
    EXPECT_EQ(returns.expected[1].nan[0], ScriptValue::NanPattern::canonical);
    EXPECT_EQ(std::get<ScriptGet>(std::get<AssertReturn>(script.commands[1].body).action).global, "g");
    EXPECT_TRUE(std::holds_alternative<ScriptAction>(std::get<AssertTrap>(script.commands[2].body).subject));
    EXPECT_TRUE(std::holds_alternative<ScriptModule>(std::get<AssertTrap>(script.commands[3].body).subject));
    EXPECT_EQ(std::get<AssertExhaustion>(script.commands[4].body).text, "call stack exhausted");
    EXPECT_TRUE(std::holds_alternative<AssertException>(script.commands[5].body));
    const AssertModule::Kind kinds[] = {AssertModule::Kind::malformed, AssertModule::Kind::invalid,
                                        AssertModule::Kind::unlinkable, AssertModule::Kind::malformed_custom,
                                        AssertModule::Kind::invalid_custom};
    for (size_t i = 0; i < std::size(kinds); ++i)
        EXPECT_EQ(std::get<AssertModule>(script.commands[6 + i].body).kind, kinds[i]);
    EXPECT_EQ(std::get<ScriptRegister>(script.commands[11].body).as, "m");
}

TEST(Script, Values) {
    const auto values = values_of(
        "(i32.const -1) (f64.const 1.5) (v128.const i16x8 1 2 3 4 5 6 7 -1)"
        "(v128.const f32x4 nan:arithmetic 1 nan:canonical 0)"
        "(ref.null) (ref.null func) (ref.extern 7) (ref.extern) (ref.host 3) (ref.struct)"
        "(either (i32.const 1) (i32.const 2))");
    ASSERT_EQ(values.size(), 11U);
    EXPECT_EQ(values[0].bits[0], 0xffff'ffffU);
    EXPECT_EQ(values[1].bits[0], 0x3ff8'0000'0000'0000U);
    EXPECT_EQ(values[2].bits[0], 0x0004'0003'0002'0001U);
    EXPECT_EQ(values[2].bits[1], 0xffff'0007'0006'0005U);
    EXPECT_EQ(values[2].lane_width_bits, 16);
    EXPECT_FALSE(values[2].lanes_are_float);
    EXPECT_EQ(values[3].nan[0], ScriptValue::NanPattern::arithmetic);
    EXPECT_EQ(values[3].nan[1], ScriptValue::NanPattern::none);
    EXPECT_EQ(values[3].nan[2], ScriptValue::NanPattern::canonical);
    EXPECT_EQ(values[3].bits[0], 0x3f80'0000'0000'0000U);
    EXPECT_FALSE(values[4].heap.has_value());
    EXPECT_EQ(values[5].heap, HeapType(HeapType::func));
    EXPECT_EQ(values[6].bits[0], 7U);
    EXPECT_FALSE(values[7].has_bits);
    EXPECT_EQ(values[8].kind, ScriptValue::Kind::ref_host);
    EXPECT_EQ(values[9].kind, ScriptValue::Kind::ref_of_kind);
    EXPECT_EQ(values[9].heap, HeapType(HeapType::struct_));
    ASSERT_EQ(values[10].alternatives.size(), 2U);
    EXPECT_EQ(values[10].alternatives[1].bits[0], 2U);
}

TEST(Script, Threads) {
    const Script script = script_of(R"(
        (module $m (memory 1 1 shared))
        (thread $t (shared (module $m))
          (register "m" $m)
          (thread $u (invoke "f"))
          (wait $u))
        (wait $t))");
    ASSERT_EQ(script.commands.size(), 3U);
    const auto& thread = std::get<ScriptThread>(script.commands[1].body);
    EXPECT_EQ(thread.name, "$t");
    EXPECT_EQ(thread.shared_module, "$m");
    EXPECT_EQ(thread.commands.size(), 3U);
    EXPECT_EQ(std::get<ScriptWait>(script.commands[2].body).thread, "$t");
}

TEST(Script, RefusesWhatItDoesNotKnow) {
    expect_error("(assert_nothing (module) \"\")", "unexpected token: unknown command assert_nothing");
    expect_error("(input \"x\")", "unexpected token: unknown command input");
    expect_error("(module", "unexpected token: end of script");
    expect_error("module", "unexpected token");
    expect_error("(invoke \"f\" (i32.const x))", "unknown operator x");
    expect_error("(invoke \"f\" (i32.const 4294967296))", "constant out of range");
    expect_error("(invoke \"f\" (ref.null nonsense))", "unexpected token");
    expect_error("(invoke \"f\" (v128.const i64x2 1))", "wrong number of lane literals");
    expect_error("(invoke \"f\" (either (either (i32.const 1))))", "unexpected token");
    std::string nested;
    for (int i = 0; i < 100'000; ++i)
        nested += "(thread $t ";
    expect_error(nested, "unexpected token");
}

}  // namespace
}  // namespace wsb::text
