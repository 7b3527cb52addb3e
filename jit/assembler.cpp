// SPDX-License-Identifier: Apache-2.0
#include "jit/assembler.h"

namespace wsb::jit {

namespace {

[[nodiscard]] constexpr bool is_byte(int32_t value) noexcept {
    return value >= INT8_MIN && value <= INT8_MAX;
}

}  // namespace

void Assembler::word32(uint32_t value) {
    const size_t at = m_bytes.size();
    m_bytes.resize(at + sizeof value);
    std::memcpy(m_bytes.data() + at, &value, sizeof value);
}

void Assembler::data32(uint32_t value) {
    word32(value);
}

void Assembler::data64(uint64_t value) {
    const size_t at = m_bytes.size();
    m_bytes.resize(at + sizeof value);
    std::memcpy(m_bytes.data() + at, &value, sizeof value);
}

void Assembler::align(unsigned bytes, uint8_t filler) {
    while (m_bytes.size() % bytes != 0)
        byte(filler);
}

/// A REX prefix if one is needed. Byte registers above bl need one to be told from ah to bh.
void Assembler::rex(Width width, uint8_t reg, uint8_t index, uint8_t base, bool is_forced) {
    const auto bits = static_cast<uint8_t>((width == Width::w64 ? 8 : 0) | (reg & 8) >> 1 | (index & 8) >> 2 |
                                           (base & 8) >> 3);
    if (bits != 0 || is_forced)
        byte(static_cast<uint8_t>(0x40 | bits));
}

/// ModRM, SIB and displacement. rsp and r12 as base need a SIB; rbp and r13 a displacement.
void Assembler::mod_mem(uint8_t reg, Mem mem) {
    const uint8_t base = number(mem.base) & 7;
    const bool needs_sib = mem.has_index || base == 4;
    const bool has_no_displacement = mem.displacement == 0 && base != 5;
    const uint8_t mod = has_no_displacement ? 0x00 : is_byte(mem.displacement) ? 0x40 : 0x80;
    byte(static_cast<uint8_t>(mod | (reg & 7) << 3 | (needs_sib ? 4 : base)));
    if (needs_sib) {
        WSB_ASSERT(!mem.has_index || mem.index != Gpr::rsp);
        const uint8_t index = mem.has_index ? number(mem.index) & 7 : 4;
        byte(static_cast<uint8_t>(mem.scale_log2 << 6 | index << 3 | base));
    }
    if (mod == 0x40)
        byte(static_cast<uint8_t>(mem.displacement));
    else if (mod == 0x80)
        word32(static_cast<uint32_t>(mem.displacement));
}

namespace {
[[nodiscard]] constexpr uint8_t index_of(const Mem& mem) noexcept {
    return mem.has_index ? static_cast<uint8_t>(mem.index) : uint8_t{0};
}
}  // namespace

void Assembler::op_reg(Width width, uint8_t opcode, Gpr reg, Gpr rm) {
    rex(width, number(reg), 0, number(rm));
    byte(opcode);
    mod_reg(number(reg), number(rm));
}

void Assembler::op_mem(Width width, uint8_t opcode, Gpr reg, Mem mem) {
    rex(width, number(reg), index_of(mem), number(mem.base));
    byte(opcode);
    mod_mem(number(reg), mem);
}

void Assembler::op_reg_0f(Width width, uint8_t opcode, Gpr reg, Gpr rm) {
    rex(width, number(reg), 0, number(rm));
    byte(0x0f);
    byte(opcode);
    mod_reg(number(reg), number(rm));
}

void Assembler::op_mem_0f(Width width, uint8_t opcode, Gpr reg, Mem mem) {
    rex(width, number(reg), index_of(mem), number(mem.base));
    byte(0x0f);
    byte(opcode);
    mod_mem(number(reg), mem);
}

void Assembler::mov_immediate(Gpr to, uint64_t bits) {
    if (bits <= UINT32_MAX) {
        rex(Width::w32, 0, 0, number(to));
        byte(static_cast<uint8_t>(0xb8 | (number(to) & 7)));
        word32(static_cast<uint32_t>(bits));
    } else if (static_cast<int64_t>(bits) == static_cast<int32_t>(bits)) {
        rex(Width::w64, 0, 0, number(to));
        byte(0xc7);
        mod_reg(0, number(to));
        word32(static_cast<uint32_t>(bits));
    } else {
        rex(Width::w64, 0, 0, number(to));
        byte(static_cast<uint8_t>(0xb8 | (number(to) & 7)));
        data64(bits);
    }
}

void Assembler::store8(Mem to, Gpr from) {
    rex(Width::w32, number(from), index_of(to), number(to.base), number(from) >= 4);
    byte(0x88);
    mod_mem(number(from), to);
}

void Assembler::store16(Mem to, Gpr from) {
    byte(0x66);
    op_mem(Width::w32, 0x89, from, to);
}

void Assembler::store_immediate(Width width, Mem to, int32_t immediate) {
    rex(width, 0, index_of(to), number(to.base));
    byte(0xc7);
    mod_mem(0, to);
    word32(static_cast<uint32_t>(immediate));
}

void Assembler::store_immediate8(Mem to, uint8_t immediate) {
    rex(Width::w32, 0, index_of(to), number(to.base));
    byte(0xc6);
    mod_mem(0, to);
    byte(immediate);
}

void Assembler::store_immediate16(Mem to, uint16_t immediate) {
    byte(0x66);
    rex(Width::w32, 0, index_of(to), number(to.base));
    byte(0xc7);
    mod_mem(0, to);
    byte(static_cast<uint8_t>(immediate));
    byte(static_cast<uint8_t>(immediate >> 8));
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
    rex(is_signed ? width : Width::w32, number(to), 0, number(from), source_bytes == 1 && number(from) >= 4);
    byte(0x0f);
    byte(opcode);
    mod_reg(number(to), number(from));
}

void Assembler::lea(Gpr to, Label& label) {
    rex(Width::w64, number(to), 0, 0);
    byte(0x8d);
    byte(static_cast<uint8_t>((number(to) & 7) << 3 | 5));
    use(label);
}

void Assembler::cmov(Width width, Condition condition, Gpr to, Gpr from) {
    op_reg_0f(width, static_cast<uint8_t>(0x40 | static_cast<uint8_t>(condition)), to, from);
}

void Assembler::alu(Width width, Alu op, Gpr to, int32_t immediate) {
    rex(width, 0, 0, number(to));
    if (is_byte(immediate)) {
        byte(0x83);
        mod_reg(static_cast<uint8_t>(op), number(to));
        byte(static_cast<uint8_t>(immediate));
        return;
    }
    if (to == Gpr::rax) {
        byte(static_cast<uint8_t>(static_cast<uint8_t>(op) << 3 | 5));
    } else {
        byte(0x81);
        mod_reg(static_cast<uint8_t>(op), number(to));
    }
    word32(static_cast<uint32_t>(immediate));
}

void Assembler::alu(Width width, Alu op, Mem to, int32_t immediate) {
    rex(width, 0, index_of(to), number(to.base));
    byte(is_byte(immediate) ? 0x83 : 0x81);
    mod_mem(static_cast<uint8_t>(op), to);
    if (is_byte(immediate))
        byte(static_cast<uint8_t>(immediate));
    else
        word32(static_cast<uint32_t>(immediate));
}

void Assembler::imul(Width width, Gpr to, Gpr from, int32_t immediate) {
    op_reg(width, is_byte(immediate) ? 0x6b : 0x69, to, from);
    if (is_byte(immediate))
        byte(static_cast<uint8_t>(immediate));
    else
        word32(static_cast<uint32_t>(immediate));
}

void Assembler::single(Width width, Single op, Gpr operand) {
    rex(width, 0, 0, number(operand));
    byte(0xf7);
    mod_reg(static_cast<uint8_t>(op), number(operand));
}

void Assembler::shift(Width width, Shift op, Gpr operand) {
    rex(width, 0, 0, number(operand));
    byte(0xd3);
    mod_reg(static_cast<uint8_t>(op), number(operand));
}

void Assembler::shift(Width width, Shift op, Gpr operand, uint8_t count) {
    rex(width, 0, 0, number(operand));
    byte(count == 1 ? 0xd1 : 0xc1);
    mod_reg(static_cast<uint8_t>(op), number(operand));
    if (count != 1)
        byte(count);
}

void Assembler::sign_to_rdx(Width width) {
    rex(width, 0, 0, 0);
    byte(0x99);
}

void Assembler::count(Width width, Count op, Gpr to, Gpr from) {
    byte(0xf3);
    op_reg_0f(width, static_cast<uint8_t>(op), to, from);
}

/// Not the short form of al.
void Assembler::test8(Gpr operand, uint8_t immediate) {
    rex(Width::w32, 0, 0, number(operand), number(operand) >= 4);
    byte(0xf6);
    mod_reg(0, number(operand));
    byte(immediate);
}

void Assembler::set(Condition condition, Gpr to) {
    rex(Width::w32, 0, 0, number(to), number(to) >= 4);
    byte(0x0f);
    byte(static_cast<uint8_t>(0x90 | static_cast<uint8_t>(condition)));
    mod_reg(0, number(to));
}

/// A displacement to a label: known, or chained to the one before.
void Assembler::use(Label& label) {
    const uint32_t at = position();
    if (label.is_bound()) {
        word32(label.position - (at + 4));
        return;
    }
    word32(label.last_use);
    label.last_use = at;
}

void Assembler::bind_at(Label& label, uint32_t place) noexcept {
    WSB_ASSERT(!label.is_bound());
    label.position = place;
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
    word32(label.position - from);
}

void Assembler::subtract_later(Gpr reg) {
    rex(Width::w64, 0, 0, number(reg));
    byte(0x81);
    mod_reg(static_cast<uint8_t>(Alu::sub), number(reg));
    word32(0);
}

void Assembler::jump_unmarked(Gpr target) {
    byte(0x3e);
    jump(target);
}

void Assembler::jump(Condition condition, Label& label) {
    byte(0x0f);
    byte(static_cast<uint8_t>(0x80 | static_cast<uint8_t>(condition)));
    use(label);
}

void Assembler::jump(Gpr target) {
    rex(Width::w32, 0, 0, number(target));
    byte(0xff);
    mod_reg(4, number(target));
}

void Assembler::jump(Mem target) {
    rex(Width::w32, 0, index_of(target), number(target.base));
    byte(0xff);
    mod_mem(4, target);
}

void Assembler::call(Mem target) {
    rex(Width::w32, 0, index_of(target), number(target.base));
    byte(0xff);
    mod_mem(2, target);
}

void Assembler::push(Mem from) {
    rex(Width::w32, 0, index_of(from), number(from.base));
    byte(0xff);
    mod_mem(6, from);
}

void Assembler::pop(Gpr to) {
    rex(Width::w32, 0, 0, number(to));
    byte(static_cast<uint8_t>(0x58 | (number(to) & 7)));
}

void Assembler::sse(uint8_t prefix, uint8_t opcode, Xmm reg, Xmm rm) {
    if (prefix != 0)
        byte(prefix);
    rex(Width::w32, number(reg), 0, number(rm));
    byte(0x0f);
    byte(opcode);
    mod_reg(number(reg), number(rm));
}

void Assembler::sse_mem(uint8_t prefix, uint8_t opcode, Xmm reg, Mem mem) {
    if (prefix != 0)
        byte(prefix);
    rex(Width::w32, number(reg), index_of(mem), number(mem.base));
    byte(0x0f);
    byte(opcode);
    mod_mem(number(reg), mem);
}

void Assembler::sse_gpr(uint8_t prefix, Width width, uint8_t opcode, uint8_t reg, Gpr rm) {
    byte(prefix);
    rex(width, reg, 0, number(rm));
    byte(0x0f);
    byte(opcode);
    mod_reg(reg, number(rm));
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
    byte(0x66);
    rex(Width::w32, number(to), 0, number(from));
    byte(0x0f);
    byte(0x3a);
    byte(width == FloatWidth::f64 ? 0x0b : 0x0a);
    mod_reg(number(to), number(from));
    byte(mode);
}

void Assembler::float_from_int(FloatWidth to_width, Xmm to, Width from_width, Gpr from) {
    sse_gpr(scalar_prefix(to_width), from_width, 0x2a, number(to), from);
}

void Assembler::truncate(Width to_width, Gpr to, FloatWidth from_width, Xmm from) {
    byte(scalar_prefix(from_width));
    rex(to_width, number(to), 0, number(from));
    byte(0x0f);
    byte(0x2c);
    mod_reg(number(to), number(from));
}

/// Everything before ModRM.
void Assembler::opcode(Sse op, Width width, uint8_t reg, uint8_t index, uint8_t base) {
    if (op.prefix != 0)
        byte(op.prefix);
    rex(width, reg, index, base);
    byte(0x0f);
    if (op.map != OpcodeMap::map_0f)
        byte(op.map == OpcodeMap::map_0f38 ? 0x38 : 0x3a);
    byte(op.opcode);
}

void Assembler::vector(Sse op, Xmm reg, Xmm rm) {
    opcode(op, Width::w32, number(reg), 0, number(rm));
    mod_reg(number(reg), number(rm));
}

void Assembler::vector(Sse op, Xmm reg, Mem mem) {
    opcode(op, Width::w32, number(reg), index_of(mem), number(mem.base));
    mod_mem(number(reg), mem);
}

void Assembler::vector(Sse op, Xmm reg, Label& label) {
    opcode(op, Width::w32, number(reg), 0, 0);
    byte(static_cast<uint8_t>((number(reg) & 7) << 3 | 5));
    use(label);
}

void Assembler::vector(Sse op, Width width, Xmm reg, Gpr rm, uint8_t immediate) {
    opcode(op, width, number(reg), 0, number(rm));
    mod_reg(number(reg), number(rm));
    byte(immediate);
}

void Assembler::vector(Sse op, Width width, Xmm reg, Mem mem, uint8_t immediate) {
    opcode(op, width, number(reg), index_of(mem), number(mem.base));
    mod_mem(number(reg), mem);
    byte(immediate);
}

void Assembler::mask_bits(Sse op, Gpr to, Xmm from) {
    opcode(op, Width::w32, number(to), 0, number(from));
    mod_reg(number(to), number(from));
}

void Assembler::vector_shift(Sse by_register, Xmm operand, uint8_t count) {
    // Opcodes dx, ex and fx are psrl, psra and psll; their last digit is the width.
    const uint8_t kind = by_register.opcode >> 4;
    const auto selector = static_cast<uint8_t>(kind == 0xd ? 2 : kind == 0xe ? 4 : 6);
    opcode({0x66, OpcodeMap::map_0f, static_cast<uint8_t>(0x70 | (by_register.opcode & 3))}, Width::w32, 0, 0,
           number(operand));
    mod_reg(selector, number(operand));
    byte(count);
}

}  // namespace wsb::jit
