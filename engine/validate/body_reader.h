// SPDX-License-Identifier: Apache-2.0
// The one reader of function bodies: validates each instruction and tells a sink of it. The rules are in
// BodyState; here is only the order of things, so that little code exists once per sink.
#pragma once

#include "engine/validate/body_state.h"
#include "engine/validate/fuel_cost.h"
#include "engine/validate/usual_instrs.h"

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
        m_has_usual_memory =
            !m_module.memories.empty() && m_module.memories[0].type.address == AddressType::i32;
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
            if (is_live())
                read_usual(reader);
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
    /// Reads usual instructions (usual_instrs.h) in reachable code up to the first that is not one, is
    /// written at length or is not valid: that, and so every error, is left to `step`.
    void read_usual(binary::InstrReader& reader) {
        constexpr size_t longest_bytes = 2 + ShortLeb::max_bytes;
        const size_t floor = m_frames.back().height;
        const uint64_t offset_bytes = reader.offset_bytes();
        const uint8_t* const begin = reader.position();
        const uint8_t* const end = begin + reader.bytes_left();
        const uint8_t* at = begin;
        while (static_cast<size_t>(end - at) >= longest_bytes) {
            const UsualInstr& usual = usual_instrs[*at];
            m_instr.op = usual.op;
            m_instr.offset_bytes = offset_bytes + static_cast<size_t>(at - begin);
            const size_t size_bytes = step_usual(usual, at + 1, floor);
            if (size_bytes == 0)
                break;
            at += size_bytes;
        }
        reader.skip(static_cast<size_t>(at - begin));
    }

    /// Immediates are at `from`. @return the size of the instruction; 0 if nothing has been done.
    [[nodiscard, gnu::always_inline]] size_t step_usual(const UsualInstr& usual, const uint8_t* from,
                                                        size_t floor) {
        using Kind = UsualInstr::Kind;
        switch (usual.kind) {
            case Kind::none: return 0;
            case Kind::local_get:
            case Kind::local_set:
            case Kind::local_tee: return usual_local(usual.kind, *from, floor);
            case Kind::i32_const: {
                const ShortLeb value = ShortLeb::read(from);
                if (value.size_bytes == 0)
                    return 0;
                charge(1);
                push(ValType::i32);
                m_sink.constant(Op::i32_const, ValType::i32,
                                static_cast<uint64_t>(int64_t{value.as_signed()}));
                return 1 + value.size_bytes;
            }
            case Kind::unary:
                if (!has_operands(floor, usual.first))
                    return 0;
                charge(1);
                m_operands.back() = usual.result;
                m_sink.unary(usual.op);
                return 1;
            case Kind::compare:
                if (!has_operands(floor, usual.first, usual.second))
                    return 0;
                charge(1);
                m_operands.pop_back();
                m_operands.back() = usual.result;
                m_sink.compare(usual.op);
                return 1;
            case Kind::binary:
                if (!has_operands(floor, usual.first, usual.second))
                    return 0;
                charge(1);
                m_operands.pop_back();
                m_operands.back() = usual.result;
                m_sink.binary(usual.op);
                return 1;
            case Kind::load:
            case Kind::store: return usual_access(usual, from, floor);
        }
        WSB_UNREACHABLE();
    }

    [[nodiscard]] size_t usual_local(UsualInstr::Kind kind, uint32_t local, size_t floor) {
        using Kind = UsualInstr::Kind;
        if (local >= 0x80 || local >= m_locals.size() || m_is_initialized[local] == 0)
            return 0;
        const ValType type = m_locals[local];
        if (kind == Kind::local_get) {
            charge(1);
            push(type);
            m_sink.local_get(LocalIdx(local), type);
            return 2;
        }
        if (!has_operands(floor, type))
            return 0;
        charge(1);
        if (kind == Kind::local_set) {
            m_operands.pop_back();
            m_sink.local_set(LocalIdx(local), type);
        } else {
            m_sink.local_tee(LocalIdx(local), type);
        }
        return 2;
    }

    /// Of memory 0, if its addresses are i32.
    [[nodiscard]] size_t usual_access(const UsualInstr& usual, const uint8_t* from, size_t floor) {
        const bool is_store = usual.kind == UsualInstr::Kind::store;
        const ShortLeb offset = ShortLeb::read(from + 1);
        if (*from > usual.max_align_log2 || offset.size_bytes == 0 || !m_has_usual_memory ||
            !(is_store ? has_operands(floor, ValType::i32, usual.second) : has_operands(floor, ValType::i32)))
            return 0;
        charge(1);
        const binary::MemArg arg{.align_log2 = *from, .memory = MemIdx{}, .offset_bytes = offset.bits};
        if (is_store) {
            m_operands.resize(m_operands.size() - 2);
            m_sink.store(usual.op, arg);
        } else {
            m_operands.back() = usual.result;
            m_sink.load(usual.op, arg);
        }
        return 2 + offset.size_bytes;
    }

    /// Whether the topmost operands of the frame are of these very types.
    template <class... Types>
    [[nodiscard]] bool has_operands(size_t floor, Types... types) const noexcept {
        const ValType expected[] = {types...};
        const size_t size = m_operands.size();
        return size >= floor + sizeof...(types) &&
               std::equal(std::begin(expected), std::end(expected), m_operands.end() - sizeof...(types));
    }

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
    bool m_has_usual_memory = false;
};

}  // namespace wsb::validate
