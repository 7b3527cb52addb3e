// SPDX-License-Identifier: Apache-2.0
// Arguments and expected results of scripts.
#include "engine/text/literals.h"
#include "engine/text/script_parser.h"

namespace wsb::text {

namespace {

struct NamedHeapType {
    std::string_view name;
    HeapType::Abstract type;
};
constexpr NamedHeapType heap_types[] = {
    {"func", HeapType::func},         {"nofunc", HeapType::nofunc},  {"extern", HeapType::extern_},
    {"noextern", HeapType::noextern}, {"any", HeapType::any},        {"eq", HeapType::eq},
    {"i31", HeapType::i31},           {"struct", HeapType::struct_}, {"array", HeapType::array},
    {"none", HeapType::none},         {"exn", HeapType::exn},        {"noexn", HeapType::noexn},
};

[[nodiscard]] std::optional<HeapType> find_heap_type(std::string_view name) noexcept {
    for (const auto& [known, type] : heap_types)
        if (known == name)
            return HeapType(type);
    return std::nullopt;
}

struct Shape {
    std::string_view name;
    uint8_t lane_width_bits;
    bool is_float;
};
constexpr Shape shapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                            {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};

}  // namespace

/// `( either value+ )` or one value.
Result<ScriptValue> ScriptParser::value() {
    WSB_TRY(expect(Token::Kind::left));
    if (!m_token.is("either"))
        return simple_value();
    WSB_TRY(advance());
    ScriptValue result;
    result.kind = ScriptValue::Kind::either;
    while (at(Token::Kind::left)) {
        WSB_TRY(advance());
        WSB_TRY_ASSIGN(ScriptValue one, simple_value());
        result.alternatives.push_back(std::move(one));
    }
    if (result.alternatives.empty())
        return unexpected();
    WSB_TRY(expect(Token::Kind::right));
    return result;
}

/// Behind the opening parenthesis.
Result<ScriptValue> ScriptParser::simple_value() {
    const Token keyword = m_token;
    constexpr std::pair<std::string_view, ValType::Kind> scalars[] = {
        {"i32.const", ValType::i32},
        {"i64.const", ValType::i64},
        {"f32.const", ValType::f32},
        {"f64.const", ValType::f64},
    };
    WSB_TRY(advance());
    for (const auto& [name, type] : scalars) {
        if (!keyword.is(name))
            continue;
        WSB_TRY_ASSIGN(ScriptValue result, scalar_value(type));
        WSB_TRY(expect(Token::Kind::right));
        return result;
    }
    if (keyword.is("v128.const")) {
        WSB_TRY_ASSIGN(ScriptValue result, vector_value());
        WSB_TRY(expect(Token::Kind::right));
        return result;
    }
    if (keyword.kind != Token::Kind::atom || !keyword.text.starts_with("ref."))
        return fail_at(keyword, ErrorCode::unexpected_token,
                       "expected a value, found " + std::string(keyword.text));
    WSB_TRY_ASSIGN(ScriptValue result, reference_value(keyword.text.substr(4)));
    WSB_TRY(expect(Token::Kind::right));
    return result;
}

Result<ScriptValue> ScriptParser::scalar_value(ValType type) {
    ScriptValue result;
    result.type = type;
    if (type == ValType::i32) {
        WSB_TRY_ASSIGN(result.bits[0], parse_integer(m_token, 32));
        WSB_TRY(advance());
    } else if (type == ValType::i64) {
        WSB_TRY_ASSIGN(result.bits[0], parse_integer(m_token, 64));
        WSB_TRY(advance());
    } else {
        WSB_TRY_ASSIGN(result.bits[0], float_lane(type == ValType::f32 ? 32 : 64, result.nan[0]));
    }
    return result;
}

/// A float, or a pattern that stands for a set of NaNs.
Result<uint64_t> ScriptParser::float_lane(unsigned bits, ScriptValue::NanPattern& pattern) {
    uint64_t result = 0;
    if (m_token.is("nan:canonical")) {
        pattern = ScriptValue::NanPattern::canonical;
    } else if (m_token.is("nan:arithmetic")) {
        pattern = ScriptValue::NanPattern::arithmetic;
    } else if (bits == 32) {
        WSB_TRY_ASSIGN(result, parse_f32(m_token));
    } else {
        WSB_TRY_ASSIGN(result, parse_f64(m_token));
    }
    WSB_TRY(advance());
    return result;
}

Result<ScriptValue> ScriptParser::vector_value() {
    ScriptValue result;
    result.type = ValType::v128;
    for (const Shape& shape : shapes) {
        if (!m_token.is(shape.name))
            continue;
        WSB_TRY(advance());
        result.lane_width_bits = shape.lane_width_bits;
        result.lanes_are_float = shape.is_float;
        const unsigned lanes = 128U / shape.lane_width_bits;
        for (unsigned lane = 0; lane < lanes; ++lane) {
            if (!at(Token::Kind::atom))
                return fail_at(m_token, ErrorCode::wrong_lane_count);
            uint64_t bits = 0;
            if (shape.is_float) {
                WSB_TRY_ASSIGN(bits, float_lane(shape.lane_width_bits, result.nan[lane]));
            } else {
                WSB_TRY_ASSIGN(bits, parse_integer(m_token, shape.lane_width_bits));
                WSB_TRY(advance());
            }
            const unsigned first_bit = lane * shape.lane_width_bits;
            result.bits[first_bit / 64] |= bits << (first_bit % 64);
        }
        return result;
    }
    return unexpected();
}

/// Behind `ref.…`: null with a heap type or without, extern and host with a number, the others alone.
Result<ScriptValue> ScriptParser::reference_value(std::string_view keyword) {
    ScriptValue result;
    if (keyword == "null") {
        result.kind = ScriptValue::Kind::ref_null;
        result.type = ValType::reference(HeapType::any, true);
        if (at(Token::Kind::right))
            return result;
        if (at(Token::Kind::atom))
            result.heap = find_heap_type(m_token.text);
        if (!result.heap)
            return unexpected();
        result.type = ValType::reference(*result.heap, true);
        WSB_TRY(advance());
        return result;
    }
    if (keyword == "extern" || keyword == "host") {
        const bool is_extern = keyword == "extern";
        result.kind = is_extern ? ScriptValue::Kind::ref_extern : ScriptValue::Kind::ref_host;
        result.heap = is_extern ? HeapType::extern_ : HeapType::any;
        result.type = ValType::reference(*result.heap, is_extern);
        result.has_bits = !at(Token::Kind::right);
        if (result.has_bits) {
            WSB_TRY_ASSIGN(result.bits[0], parse_unsigned(m_token, 32));
            WSB_TRY(advance());
        } else if (!is_extern) {
            return unexpected();
        }
        return result;
    }
    result.kind = ScriptValue::Kind::ref_of_kind;
    result.heap = find_heap_type(keyword);
    if (!result.heap)
        return unexpected();
    result.type = ValType::reference(*result.heap, false);
    result.has_bits = false;
    return result;
}

}  // namespace wsb::text
