// SPDX-License-Identifier: Apache-2.0
// Exceptions in the folding translator. Entering try_table costs one branch over its landings; nothing
// else is paid where nothing is thrown.
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
    range.wants_reference =
        clause.kind == CatchClause::Kind::catch_ref || clause.kind == CatchClause::Kind::catch_all_ref;
    if (!range.catches_all)
        push_results(m_info.module->types[m_info.module->tags[clause.tag.value].type.value].func()->params);
    if (range.wants_reference)
        push_temporary(ValType::reference(HeapType::exn, false));
    settlement_point();
    range.landing_word = static_cast<uint32_t>(m_words.size());
    m_frames.back().catches.push_back(range);
    branch(clause.label + 1);  // labels of clauses do not count the block itself
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
