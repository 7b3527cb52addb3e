// SPDX-License-Identifier: Apache-2.0
// With Config::canonical_nans each NaN that an instruction computes is the positive canonical one; what works
// on bits leaves NaNs alone; fuel is the same.
#include "engine/isa/nan_results.h"
#include "tests/unit/api/api_fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <bit>
#include <string>
#include <vector>

namespace wsb::testing {
namespace {

constexpr uint64_t canonical_64 = 0x7ff8'0000'0000'0000, canonical_32 = 0x7fc0'0000;
/// A negative NaN with a payload, which hardware passes on.
constexpr const char* strange_64 = "(f64.reinterpret_i64 (i64.const 0xfff8123456789abc))";
constexpr const char* strange_32 = "(f32.reinterpret_i32 (i32.const 0xffc12345))";
constexpr const char* strange_v64 = "(v128.const i64x2 0xfff8123456789abc 0xfff8123456789abc)";
constexpr const char* strange_v32 = "(v128.const i32x4 0xffc12345 0xffc12345 0xffc12345 0xffc12345)";

/// Bits of one instruction's result: low and high 64 bits.
struct Bits {
    uint64_t low = 0, high = 0, fuel = 0;
    bool operator==(const Bits&) const = default;
};

struct CanonicalNans : ::testing::TestWithParam<bool> {
    /// Runs `(func (export "f") (result i64 i64) …)`. With little fuel the stepping form runs.
    static Bits run(const std::string& body, bool canonical, uint64_t fuel = 100'000) {
        const Engine engine({.lazy_translation = GetParam(), .canonical_nans = canonical});
        const Module module =
            Module::from_wat(engine, fmt::format("(memory 1) (func (export \"f\") (result i64 i64) "
                                                 "(local $x f64) (local $y f32) (local $v v128) {})",
                                                 body))
                .value();
        Store store = Store::create(engine).value();
        const Linker linker(engine);
        const Instance instance = linker.instantiate(store, module).value();
        store.set_fuel(fuel);
        const auto result = (*instance.typed_function<std::tuple<uint64_t, uint64_t>()>("f"))().value();
        return {std::get<0>(result), std::get<1>(result), store.fuel_consumed()};
    }
    static std::string halves(const std::string& vector) {
        return fmt::format(
            "(local.set $v {}) (i64x2.extract_lane 0 (local.get $v)) "
            "(i64x2.extract_lane 1 (local.get $v))",
            vector);
    }
};

std::string strange(char letter, bool is_wide) {
    switch (letter) {
        case 'f': return strange_32;
        case 'd': return strange_64;
        default: return is_wide ? strange_v64 : strange_v32;
    }
}

/// The instruction on strange NaNs.
std::string applied(Op op) {
    const OpInfo& row = op_info(op);
    const bool takes_wide = row.text.view().starts_with("f64x2") ? op != Op::f64x2_promote_low_f32x4
                                                                 : op == Op::f32x4_demote_f64x2_zero;
    std::string text = fmt::format("({}", row.text.view());
    for (const char letter : row.params)
        text += " " + strange(letter, takes_wide);
    return text + ")";
}

TEST_P(CanonicalNans, EveryInstructionThatComputes) {
    size_t count = 0;
    for (size_t i = 0; i < op_count; ++i) {
        const auto op = static_cast<Op>(i);
        const NanResult where = nan_result(op);
        if (where == NanResult::none)
            continue;
        ++count;
        SCOPED_TRACE(op_info(op).text.view());
        std::string body;
        Bits expected;
        switch (where) {
            case NanResult::f32:
                body = fmt::format("(i64.extend_i32_u (i32.reinterpret_f32 {})) (i64.const 0)", applied(op));
                expected = {canonical_32, 0};
                break;
            case NanResult::f64:
                body = fmt::format("(i64.reinterpret_f64 {}) (i64.const 0)", applied(op));
                expected = {canonical_64, 0};
                break;
            case NanResult::f32x4:
                body = halves(applied(op));
                expected = {canonical_32 << 32 | canonical_32, canonical_32 << 32 | canonical_32};
                if (op == Op::f32x4_demote_f64x2_zero)
                    expected.high = 0;
                break;
            default: body = halves(applied(op)); expected = {canonical_64, canonical_64};
        }
        const Bits plain = run(body, false);
        const Bits found = run(body, true);
        EXPECT_TRUE(plain.low != expected.low) << "the machine gives it anyway, so this shows nothing";
        EXPECT_EQ(found.low, expected.low);
        EXPECT_EQ(found.high, expected.high);
        EXPECT_EQ(found.fuel, plain.fuel);
        const Bits stepping = run(body, true, plain.fuel);
        EXPECT_EQ(stepping, found);
    }
    EXPECT_EQ(count, 2u * 11 + 2 + 2 * 15 + 2);
}

TEST_P(CanonicalNans, AlsoWhereInstructionsShareCells) {
    const std::string nan = strange_64;
    for (const std::string& value : std::initializer_list<std::string>{
             "(f64.add (f64.mul " + nan + " (f64.const 2)) (f64.const 1))",
             "(f64.mul (f64.const 3) (f64.sub (f64.const 1) " + nan + "))",
             "(f64.add (f64.load (i32.const 0)) (f64.const 1))",
             "(f64.promote_f32 (f32.demote_f64 " + nan + "))",
             "(local.set $x (f64.sqrt " + nan + ")) (local.get $x)",
             "(local.tee $x (f64.add (local.get $x) " + nan + "))",
             "(local.set $x " + nan +
                 ") (local.set $x (f64.add (local.get $x) (f64.const 1))) (local.get $x)",
             "(f64.store (i32.const 8) (f64.div " + nan + " (f64.const 1))) (f64.load (i32.const 8))",
             "(block (result f64) (f64.max " + nan + " (f64.const 1)))",
             "(select (f64.min " + nan + " (f64.const 1)) (f64.const 0) (i32.const 1))",
         }) {
        SCOPED_TRACE(value);
        const std::string body =
            "(i64.store (i32.const 0) (i64.const 0xfff8123456789abc)) (i64.reinterpret_f64 " +
            (value.starts_with("(local.set") || value.starts_with("(f64.store")
                 ? "(block (result f64) " + value + ")"
                 : value) +
            ") (i64.const 0)";
        const Bits plain = run(body, false);
        const Bits found = run(body, true);
        EXPECT_NE(plain.low, canonical_64);
        EXPECT_EQ(found.low, canonical_64);
        EXPECT_EQ(found.fuel, plain.fuel);
        EXPECT_EQ(run(body, true, plain.fuel), found);
    }
}

TEST_P(CanonicalNans, BitsStayBits) {
    const std::string nan = strange_64;
    for (const std::string& value : std::initializer_list<std::string>{
             nan, "(f64.abs " + nan + ")", "(f64.neg " + nan + ")",
             "(f64.copysign " + nan + " (f64.const 1))", "(f64.copysign (f64.const 1) " + nan + ")",
             "(f64.load (i32.const 0))", std::string("(f64.const nan:0x123)"),
             "(f64x2.extract_lane 1 (f64x2.pmin " + std::string(strange_v64) +
                 " (f64x2.splat (f64.const 1))))",
             "(f64x2.extract_lane 0 (f64x2.neg " + std::string(strange_v64) + "))"}) {
        SCOPED_TRACE(value);
        const std::string body =
            "(i64.store (i32.const 0) (i64.const 0xfff8123456789abc)) (i64.reinterpret_f64 " + value +
            ") (i64.const 0)";
        EXPECT_EQ(run(body, true), run(body, false));
    }
}

/// The default NaN of this machine is negative: 0/0 shows where somebody relies on it.
TEST_P(CanonicalNans, OfNumbersToo) {
    const std::string body =
        "(i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))) "
        "(i64.extend_i32_u (i32.reinterpret_f32 (f32.sqrt (f32.const -1))))";
    EXPECT_EQ(run(body, true).low, canonical_64);
    EXPECT_EQ(run(body, true).high, canonical_32);
}

INSTANTIATE_TEST_SUITE_P(Translation, CanonicalNans, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "lazy" : "eager"; });

}  // namespace
}  // namespace wsb::testing
