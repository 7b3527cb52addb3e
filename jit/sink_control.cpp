// SPDX-License-Identifier: Apache-2.0
// Blocks, branches and returns. At a label all values are in their slots; of pins each label has a state that
// its first edge gives it, and later edges load or store what differs. Fuel moves with edges: each takes
// P(source) - P(label), which for forward edges is known when the label is bound.
#include "jit/machine_sink.h"

#include <bit>

namespace wsb::jit {

using lower::slot_count;
using lower::slot_width;
using validate::BlockShape;

std::span<const ValType> MachineSink::label_types(const Frame& frame) const noexcept {
    return frame.kind == Frame::Kind::loop ? frame.shape.params : frame.shape.results;
}

MachineSink::Frame& MachineSink::open_frame(Frame::Kind kind, const BlockShape& shape) {
    settle_stack();
    settle_top(shape.params.size());
    Frame& opened = m_frames.add();
    opened.kind = kind;
    opened.shape = shape;
    opened.base_values = static_cast<uint32_t>(m_stack.size() - shape.params.size());
    opened.base_slot = m_height - slot_count(shape.params);
    opened.label = new_label();
    return opened;
}

void MachineSink::block(const BlockShape& shape) {
    open_frame(Frame::Kind::block, shape);
}

/// The state at the head: what the loop mentions is in registers, what it writes may be dirty.
void MachineSink::loop(const BlockShape& shape) {
    Frame& opened = open_frame(Frame::Kind::loop, shape);
    const LoopPlan plan = next_loop();
    PinState& state = opened.state;
    state.valid = plan.used | plan.written;
    if (!plan.leaves_registers)
        state.valid |= m_state.valid;
    state.dirty = plan.written | (m_state.dirty & state.valid & ~plan.used);
    conform(m_state, state);
    m_state = state;
    opened.header_potential = potential();
    opened.is_target = true;
    opened.low_label = new_label();
    const uint32_t cell = add_point(opened.label, potential());
    m_low_exits.push_back({opened.low_label, cell, state});
    m_code.bind(label(opened.label));
    forget_straight_line();
}

void MachineSink::if_(const BlockShape& shape) {
    const Condition condition = pop_condition();
    Frame& opened = open_frame(Frame::Kind::if_, shape);
    opened.else_label = new_label();
    opened.else_state = m_state;
    opened.else_potential = potential();
    m_code.jump(inverse(condition), label(opened.else_label));
}

void MachineSink::else_(bool falls_through, uint32_t potential_there) {
    if (falls_through)
        jump_inline(0, potential_there);
    Frame& frame = m_frames.back();
    frame.kind = Frame::Kind::else_;
    m_code.bind(label(frame.else_label));
    m_state = frame.else_state;
    reset_stack(frame.base_values, frame.base_slot);
    push_results(frame.shape.params);
    forget_straight_line();
}

void MachineSink::end_block(bool falls_through) {
    Frame& frame = m_frames.back();
    close_clauses(frame);
    if (frame.kind == Frame::Kind::if_) {
        // Without an else the condition has an edge to the end, with the parameters as results.
        lead_to_end(frame, add_edge(frame.else_label, frame.else_state, frame.else_potential));
    }
    // Results of a legacy catch block have the exception below them, so that they have to move.
    const bool is_join =
        (frame.kind != Frame::Kind::loop && frame.is_target) || frame.kind == Frame::Kind::catch_;
    if (is_join || !falls_through) {
        if (falls_through) {
            move_top(frame.shape.results.size(), frame.base_slot);
            meet(frame);
        }
        if (frame.kind != Frame::Kind::loop)
            bind_end(frame);
        m_state = frame.state;
        reset_stack(frame.base_values, frame.base_slot);
        push_results(frame.shape.results);
        forget_straight_line();
    }
    m_frames.pop_back();
}

/// Takes the condition off the stack and leaves it in the flags, which moves do not change.
Condition MachineSink::pop_condition() {
    Value& value = pop();
    if (value.kind == Value::Kind::flags)
        return value.condition;
    if (is_in_memory(value)) {
        m_code.alu(Width::w32, Alu::cmp, memory_of(value), 0);
    } else {
        const Gpr reg = to_gpr(value);
        const bool is_known = m_zero_flag.position == m_code.position() && m_zero_flag.gpr == reg &&
                              m_zero_flag.width == Width::w32;
        if (!is_known)
            m_code.test(Width::w32, reg, reg);
    }
    release(value);
    return Condition::not_equal;
}

/// Makes what is true of pins so that `to` is. Leaves the flags alone.
void MachineSink::conform(const PinState& from, const PinState& to) {
    for (uint32_t left = from.dirty & ~to.dirty; left != 0; left &= left - 1)
        store_pin(static_cast<uint32_t>(std::countr_zero(left)));
    for (uint32_t left = to.valid & ~from.valid; left != 0; left &= left - 1)
        load_pin(static_cast<uint32_t>(std::countr_zero(left)));
}

/// An edge joins a forward label that is not bound yet. What is dirty on any edge counts as dirty; whoever
/// came before with a clean register is right as well.
void MachineSink::join(Frame& frame, const PinState& from) {
    if (!frame.is_target) {
        frame.is_target = true;
        frame.state = from;
    } else {
        frame.state.dirty |= from.dirty & frame.state.valid;
    }
}

/// The straight line reaches the end of a block.
void MachineSink::meet(Frame& frame) {
    join(frame, m_state);
    conform(m_state, frame.state);
}

/// @return the edge, valid until there is another one.
MachineSink::Edge& MachineSink::add_edge(uint32_t from_label, const PinState& from, uint32_t at_potential) {
    Edge& edge = m_edges.add();
    edge.label = from_label;
    edge.from = from;
    edge.potential = at_potential;
    return edge;
}

/// The newest edge goes to the end of a block.
void MachineSink::lead_to_end(Frame& frame, Edge& edge) {
    join(frame, edge.from);
    edge.target = frame.label;
    const auto added = static_cast<uint32_t>(m_edges.size() - 1);
    (frame.last_edge == none ? frame.first_edge : m_edges[frame.last_edge].next) = added;
    frame.last_edge = added;
}

/// Where the values of a branch go from the top of the stack, where they are settled.
MachineSink::Move MachineSink::move_to(const Frame& target) const noexcept {
    const uint32_t slots = slot_count(label_types(target));
    const uint32_t from = m_height - slots;
    return from == target.base_slot ? Move{} : Move{target.base_slot, from, slots};
}

/// Slots to slots at or below them. Takes the scratch register. A few leave the flags alone; more, which only
/// edges and returns have, take rax and a loop: a branch of two bytes must not become thousands.
void MachineSink::emit_move(const Move& move) {
    constexpr uint32_t most_in_line = 8;
    if (move.slots > most_in_line) {
        const auto bytes = static_cast<int32_t>(move.slots * sizeof(runtime::Slot));
        const uint32_t again = new_label();
        m_code.mov_immediate(Gpr::rax, static_cast<uint64_t>(-int64_t{bytes}));
        m_code.bind(label(again));
        m_code.load(Width::w64, reg::scratch,
                    {reg::frame, Gpr::rax, slot_at(move.from).displacement + bytes});
        m_code.store(Width::w64, {reg::frame, Gpr::rax, slot_at(move.to).displacement + bytes}, reg::scratch);
        m_code.alu(Width::w64, Alu::add, Gpr::rax, sizeof(runtime::Slot));
        m_code.jump(Condition::not_equal, label(again));
        return;
    }
    for (uint32_t i = 0; i < move.slots; ++i) {
        m_code.load(Width::w64, reg::scratch, slot_at(move.from + i));
        m_code.store(Width::w64, slot_at(move.to + i), reg::scratch);
    }
}

void MachineSink::take_fuel(int64_t units) {
    if (units != 0)
        m_code.alu(Width::w64, Alu::sub, reg::fuel, static_cast<int32_t>(units));
}

/// The back-edge of a loop, whose pins conform: a check of fuel.
void MachineSink::emit_back(const Frame& target, uint32_t at_potential) {
    const auto units = static_cast<int32_t>(at_potential - target.header_potential);
    m_code.alu(Width::w64, Alu::sub, reg::fuel, units);
    m_code.jump(Condition::no_sign, label(target.label));
    m_code.jump(label(target.low_label));
}

/// A branch that is always taken. Forward ones have their fuel filled in when the label is bound.
void MachineSink::jump_inline(uint32_t depth, uint32_t at_potential) {
    Frame& target = frame_at(depth);
    if (target.kind == Frame::Kind::function)
        return emit_return(at_potential);
    move_top(label_types(target).size(), target.base_slot);
    if (target.kind == Frame::Kind::loop) {
        conform(m_state, target.state);
        return emit_back(target, at_potential);
    }
    meet(target);
    m_code.subtract_later(reg::fuel);
    m_patches.push_back({m_code.position(), at_potential, target.patches});
    target.patches = static_cast<uint32_t>(m_patches.size() - 1);
    m_code.jump(label(target.label));
}

void MachineSink::br(uint32_t depth) {
    jump_inline(depth, potential());
}

/// What a conditional jump to the block needs on its way. Values lie in their slots. @return where it goes.
uint32_t MachineSink::edge_to(uint32_t depth, uint32_t at_potential) {
    Frame& target = frame_at(depth);
    const auto added = static_cast<uint32_t>(m_edges.size());
    Edge& edge = add_edge(new_label(), m_state, at_potential);
    if (target.kind == Frame::Kind::function) {
        edge.is_return = true;
        edge.return_slot = m_height - slot_count(target.shape.results);
        m_exits.push_back(added);
        return edge.label;
    }
    edge.move = move_to(target);
    if (target.kind == Frame::Kind::loop) {
        edge.is_back = true;
        edge.target = target.label;
        edge.to = target.state;
        edge.low_label = target.low_label;
        edge.takes = static_cast<int32_t>(edge.potential - target.header_potential);
        m_exits.push_back(added);
    } else {
        lead_to_end(target, edge);
    }
    return edge.label;
}

void MachineSink::br_if(uint32_t depth) {
    const Condition condition = pop_condition();
    branch_if(depth, condition);
}

void MachineSink::branch_if(uint32_t depth, Condition condition) {
    const Frame& target = frame_at(depth);
    const size_t count = label_types(target).size();
    // The interpreter, whose root maps the collector follows, then has all values in their slots.
    if (count > 2)
        settle_stack();
    settle_top(count);
    // The end of most loops: in line, and falls through where it leaves.
    if (target.kind == Frame::Kind::loop) {
        const uint32_t leaves = new_label();
        m_code.jump(inverse(condition), label(leaves));
        emit_move(move_to(target));
        conform(m_state, target.state);
        emit_back(target, potential());
        m_code.bind(label(leaves));
        return;
    }
    m_code.jump(condition, label(edge_to(depth, potential())));
}

/// A table of distances behind the jump, one for each entry; an index beyond it is the last one, also where
/// the processor guesses.
void MachineSink::br_table(std::span<const uint32_t> depths) {
    Value& index = pop();
    settle_top(label_types(frame_at(depths.back())).size());
    const Gpr reg = to_owned_gpr(index);
    const auto last = static_cast<int32_t>(depths.size() - 1);
    m_code.mov_immediate(reg::scratch, static_cast<uint64_t>(last));
    m_code.alu(Width::w32, Alu::cmp, reg, reg::scratch);
    m_code.cmov(Width::w32, Condition::above, reg, reg::scratch);
    const uint32_t table = new_label();
    m_code.lea(reg::scratch, label(table));
    m_code.load_extended(Width::w64, reg, {reg::scratch, reg, 0, 2}, 4, true);
    m_code.alu(Width::w64, Alu::add, reg, reg::scratch);
    m_code.jump_unmarked(reg);
    release(index);
    const auto first = static_cast<uint32_t>(m_table_targets.size());
    ++m_table_number;
    if (m_table_labels.size() < m_frames.size())
        m_table_labels.resize(m_frames.size());
    for (const uint32_t depth : depths) {
        TableLabel& known = m_table_labels[depth];
        if (known.table != m_table_number)
            known = {.table = m_table_number, .label = edge_to(depth, potential())};
        m_table_targets.push_back(known.label);
    }
    m_tables.push_back({.label = table, .first = first, .targets = static_cast<uint32_t>(depths.size())});
}

void MachineSink::br_on_null(uint32_t depth, ValType) {
    Value value = pop();
    const Gpr reg = to_gpr(value);
    m_code.test(Width::w64, reg, reg);
    // The operand is not among the branch's values, but must outlive the jump.
    branch_if(depth, Condition::equal);
    value.type = value.type.as_non_null();
    push(value);
}

void MachineSink::br_on_non_null(uint32_t depth, ValType) {
    settle_top(label_types(frame_at(depth)).size());
    m_code.alu(Width::w64, Alu::cmp, slot_at(m_stack.back().slot), 0);
    branch_if(depth, Condition::not_equal);
    release(pop());
}

/// The operand stays on the stack: both ways go on with it.
void MachineSink::br_on_cast(const binary::Instr& instr, ValType) {
    const Condition condition = cast_condition(instr);
    const bool on_success = instr.op == Op::br_on_cast || instr.op == Op::br_on_cast_desc_eq;
    branch_if(instr.index, on_success ? condition : inverse(condition));
}

/// The label of a forward block: edges that have nothing to do on their way come here at once, the others
/// by a detour behind the function.
void MachineSink::bind_end(Frame& frame) {
    const uint32_t label_potential = potential();
    for (uint32_t i = frame.patches; i != none; i = m_patches[i].next)
        m_code.patch_32(m_patches[i].position,
                        static_cast<int32_t>(m_patches[i].potential - label_potential));
    m_code.bind(label(frame.label));
    for (uint32_t i = frame.first_edge; i != none; i = m_edges[i].next) {
        Edge& edge = m_edges[i];
        edge.takes = static_cast<int32_t>(edge.potential - label_potential);
        edge.to = frame.state;
        const bool is_plain = edge.takes == 0 && edge.move.slots == 0 &&
                              (edge.from.dirty & ~edge.to.dirty) == 0 &&
                              (edge.to.valid & ~edge.from.valid) == 0;
        if (is_plain)
            m_code.bind(label(edge.label));
        else
            m_exits.push_back(i);
    }
}

void MachineSink::ret() {
    emit_return(potential());
}

/// Results replace the parameters; a single one goes to its accumulator as well. Spec of the header:
/// interp/handlers_call.cpp.
void MachineSink::emit_return(uint32_t at_potential) {
    const std::span<const ValType> results = m_info.type->results;
    if (results.size() == 1 && slot_width(results[0]) == 1) {
        Value value = m_stack.back();
        if (lower::is_float(value.type)) {
            put_xmm(reg::float_result, value);
            m_code.store(FloatWidth::f64, slot_at(0), reg::float_result);
        } else {
            put_gpr(reg::int_result, value);
            m_code.store(Width::w64, slot_at(0), reg::int_result);
        }
    } else {
        settle_top(results.size());
        const uint32_t from = m_height - slot_count(results);
        if (from != 0)
            emit_move({0, from, slot_count(results)});
    }
    leave_frame(at_potential);
}

/// Gives control back to the cell that the header names. Machine code is returned to by `ret`, which the
/// processor has foreseen since its `call`; that nothing else uses the processor's stack of return addresses
/// (a trap, an exception, another tier in between) costs a wrong guess and no more. Nor is the frame's
/// address loaded, which all that follows would wait for: the caller knows the distance.
void MachineSink::leave_frame(uint32_t at_potential) {
    if (m_return_exit == none)
        m_return_exit = new_label();
    m_code.load(Width::w64, reg::scratch, slot_at(m_header_slot));
    m_code.alu(Width::w64, Alu::sub, reg::fuel, static_cast<int32_t>(at_potential));
    m_code.jump(Condition::sign, label(m_return_exit));
    m_code.test8(reg::scratch, static_cast<uint8_t>(lower::native_return_flag));
    m_code.jump(Condition::equal, label(m_return_exit));
    m_code.push({reg::scratch, static_cast<int32_t>(sizeof(lower::Word) - lower::native_return_flag)});
    m_code.ret();
}

/// An edge that returns: its results lie in their slots.
void MachineSink::emit_return_edge(const Edge& edge) {
    const std::span<const ValType> results = m_info.type->results;
    const uint32_t slots = slot_count(results);
    if (results.size() == 1 && slot_width(results[0]) == 1) {
        if (lower::is_float(results[0]))
            m_code.load(FloatWidth::f64, reg::float_result, slot_at(edge.return_slot));
        m_code.load(Width::w64, reg::int_result, slot_at(edge.return_slot));
        m_code.store(Width::w64, slot_at(0), reg::int_result);
    } else if (edge.return_slot != 0) {
        emit_move({0, edge.return_slot, slots});
    }
    leave_frame(edge.potential);
}

void MachineSink::unreachable() {
    m_code.jump(label(trap(TrapCode::unreachable)));
}

void MachineSink::select(ValType) {
    const Condition condition = pop_condition();
    Value& b = pop();
    Value& a = pop();
    const ValType type = a.type;
    if (is_in_xmm(type)) {
        const Xmm to = to_owned_xmm(a);
        const Xmm other = to_xmm(b);
        const uint32_t done = new_label();
        m_code.jump(condition, label(done));
        m_code.move(to, other);
        m_code.bind(label(done));
        release(b);
        return push_xmm(to, type);
    }
    const Gpr to = to_owned_gpr(a);
    m_code.cmov(Width::w64, inverse(condition), to, to_gpr(b));
    release(b);
    push_gpr(to, type);
}

/// A label apart from the code where the trap is raised, for this instruction.
uint32_t MachineSink::trap(TrapCode code) {
    m_traps.push_back({new_label(), code, instr_offset(), potential()});
    return m_traps.back().label;
}

void MachineSink::check() {
    settle_flags();
    settle_stack();
    store_pins();
    m_code.alu(Width::w64, Alu::sub, reg::fuel, static_cast<int32_t>(potential()));
    const uint32_t goes_on = new_label(), low = new_label();
    const uint32_t cell = add_point(goes_on, 0);
    m_low_exits.push_back({low, cell, m_state});
    m_code.jump(Condition::sign, label(low));
    m_code.bind(label(goes_on));
}

}  // namespace wsb::jit
