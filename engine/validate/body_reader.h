// SPDX-License-Identifier: Apache-2.0
// The one reader of function bodies: validates each instruction and tells a sink of it. The rules are in
// BodyState; here is only the order of things, so that little code exists once per sink.
#pragma once

#include "engine/validate/body_state.h"
#include "engine/validate/fuel_cost.h"

namespace wsb::validate {

template <class Sink>
concept BodySink = std::derived_from<Sink, NullSink>;

/// Reads bodies one after the other, in room that it keeps. The sink must outlive it.
template <BodySink Sink>
class BodyReader : private BodyState {
public:
    /// The module's declarations have been validated.
    BodyReader(const Module& module, Sink& sink) noexcept : BodyState(module), m_sink(sink) {}

    /// `func` is not imported. @return the first error: invalid, malformed or limit, with offset and
    /// function.
    [[nodiscard]] Result<void> run(FuncIdx func) {
        reset(func);
        const FuncBody& body = m_module.body(m_func);
        const FuncType& type = m_module.func_type(m_func);
        m_instr.offset_bytes = body.whole.offset_bytes;
        if (!declare_locals(body, type))
            return std::unexpected(take_error());
        open_body(type.results);
        m_sink.begin({&m_module, m_func, &type, m_locals, &m_fuel.potential, &m_operands});
        if (const uint32_t cost = entry_cost(m_locals.size() - type.params.size()); cost != 0) {
            m_fuel = {cost, cost};
            m_sink.entry(cost);
        }
        binary::InstrReader reader(Cursor(m_module.view(body.expression), body.expression.offset_bytes));
        while (!m_frames.empty()) {
            if (auto read = reader.next(m_instr); !read) [[unlikely]] {
                read.error().func = m_func.value;
                return std::unexpected(std::move(read).error());
            }
            if (!step()) [[unlikely]]
                return std::unexpected(take_error());
        }
        if (!reader.at_end()) {
            m_instr.offset_bytes = reader.offset_bytes();
            fail(ErrorCode::end_opcode_expected);
            return std::unexpected(take_error());
        }
        m_sink.end();
        return {};
    }

private:
    [[nodiscard]] bool declare_locals(const FuncBody& body, const FuncType& type) {
        uint64_t count = type.params.size();
        for (const LocalRun& run : body.locals)
            count += run.count;
        if (count > limits::locals)
            return fail(ErrorCode::limit_exceeded, "more than 50,000 locals");
        add_parameters(type.params);
        for (const LocalRun& run : body.locals) {
            if (!check_val_type(run.type))
                return false;
            add_locals(run);
        }
        return true;
    }

    /// Accounts for the cost of a live instruction that begins, with a check before it if the way since
    /// the last one would grow too long.
    void charge(uint32_t cost) {
        if (m_fuel.bound + cost > fuel_window) [[unlikely]] {
            m_sink.check();
            m_fuel = {};
        }
        m_fuel.potential += cost;
        m_fuel.bound += cost;
        m_sink.at(m_instr);
    }
    void settle() noexcept { m_fuel = {}; }

    [[nodiscard]] bool step() {
        const OpInfo& row = op_info(m_instr.op);
        if (!check_feature(row)) [[unlikely]]
            return false;
        const bool live = is_live();
        if (live)
            charge(row.cls == OpClass::gc ? static_cost(m_module, m_instr) : row.fuel);
        switch (row.cls) {
            case OpClass::unary:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.unary(m_instr.op);
                return true;
            case OpClass::compare:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.compare(m_instr.op);
                return true;
            case OpClass::binary:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.binary(m_instr.op);
                return true;
            case OpClass::wide:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.wide(m_instr.op);
                return true;
            case OpClass::load:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.load(m_instr.op, m_instr.memarg);
                return true;
            case OpClass::store:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.store(m_instr.op, m_instr.memarg);
                return true;
            case OpClass::constant: return step_constant(row, live);
            case OpClass::local: return step_local(live);
            case OpClass::global: return step_global(live);
            case OpClass::parametric: return step_parametric(live);
            case OpClass::memory: return step_memory(row, live);
            case OpClass::table: return step_table(live);
            case OpClass::bulk: return check_bulk() && tell_bulk(live);
            case OpClass::reference: return step_reference(live);
            case OpClass::control: return step_control(live);
            case OpClass::call: return step_call(live);
            case OpClass::exception: return step_exception(live);
            case OpClass::gc:
                if (!check_gc())
                    return false;
                if (live)
                    tell_gc();
                return true;
            case OpClass::simd:
            case OpClass::simd_lane:
                if (!check_simd(row))
                    return false;
                if (live)
                    m_sink.simd(m_instr);
                return true;
            case OpClass::atomic:
                if (!check_fixed(row))
                    return false;
                if (live)
                    m_sink.atomic(m_instr);
                return true;
        }
        WSB_UNREACHABLE();
    }

#include "engine/validate/body_steps.inl"

    Sink& m_sink;
};

}  // namespace wsb::validate
