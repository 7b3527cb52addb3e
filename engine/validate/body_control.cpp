// SPDX-License-Identifier: Apache-2.0
// Blocks, branches and exception handlers.
#include "engine/validate/body_state.h"

#include <fmt/format.h>

#include <array>

namespace wsb::validate {

namespace {

constexpr std::array common_types{ValType(ValType::i32), ValType(ValType::i64),  ValType(ValType::f32),
                                  ValType(ValType::f64), ValType(ValType::v128), ValType::funcref(),
                                  ValType::externref()};

}  // namespace

std::span<const ValType> BodyState::single_result(ValType type) {
    for (const ValType& common : common_types)
        if (common == type)
            return {&common, 1};
    return {&m_single_results.emplace_front(type), 1};
}

bool BodyState::block_shape(BlockShape& shape) {
    const binary::BlockType& type = m_instr.block;
    switch (type.kind) {
        case binary::BlockType::Kind::empty: return true;
        case binary::BlockType::Kind::value:
            if (!check_val_type(type.value))
                return false;
            shape.results = single_result(type.value);
            return true;
        case binary::BlockType::Kind::type: break;
    }
    if (!m_module.features.has(Feature::multi_value))
        return fail(ErrorCode::feature_disabled, "block types by index need the feature multi-value");
    const FuncType* func = func_type_at(type.type);
    if (func == nullptr)
        return false;
    shape.params = func->params;
    shape.results = func->results;
    return true;
}

void BodyState::open_frame(Op op, const BlockShape& shape) {
    const bool is_reachable = is_live();
    ControlFrame& frame = m_frames.add();
    frame.op = op;
    frame.shape = shape;
    frame.height = static_cast<uint32_t>(m_operands.size());
    frame.initialized = static_cast<uint32_t>(m_initialized.size());
    frame.is_live = frame.head_is_live = is_reachable;
    if (op == Op::loop)
        m_fuel.bound = std::max(m_fuel.bound, m_fuel.potential);  // back-edges are checks and give P
    frame.head = m_fuel;
    push(shape.params);
}

/// block, loop, if
bool BodyState::check_block(BlockShape& shape) {
    if (m_frames.size() >= m_module.label_depth)
        return fail(ErrorCode::limit_exceeded, fmt::format("nesting deeper than {}", m_module.label_depth));
    if (!block_shape(shape) || (m_instr.op == Op::if_ && !pop(ValType::i32)) || !pop(shape.params))
        return false;
    open_frame(m_instr.op, shape);
    return true;
}

bool BodyState::check_try_table(BlockShape& shape) {
    if (m_frames.size() >= m_module.label_depth)
        return fail(ErrorCode::limit_exceeded, fmt::format("nesting deeper than {}", m_module.label_depth));
    if (!block_shape(shape) || !pop(shape.params))
        return false;
    for (const auto& clause : m_instr.catches)
        if (!check_catch(clause))
            return false;
    open_frame(m_instr.op, shape);
    return true;
}

/// Spec: valid/instructions#catch-clauses
bool BodyState::check_catch(const binary::CatchClause& clause) {
    using Kind = binary::CatchClause::Kind;
    std::vector<ValType> values;
    if (clause.kind == Kind::catch_ || clause.kind == Kind::catch_ref) {
        if (clause.tag.value >= m_module.tags.size())
            return fail(ErrorCode::unknown_tag, std::to_string(clause.tag.value));
        values = m_module.types[m_module.tags[clause.tag.value].type.value].func()->params;
    }
    if (clause.kind == Kind::catch_ref || clause.kind == Kind::catch_all_ref)
        values.push_back(ValType::reference(HeapType::exn, false));
    if (!check_label(clause.label))
        return false;
    if (!matches(m_module, values, label_types(clause.label)))
        return fail(ErrorCode::type_mismatch, "a catch clause does not fit its label");
    add_edge(clause.label);
    return true;
}

void BodyState::add_edge(uint32_t depth) noexcept {
    ControlFrame& frame = m_frames[m_frames.size() - 1 - depth];
    if (is_live() && frame.op != Op::loop)
        frame.label.add(m_fuel);
}

void BodyState::mark_unreachable() noexcept {
    ControlFrame& frame = m_frames.back();
    m_operands.resize(frame.height);
    frame.is_unreachable = true;
    frame.is_live = false;
}

/// The end of one branch of a frame that has another behind it: like a branch to the frame's label. The
/// frame's liveness stays that of the branch's end.
bool BodyState::close_branch(ControlFrame& frame) {
    if (!pop(frame.shape.results))
        return false;
    if (m_operands.size() != frame.height)
        return fail(ErrorCode::type_mismatch, "values remain at the end of the block");
    if (frame.is_live)
        frame.label.add(m_fuel);
    reset_locals(frame.initialized);
    frame.op = m_instr.op;
    frame.is_unreachable = false;
    return true;
}

/// Leaves m_fuel at the head's.
bool BodyState::check_else() {
    ControlFrame& frame = m_frames.back();
    if (frame.op != Op::if_)
        return fail(ErrorCode::end_opcode_expected, "else without if");
    if (!close_branch(frame))
        return false;
    m_fuel = frame.head;
    push(frame.shape.params);
    return true;
}

/// catch, catch_all of a legacy try. Whoever throws settles, so that m_fuel is nothing.
bool BodyState::check_legacy_catch() {
    ControlFrame& frame = m_frames.back();
    if (frame.op != Op::try_ && frame.op != Op::catch_)
        return fail(ErrorCode::end_opcode_expected, "catch without try");
    if (++frame.catch_clauses > limits::catch_clauses)
        return fail(ErrorCode::limit_exceeded, "more than 1,000 catch clauses of a block");
    const bool has_tag = m_instr.op == Op::catch_;
    if (has_tag && m_instr.index >= m_module.tags.size())
        return fail(ErrorCode::unknown_tag, std::to_string(m_instr.index));
    if (!close_branch(frame))
        return false;
    m_fuel = {};
    if (has_tag)
        push(m_module.types[m_module.tags[m_instr.index].type.value].func()->params);
    return true;
}

/// Closes a try. Its label is counted from outside of the try.
bool BodyState::check_delegate() {
    if (m_frames.back().op != Op::try_)
        return fail(ErrorCode::end_opcode_expected, "delegate without try");
    if (m_instr.index >= m_frames.size() - 1)
        return fail(ErrorCode::unknown_label, std::to_string(m_instr.index));
    return check_end();
}

/// Its label must be that of a try in one of whose catch blocks it stands.
bool BodyState::check_rethrow() {
    if (!check_label(m_instr.index))
        return false;
    const Op op = m_frames[m_frames.size() - 1 - m_instr.index].op;
    if (op != Op::catch_ && op != Op::catch_all)
        return fail(ErrorCode::invalid_rethrow_label, std::to_string(m_instr.index));
    mark_unreachable();
    return true;
}

/// Closes the innermost frame; m_fuel becomes the label's. The frame itself is still the caller's to pop.
bool BodyState::check_end() {
    ControlFrame& frame = m_frames.back();
    if (!pop(frame.shape.results))
        return false;
    if (m_operands.size() != frame.height)
        return fail(ErrorCode::type_mismatch, "values remain at the end of the block");
    if (frame.op == Op::if_) {
        if (!matches(m_module, frame.shape.params, frame.shape.results))
            return fail(ErrorCode::type_mismatch, "if without else must leave its parameters as results");
        frame.label.add(frame.head);
    }
    reset_locals(frame.initialized);
    push(frame.shape.results);
    if (frame.op == Op::loop || !frame.label.is_target)
        return true;
    if (frame.is_live)
        m_fuel.bound = std::max(m_fuel.bound, frame.label.fuel.bound);
    else
        m_fuel = frame.label.fuel;
    return true;
}

/// br, br_if: br_if leaves the values.
bool BodyState::check_br_if() {
    const bool is_conditional = m_instr.op == Op::br_if;
    if (!check_label(m_instr.index) || (is_conditional && !pop(ValType::i32)))
        return false;
    const auto types = label_types(m_instr.index);
    if (!pop(types))
        return false;
    add_edge(m_instr.index);
    if (is_conditional)
        push(types);
    else
        mark_unreachable();
    return true;
}

/// Spec: valid/instructions#valid-br-table
bool BodyState::check_br_table() {
    if (!pop(ValType::i32) || !check_label(m_instr.index))
        return false;
    const auto default_types = label_types(m_instr.index);
    for (const uint32_t depth : m_instr.labels) {
        if (!check_label(depth))
            return false;
        const auto types = label_types(depth);
        if (types.size() != default_types.size())
            return fail(ErrorCode::type_mismatch, "labels of br_table differ in arity");
        add_edge(depth);
        if (types.data() == default_types.data())
            continue;  // checked with the default
        // Each label is checked against the operands; they go back on the stack as they were.
        const std::vector<ValType> operands(
            m_operands.end() -
                static_cast<ptrdiff_t>(std::min(types.size(), m_operands.size() - m_frames.back().height)),
            m_operands.end());
        if (!pop(types))
            return false;
        push(operands);
    }
    if (!pop(default_types))
        return false;
    add_edge(m_instr.index);
    mark_unreachable();
    return true;
}

/// br_on_null, br_on_non_null
bool BodyState::check_br_on_null(ValType& operand) {
    if (!check_label(m_instr.index) || !pop_reference(operand))
        return false;
    const auto types = label_types(m_instr.index);
    if (m_instr.op == Op::br_on_null) {
        if (!pop(types))
            return false;
        add_edge(m_instr.index);
        push(types);
        push(operand.as_non_null());
        return true;
    }
    if (types.empty() || !types.back().is_ref())
        return fail(ErrorCode::type_mismatch, "the label of br_on_non_null must take a reference");
    push(operand.as_non_null());
    if (!pop(types))
        return false;
    add_edge(m_instr.index);
    push(types.first(types.size() - 1));
    return true;
}

/// All forms of br_on_cast. Spec: valid/instructions#valid-br-on-cast
bool BodyState::check_br_on_cast(ValType& operand) {
    const ValType source = ValType::reference(m_instr.heap, (m_instr.cast_flags & 1) != 0);
    const ValType target = ValType::reference(m_instr.heap2, (m_instr.cast_flags & 2) != 0);
    if (!check_label(m_instr.index) || !check_heap_type(m_instr.heap) || !check_heap_type(m_instr.heap2))
        return false;
    // With custom descriptors a cast may go anywhere in the hierarchy.
    const bool may_cast = m_module.features.has(Feature::custom_descriptors)
                              ? top_of(m_module, target.heap()) == top_of(m_module, source.heap())
                              : matches(m_module, target, source);
    if (!may_cast)
        return fail_type(source, target);
    // What the operand is when it is not of the target type.
    const ValType rest = target.is_nullable() ? source.as_non_null() : source;
    const bool on_success = m_instr.op == Op::br_on_cast || m_instr.op == Op::br_on_cast_desc_eq;
    const bool by_descriptor =
        m_instr.op == Op::br_on_cast_desc_eq || m_instr.op == Op::br_on_cast_desc_eq_fail;
    const ValType taken = on_success ? target : rest;
    const ValType kept = on_success ? rest : target;
    const auto types = label_types(m_instr.index);
    if (types.empty() || !matches(m_module, taken, types.back()))
        return fail(ErrorCode::type_mismatch, fmt::format("the label does not take {}", to_string(taken)));
    operand = source;
    if (by_descriptor && !pop_cast_descriptor(m_instr.heap2))
        return false;
    if (!pop(source) || !pop(types.first(types.size() - 1)))
        return false;
    add_edge(m_instr.index);
    push(types.first(types.size() - 1));
    push(kept);
    return true;
}

}  // namespace wsb::validate
