// SPDX-License-Identifier: Apache-2.0
// The parts of legacy try blocks: `(try (do …) (catch $t …) (catch_all …))`, `(try (do …) (delegate l))`, and
// the same flat, as `try … catch $t … catch_all … end` and `try … delegate l`.
#include "engine/text/parser.h"

namespace wsb::text {

using binary::Encoder;
using binary::Instr;

/// At `catch`, `catch_all` or `delegate`, which may stand here: the keyword and its immediate.
Result<void> ModuleParser::handler_head(Encoder& out) {
    Instr instr;
    instr.op = *find_op(m_token.text);
    WSB_TRY(advance());
    if (instr.op == Op::delegate)
        pop_label();  // the try's own label is not in scope of the immediate
    WSB_TRY(immediates(instr));
    out.instr(instr);
    return {};
}

/// At the keyword of `( do … )`, `( catch … )`, `( catch_all … )` or `( delegate … )`.
Result<void> ModuleParser::folded_handler(Encoder& out) {
    using Kind = InstrFrame::Kind;
    using State = InstrFrame::State;
    InstrFrame* const top = m_instr_frames.empty() ? nullptr : &m_instr_frames.back();
    const bool is_do = m_token.is("do");
    const State wanted = is_do ? State::condition : State::then_done;
    if (top == nullptr || top->kind != Kind::folded_try || top->state != wanted)
        return unexpected();
    if (is_do) {
        m_instr_frames.push_back({Kind::folded_do, State::condition, {}, {}, {}});
        return advance();
    }
    if (m_token.is("delegate")) {
        if (top->has_catch)
            return unexpected();
        top->kind = Kind::folded_delegate;
        WSB_TRY(handler_head(out));
        return expect(Token::Kind::right);
    }
    top->has_catch = true;
    if (m_token.is("catch_all"))
        top->state = State::else_done;
    WSB_TRY(handler_head(out));
    m_instr_frames.push_back({Kind::folded_catch, State::condition, {}, {}, {}});
    return {};
}

/// At a flat `catch`, `catch_all` or `delegate`.
Result<void> ModuleParser::flat_handler(Encoder& out) {
    using Kind = InstrFrame::Kind;
    const Kind top = m_instr_frames.empty() ? Kind::folded_plain : m_instr_frames.back().kind;
    const bool is_delegate = m_token.is("delegate");
    if (top != Kind::flat_try && (is_delegate || top != Kind::flat_catch))
        return unexpected();
    if (is_delegate)
        m_instr_frames.pop_back();
    else
        m_instr_frames.back().kind = m_token.is("catch") ? Kind::flat_catch : Kind::flat_catch_all;
    return handler_head(out);
}

}  // namespace wsb::text
