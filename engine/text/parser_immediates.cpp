// SPDX-License-Identifier: Apache-2.0
// Immediates by their kind in the instruction table.
#include "engine/text/keywords.h"
#include "engine/text/parser.h"

#include <bit>

namespace wsb::text {

using binary::CatchClause;
using binary::Instr;

Result<void> ModuleParser::immediates(Instr& instr) {
    const Imm kind = op_info(instr.op).imm;
    switch (kind) {
        case Imm::none:
        case Imm::zero_byte: return instr.op == Op::select ? select_types(instr) : Result<void>{};
        case Imm::i32:
        case Imm::i64:
        case Imm::f32:
        case Imm::f64:
        case Imm::v128:
        case Imm::lane:
        case Imm::lanes:
        case Imm::memarg:
        case Imm::memarg_lane: return number_immediates(instr, kind);
        case Imm::heap_type:
        case Imm::cast:
        case Imm::type_table:
        case Imm::val_types:
        case Imm::type_field:
        case Imm::type_count:
        case Imm::type_data:
        case Imm::type_elem:
        case Imm::type_type: return type_immediates(instr, kind);
        case Imm::block_type:
        case Imm::try_table: return {};  // with the block
        default: return index_immediates(instr, kind);
    }
}

Result<void> ModuleParser::index_immediates(Instr& instr, Imm kind) {
    struct SingleIndex {
        Imm kind;
        NameSpace ModuleParser::* space;
        std::string_view what;
        bool is_optional;
    };
    static constexpr SingleIndex singles[] = {
        {Imm::func, &ModuleParser::m_func_names, "function", false},
        {Imm::type, &ModuleParser::m_type_names, "type", false},
        {Imm::tag, &ModuleParser::m_tag_names, "tag", false},
        {Imm::local, &ModuleParser::m_local_names, "local", false},
        {Imm::global, &ModuleParser::m_global_names, "global", false},
        {Imm::elem, &ModuleParser::m_elem_names, "elem segment", false},
        {Imm::data, &ModuleParser::m_data_names, "data segment", false},
        {Imm::table, &ModuleParser::m_table_names, "table", true},
        {Imm::mem, &ModuleParser::m_memory_names, "memory", true},
    };
    if (kind == Imm::data || kind == Imm::data_mem)
        m_needs_data_count = true;
    for (const SingleIndex& single : singles) {
        if (single.kind != kind)
            continue;
        if (!single.is_optional || at_index()) {
            WSB_TRY_ASSIGN(instr.index, index(this->*single.space, single.what));
        }
        return {};
    }
    switch (kind) {
        case Imm::label: {
            WSB_TRY_ASSIGN(instr.index, label());
            return {};
        }
        case Imm::label_table:
            do {
                WSB_TRY_ASSIGN(const uint32_t depth, label());
                instr.labels.push_back(depth);
            } while (at_index());
            instr.index = instr.labels.back();
            instr.labels.pop_back();
            return {};
        case Imm::table_table: return index_pair(instr, m_table_names, "table");
        case Imm::mem_mem: return index_pair(instr, m_memory_names, "memory");
        case Imm::data_mem:
            return segment_indices(instr, m_memory_names, "memory", m_data_names, "data segment");
        case Imm::elem_table:
            return segment_indices(instr, m_table_names, "table", m_elem_names, "elem segment");
        default: return unexpected();
    }
}

/// Two indices of one space, or none.
Result<void> ModuleParser::index_pair(Instr& instr, const NameSpace& space, std::string_view what) {
    if (!at_index())
        return {};
    WSB_TRY_ASSIGN(instr.index, index(space, what));
    WSB_TRY_ASSIGN(instr.index2, index(space, what));
    return {};
}

/// `memory.init m? d`, `table.init t? e`: the segment comes last, but first in the binary.
Result<void> ModuleParser::segment_indices(Instr& instr, const NameSpace& outer, std::string_view outer_what,
                                           const NameSpace& segments, std::string_view what) {
    WSB_TRY_ASSIGN(const Token next, peek());
    if (next.kind == Token::Kind::id || is_natural(next)) {
        WSB_TRY_ASSIGN(instr.index2, index(outer, outer_what));
    }
    WSB_TRY_ASSIGN(instr.index, index(segments, what));
    return {};
}

Result<void> ModuleParser::number_immediates(Instr& instr, Imm kind) {
    switch (kind) {
        case Imm::i32: {
            WSB_TRY_ASSIGN(const uint64_t bits, parse_integer(m_token, 32));
            instr.bits = static_cast<uint64_t>(int64_t{static_cast<int32_t>(static_cast<uint32_t>(bits))});
            return advance();
        }
        case Imm::i64: {
            WSB_TRY_ASSIGN(instr.bits, parse_integer(m_token, 64));
            return advance();
        }
        case Imm::f32: {
            WSB_TRY_ASSIGN(const uint32_t bits, parse_f32(m_token));
            instr.bits = bits;
            return advance();
        }
        case Imm::f64: {
            WSB_TRY_ASSIGN(instr.bits, parse_f64(m_token));
            return advance();
        }
        case Imm::v128: return v128_immediate(instr);
        case Imm::lane: {
            if (!is_natural(m_token))
                return unexpected();
            WSB_TRY_ASSIGN(const uint64_t lane, parse_unsigned(m_token, 8));
            instr.index = static_cast<uint32_t>(lane);
            return advance();
        }
        case Imm::lanes: {
            WSB_TRY_ASSIGN(const auto lanes, numbers(instr.lanes.size(), ErrorCode::invalid_lane_length));
            for (size_t i = 0; i < lanes.size(); ++i) {
                const auto value = parse_unsigned(lanes[i], 8);
                if (!value)
                    return fail_at(lanes[i], ErrorCode::i8_constant);
                instr.lanes[i] = static_cast<uint8_t>(*value);
            }
            return {};
        }
        default: return memarg(instr, kind == Imm::memarg_lane);
    }
}

/// Exactly `count` numbers, not yet read. @return `wrong_count`
Result<std::vector<Token>> ModuleParser::numbers(size_t count, ErrorCode wrong_count) {
    std::vector<Token> tokens;
    while (is_number(m_token) && tokens.size() <= count) {
        tokens.push_back(m_token);
        WSB_TRY(advance());
    }
    if (at(Token::Kind::atom) && !is_keyword(m_token.text) && tokens.size() <= count)
        return fail_unexpected(m_token);
    if (tokens.size() != count)
        return fail_at(m_token, wrong_count);
    return tokens;
}

/// `memory? offset=…? align=…? lane?`
Result<void> ModuleParser::memarg(Instr& instr, bool has_lane) {
    const OpInfo& row = op_info(instr.op);
    instr.memarg = {};
    if (at_index()) {
        // A single number before a lane instruction's end is the lane.
        WSB_TRY_ASSIGN(const Token next, peek());
        const bool is_memory = !has_lane || is_natural(next) ||
                               (next.kind == Token::Kind::atom &&
                                (next.text.starts_with("offset=") || next.text.starts_with("align=")));
        if (is_memory) {
            WSB_TRY_ASSIGN(const uint32_t memory, index(m_memory_names, "memory"));
            instr.memarg.memory = MemIdx(memory);
        }
    }
    const auto keyed = [&](std::string_view key) -> Result<std::optional<uint64_t>> {
        if (!at(Token::Kind::atom) || !m_token.text.starts_with(key))
            return std::nullopt;
        if (!is_keyword(m_token.text))
            return fail_unexpected(m_token);
        Token number = m_token;
        number.text.remove_prefix(key.size());
        auto value = parse_unsigned(number, 64);
        if (!value)
            return std::unexpected(std::move(value).error());
        WSB_TRY(advance());
        return *value;
    };
    WSB_TRY_ASSIGN(const auto offset, keyed("offset="));
    const Token align_token = m_token;
    WSB_TRY_ASSIGN(const auto align, keyed("align="));
    instr.memarg.offset_bytes = offset.value_or(0);
    const uint64_t align_bytes = align.value_or(row.width_bytes);
    if (!std::has_single_bit(align_bytes))
        return fail_at(align_token, ErrorCode::alignment_power_of_two);
    instr.memarg.align_log2 = static_cast<uint32_t>(std::countr_zero(align_bytes));
    if (!has_lane)
        return {};
    if (!is_natural(m_token))
        return unexpected();
    WSB_TRY_ASSIGN(const uint64_t lane, parse_unsigned(m_token, 8));
    instr.index = static_cast<uint32_t>(lane);
    return advance();
}

Result<void> ModuleParser::v128_immediate(Instr& instr) {
    struct Shape {
        std::string_view name;
        unsigned bits;
        bool is_float;
    };
    constexpr Shape shapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                                {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};
    for (const Shape& shape : shapes) {
        if (!m_token.is(shape.name))
            continue;
        WSB_TRY(advance());
        const size_t width = shape.bits / 8;
        WSB_TRY_ASSIGN(const auto lanes, numbers(16 / width, ErrorCode::wrong_lane_count));
        for (size_t lane = 0; lane < lanes.size(); ++lane) {
            uint64_t bits = 0;
            if (!shape.is_float) {
                WSB_TRY_ASSIGN(bits, parse_integer(lanes[lane], shape.bits));
            } else if (shape.bits == 32) {
                WSB_TRY_ASSIGN(bits, parse_f32(lanes[lane]));
            } else {
                WSB_TRY_ASSIGN(bits, parse_f64(lanes[lane]));
            }
            for (size_t byte = 0; byte < width; ++byte)
                instr.lanes[lane * width + byte] = static_cast<uint8_t>(bits >> (8 * byte));
        }
        return {};
    }
    return unexpected();
}

Result<void> ModuleParser::select_types(Instr& instr) {
    FuncType type;
    WSB_TRY_ASSIGN(const bool has_types, at_form("result"));
    if (!has_types)
        return {};
    WSB_TRY(params_and_results(type, nullptr));
    instr.op = Op::select_t;
    instr.val_types = std::move(type.results);
    return {};
}

Result<void> ModuleParser::type_immediates(Instr& instr, Imm kind) {
    switch (kind) {
        case Imm::heap_type: {
            if (instr.op == Op::ref_null) {
                WSB_TRY_ASSIGN(instr.heap, heap_type());
                return {};
            }
            WSB_TRY_ASSIGN(const ValType type, ref_type());
            instr.heap = type.heap();
            if (type.is_nullable())
                instr.op = null_form(instr.op);
            return {};
        }
        case Imm::cast: {
            WSB_TRY_ASSIGN(instr.index, label());
            WSB_TRY_ASSIGN(const ValType source, ref_type());
            WSB_TRY_ASSIGN(const ValType target, ref_type());
            instr.heap = source.heap();
            instr.heap2 = target.heap();
            instr.cast_flags =
                static_cast<uint8_t>((source.is_nullable() ? 1 : 0) | (target.is_nullable() ? 2 : 0));
            return {};
        }
        case Imm::type_table: {
            if (at_index()) {
                WSB_TRY_ASSIGN(instr.index2, index(m_table_names, "table"));
            }
            const Token start = m_token;
            WSB_TRY_ASSIGN(const TypeUse use, type_use());
            for (const Named& named : use.param_names)
                if (named.id)
                    return fail_at(start, ErrorCode::unexpected_token, "parameters have no names here");
            instr.index = use.index;
            return {};
        }
        default: break;
    }
    WSB_TRY_ASSIGN(instr.index, index(m_type_names, "type"));
    switch (kind) {
        case Imm::type_field: {
            WSB_TRY_ASSIGN(instr.index2, field_index(instr.index));
            return {};
        }
        case Imm::type_count: {
            WSB_TRY_ASSIGN(const uint64_t count, parse_unsigned(m_token, 32));
            instr.index2 = static_cast<uint32_t>(count);
            return advance();
        }
        case Imm::type_data: {
            m_needs_data_count = true;
            WSB_TRY_ASSIGN(instr.index2, index(m_data_names, "data segment"));
            return {};
        }
        case Imm::type_elem: {
            WSB_TRY_ASSIGN(instr.index2, index(m_elem_names, "elem segment"));
            return {};
        }
        default: {  // type_type
            WSB_TRY_ASSIGN(instr.index2, index(m_type_names, "type"));
            return {};
        }
    }
}

/// Clauses of try_table; its own label is not in scope yet.
Result<void> ModuleParser::catches(Instr& instr) {
    constexpr std::string_view names[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    while (at(Token::Kind::left)) {
        WSB_TRY_ASSIGN(const Token next, peek());
        size_t kind = 0;
        while (kind < 4 && !next.is(names[kind]))
            ++kind;
        if (kind == 4)
            return {};
        WSB_TRY(enter_form(names[kind]));
        CatchClause clause;
        clause.kind = static_cast<CatchClause::Kind>(kind);
        if (kind < 2) {
            WSB_TRY_ASSIGN(const uint32_t tag, index(m_tag_names, "tag"));
            clause.tag = TagIdx(tag);
        }
        WSB_TRY_ASSIGN(clause.label, label());
        WSB_TRY(expect(Token::Kind::right));
        instr.catches.push_back(clause);
    }
    return {};
}

}  // namespace wsb::text
