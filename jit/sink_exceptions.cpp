// SPDX-License-Identifier: Apache-2.0
// Exceptions. Who throws is a cell, before which everything is in its slot; so a handler finds all locals
// there, whatever was changed inside the block. The interpreter searches the clauses that the lowering has
// made (interp/handlers_exception.cpp): here only becomes known which of them are around each cell, and where
// each goes on. Entering a block costs nothing.
#include "jit/machine_sink.h"

#include <utility>

namespace wsb::jit {

using lower::slot_count;
using validate::BlockShape;

void MachineSink::open_catching(const BlockShape& shape) {
    Frame& opened = open_frame(Frame::Kind::try_, shape);
    opened.catching = static_cast<uint32_t>(m_catching.size());
    m_catching.push_back({.outer = m_inside});
}

/// Each clause has a cell that the exception goes on at: an edge to its label, with the exception's values
/// in the slots above what was on the stack below the block, and nothing in registers.
void MachineSink::try_table(const BlockShape& shape, std::span<const binary::CatchClause> clauses) {
    open_catching(shape);
    const PinState state = std::exchange(m_state, {});
    const uint32_t height = m_height;
    const uint32_t base_slot = m_frames.back().base_slot;
    for (const auto& clause : clauses) {
        const uint32_t depth = clause.label + 1;  // labels of clauses do not count the block itself
        m_height = base_slot + slot_count(label_types(frame_at(depth)));
        note_height();
        const uint32_t edge = edge_to(depth, 0);
        m_catching.back().landings.push_back(add_point(edge, 0));
    }
    m_state = state;
    m_height = height;
    m_inside = m_frames.back().catching;
}

void MachineSink::legacy_try(const BlockShape& shape) {
    open_catching(shape);
    m_inside = m_frames.back().catching;
}

/// A catch block begins with the exception as an operand that no instruction names, below the exception's
/// values: `rethrow` takes it from there.
void MachineSink::legacy_catch(bool falls_through, uint32_t potential_there, std::optional<TagIdx> tag) {
    if (falls_through)
        jump_inline(0, potential_there);
    Frame& frame = m_frames.back();
    close_body(frame);
    frame.kind = Frame::Kind::catch_;
    reset_stack(frame.base_values, frame.base_slot);
    push(Value::Kind::slot, ValType::reference(HeapType::exn, false));
    if (tag)
        push_results(m_info.module->types[m_info.module->tags[tag->value].type.value].func()->params);
    const uint32_t landing = new_label();
    const uint32_t added = add_cell({}, landing);
    m_cells[added].potential = 0;
    m_cells[added].point = new_point();
    m_catching[frame.catching].landings.push_back(added);
    m_code.bind(label(landing));
    m_code.endbr64();
    m_state = {};
    forget_straight_line();
}

/// The search goes on elsewhere; the lowering's clause knows where.
void MachineSink::delegate(uint32_t) {
    m_catching[m_frames.back().catching].landings.push_back(none);
}

void MachineSink::rethrow(uint32_t depth) {
    prepare_cell(0);
    const ValType exception = ValType::reference(HeapType::exn, false);
    isolate({&exception, 1}, frame_at(depth).base_slot);
    m_lowering.throw_ref();
    run_cell();
}

/// From here on the block does not catch any more.
void MachineSink::close_body(Frame& frame) noexcept {
    if (frame.kind == Frame::Kind::try_)
        m_inside = m_catching[frame.catching].outer;
}

/// At the end of a block: clauses are numbered as in lower/lower_exceptions.cpp, inner blocks first.
void MachineSink::close_clauses(Frame& frame) {
    if (frame.catching == none)
        return;
    close_body(frame);
    CatchingBlock& block = m_catching[frame.catching];
    if (block.landings.empty())
        return;
    block.clause = static_cast<uint32_t>(m_landings.size());
    m_landings.insert(m_landings.end(), block.landings.begin(), block.landings.end());
}

/// What a block without clauses does not catch is for the one around it.
void MachineSink::find_clauses() {
    for (CatchingBlock& block : m_catching)
        if (block.clause == none && block.outer != none)
            block.clause = m_catching[block.outer].clause;
}

}  // namespace wsb::jit
