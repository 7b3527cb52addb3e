// SPDX-License-Identifier: Apache-2.0
// Exceptions in the folding translator. Entering try_table costs one branch over its landings, a legacy try
// one branch over its catch blocks; nothing else is paid where nothing is thrown.
#include "engine/lower/lower_sink.h"

namespace wsb::lower {

using binary::CatchClause;

/// [br over the landings][landing of each clause][body]. A landing begins with the exception's values in
/// the canonical slots above what was on the stack below the block, and branches to the clause's label.
void LowerSink::try_table(const validate::BlockShape& shape, std::span<const CatchClause> clauses) {
    open_frame(Frame::Kind::try_table, shape);
    flush_constants(shape.params.size());
    forget_accumulators();
    const uint32_t base_values = m_frames.back().base_values;
    const uint32_t base_slot = m_frames.back().base_slot;
    const uint32_t skip = begin_cell(Single::br);
    word(0);
    m_is_landing = true;
    for (const CatchClause& clause : clauses) {
        reset_stack(base_values, base_slot);
        landing(clause, base_slot);
    }
    m_is_landing = false;
    reset_stack(base_values, base_slot);
    push_results(shape.params);
    m_words[skip + 1] = pack_edge(static_cast<int32_t>(m_words.size() - skip), 0);
    forget_accumulators();
    m_fusible.cell = none;
    m_last_cell = none;
    for (CatchRange& range : m_frames.back().catches)
        range.begin_word = static_cast<uint32_t>(m_words.size());
}

void LowerSink::landing(const CatchClause& clause, uint32_t base_slot) {
    CatchRange range;
    range.base_slot = base_slot;
    range.tag = clause.tag;
    range.catches_all =
        clause.kind == CatchClause::Kind::catch_all || clause.kind == CatchClause::Kind::catch_all_ref;
    const bool wants_reference =
        clause.kind == CatchClause::Kind::catch_ref || clause.kind == CatchClause::Kind::catch_all_ref;
    if (!range.catches_all)
        push_results(m_info.module->types[m_info.module->tags[clause.tag.value].type.value].func()->params);
    if (wants_reference) {
        range.reference_slot = m_height;
        push_temporary(ValType::reference(HeapType::exn, false));
    }
    note_height();
    settlement_point();
    range.landing_word = static_cast<uint32_t>(m_words.size());
    m_frames.back().catches.push_back(range);
    branch(clause.label + 1);  // labels of clauses do not count the block itself
}

/// At the end of a frame: its clauses come behind those of the frames inside.
void LowerSink::close_clauses(Frame& frame) {
    for (const uint32_t delegation : frame.delegations)
        m_catches[delegation].next_clause = static_cast<uint32_t>(m_catches.size());
    if (!frame.catches.empty())
        m_last_cell = none;  // what comes next may not share a cell with what is inside
    const bool is_open = frame.kind != Frame::Kind::legacy_catch;
    const auto end_clause = static_cast<uint32_t>(m_catches.size() + frame.catches.size());
    for (CatchRange& range : frame.catches) {
        range.end_clause = end_clause;
        range.end_word = is_open ? static_cast<uint32_t>(m_words.size()) : frame.body_end_word;
        m_catches.push_back(range);
    }
}

/// Costs nothing: the body is followed by the catch blocks, which it jumps over.
void LowerSink::legacy_try(const validate::BlockShape& shape) {
    open_frame(Frame::Kind::legacy_try, shape);
    forget_accumulators();
    m_fusible.cell = none;  // no cell of the body may begin before it
    m_last_cell = none;
    m_frames.back().header_word = static_cast<uint32_t>(m_words.size());
}

/// A catch block is a landing. It begins with the exception as an operand that no instruction names, below
/// the exception's values: `rethrow` takes it from there. It is a root for as long as the block is open.
void LowerSink::legacy_catch(bool falls_through, uint32_t potential_there, std::optional<TagIdx> tag) {
    if (falls_through)
        leave_branch(potential_there);
    Frame& frame = m_frames.back();
    if (frame.kind == Frame::Kind::legacy_try) {
        frame.kind = Frame::Kind::legacy_catch;
        frame.body_end_word = static_cast<uint32_t>(m_words.size());
    }
    reset_stack(frame.base_values, frame.base_slot);
    CatchRange range;
    range.begin_word = frame.header_word;
    range.reference_slot = m_height;
    push_temporary(ValType::reference(HeapType::exn, false));
    range.base_slot = m_height;
    range.catches_all = !tag;
    if (tag) {
        range.tag = *tag;
        push_results(m_info.module->types[m_info.module->tags[tag->value].type.value].func()->params);
    }
    settlement_point();
    range.landing_word = static_cast<uint32_t>(m_words.size());
    frame.catches.push_back(range);
    count_execution(tag ? Op::catch_ : Op::catch_all);
}

/// The index of the range in m_catches is known: end_block comes next.
void LowerSink::delegate(uint32_t depth) {
    Frame& frame = m_frames.back();
    CatchRange range;
    range.begin_word = frame.header_word;
    range.is_delegate = true;
    frame.catches.push_back(range);
    frame_at(depth + 1).delegations.push_back(static_cast<uint32_t>(m_catches.size()));
}

void LowerSink::rethrow(uint32_t depth) {
    begin_cell(Single::throw_ref);
    word(pack_wide(frame_at(depth).catches.back().reference_slot, 0, potential()));
}

void LowerSink::throw_(TagIdx tag, const FuncType& type) {
    const uint32_t base = m_height - slot_count(type.params);
    move_values(type.params.size(), base);
    begin_cell(Single::throw_);
    note_roots();
    word(pack_wide(base, 0, potential()));
    word(static_cast<Word>(tag.value) | static_cast<Word>(slot_count(type.params)) << 32);
}

void LowerSink::throw_ref() {
    const uint32_t slot = stored_slot(pop());
    begin_cell(Single::throw_ref);
    word(pack_wide(slot, 0, potential()));
}

}  // namespace wsb::lower
