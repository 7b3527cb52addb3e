// SPDX-License-Identifier: Apache-2.0
// Flat and folded instructions, on an explicit stack: nesting is bounded by memory, not by the C++ stack.
// Spec: text/instructions
#include "engine/text/keywords.h"
#include "engine/text/parser.h"

namespace wsb::text {

using binary::Encoder;
using binary::Instr;

namespace {

[[nodiscard]] bool opens_block(Op op) noexcept {
    return op == Op::block || op == Op::loop || op == Op::if_ || op == Op::try_table || op == Op::try_;
}

/// What begins a part of a legacy try.
[[nodiscard]] bool is_handler(const Token& token) noexcept {
    return token.is("catch") || token.is("catch_all") || token.is("delegate");
}

[[nodiscard]] std::vector<uint8_t> encoded(const Instr& instr) {
    Encoder encoder;
    encoder.instr(instr);
    return encoder.take();
}

void emit(Encoder& out, Op op) {
    Instr instr;
    instr.op = op;
    out.instr(instr);
}

}  // namespace

void ModuleParser::push_label(const std::optional<Token>& id) {
    std::string name;
    if (id) {
        if (auto parsed = parse_id(*id))
            name = *std::move(parsed);
        m_all_label_names[m_next_func].emplace(m_label_count, name);
    }
    ++m_label_count;
    if (!name.empty())
        m_label_places[name].push_back(static_cast<uint32_t>(m_labels.size()));
    m_labels.push_back(std::move(name));
}

void ModuleParser::pop_label() {
    if (!m_labels.back().empty())
        m_label_places[m_labels.back()].pop_back();
    m_labels.pop_back();
}

/// Reads frames until one ends that was not opened here.
Result<void> ModuleParser::instrs(Encoder& out) {
    const size_t outer = m_instr_frames.size();
    while (true) {
        const bool inside = m_instr_frames.size() > outer;
        if (at(Token::Kind::left)) {
            WSB_TRY_ASSIGN(const Token next, peek());
            const bool is_branch = inside && (next.is("then") || next.is("else") || next.is("do"));
            if (!is_branch && !(next.kind == Token::Kind::atom && find_op(next.text))) {
                if (inside ||
                    (next.kind == Token::Kind::atom && next.text.find('.') != std::string_view::npos))
                    return fail_unexpected(next);
                return {};
            }
            WSB_TRY(folded_instr(out));
        } else if (at(Token::Kind::right)) {
            if (!inside)
                return {};
            WSB_TRY_ASSIGN(const bool closed, close_form(out));
            if (!closed)
                return unexpected();
        } else if (at(Token::Kind::atom)) {
            const bool ends_outer = !inside && (m_token.is("end") || m_token.is("else"));
            if (ends_outer)
                return unexpected();
            WSB_TRY(flat_instr(out));
        } else {
            if (inside)
                return unexpected();
            return {};
        }
    }
}

/// From the opening parenthesis to where the operands begin.
Result<void> ModuleParser::folded_instr(Encoder& out) {
    using Kind = InstrFrame::Kind;
    using State = InstrFrame::State;
    WSB_TRY_ASSIGN(const auto hint, take_branch_hint());
    WSB_TRY(advance());
    const InstrFrame* const top = m_instr_frames.empty() ? nullptr : &m_instr_frames.back();
    if (m_token.is("then") || m_token.is("else"))
        return folded_branch(out);
    if (m_token.is("do") || is_handler(m_token))
        return folded_handler(out);
    if (top != nullptr && ((top->kind == Kind::folded_if && top->state != State::condition) ||
                           top->kind == Kind::folded_try || top->kind == Kind::folded_delegate))
        return unexpected();
    std::optional<Token> label;
    WSB_TRY_ASSIGN(Instr instr, instr_head());
    WSB_TRY(check_branch_hint(hint, instr.op));
    if (!opens_block(instr.op)) {
        WSB_TRY(immediates(instr));
        m_instr_frames.push_back({Kind::folded_plain, State::condition, encoded(instr), {}, hint});
        return {};
    }
    WSB_TRY_ASSIGN(label, take_id());
    WSB_TRY(block_type(instr.block));
    if (instr.op == Op::try_table)
        WSB_TRY(catches(instr));
    if (instr.op == Op::if_) {
        m_instr_frames.push_back({Kind::folded_if, State::condition, encoded(instr), label, hint});
        return {};
    }
    out.instr(instr);
    push_label(label);
    m_instr_frames.push_back(
        {instr.op == Op::try_ ? Kind::folded_try : Kind::folded_block, State::condition, {}, label, {}});
    return {};
}

/// At the keyword of `( then … )` or `( else … )`.
Result<void> ModuleParser::folded_branch(Encoder& out) {
    using Kind = InstrFrame::Kind;
    using State = InstrFrame::State;
    InstrFrame* const top = m_instr_frames.empty() ? nullptr : &m_instr_frames.back();
    const bool is_then = m_token.is("then");
    const State wanted = is_then ? State::condition : State::then_done;
    if (top == nullptr || top->kind != Kind::folded_if || top->state != wanted)
        return unexpected();
    if (is_then) {
        add_branch_hint(out, top->branch_hint);
        out.raw(top->bytes);
        push_label(top->label);
    } else {
        emit(out, Op::else_);
    }
    WSB_TRY(advance());
    m_instr_frames.push_back({is_then ? Kind::folded_then : Kind::folded_else, State::condition, {}, {}, {}});
    return {};
}

/// At a closing parenthesis: ends the innermost folded form. @return false if a flat block is still open.
Result<bool> ModuleParser::close_form(Encoder& out) {
    using Kind = InstrFrame::Kind;
    using State = InstrFrame::State;
    const InstrFrame frame = std::move(m_instr_frames.back());
    m_instr_frames.pop_back();
    switch (frame.kind) {
        case Kind::folded_plain:
            add_branch_hint(out, frame.branch_hint);
            out.raw(frame.bytes);
            break;
        case Kind::folded_block:
            emit(out, Op::end);
            pop_label();
            break;
        case Kind::folded_then: m_instr_frames.back().state = State::then_done; break;
        case Kind::folded_else: m_instr_frames.back().state = State::else_done; break;
        case Kind::folded_do: m_instr_frames.back().state = State::then_done; break;
        case Kind::folded_catch:
        case Kind::folded_delegate: break;
        case Kind::folded_if:
        case Kind::folded_try:
            if (frame.state == State::condition)
                return false;
            emit(out, Op::end);
            pop_label();
            break;
        case Kind::flat_block:
        case Kind::flat_if:
        case Kind::flat_else:
        case Kind::flat_try:
        case Kind::flat_catch:
        case Kind::flat_catch_all: return false;
    }
    WSB_TRY(advance());
    return true;
}

Result<void> ModuleParser::flat_instr(Encoder& out) {
    using Kind = InstrFrame::Kind;
    if (!m_instr_frames.empty()) {
        const Kind top = m_instr_frames.back().kind;
        if (top == Kind::folded_plain || top == Kind::folded_if || top == Kind::folded_try ||
            top == Kind::folded_delegate)
            return unexpected();
    }
    if (is_handler(m_token))
        return flat_handler(out);
    if (m_token.is("else"))
        return flat_else(out);
    if (m_token.is("end"))
        return flat_end(out);
    WSB_TRY_ASSIGN(const auto hint, take_branch_hint());
    WSB_TRY_ASSIGN(Instr instr, instr_head());
    WSB_TRY(check_branch_hint(hint, instr.op));
    add_branch_hint(out, hint);
    if (!opens_block(instr.op)) {
        WSB_TRY(immediates(instr));
        out.instr(instr);
        return {};
    }
    WSB_TRY_ASSIGN(const auto label, take_id());
    WSB_TRY(block_type(instr.block));
    if (instr.op == Op::try_table)
        WSB_TRY(catches(instr));
    out.instr(instr);
    push_label(label);
    const Kind kind = instr.op == Op::if_    ? Kind::flat_if
                      : instr.op == Op::try_ ? Kind::flat_try
                                             : Kind::flat_block;
    m_instr_frames.push_back({kind, InstrFrame::State::condition, {}, label, {}});
    return {};
}

/// `end` and `else` may repeat the block's identifier.
Result<void> ModuleParser::check_label(const std::optional<Token>& opened) {
    if (!at(Token::Kind::id))
        return {};
    WSB_TRY_ASSIGN(const std::string name, parse_id(m_token));
    if (!opened)
        return fail_at(m_token, ErrorCode::mismatching_label, "$" + name);
    WSB_TRY_ASSIGN(const std::string wanted, parse_id(*opened));
    if (wanted != name)
        return fail_at(m_token, ErrorCode::mismatching_label, "$" + name);
    return advance();
}

Result<void> ModuleParser::flat_else(Encoder& out) {
    if (m_instr_frames.empty() || m_instr_frames.back().kind != InstrFrame::Kind::flat_if)
        return unexpected();
    WSB_TRY(advance());
    WSB_TRY(check_label(m_instr_frames.back().label));
    m_instr_frames.back().kind = InstrFrame::Kind::flat_else;
    emit(out, Op::else_);
    return {};
}

Result<void> ModuleParser::flat_end(Encoder& out) {
    using Kind = InstrFrame::Kind;
    const Kind top = m_instr_frames.empty() ? Kind::folded_plain : m_instr_frames.back().kind;
    if (top < Kind::flat_block)
        return unexpected();
    WSB_TRY(advance());
    WSB_TRY(check_label(m_instr_frames.back().label));
    m_instr_frames.pop_back();
    pop_label();
    emit(out, Op::end);
    return {};
}

/// The keyword. @return unknown_operator
Result<Instr> ModuleParser::instr_head() {
    const auto op = at(Token::Kind::atom) ? find_op(m_token.text) : std::nullopt;
    if (!op || *op == Op::end || *op == Op::else_ || is_handler(m_token))
        return fail_unexpected(m_token);
    Instr instr;
    instr.op = *op;
    WSB_TRY(advance());
    return instr;
}

}  // namespace wsb::text
