// SPDX-License-Identifier: Apache-2.0
#include "jit/assembler.h"

#include <algorithm>
#include <cstddef>

namespace wsb::jit {

namespace {

[[nodiscard]] constexpr bool is_byte(int32_t value) noexcept {
    return value >= INT8_MIN && value <= INT8_MAX;
}

[[nodiscard]] constexpr uint8_t number(Gpr reg) noexcept {
    return static_cast<uint8_t>(reg);
}
[[nodiscard]] constexpr uint8_t number(Xmm reg) noexcept {
    return static_cast<uint8_t>(reg);
}

constexpr Sse rorx{0xf2, OpcodeMap::map_0f3a, 0xf0};

}  // namespace

/// Writes one instruction, to room that is there for the longest. While it does, where it is stays in a
/// register: bytes that are written may be anything, the buffer's own size too for all the compiler knows.
/// There is one at a time.
class Assembler::Writer {
public:
    explicit Writer(Assembler& assembler)
        : m_bytes(assembler.m_bytes), m_begin(m_bytes.room_for(longest_bytes)), m_at(m_begin) {}
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        WSB_ASSERT(m_bytes.end() == m_begin);
        m_bytes.end_at(m_at);
    }

    void byte(uint8_t value) { *m_at++ = value; }
    void word32(uint32_t value) {
        std::memcpy(m_at, &value, sizeof value);
        m_at += sizeof value;
    }
    void word64(uint64_t value) {
        std::memcpy(m_at, &value, sizeof value);
        m_at += sizeof value;
    }
    /// A REX prefix if one is needed. Byte registers above bl need one to be told from ah to bh.
    void rex(Width width, uint8_t reg, uint8_t rm, bool is_forced = false) {
        rex_with(width, reg, rm >> 3, is_forced);
    }
    void rex(Width width, uint8_t reg, Mem mem, bool is_forced = false) {
        rex_with(width, reg, mem.rex & 3u, is_forced);
    }
    void mod_reg(uint8_t reg, uint8_t rm) { byte(static_cast<uint8_t>(0xc0 | (reg & 7) << 3 | (rm & 7))); }
    /// [opcode] ModRM, SIB and displacement: 7 bytes at most, written as 8. Without branches, which could not
    /// be foretold.
    template <bool has_opcode>
    void mod_mem(uint8_t opcode, uint8_t reg, Mem mem) {
        const auto displacement = static_cast<uint32_t>(mem.displacement);
        const unsigned is_short = is_byte(mem.displacement) ? 1 : 0;
        const unsigned is_none = (displacement | (mem.rex & Mem::needs_displacement)) == 0 ? 1 : 0;
        const unsigned mod = 2 - is_short - is_none;  // 0, 1 or 4 bytes
        uint64_t bytes = uint64_t{displacement} << mem.rm_sib_bits | mem.rm_sib | mod << 6 | (reg & 7u) << 3;
        if constexpr (has_opcode)
            bytes = bytes << 8 | opcode;
        std::memcpy(m_at, &bytes, sizeof bytes);
        m_at += (has_opcode ? 1 : 0) + mem.rm_sib_bits / 8 + mod + (mod & 2);
    }
    void mod_mem(uint8_t reg, Mem mem) { mod_mem<false>(0, reg, mem); }
    void op_mem(uint8_t opcode, uint8_t reg, Mem mem) { mod_mem<true>(opcode, reg, mem); }
    /// REX, opcode, ModRM and displacement: 7 bytes at most.
    void op_frame(Width width, uint8_t opcode, uint8_t reg, int32_t displacement) {
        constexpr unsigned rm = 5, base_bit = 1;  // r13
        const bool is_short = is_byte(displacement);
        const unsigned rex = 0x40 | static_cast<unsigned>(width) << 3 | (reg & 8u) >> 1 | base_bit;
        const unsigned mod_rm = (is_short ? 0x40 : 0x80) | (reg & 7u) << 3 | rm;
        word64(uint64_t{static_cast<uint32_t>(displacement)} << 24 | mod_rm << 16 | unsigned{opcode} << 8 |
               rex);
        m_at -= is_short ? 4 : 1;
    }
    /// Everything before ModRM.
    template <class Operand>
    void opcode(Sse op, Width width, uint8_t reg, const Operand& rm) {
        if (op.prefix != 0)
            byte(op.prefix);
        rex(width, reg, rm);
        byte(0x0f);
        if (op.map != OpcodeMap::map_0f)
            byte(op.map == OpcodeMap::map_0f38 ? 0x38 : 0x3a);
        byte(op.opcode);
    }
    /// The same with a VEX prefix and a further register; the short form where it says everything.
    void vex_opcode(Sse op, Width width, uint8_t reg, uint8_t further, uint8_t rm) {
        vex_with(op, width, reg, further, rm >> 3);
    }
    void vex_opcode(Sse op, Width width, uint8_t reg, uint8_t further, Mem mem) {
        vex_with(op, width, reg, further, mem.rex & 3u);
    }
    /// A displacement to a label: known, or chained to the one before.
    void distance_to(Label& label) {
        const auto at = static_cast<uint32_t>(m_at - m_bytes.data());
        if (label.is_bound()) {
            word32(label.position - (at + 4));
            return;
        }
        word32(label.last_use);
        label.last_use = at;
    }

private:
    void rex_with(Width width, uint8_t reg, unsigned rm_bits, bool is_forced) {
        const unsigned bits = static_cast<unsigned>(width) << 3 | (reg & 8u) >> 1 | rm_bits;
        *m_at = static_cast<uint8_t>(0x40 | bits);
        m_at += bits != 0 || is_forced ? 1 : 0;
    }

    void vex_with(Sse op, Width width, uint8_t reg, uint8_t further, unsigned rm_bits) {
        // 00: none, 01: 66, 10: f3, 11: f2
        const unsigned prefix = op.prefix == 0 ? 0 : op.prefix == 0x66 ? 1 : op.prefix == 0xf3 ? 2 : 3;
        const unsigned low = (~further & 15u) << 3 | prefix;
        const unsigned not_r = ~unsigned{reg} << 4 & 0x80u;
        if (op.map == OpcodeMap::map_0f && width == Width::w32 && rm_bits == 0) {
            byte(0xc5);
            byte(static_cast<uint8_t>(not_r | low));
        } else {
            byte(0xc4);
            byte(static_cast<uint8_t>(not_r | (~rm_bits & 3) << 5 | (static_cast<unsigned>(op.map) + 1)));
            byte(static_cast<uint8_t>(static_cast<unsigned>(width) << 7 | low));
        }
        byte(op.opcode);
    }

    static constexpr size_t longest_bytes = 16;

    TrivialVector<uint8_t>& m_bytes;
    uint8_t* const m_begin;
    uint8_t* m_at;
};

void Assembler::jump(Label& label) {
    Writer code(*this);
    code.byte(0xe9);
    code.distance_to(label);
}

void Assembler::call(Label& label) {
    Writer code(*this);
    code.byte(0xe8);
    code.distance_to(label);
}

void Assembler::call_later() {
    Writer code(*this);
    code.byte(0xe8);
    code.word32(0);
}

void Assembler::jump_later() {
    Writer code(*this);
    code.byte(0xe9);
    code.word32(0);
}

void Assembler::jump_later(Condition condition) {
    Writer code(*this);
    code.byte(0x0f);
    code.byte(0x80 + static_cast<uint8_t>(condition));
    code.word32(0);
}

void Assembler::endbr64() {
    Writer(*this).word32(0xfa1e0ff3);
}

void Assembler::data32(uint32_t value) {
    Writer(*this).word32(value);
}

void Assembler::data64(uint64_t value) {
    Writer(*this).word64(value);
}

void Assembler::data64(std::span<const uint64_t> values) {
    uint8_t* const at = m_bytes.room_for(values.size_bytes());
    std::ranges::copy(std::as_bytes(values), reinterpret_cast<std::byte*>(at));
    m_bytes.end_at(at + values.size_bytes());
}

void Assembler::align(unsigned bytes, uint8_t filler) {
    while (m_bytes.size() % bytes != 0)
        byte(filler);
}

void Assembler::op_reg(Width width, uint8_t opcode, Gpr reg, Gpr rm) {
    Writer code(*this);
    code.rex(width, number(reg), number(rm));
    code.byte(opcode);
    code.mod_reg(number(reg), number(rm));
}

void Assembler::op_mem(Width width, uint8_t opcode, Gpr reg, Mem mem) {
    Writer code(*this);
    code.rex(width, number(reg), mem);
    code.op_mem(opcode, number(reg), mem);
}

void Assembler::op_frame(Width width, uint8_t opcode, Gpr reg, FrameMem mem) {
    Writer(*this).op_frame(width, opcode, number(reg), mem.displacement);
}

void Assembler::op_reg_0f(Width width, uint8_t opcode, Gpr reg, Gpr rm) {
    Writer code(*this);
    code.rex(width, number(reg), number(rm));
    code.byte(0x0f);
    code.byte(opcode);
    code.mod_reg(number(reg), number(rm));
}

void Assembler::op_mem_0f(Width width, uint8_t opcode, Gpr reg, Mem mem) {
    Writer code(*this);
    code.rex(width, number(reg), mem);
    code.byte(0x0f);
    code.op_mem(opcode, number(reg), mem);
}

void Assembler::mov_immediate(Gpr to, uint64_t bits) {
    Writer code(*this);
    if (bits <= UINT32_MAX) {
        code.rex(Width::w32, 0, number(to));
        code.byte(static_cast<uint8_t>(0xb8 | (number(to) & 7)));
        code.word32(static_cast<uint32_t>(bits));
    } else if (static_cast<int64_t>(bits) == static_cast<int32_t>(bits)) {
        code.rex(Width::w64, 0, number(to));
        code.byte(0xc7);
        code.mod_reg(0, number(to));
        code.word32(static_cast<uint32_t>(bits));
    } else {
        code.rex(Width::w64, 0, number(to));
        code.byte(static_cast<uint8_t>(0xb8 | (number(to) & 7)));
        code.word64(bits);
    }
}

void Assembler::store8(Mem to, Gpr from) {
    Writer code(*this);
    code.rex(Width::w32, number(from), to, number(from) >= 4);
    code.byte(0x88);
    code.mod_mem(number(from), to);
}

void Assembler::store16(Mem to, Gpr from) {
    byte(0x66);
    op_mem(Width::w32, 0x89, from, to);
}

void Assembler::store_immediate(Width width, Mem to, int32_t immediate) {
    Writer code(*this);
    code.rex(width, 0, to);
    code.byte(0xc7);
    code.mod_mem(0, to);
    code.word32(static_cast<uint32_t>(immediate));
}

void Assembler::store_immediate8(Mem to, uint8_t immediate) {
    Writer code(*this);
    code.rex(Width::w32, 0, to);
    code.byte(0xc6);
    code.mod_mem(0, to);
    code.byte(immediate);
}

void Assembler::store_immediate16(Mem to, uint16_t immediate) {
    Writer code(*this);
    code.byte(0x66);
    code.rex(Width::w32, 0, to);
    code.byte(0xc7);
    code.mod_mem(0, to);
    code.byte(static_cast<uint8_t>(immediate));
    code.byte(static_cast<uint8_t>(immediate >> 8));
}

void Assembler::load_extended(Width width, Gpr to, Mem from, unsigned source_bytes, bool is_signed) {
    if (source_bytes == 4) {
        op_mem(is_signed ? width : Width::w32, is_signed ? 0x63 : 0x8b, to, from);
        return;
    }
    const auto opcode = static_cast<uint8_t>((is_signed ? 0xbe : 0xb6) | (source_bytes == 2 ? 1 : 0));
    op_mem_0f(is_signed ? width : Width::w32, opcode, to, from);
}

void Assembler::extend(Width width, Gpr to, Gpr from, unsigned source_bytes, bool is_signed) {
    if (source_bytes == 4) {
        op_reg(is_signed ? width : Width::w32, is_signed ? 0x63 : 0x8b, to, from);
        return;
    }
    const auto opcode = static_cast<uint8_t>((is_signed ? 0xbe : 0xb6) | (source_bytes == 2 ? 1 : 0));
    Writer code(*this);
    code.rex(is_signed ? width : Width::w32, number(to), number(from),
             source_bytes == 1 && number(from) >= 4);
    code.byte(0x0f);
    code.byte(opcode);
    code.mod_reg(number(to), number(from));
}

void Assembler::lea(Gpr to, Label& label) {
    Writer code(*this);
    code.rex(Width::w64, number(to), 0);
    code.byte(0x8d);
    code.byte(static_cast<uint8_t>((number(to) & 7) << 3 | 5));
    code.distance_to(label);
}

void Assembler::cmov(Width width, Condition condition, Gpr to, Gpr from) {
    op_reg_0f(width, static_cast<uint8_t>(0x40 | static_cast<uint8_t>(condition)), to, from);
}

void Assembler::alu(Width width, Alu op, Gpr to, int32_t immediate) {
    Writer code(*this);
    code.rex(width, 0, number(to));
    if (is_byte(immediate)) {
        code.byte(0x83);
        code.mod_reg(static_cast<uint8_t>(op), number(to));
        code.byte(static_cast<uint8_t>(immediate));
        return;
    }
    if (to == Gpr::rax) {
        code.byte(static_cast<uint8_t>(static_cast<uint8_t>(op) << 3 | 5));
    } else {
        code.byte(0x81);
        code.mod_reg(static_cast<uint8_t>(op), number(to));
    }
    code.word32(static_cast<uint32_t>(immediate));
}

void Assembler::alu(Width width, Alu op, Mem to, int32_t immediate) {
    Writer code(*this);
    code.rex(width, 0, to);
    code.byte(is_byte(immediate) ? 0x83 : 0x81);
    code.mod_mem(static_cast<uint8_t>(op), to);
    if (is_byte(immediate))
        code.byte(static_cast<uint8_t>(immediate));
    else
        code.word32(static_cast<uint32_t>(immediate));
}

void Assembler::imul(Width width, Gpr to, Gpr from, int32_t immediate) {
    op_reg(width, is_byte(immediate) ? 0x6b : 0x69, to, from);
    if (is_byte(immediate))
        byte(static_cast<uint8_t>(immediate));
    else
        data32(static_cast<uint32_t>(immediate));
}

void Assembler::single(Width width, Single op, Gpr operand) {
    Writer code(*this);
    code.rex(width, 0, number(operand));
    code.byte(0xf7);
    code.mod_reg(static_cast<uint8_t>(op), number(operand));
}

void Assembler::shift(Width width, Shift op, Gpr operand) {
    Writer code(*this);
    code.rex(width, 0, number(operand));
    code.byte(0xd3);
    code.mod_reg(static_cast<uint8_t>(op), number(operand));
}

void Assembler::shift(Width width, Shift op, Gpr operand, uint8_t count) {
    Writer code(*this);
    code.rex(width, 0, number(operand));
    code.byte(count == 1 ? 0xd1 : 0xc1);
    code.mod_reg(static_cast<uint8_t>(op), number(operand));
    if (count != 1)
        code.byte(count);
}

void Assembler::sign_to_rdx(Width width) {
    Writer code(*this);
    code.rex(width, 0, 0);
    code.byte(0x99);
}

Sse Assembler::shift_by_register(Shift op) noexcept {
    WSB_ASSERT(op == Shift::shl || op == Shift::sar || op == Shift::shr);
    const uint8_t prefix = op == Shift::shl ? 0x66 : op == Shift::sar ? 0xf3 : 0xf2;
    return {prefix, OpcodeMap::map_0f38, 0xf7};
}

void Assembler::shift(Width width, Shift op, Gpr to, Gpr from, Gpr count) {
    Writer code(*this);
    code.vex_opcode(shift_by_register(op), width, number(to), number(count), number(from));
    code.mod_reg(number(to), number(from));
}

void Assembler::shift(Width width, Shift op, Gpr to, Mem from, Gpr count) {
    Writer code(*this);
    code.vex_opcode(shift_by_register(op), width, number(to), number(count), from);
    code.mod_mem(number(to), from);
}

void Assembler::rotate_right(Width width, Gpr to, Gpr from, uint8_t count) {
    Writer code(*this);
    code.vex_opcode(rorx, width, number(to), 0, number(from));
    code.mod_reg(number(to), number(from));
    code.byte(count);
}

void Assembler::rotate_right(Width width, Gpr to, Mem from, uint8_t count) {
    Writer code(*this);
    code.vex_opcode(rorx, width, number(to), 0, from);
    code.mod_mem(number(to), from);
    code.byte(count);
}

void Assembler::scalar(FloatWidth width, Scalar op, Xmm to, Xmm a, Xmm b) {
    Writer code(*this);
    const Sse instruction{scalar_prefix(width), OpcodeMap::map_0f, static_cast<uint8_t>(op)};
    code.vex_opcode(instruction, Width::w32, number(to), number(a), number(b));
    code.mod_reg(number(to), number(b));
}

void Assembler::scalar(FloatWidth width, Scalar op, Xmm to, Xmm a, Mem b) {
    Writer code(*this);
    const Sse instruction{scalar_prefix(width), OpcodeMap::map_0f, static_cast<uint8_t>(op)};
    code.vex_opcode(instruction, Width::w32, number(to), number(a), b);
    code.mod_mem(number(to), b);
}

void Assembler::count(Width width, Count op, Gpr to, Gpr from) {
    byte(0xf3);
    op_reg_0f(width, static_cast<uint8_t>(op), to, from);
}

/// Not the short form of al.
void Assembler::test8(Gpr operand, uint8_t immediate) {
    Writer code(*this);
    code.rex(Width::w32, 0, number(operand), number(operand) >= 4);
    code.byte(0xf6);
    code.mod_reg(0, number(operand));
    code.byte(immediate);
}

void Assembler::set(Condition condition, Gpr to) {
    Writer code(*this);
    code.rex(Width::w32, 0, number(to), number(to) >= 4);
    code.byte(0x0f);
    code.byte(static_cast<uint8_t>(0x90 | static_cast<uint8_t>(condition)));
    code.mod_reg(0, number(to));
}

/// The displacements that waited for a label.
void Assembler::fill_in(Label& label) noexcept {
    for (uint32_t at = label.last_use; at != Label::none;) {
        uint32_t before = 0;
        std::memcpy(&before, m_bytes.data() + at, sizeof before);
        const uint32_t distance = label.position - (at + 4);
        std::memcpy(m_bytes.data() + at, &distance, sizeof distance);
        at = before;
    }
    label.last_use = Label::none;
}

void Assembler::data_distance(const Label& label, uint32_t from) {
    WSB_ASSERT(label.is_bound());
    Writer(*this).word32(label.position - from);
}

void Assembler::subtract_later(Gpr reg) {
    Writer code(*this);
    code.rex(Width::w64, 0, number(reg));
    code.byte(0x81);
    code.mod_reg(static_cast<uint8_t>(Alu::sub), number(reg));
    code.word32(0);
}

void Assembler::lea_later(Gpr to, Gpr base) {
    WSB_ASSERT((number(base) & 7) != 4);
    Writer code(*this);
    code.rex(Width::w64, number(to), number(base));
    code.byte(0x8d);
    code.byte(static_cast<uint8_t>(0x80 | (number(to) & 7) << 3 | (number(base) & 7)));
    code.word32(0);
}

void Assembler::jump_unmarked(Gpr target) {
    byte(0x3e);
    jump(target);
}

void Assembler::jump_unmarked(Mem target) {
    byte(0x3e);
    jump(target);
}

void Assembler::jump(Condition condition, Label& label) {
    Writer code(*this);
    code.byte(0x0f);
    code.byte(static_cast<uint8_t>(0x80 | static_cast<uint8_t>(condition)));
    code.distance_to(label);
}

void Assembler::jump(Gpr target) {
    Writer code(*this);
    code.rex(Width::w32, 0, number(target));
    code.byte(0xff);
    code.mod_reg(4, number(target));
}

void Assembler::jump(Mem target) {
    Writer code(*this);
    code.rex(Width::w32, 0, target);
    code.byte(0xff);
    code.mod_mem(4, target);
}

void Assembler::call(Mem target) {
    Writer code(*this);
    code.rex(Width::w32, 0, target);
    code.byte(0xff);
    code.mod_mem(2, target);
}

void Assembler::push(Mem from) {
    Writer code(*this);
    code.rex(Width::w32, 0, from);
    code.byte(0xff);
    code.mod_mem(6, from);
}

void Assembler::pop(Gpr to) {
    Writer code(*this);
    code.rex(Width::w32, 0, number(to));
    code.byte(static_cast<uint8_t>(0x58 | (number(to) & 7)));
}

void Assembler::sse(uint8_t prefix, uint8_t opcode, Xmm reg, Xmm rm) {
    Writer code(*this);
    if (prefix != 0)
        code.byte(prefix);
    code.rex(Width::w32, number(reg), number(rm));
    code.byte(0x0f);
    code.byte(opcode);
    code.mod_reg(number(reg), number(rm));
}

void Assembler::sse_mem(uint8_t prefix, uint8_t opcode, Xmm reg, Mem mem) {
    Writer code(*this);
    if (prefix != 0)
        code.byte(prefix);
    code.rex(Width::w32, number(reg), mem);
    code.byte(0x0f);
    code.byte(opcode);
    code.mod_mem(number(reg), mem);
}

void Assembler::sse_gpr(uint8_t prefix, Width width, uint8_t opcode, uint8_t reg, Gpr rm) {
    Writer code(*this);
    code.byte(prefix);
    code.rex(width, reg, number(rm));
    code.byte(0x0f);
    code.byte(opcode);
    code.mod_reg(reg, number(rm));
}

void Assembler::move(Xmm to, Xmm from) {
    if (to != from)
        sse(0, 0x28, to, from);
}

void Assembler::compare_mask(FloatWidth width, Xmm to, Xmm from, uint8_t predicate) {
    sse(scalar_prefix(width), 0xc2, to, from);
    byte(predicate);
}

void Assembler::round(FloatWidth width, Xmm to, Xmm from, uint8_t mode) {
    Writer code(*this);
    code.byte(0x66);
    code.rex(Width::w32, number(to), number(from));
    code.byte(0x0f);
    code.byte(0x3a);
    code.byte(width == FloatWidth::f64 ? 0x0b : 0x0a);
    code.mod_reg(number(to), number(from));
    code.byte(mode);
}

void Assembler::float_from_int(FloatWidth to_width, Xmm to, Width from_width, Gpr from) {
    sse_gpr(scalar_prefix(to_width), from_width, 0x2a, number(to), from);
}

void Assembler::truncate(Width to_width, Gpr to, FloatWidth from_width, Xmm from) {
    Writer code(*this);
    code.byte(scalar_prefix(from_width));
    code.rex(to_width, number(to), number(from));
    code.byte(0x0f);
    code.byte(0x2c);
    code.mod_reg(number(to), number(from));
}

void Assembler::vector(Sse op, Xmm reg, Xmm rm) {
    Writer code(*this);
    code.opcode(op, Width::w32, number(reg), number(rm));
    code.mod_reg(number(reg), number(rm));
}

void Assembler::vector(Sse op, Xmm reg, Mem mem) {
    Writer code(*this);
    code.opcode(op, Width::w32, number(reg), mem);
    code.mod_mem(number(reg), mem);
}

void Assembler::vector(Sse op, Xmm reg, Label& label) {
    Writer code(*this);
    code.opcode(op, Width::w32, number(reg), uint8_t{0});
    code.byte(static_cast<uint8_t>((number(reg) & 7) << 3 | 5));
    code.distance_to(label);
}

void Assembler::vector(Sse op, Width width, Xmm reg, Gpr rm, uint8_t immediate) {
    Writer code(*this);
    code.opcode(op, width, number(reg), number(rm));
    code.mod_reg(number(reg), number(rm));
    code.byte(immediate);
}

void Assembler::vector(Sse op, Width width, Xmm reg, Mem mem, uint8_t immediate) {
    Writer code(*this);
    code.opcode(op, width, number(reg), mem);
    code.mod_mem(number(reg), mem);
    code.byte(immediate);
}

void Assembler::mask_bits(Sse op, Gpr to, Xmm from) {
    Writer code(*this);
    code.opcode(op, Width::w32, number(to), number(from));
    code.mod_reg(number(to), number(from));
}

void Assembler::vector_shift(Sse by_register, Xmm operand, uint8_t count) {
    Writer code(*this);
    // Opcodes dx, ex and fx are psrl, psra and psll; their last digit is the width.
    const uint8_t kind = by_register.opcode >> 4;
    const auto selector = static_cast<uint8_t>(kind == 0xd ? 2 : kind == 0xe ? 4 : 6);
    code.opcode({0x66, OpcodeMap::map_0f, static_cast<uint8_t>(0x70 | (by_register.opcode & 3))}, Width::w32,
                0, number(operand));
    code.mod_reg(selector, number(operand));
    code.byte(count);
}

}  // namespace wsb::jit
