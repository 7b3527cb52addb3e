// SPDX-License-Identifier: Apache-2.0
// Blocks, branches and calls in the folding translator.
#include "engine/lower/lower_sink.h"

#include <unordered_map>

namespace wsb::lower {

using validate::BlockShape;

namespace {

/// The integer comparison with the opposite answer; nullopt for floats (NaN answers no to both).
[[nodiscard]] constexpr std::optional<Op> opposite(Op op) noexcept {
    switch (op) {
#define WSB_OPPOSITE(t)                     \
    case Op::t##_eq: return Op::t##_ne;     \
    case Op::t##_ne: return Op::t##_eq;     \
    case Op::t##_lt_s: return Op::t##_ge_s; \
    case Op::t##_ge_s: return Op::t##_lt_s; \
    case Op::t##_lt_u: return Op::t##_ge_u; \
    case Op::t##_ge_u: return Op::t##_lt_u; \
    case Op::t##_gt_s: return Op::t##_le_s; \
    case Op::t##_le_s: return Op::t##_gt_s; \
    case Op::t##_gt_u: return Op::t##_le_u; \
    case Op::t##_le_u: return Op::t##_gt_u;
        WSB_OPPOSITE(i32)
        WSB_OPPOSITE(i64)
#undef WSB_OPPOSITE
        default: return std::nullopt;
    }
}

[[nodiscard]] constexpr bool compares_64_bits(Op op) noexcept {
    const char letter = op_info(op).params[0];
    return letter == 'l' || letter == 'd';
}

}  // namespace

std::span<const ValType> LowerSink::label_types(const Frame& frame) const noexcept {
    return frame.kind == Frame::Kind::loop ? frame.shape.params : frame.shape.results;
}

void LowerSink::open_frame(Frame::Kind kind, const BlockShape& shape) {
    flush_locals();
    Frame& frame = m_frames.emplace_back();
    frame.kind = kind;
    frame.shape = shape;
    frame.base_values = static_cast<uint32_t>(m_stack.size() - shape.params.size());
    frame.base_slot = m_height - slot_count(shape.params);
}

void LowerSink::block(const BlockShape& shape) {
    open_frame(Frame::Kind::block, shape);
}

void LowerSink::loop(const BlockShape& shape) {
    open_frame(Frame::Kind::loop, shape);
    flush_constants(shape.params.size());
    settlement_point(potential());
    m_frames.back().header_word = static_cast<uint32_t>(m_words.size());
    m_frames.back().header_potential = potential();
}

void LowerSink::if_(const BlockShape& shape) {
    const Condition condition = pop_condition();
    open_frame(Frame::Kind::if_, shape);
    flush_constants(shape.params.size());
    keep_stores();
    const uint32_t cell = emit_condition(inverse(condition), Direction::forward);
    add_fixup(m_frames.back().else_fixup, cell, static_cast<uint32_t>(m_words.size() - 1));
}

/// Ends a branch of the innermost frame that has another behind it, whose `*potential` it is already.
/// @param potential_there what it was at the end of the branch.
void LowerSink::leave_branch(uint32_t potential_there) {
    Frame& frame = m_frames.back();
    move_values(frame.shape.results.size(), frame.base_slot);
    const uint32_t cell = begin_cell(Single::br);
    word(0);
    add_fixup(frame.fixups, cell, cell + 1);
    m_fixups[frame.fixups].potential = m_form == Form::stepping ? 0 : potential_there;
}

void LowerSink::else_(bool falls_through, uint32_t potential_there) {
    Frame& frame = m_frames.back();
    if (falls_through)
        leave_branch(potential_there);
    frame.kind = Frame::Kind::else_;
    bind(frame.else_fixup, potential());
    frame.else_fixup = none;
    reset_stack(frame.base_values, frame.base_slot);
    push_results(frame.shape.params);
    count_execution(Op::else_);
}

void LowerSink::end_block(bool falls_through) {
    Frame& frame = m_frames.back();
    close_clauses(frame);
    // A legacy catch block has the exception below its results, so that they have to move.
    const bool is_join =
        frame.fixups != none || frame.else_fixup != none || frame.kind == Frame::Kind::legacy_catch;
    if (is_join || !falls_through) {
        if (falls_through)
            move_values(frame.shape.results.size(), frame.base_slot);
        bind(frame.fixups, potential());
        bind(frame.else_fixup, potential());
        reset_stack(frame.base_values, frame.base_slot);
        push_results(frame.shape.results);
    }
    m_frames.pop_back();
    if (m_info.instr->op != Op::delegate)
        count_execution(Op::end);
}

/// Takes the condition off the stack. A comparison just emitted is taken back, to be fused.
LowerSink::Condition LowerSink::pop_condition() {
    const Value value = pop();
    if (is_last_result(value) && op_info(m_fusible.op).cls == OpClass::compare) {
        const Condition condition{.op = m_fusible.op,
                                  .operands = m_fusible.operands,
                                  .a = m_fusible.a,
                                  .b = m_fusible.b,
                                  .immediate = m_fusible.immediate};
        rewind_fusible();
        if (m_compared.cell == m_last_cell)
            m_fusible = m_compared;
        return condition;
    }
    Condition condition{.op = Op::i32_ne};
    condition.a = stored_slot(value);
    condition.operands = take(value) == Source::accumulator ? Operands::ai : Operands::si;
    return condition;
}

LowerSink::Condition LowerSink::inverse(Condition condition) noexcept {
    if (const auto op = opposite(condition.op))
        condition.op = *op;
    else
        condition.taken_if = !condition.taken_if;
    return condition;
}

/// The handlers for the last cell, whose result the condition compares and nothing else needs, and the
/// branch; null if there are none.
const std::array<Entry, 2>* LowerSink::find_branch_pair(const Condition& condition) const noexcept {
    const bool compares_last = m_fusible.cell != none && m_fusible.cell == m_last_cell &&
                               (condition.operands == Operands::as || condition.operands == Operands::ai);
    if (!compares_last)
        return nullptr;
    if (op_info(m_fusible.op).cls == OpClass::load) {
        const size_t index =
            load_branches_i32.index(m_fusible.op, m_fusible.address, condition.op, condition.operands);
        return index == load_branches_i32.count() ? nullptr : &m_handlers.load_branches()[index];
    }
    const size_t index =
        branch_pairs_i32.index(m_fusible.op, m_fusible.operands, condition.op, condition.operands);
    return index == branch_pairs_i32.count() ? nullptr : &m_handlers.branch_pairs()[index];
}

/// Emits the compare-and-branch; its edge is the last word, still 0. @return the cell.
uint32_t LowerSink::emit_condition(const Condition& condition, Direction direction) {
    if (const auto* const handlers = find_branch_pair(condition)) {
        const Fusible first = m_fusible;
        const bool is_load = op_info(first.op).cls == OpClass::load;
        const CellOrigin origin = last_origin();
        rewind_fusible();
        keep_stores();
        const uint32_t cell = begin_cell((*handlers)[static_cast<size_t>(direction)]);
        if (is_load)
            restore_origin(cell, origin);
        word(pack(0, first.a, first.b, condition.b));
        word((is_load ? first.end_bytes : first.immediate) | condition.immediate << 32);
        word(0);
        return cell;
    }
    const size_t index = branch_index(condition.operands, condition.taken_if, direction);
    const uint32_t cell = begin_cell(m_handlers.branches(condition.op)[index]);
    if (condition.operands < Operands::si) {
        word(pack(condition.a, condition.b));
    } else if (compares_64_bits(condition.op)) {
        word(pack(condition.a, 0));
        word(condition.immediate);
    } else {
        word(pack_wide(condition.a, 0, static_cast<uint32_t>(condition.immediate)));
    }
    word(0);
    return cell;
}

/// Whether the last cell adds a short immediate to a slot, and the condition compares that sum.
bool LowerSink::is_step(const Condition& condition) const noexcept {
    if (m_last_cell == none || condition.op < Op::i32_eq || condition.op > Op::i32_ge_u ||
        (condition.operands != Operands::as && condition.operands != Operands::ai))
        return false;
    const Word handler = m_words[m_prefix == Prefix::none ? m_last_cell : m_last_cell - 1];
    return handler == handler_of(prefix_entry(Prefix::increment), m_prefix) &&
           is_short(m_words[m_last_cell + 1] >> 32);
}

/// Takes the addition back and emits it with the compare-and-branch, whose edge is the last word, still 0:
/// [to | x | immediate | compared slot][edge], or with the compared immediate before the edge.
/// @return the cell.
uint32_t LowerSink::emit_step(const Condition& condition) {
    const bool compares_immediate = condition.operands == Operands::ai;
    const Word addition = m_words[m_last_cell + 1] & 0xffff'ffff'ffff;
    drop_last_cell();
    const uint32_t cell = begin_cell(m_handlers.steps(condition.op)[compares_immediate ? 1 : 0]);
    word(addition | pack(0, 0, 0, compares_immediate ? 0 : condition.b));
    if (compares_immediate)
        word(condition.immediate);
    word(0);
    return cell;
}

void LowerSink::add_fixup(uint32_t& chain, uint32_t cell, uint32_t edge_word) {
    m_fixups.push_back({cell, edge_word, potential(), chain});
    chain = static_cast<uint32_t>(m_fixups.size() - 1);
}

/// Lets a chain of forward edges end here. Each edge takes P(source) - P(label).
void LowerSink::bind(uint32_t chain, uint32_t label_potential) {
    const auto target = static_cast<int32_t>(m_words.size());
    for (uint32_t i = chain; i != none; i = m_fixups[i].next) {
        const Fixup& fixup = m_fixups[i];
        m_words[fixup.edge_word] = pack_edge(target - static_cast<int32_t>(fixup.cell),
                                             static_cast<int32_t>(fixup.potential - label_potential));
    }
    forget_accumulators();
    m_fusible.cell = none;
    m_last_cell = none;
}

/// Makes the last word of the code the edge of `cell` to a label.
void LowerSink::edge_to(uint32_t depth, uint32_t cell) {
    Frame& frame = frame_at(depth);
    const auto edge_word = static_cast<uint32_t>(m_words.size() - 1);
    if (frame.kind != Frame::Kind::loop) {
        add_fixup(frame.fixups, cell, edge_word);
        return;
    }
    m_words[edge_word] = pack_edge(static_cast<int32_t>(frame.header_word) - static_cast<int32_t>(cell),
                                   static_cast<int32_t>(potential() - frame.header_potential));
}

bool LowerSink::values_in_place(const Frame& frame) const noexcept {
    const size_t count = label_types(frame).size();
    uint32_t slot = frame.base_slot;
    for (const Value& value : std::span(m_stack).last(count)) {
        if (value.kind != Value::Kind::temporary || value.slot != slot)
            return false;
        slot += slot_width(value.type);
    }
    return true;
}

void LowerSink::branch(uint32_t depth) {
    Frame& frame = frame_at(depth);
    if (frame.kind == Frame::Kind::function)
        return emit_return();
    move_values(label_types(frame).size(), frame.base_slot);
    const uint32_t cell = begin_cell(frame.kind == Frame::Kind::loop ? Single::br_back : Single::br);
    word(0);
    edge_to(depth, cell);
}

/// Before control splits at a branch: its values must be in their slots on both ways. Many values are
/// stored here once, so that each edge moves them with one cell, however often they are branched with.
void LowerSink::settle_label_values(uint32_t depth) {
    const size_t count = label_types(frame_at(depth)).size();
    if (count > 2) {
        flush_locals();
        flush_constants(count);
    }
    keep_stores();
}

void LowerSink::br(uint32_t depth) {
    branch(depth);
}

void LowerSink::br_if(uint32_t depth) {
    branch_if(depth, pop_condition());
}

void LowerSink::branch_if(uint32_t depth, const Condition& condition) {
    settle_label_values(depth);
    const Frame& frame = frame_at(depth);
    if (frame.kind != Frame::Kind::function && values_in_place(frame)) {
        const auto direction = frame.kind == Frame::Kind::loop ? Direction::backward : Direction::forward;
        const bool steps = direction == Direction::backward && is_step(condition);
        edge_to(depth, steps ? emit_step(condition) : emit_condition(condition, direction));
        return;
    }
    // Values move on the taken edge only: jump over the moves and the branch.
    const uint32_t cell = emit_condition(inverse(condition), Direction::forward);
    const auto edge_word = static_cast<uint32_t>(m_words.size() - 1);
    branch(depth);
    m_words[edge_word] = pack_edge(static_cast<int32_t>(m_words.size() - cell), 0);
    forget_accumulators();
    m_fusible.cell = none;
    m_last_cell = none;
}

/// Entries go to labels directly where nothing moves and no fuel is checked, else to a stub behind the
/// table.
void LowerSink::br_table(std::span<const uint32_t> depths) {
    const Value index = pop();
    const uint32_t slot = stored_slot(index);
    const bool in_register = take(index) == Source::accumulator;
    settle_label_values(depths.back());
    const uint32_t cell = begin_cell(in_register ? Single::br_table_accumulator : Single::br_table_slot);
    word(pack_wide(slot, 0, static_cast<uint32_t>(depths.size())));
    const auto table = static_cast<uint32_t>(m_words.size());
    m_words.resize(m_words.size() + depths.size());
    std::unordered_map<uint32_t, Word> stubs;  // edge to the stub of a depth
    for (size_t i = 0; i < depths.size(); ++i) {
        Frame& frame = frame_at(depths[i]);
        const auto edge_word = static_cast<uint32_t>(table + i);
        const bool direct =
            frame.kind != Frame::Kind::function && frame.kind != Frame::Kind::loop && values_in_place(frame);
        if (direct) {
            add_fixup(frame.fixups, cell, edge_word);
            continue;
        }
        const Word edge = pack_edge(static_cast<int32_t>(m_words.size() - cell), 0);
        const auto [stub, is_new] = stubs.try_emplace(depths[i], edge);
        if (is_new)
            branch(depths[i]);
        m_words[edge_word] = stub->second;
    }
}

void LowerSink::br_on_null(uint32_t depth, ValType operand) {
    const Value value = pop();
    Condition condition{.op = Op::i64_eq, .operands = Operands::si};
    condition.a = stored_slot(value);
    branch_if(depth, condition);
    // Falls through with the operand, now known not to be null.
    if (value.kind == Value::Kind::local)
        local_get(LocalIdx(value.local), operand.as_non_null());
    else
        push_temporary(operand.as_non_null());
}

void LowerSink::br_on_non_null(uint32_t depth, ValType) {
    // Taken with the operand, which therefore stays on the stack while the branch is emitted.
    Condition condition{.op = Op::i64_ne, .operands = Operands::si};
    condition.a = stored_slot(m_stack.back());
    branch_if(depth, condition);
    pop();
}

void LowerSink::ret() {
    emit_return();
}

void LowerSink::emit_return() {
    const auto results = m_info.type->results;
    const uint32_t settle = potential();
    if (results.empty()) {
        begin_cell(Single::ret);
        word(pack_wide(m_header_slot, 0, settle));
        return;
    }
    if (results.size() == 1 && slot_width(results[0]) == 1) {
        const Value& value = m_stack.back();
        const bool in_register = in_accumulator(value);
        if (value.kind == Value::Kind::constant) {
            begin_cell(Single::ret_constant);
            word(pack_wide(m_header_slot, 0, settle));
            word(value.bits);
            return;
        }
        const uint32_t slot = value.kind == Value::Kind::local ? local_slot(value.local) : value.slot;
        const bool is_float_result = is_float(value.type);
        if (in_register)
            begin_cell(is_float_result ? Single::ret_float_accumulator : Single::ret_int_accumulator);
        else
            begin_cell(is_float_result ? Single::ret_float_slot : Single::ret_int_slot);
        word(pack_wide(m_header_slot, slot, settle));
        return;
    }
    const uint32_t source = m_height - slot_count(results);
    move_values(results.size(), source);
    begin_cell(Single::ret_many);
    word(pack_wide(m_header_slot, source, settle));
    word(slot_count(results));
}

void LowerSink::unreachable() {
    begin_cell(Single::unreachable);
}

/// Arguments go to their canonical slots, where the callee's frame will begin.
void LowerSink::emit_call(Single which, std::span<const ValType> params, uint32_t callee_slot, Word target) {
    const uint32_t base = m_height - slot_count(params);
    move_values(params.size(), base);
    begin_cell(which);
    word(pack_wide(base, callee_slot, potential()));
    word(target);
    for (size_t i = 0; i < params.size(); ++i)
        pop();
    note_roots();
}

/// Arguments replace the frame's own parameters; the cell moves them there.
void LowerSink::emit_tail_call(Single which, std::span<const ValType> params, uint32_t callee_slot,
                               Word target) {
    const uint32_t slots = slot_count(params);
    const uint32_t base = m_height - slots;
    move_values(params.size(), base);
    begin_cell(which);
    note_roots();
    word(pack_wide(base, callee_slot, potential()));
    word(target);
    word(pack_wide(m_header_slot, 0, slots));
}

void LowerSink::call(FuncIdx func, const FuncType& type, bool is_tail) {
    const Module& module = *m_info.module;
    const bool is_import = module.is_imported(func);
    const Word target =
        is_import ? func.value : reinterpret_cast<Word>(m_codes + (func.value - module.imported_funcs));
    if (is_tail)
        return emit_tail_call(is_import ? Single::return_call_import : Single::return_call, type.params, 0,
                              target);
    emit_call(is_import ? Single::call_import : Single::call_local, type.params, 0, target);
    settle_call(type);
}

void LowerSink::call_indirect(TypeIdx type_index, TableIdx table, const FuncType& type, bool is_tail) {
    const uint32_t slot = stored_slot(pop());
    const CanonId expected = m_info.module->canonical_types[type_index.value];
    const Word target = static_cast<Word>(table.value) | static_cast<Word>(expected) << 32;
    if (is_tail)
        return emit_tail_call(Single::return_call_indirect, type.params, slot, target);
    emit_call(Single::call_indirect, type.params, slot, target);
    settle_call(type);
}

void LowerSink::call_ref(TypeIdx, const FuncType& type, bool is_tail) {
    const uint32_t slot = stored_slot(pop());
    if (is_tail)
        return emit_tail_call(Single::return_call_ref, type.params, slot, 0);
    emit_call(Single::call_ref, type.params, slot, 0);
    settle_call(type);
}

/// After a call the results are in slots; a single one is in its accumulator as well.
void LowerSink::settle_call(const FuncType& type) {
    settlement_point();
    push_results(type.results);
    if (type.results.size() == 1 && slot_width(type.results[0]) == 1)
        (is_float(type.results[0]) ? m_float : m_int).slot = m_stack.back().slot;
}

}  // namespace wsb::lower
