// SPDX-License-Identifier: Apache-2.0
// Instructions in their flat form: keyword and immediates, as the instruction table says.
// Spec: text/instructions
#include "engine/base/check.h"
#include "engine/text/float_text.h"
#include "engine/text/printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace wsb::text {

using binary::CatchClause;
using binary::Instr;
using binary::InstrReader;

Printer::Body Printer::body_of(uint32_t func) const {
    Body body;
    if (const auto names = m_names.locals.find(func); names != m_names.locals.end())
        body.locals = Identifiers(names->second);
    if (const auto names = m_names.labels.find(func); names != m_names.labels.end())
        body.labels = Labels(&names->second);
    return body;
}

/// Without the body's own `end`. `before(instr, depth)` is called before each is printed.
/// @return where that `end` is, unless something before it cannot be read or is too long.
template <class Before>
std::optional<uint64_t> Printer::instrs(const FuncBody& code, Body& body, Before before) {
    InstrReader reader(Cursor(m_module.view(code.expression), code.expression.offset_bytes));
    Instr next;
    while (!reader.at_end() && !is_full()) {
        if (const auto read = reader.next(next); !read) {
            unreadable(read.error());
            return std::nullopt;
        }
        const size_t open = body.labels.size();
        const bool closes = next.op == Op::end || (next.op == Op::delegate && open != 0);
        if (closes && open == 0)
            return next.offset_bytes;
        if (closes)
            body.labels.close();
        const bool is_part = next.op == Op::else_ || next.op == Op::catch_ || next.op == Op::catch_all;
        const bool is_outdented = closes || (is_part && open != 0);
        before(next, open - (is_outdented ? 1 : 0));
        instr(next, body);
        const Imm kind = op_info(next.op).imm;
        if (kind == Imm::block_type || kind == Imm::try_table)
            body.labels.open();
    }
    return std::nullopt;
}

void Printer::instrs(const FuncBody& code, Body& body) {
    instrs(code, body, [&](const Instr&, size_t depth) { line(2 + depth); });
}

std::vector<InstrText> Printer::body(FuncIdx func) {
    m_out.clear();
    Body body = body_of(func.value);
    std::vector<InstrText> found;
    std::vector<size_t> begins;
    const auto end = instrs(m_module.body(func), body, [&](const Instr& next, size_t depth) {
        found.push_back({next.offset_bytes, depth, {}});
        begins.push_back(m_out.size());
    });
    begins.push_back(m_out.size());
    for (size_t i = 0; i < found.size(); ++i)
        found[i].text = m_out.substr(begins[i], begins[i + 1] - begins[i]);
    if (end)
        found.push_back({*end, 0, std::string(op_info(Op::end).text)});
    return found;
}

void Printer::unreadable(const Error& error) {
    m_out += fmt::format(" (; cannot be read: {} ;)", error.message());
}

void Printer::const_expr(const ConstExpr& expr, std::string_view keyword) {
    std::vector<std::string> texts;
    const Body body;
    InstrReader reader(Cursor(m_module.view(expr.range), expr.range.offset_bytes));
    Instr next;
    std::string before = std::move(m_out);
    bool is_whole = true;
    while (is_whole && !reader.at_end()) {
        m_out.clear();
        if (const auto read = reader.next(next); !read) {
            unreadable(read.error());
            is_whole = false;
        } else if (reader.at_end() && next.op == Op::end) {
            break;
        } else {
            instr(next, body);
        }
        texts.push_back(std::move(m_out));
    }
    m_out = std::move(before);
    if (texts.size() == 1 && is_whole)
        return word("(" + texts[0] + ")");
    if (!keyword.empty())
        word(fmt::format("({}", keyword));
    for (const std::string& text : texts)
        word(text);
    if (!keyword.empty())
        m_out += ')';
}

void Printer::instr(const Instr& instr, const Body& body) {
    const OpInfo& row = op_info(instr.op);
    m_out += row.text;
    switch (row.imm) {
        case Imm::none:
        case Imm::zero_byte: return;
        case Imm::block_type:
        case Imm::try_table: return block_header(instr, body);
        case Imm::i32:
        case Imm::i64:
        case Imm::f32:
        case Imm::f64:
        case Imm::v128:
        case Imm::lane:
        case Imm::lanes:
        case Imm::memarg:
        case Imm::memarg_lane: return number_immediates(instr, row.imm);
        case Imm::type:
        case Imm::type_table:
        case Imm::val_types:
        case Imm::heap_type:
        case Imm::type_field:
        case Imm::type_count:
        case Imm::type_data:
        case Imm::type_elem:
        case Imm::type_type:
        case Imm::cast: return type_immediates(instr, row.imm, body);
        default: return index_immediates(instr, row.imm, body);
    }
}

/// Identifier, type and catch clauses; the new label is not in scope of the clauses.
void Printer::block_header(const Instr& instr, const Body& body) {
    using Kind = binary::BlockType::Kind;
    if (const std::string id = body.labels.next_id(); !id.empty())
        word(id);
    if (instr.block.kind == Kind::value)
        word(fmt::format("(result {})", text_of(instr.block.value)));
    if (instr.block.kind == Kind::type)
        type_use(instr.block.type);
    if (op_info(instr.op).imm != Imm::try_table)
        return;
    constexpr std::string_view keywords[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    for (const CatchClause& clause : instr.catches) {
        word(fmt::format("({}", keywords[static_cast<size_t>(clause.kind)]));
        if (clause.kind == CatchClause::Kind::catch_ || clause.kind == CatchClause::Kind::catch_ref)
            reference(m_tag_ids, clause.tag.value);
        word(body.labels.reference(clause.label));
        m_out += ')';
    }
}

void Printer::index_immediates(const Instr& instr, Imm kind, const Body& body) {
    // Memory and table 0 are left out where the format lets them.
    switch (kind) {
        case Imm::label: return word(body.labels.reference(instr.index));
        case Imm::label_table:
            for (const uint32_t label : instr.labels)
                word(body.labels.reference(label));
            return word(body.labels.reference(instr.index));
        case Imm::func: return reference(m_func_ids, instr.index);
        case Imm::tag: return reference(m_tag_ids, instr.index);
        case Imm::local: return reference(body.locals, instr.index);
        case Imm::global: return reference(m_global_ids, instr.index);
        case Imm::table: return reference(m_table_ids, instr.index);
        case Imm::elem: return reference(m_elem_ids, instr.index);
        case Imm::data: return reference(m_data_ids, instr.index);
        case Imm::table_table:
            reference(m_table_ids, instr.index);
            return reference(m_table_ids, instr.index2);
        case Imm::mem:
            if (instr.index != 0)
                reference(m_memory_ids, instr.index);
            return;
        case Imm::mem_mem:
            if (instr.index == 0 && instr.index2 == 0)
                return;
            reference(m_memory_ids, instr.index);
            return reference(m_memory_ids, instr.index2);
        case Imm::data_mem:  // the segment comes first in the binary, last in the text
            if (instr.index2 != 0)
                reference(m_memory_ids, instr.index2);
            return reference(m_data_ids, instr.index);
        case Imm::elem_table: reference(m_table_ids, instr.index2); return reference(m_elem_ids, instr.index);
        default: WSB_UNREACHABLE();
    }
}

void Printer::type_immediates(const Instr& instr, Imm kind, const Body& body) {
    const auto reference_type = [&](HeapType heap, bool is_nullable) {
        word(text_of(ValType::reference(heap, is_nullable)));
    };
    switch (kind) {
        case Imm::type_table:
            if (instr.index2 != 0)
                reference(m_table_ids, instr.index2);
            return type_use(TypeIdx(instr.index));
        case Imm::val_types:
            m_out += " (result";
            for (const ValType type : instr.val_types)
                word(text_of(type));
            m_out += ')';
            return;
        case Imm::heap_type:
            if (instr.op == Op::ref_null)
                return word(text_of(instr.heap));
            return reference_type(instr.heap, takes_null(instr.op));
        case Imm::cast:
            word(body.labels.reference(instr.index));
            reference_type(instr.heap, (instr.cast_flags & 1) != 0);
            return reference_type(instr.heap2, (instr.cast_flags & 2) != 0);
        default: break;
    }
    reference(m_type_ids, instr.index);
    switch (kind) {
        case Imm::type: return;
        case Imm::type_field: {
            const auto names = m_field_ids.find(instr.index);
            return reference(names == m_field_ids.end() ? Identifiers() : names->second, instr.index2);
        }
        case Imm::type_count: return word(std::to_string(instr.index2));
        case Imm::type_data: return reference(m_data_ids, instr.index2);
        case Imm::type_elem: return reference(m_elem_ids, instr.index2);
        case Imm::type_type: return reference(m_type_ids, instr.index2);
        default: WSB_UNREACHABLE();
    }
}

void Printer::number_immediates(const Instr& instr, Imm kind) {
    switch (kind) {
        case Imm::i32: return word(std::to_string(static_cast<int32_t>(instr.bits)));
        case Imm::i64: return word(std::to_string(static_cast<int64_t>(instr.bits)));
        case Imm::f32: return word(f32_text(static_cast<uint32_t>(instr.bits)));
        case Imm::f64: return word(f64_text(instr.bits));
        case Imm::v128:
            m_out += " i32x4";
            for (size_t lane = 0; lane < 4; ++lane) {
                uint32_t bits = 0;
                std::memcpy(&bits, &instr.lanes[4 * lane], sizeof bits);
                word(fmt::format("{:#010x}", bits));
            }
            return;
        case Imm::lane: return word(std::to_string(instr.index));
        case Imm::lanes:
            for (const uint8_t lane : instr.lanes)
                word(std::to_string(lane));
            return;
        case Imm::memarg: return memarg(instr);
        case Imm::memarg_lane: memarg(instr); return word(std::to_string(instr.index));
        default: WSB_UNREACHABLE();
    }
}

/// What differs from memory 0, offset 0 and the natural alignment.
void Printer::memarg(const Instr& instr) {
    const auto& arg = instr.memarg;
    if (arg.memory.value != 0)
        reference(m_memory_ids, arg.memory.value);
    if (arg.offset_bytes != 0)
        word(fmt::format("offset={}", arg.offset_bytes));
    const uint64_t align_bytes = uint64_t{1} << arg.align_log2;
    if (align_bytes != op_info(instr.op).width_bytes)
        word(fmt::format("align={}", align_bytes));
}

}  // namespace wsb::text
