// SPDX-License-Identifier: Apache-2.0
// Values of scripts against values of the engine.
#include "spec-tests/script_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <any>

namespace wsb::spec {

using text::ScriptValue;

namespace {

/// NaN patterns on one lane. `fraction_bits`: 23 or 52.
[[nodiscard]] bool lane_matches(uint64_t got, uint64_t expected, ScriptValue::NanPattern pattern,
                                unsigned width_bits) noexcept {
    if (pattern == ScriptValue::NanPattern::none)
        return got == expected;
    const unsigned fraction_bits = width_bits == 32 ? 23 : 52;
    const uint64_t magnitude = got & ~(uint64_t{1} << (width_bits - 1));
    const uint64_t exponent = width_bits == 32 ? uint64_t{0xff} << 23 : uint64_t{0x7ff} << 52;
    const uint64_t canonical = exponent | uint64_t{1} << (fraction_bits - 1);
    if (pattern == ScriptValue::NanPattern::canonical)
        return magnitude == canonical;
    return (magnitude & canonical) == canonical;
}

[[nodiscard]] uint64_t lane_of(const std::array<uint64_t, 2>& bits, unsigned lane,
                               unsigned width_bits) noexcept {
    const unsigned at_bit = lane * width_bits;
    const uint64_t word = bits[at_bit / 64] >> (at_bit % 64);
    return width_bits == 64 ? word : word & ((uint64_t{1} << width_bits) - 1);
}

}  // namespace

Result<Value> ScriptRunner::argument(const ScriptValue& value) {
    switch (value.kind) {
        case ScriptValue::Kind::number: return Value::from_raw(value.type, value.bits[0], value.bits[1]);
        case ScriptValue::Kind::ref_null:
            return Value::null(ValType::reference(value.heap.value_or(HeapType::any), true));
        case ScriptValue::Kind::ref_extern:
        case ScriptValue::Kind::ref_host: {
            WSB_TRY_ASSIGN(const ExternRef reference, ExternRef::create(m_store, std::any(value.bits[0])));
            if (value.kind == ScriptValue::Kind::ref_extern)
                return Value(reference);
            // any.convert_extern changes the type alone.
            return Value::from_raw(ValType::reference(HeapType::any, true), reference.raw());
        }
        default: return fail(ErrorCode::bad_usage, "no argument of this kind: " + describe(value));
    }
}

bool ScriptRunner::matches(const Value& got, const ScriptValue& expected) const {
    if (expected.kind == ScriptValue::Kind::either) {
        for (const auto& alternative : expected.alternatives)
            if (matches(got, alternative))
                return true;
        return false;
    }
    if (expected.kind != ScriptValue::Kind::number)
        return got.is_ref() && matches_reference(got, expected);
    if (got.type() != expected.type)
        return false;
    switch (expected.type.kind()) {
        case ValType::f32: return lane_matches(got.raw()[0], expected.bits[0], expected.nan[0], 32);
        case ValType::f64: return lane_matches(got.raw()[0], expected.bits[0], expected.nan[0], 64);
        case ValType::v128:
            if (!expected.lanes_are_float)
                return got.raw() == expected.bits;
            for (unsigned lane = 0; lane < 128u / expected.lane_width_bits; ++lane)
                if (!lane_matches(lane_of(got.raw(), lane, expected.lane_width_bits),
                                  lane_of(expected.bits, lane, expected.lane_width_bits), expected.nan[lane],
                                  expected.lane_width_bits))
                    return false;
            return true;
        default: return got.raw()[0] == expected.bits[0];
    }
}

bool ScriptRunner::matches_reference(const Value& got, const ScriptValue& expected) const {
    switch (expected.kind) {
        case ScriptValue::Kind::ref_null: return got.is_null();
        case ScriptValue::Kind::ref_extern:
        case ScriptValue::Kind::ref_host: {
            const HeapType heap =
                expected.kind == ScriptValue::Kind::ref_host ? HeapType::any : HeapType::extern_;
            if (got.is_null() || !got.type().heap().is(heap.abstract()))
                return false;
            if (!expected.has_bits)
                return true;
            const std::any* object = got.externref().object(m_store);
            const auto* number = object == nullptr ? nullptr : std::any_cast<uint64_t>(object);
            return number != nullptr && *number == expected.bits[0];
        }
        case ScriptValue::Kind::ref_of_kind:
            return !got.is_null() &&
                   got.has_type(m_store, ValType::reference(expected.heap.value_or(HeapType::any), false));
        default: return false;
    }
}

namespace {

[[nodiscard]] std::string_view pattern_text(ScriptValue::NanPattern pattern) noexcept {
    return pattern == ScriptValue::NanPattern::canonical ? "nan:canonical" : "nan:arithmetic";
}

[[nodiscard]] std::string lanes_text(const std::array<uint64_t, 2>& bits, unsigned width_bits,
                                     const std::array<ScriptValue::NanPattern, 4>& patterns) {
    const unsigned count = 128 / width_bits;
    std::string text = fmt::format("v128:{}x{}", width_bits, count);
    for (unsigned lane = 0; lane < count; ++lane) {
        if (lane < patterns.size() && patterns[lane] != ScriptValue::NanPattern::none)
            text += fmt::format(" {}", pattern_text(patterns[lane]));
        else
            text += fmt::format(" {:#x}", lane_of(bits, lane, width_bits));
    }
    return text;
}

}  // namespace

std::string describe(const Value& value) {
    switch (value.kind()) {
        case ValType::i32: return fmt::format("i32:{} ({:#x})", value.i32(), value.u32());
        case ValType::i64: return fmt::format("i64:{} ({:#x})", value.i64(), value.u64());
        case ValType::f32: return fmt::format("f32:{} ({:#x})", value.f32(), value.u32());
        case ValType::f64: return fmt::format("f64:{} ({:#x})", value.f64(), value.u64());
        case ValType::v128: return lanes_text(value.raw(), 32, {});
        default: return value.is_null() ? "null" : to_string(value.type());
    }
}

std::string describe(const ScriptValue& value) {
    if (value.kind == ScriptValue::Kind::number) {
        if (value.type == ValType::v128)
            return lanes_text(value.bits, value.lanes_are_float ? value.lane_width_bits : 32, value.nan);
        if (value.nan[0] != ScriptValue::NanPattern::none)
            return fmt::format("{}:{}", to_string(value.type), pattern_text(value.nan[0]));
        return describe(Value::from_raw(value.type, value.bits[0], value.bits[1]));
    }
    if (value.kind == ScriptValue::Kind::either) {
        std::string text = "either";
        for (const auto& alternative : value.alternatives)
            text += " " + describe(alternative);
        return text;
    }
    if (value.kind == ScriptValue::Kind::ref_host)
        return fmt::format("host {}", value.bits[0]);
    if (value.kind == ScriptValue::Kind::ref_extern)
        return value.has_bits ? fmt::format("extern {}", value.bits[0]) : "extern";
    return "ref." + (value.kind == ScriptValue::Kind::ref_null ? "null"
                     : value.heap                              ? to_string(*value.heap)
                                                               : "any");
}

}  // namespace wsb::spec
