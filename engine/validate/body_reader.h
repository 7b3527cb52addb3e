// SPDX-License-Identifier: Apache-2.0
// The one reader of function bodies: validates each instruction and tells a sink of it. The rules are in
// BodyState; here is only the order of things, so that little code exists once per sink.
#pragma once

#include "engine/base/patience.h"
#include "engine/validate/body_state.h"
#include "engine/validate/fuel_cost.h"
#include "engine/validate/usual_instrs.h"

#include <climits>

#include <bit>
#include <cstddef>

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
    /// function; limit_exceeded when patience is over.
    [[nodiscard]] Result<void> run(FuncIdx func, const Patience& patience = {}) {
        reset(func);
        const FuncBody& body = m_module.body(m_func);
        const FuncType& type = m_module.func_type(m_func);
        m_instr.offset_bytes = body.whole.offset_bytes;
        m_has_usual_memory =
            !m_module.memories.empty() && m_module.memories[0].type.address == AddressType::i32;
        if (!declare_locals(body, type))
            return std::unexpected(take_error());
        m_usual_locals = m_are_defaultable ? std::min<size_t>(m_locals.size(), 0x80) : 0;
        open_body(type.results);
        m_instr.offset_bytes = body.expression.offset_bytes;
        m_sink.begin({&m_module, m_func, &type, m_locals, &m_instr, &m_fuel.potential, &m_operands});
        if (const uint32_t cost = entry_cost(m_locals.size() - type.params.size()); cost != 0) {
            m_fuel = {cost, cost};
            m_sink.entry(cost);
        }
        binary::InstrReader reader(Cursor(m_module.view(body.expression), body.expression.offset_bytes));
        const uint8_t* piece_end = next_piece(reader);
        while (!m_frames.empty()) {
            if (reader.position() >= piece_end) [[unlikely]] {
                if (patience.is_over())
                    return wsb::fail(ErrorCode::limit_exceeded, "compile time");
                piece_end = next_piece(reader);
            }
            if (!read_usual(reader, piece_end)) [[unlikely]]
                return std::unexpected(take_error());
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
    /// What step_usual says beside sizes: nothing has been done; the instruction is not valid. The size of
    /// one behind which nothing is reachable is negative.
    static constexpr int not_usual = 0, not_valid = INT_MIN;
    /// What is read without asking whether to go on: about a millisecond.
    static constexpr size_t piece_bytes = size_t{32} << 10;
    [[nodiscard]] static const uint8_t* next_piece(const binary::InstrReader& reader) noexcept {
        return reader.position() + std::min(reader.bytes_left(), piece_bytes);
    }

    /// Reads usual instructions (usual_instrs.h) of reachable code up to the first that is not one or is
    /// written at length or beyond `end`: that is left to `step`, as are most errors. @return false after an
    /// error.
    [[nodiscard]] bool read_usual(binary::InstrReader& reader, const uint8_t* end) {
        constexpr ptrdiff_t longest_bytes = 2 + ShortLeb::max_bytes;
        const uint64_t offset_bytes = reader.offset_bytes();
        const uint8_t* const begin = reader.position();
        const uint8_t* at = begin;
        if (!is_live() || end - at < longest_bytes)
            return true;
        const uint8_t* const last = end - longest_bytes;
        while (at <= last) {
            const UsualInstr& usual = usual_instrs[*at];
            m_instr.op = usual.op;
            m_instr.offset_bytes = offset_bytes + static_cast<size_t>(at - begin);
            const int size_bytes = step_usual(usual, at + 1);
            if (size_bytes > 0) [[likely]] {
                at += size_bytes;
                continue;
            }
            if (size_bytes == not_valid)
                return false;
            at -= size_bytes;
            break;
        }
        reader.skip(static_cast<size_t>(at - begin));
        return true;
    }

    /// Immediates are at `from`. @return the size of the instruction.
    [[nodiscard, gnu::always_inline]] int step_usual(const UsualInstr& usual, const uint8_t* from) {
        using Kind = UsualInstr::Kind;
        switch (usual.kind) {
            case Kind::none: return not_usual;
            case Kind::local_get: return usual_local_get(usual, *from);
            case Kind::local_set:
            case Kind::local_tee: return usual_local(usual, *from);
            case Kind::i32_const:
            case Kind::i64_const: return usual_constant(usual, ShortLeb::read(from));
            case Kind::unary:
                if (!has_operands(usual.first))
                    return not_usual;
                charge(usual.fuel);
                replace_operands(1, usual.result);
                m_sink.unary(usual.op);
                return 1;
            case Kind::compare:
            case Kind::binary:
                if (!has_operands(usual.first, usual.second))
                    return not_usual;
                charge(usual.fuel);
                replace_operands(2, usual.result);
                if (usual.kind == Kind::compare)
                    m_sink.compare(usual.op);
                else
                    m_sink.binary(usual.op);
                return 1;
            case Kind::load:
            case Kind::store: return usual_access(usual, from);
            case Kind::block: return usual_block(usual, *from);
            case Kind::br:
            case Kind::call:
            case Kind::global: return usual_index(usual, ShortLeb::read(from));
            case Kind::parametric: charge(usual.fuel); return step_parametric(true) ? 1 : not_valid;
            case Kind::else_: charge(usual.fuel); return step_else() ? 1 : not_valid;
            case Kind::end:
                if (m_frames.size() == 1)
                    return not_usual;  // the function's own
                charge(usual.fuel);
                return step_end() ? 1 : not_valid;
        }
        WSB_UNREACHABLE();
    }

    [[nodiscard, gnu::always_inline]] int usual_local_get(const UsualInstr& usual, uint32_t local) {
        if (local >= m_usual_locals)
            return not_usual;
        const ValType type = m_locals[local];
        charge(usual.fuel);
        push(type);
        m_sink.local_get(LocalIdx(local), type);
        return 2;
    }

    /// set, tee
    [[nodiscard]] int usual_local(const UsualInstr& usual, uint32_t local) {
        if (local >= m_usual_locals || !has_operands(m_locals[local]))
            return not_usual;
        const ValType type = m_locals[local];
        charge(usual.fuel);
        if (usual.kind == UsualInstr::Kind::local_set) {
            drop_operands(1);
            m_sink.local_set(LocalIdx(local), type);
        } else {
            m_sink.local_tee(LocalIdx(local), type);
        }
        return 2;
    }

    [[nodiscard, gnu::always_inline]] int usual_constant(const UsualInstr& usual, ShortLeb value) {
        if (value.size_bytes == 0)
            return not_usual;
        charge(usual.fuel);
        push(usual.result);
        m_sink.constant(usual.op, usual.result, static_cast<uint64_t>(int64_t{value.as_signed()}));
        return 1 + static_cast<int>(value.size_bytes);
    }

    /// Of memory 0, if its addresses are i32.
    [[nodiscard, gnu::always_inline]] int usual_access(const UsualInstr& usual, const uint8_t* from) {
        const bool is_store = usual.kind == UsualInstr::Kind::store;
        const ShortLeb offset = ShortLeb::read(from + 1);
        if (*from > usual.max_align_log2 || offset.size_bytes == 0 || !m_has_usual_memory ||
            !(is_store ? has_operands(ValType::i32, usual.second) : has_operands(ValType::i32)))
            return not_usual;
        charge(usual.fuel);
        const binary::MemArg arg{.align_log2 = *from, .memory = MemIdx{}, .offset_bytes = offset.bits};
        if (is_store) {
            drop_operands(2);
            m_sink.store(usual.op, arg);
        } else {
            replace_operands(1, usual.result);
            m_sink.load(usual.op, arg);
        }
        return 2 + static_cast<int>(offset.size_bytes);
    }

    [[nodiscard]] int usual_block(const UsualInstr& usual, uint8_t type) {
        constexpr uint8_t no_values = 0x40;
        if (type != no_values)
            return not_usual;
        m_instr.block = {};
        charge(usual.fuel);
        return step_block(true) ? 2 : not_valid;
    }

    [[nodiscard]] int usual_index(const UsualInstr& usual, ShortLeb index) {
        using Kind = UsualInstr::Kind;
        if (index.size_bytes == 0)
            return not_usual;
        m_instr.index = index.bits;
        charge(usual.fuel);
        const bool is_valid = usual.kind == Kind::call ? step_call(true)
                              : usual.kind == Kind::br ? step_br(true)
                                                       : step_global(true);
        const int size_bytes = 1 + static_cast<int>(index.size_bytes);
        return !is_valid ? not_valid : is_live() ? size_bytes : -size_bytes;
    }

    /// Whether the topmost operands of the frame are of these very types.
    template <class... Types>
    [[nodiscard]] bool has_operands(Types... types) const noexcept {
        const ValType expected[] = {types...};
        return m_operands.size() >= m_frames.back().height + sizeof...(types) &&
               std::equal(std::begin(expected), std::end(expected), m_operands.end() - sizeof...(types));
    }

    void drop_operands(size_t count) noexcept {
        for (; count != 0; --count)
            m_operands.pop_back();
    }
    /// The topmost `count`, by a result.
    void replace_operands(size_t count, ValType result) noexcept {
        drop_operands(count - 1);
        m_operands.back() = result;
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
        static_assert(std::endian::native == std::endian::little);  // the bound is the upper half
        const uint64_t more = uint64_t{cost} << 32 | cost;          // both numbers at once
        uint64_t fuel = std::bit_cast<uint64_t>(m_fuel) + more;
        if (fuel >> 32 > fuel_window) [[unlikely]] {
            m_sink.check();
            fuel = more;
        }
        m_fuel = std::bit_cast<Fuel>(fuel);
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
    size_t m_usual_locals = 0;  ///< of those below, indices have one byte, and reading them is always valid
};

}  // namespace wsb::validate
