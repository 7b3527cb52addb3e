// SPDX-License-Identifier: Apache-2.0
// x86-64 machine code into a buffer: the instructions that the compiler uses, and no more. Written for speed
// (about a nanosecond each) and checked against xbyak byte for byte in tests.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
#pragma once

#include "engine/base/check.h"
#include "engine/base/trivial_vector.h"
#include "jit/sse.h"

#include <cstdint>
#include <cstring>
#include <span>

namespace wsb::jit {

/// By their numbers in encodings.
enum class Gpr : uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };
enum class Xmm : uint8_t {
    xmm0,
    xmm1,
    xmm2,
    xmm3,
    xmm4,
    xmm5,
    xmm6,
    xmm7,
    xmm8,
    xmm9,
    xmm10,
    xmm11,
    xmm12,
    xmm13,
    xmm14,
    xmm15,
};

/// Of an integer operation. Results of 32 bits are zero-extended by the processor.
enum class Width : uint8_t { w32 = 0, w64 = 1 };
/// Of a scalar float operation.
enum class FloatWidth : uint8_t { f32, f64 };

/// What is in memory: [base + displacement], or [base + index * 2^scale + displacement]. Kept as it is
/// encoded: registers are mostly known where this code is compiled, so most of the encoding is done then.
struct Mem {
    int32_t displacement = 0;
    uint16_t rm_sib = 0;      ///< rm of ModRM, and above it the SIB if there is one
    uint8_t rm_sib_bits = 8;  ///< or 16
    uint8_t rex = 0;          ///< bits X and B, and `needs_displacement`

    constexpr Mem(Gpr base, int32_t bytes) noexcept : displacement(bytes), rex(rex_of(base)) {
        rm_sib = static_cast<uint16_t>(low_bits(base));
        if (rm_sib == has_sib)  // rsp and r12
            set_sib(no_index << 3 | has_sib);
    }
    constexpr Mem(Gpr base, Gpr index, int32_t bytes, uint8_t scale_log2 = 0) noexcept
        : displacement(bytes),
          rex(static_cast<uint8_t>(static_cast<uint8_t>(index) >> 3 << 1 | rex_of(base))) {
        WSB_ASSERT(index != Gpr::rsp);
        set_sib(unsigned{scale_log2} << 6 | low_bits(index) << 3 | low_bits(base));
    }

    static constexpr uint8_t needs_displacement = 4;  ///< even if it is 0: rbp and r13 as base

private:
    static constexpr unsigned has_sib = 4, no_index = 4;
    static constexpr unsigned low_bits(Gpr reg) noexcept { return static_cast<unsigned>(reg) & 7; }
    static constexpr uint8_t rex_of(Gpr base) noexcept {
        return static_cast<uint8_t>(static_cast<uint8_t>(base) >> 3 |
                                    (low_bits(base) == 5 ? needs_displacement : 0));
    }
    constexpr void set_sib(unsigned sib) noexcept {
        rm_sib = static_cast<uint16_t>(sib << 8 | has_sib);
        rm_sib_bits = 16;
    }
};

/// [r13 + displacement]: where most operands in memory are, and always encoded in the same way.
struct FrameMem {
    int32_t displacement = 0;

    // NOLINTNEXTLINE(google-explicit-constructor): instructions without a short way take it as any place
    constexpr operator Mem() const noexcept { return {Gpr::r13, displacement}; }
};

/// Two-operand arithmetic, by the number that selects it in encodings.
enum class Alu : uint8_t { add = 0, or_ = 1, and_ = 4, sub = 5, xor_ = 6, cmp = 7 };
enum class Shift : uint8_t { rol = 0, ror = 1, shl = 4, shr = 5, sar = 7 };
/// Single-operand arithmetic (opcode f7).
enum class Single : uint8_t { not_ = 2, neg = 3, div = 6, idiv = 7 };
/// Counting instructions (f3 0f xx).
enum class Count : uint8_t { popcnt = 0xb8, tzcnt = 0xbc, lzcnt = 0xbd };
/// Scalar float arithmetic, by its opcode.
enum class Scalar : uint8_t {
    sqrt = 0x51,
    add = 0x58,
    mul = 0x59,
    sub = 0x5c,
    min = 0x5d,
    div = 0x5e,
    max = 0x5f
};
/// Bitwise operations of whole vector registers, by their opcode.
enum class Bitwise : uint8_t { and_ = 0x54, andnot = 0x55, or_ = 0x56, xor_ = 0x57 };

/// Condition codes, by their numbers.
enum class Condition : uint8_t {
    overflow,
    no_overflow,
    below,
    above_equal,
    equal,
    not_equal,
    below_equal,
    above,
    sign,
    no_sign,
    parity,
    no_parity,
    less,
    greater_equal,
    less_equal,
    greater,
};
[[nodiscard]] constexpr Condition inverse(Condition condition) noexcept {
    return static_cast<Condition>(static_cast<uint8_t>(condition) ^ 1);
}

/// A place in the code that jumps go to. Jumps that come before it is bound are chained through their own
/// displacement fields.
struct Label {
    static constexpr uint32_t none = ~uint32_t{0};
    uint32_t position = none;
    uint32_t last_use = none;  ///< offset of the newest displacement that waits

    [[nodiscard]] bool is_bound() const noexcept { return position != none; }
};

class Assembler {
public:
    /// @param likely_bytes what is going to be emitted, about.
    void begin(size_t likely_bytes) {
        m_bytes.clear();
        static_cast<void>(m_bytes.room_for(likely_bytes));
    }
    [[nodiscard]] uint32_t position() const noexcept { return static_cast<uint32_t>(m_bytes.size()); }
    [[nodiscard]] const TrivialVector<uint8_t>& bytes() const noexcept { return m_bytes; }

    // Moves
    void mov(Width width, Gpr to, Gpr from) { op_reg(width, 0x8b, to, from); }
    /// The shortest form; leaves the flags alone.
    void mov_immediate(Gpr to, uint64_t bits);
    void load(Width width, Gpr to, Mem from) { op_mem(width, 0x8b, to, from); }
    void load(Width width, Gpr to, FrameMem from) { op_frame(width, 0x8b, to, from); }
    void store(Width width, Mem to, Gpr from) { op_mem(width, 0x89, from, to); }
    void store(Width width, FrameMem to, Gpr from) { op_frame(width, 0x89, from, to); }
    void store8(Mem to, Gpr from);
    void store16(Mem to, Gpr from);
    void store_immediate(Width width, Mem to, int32_t immediate);
    void store_immediate8(Mem to, uint8_t immediate);
    void store_immediate16(Mem to, uint16_t immediate);
    /// movzx, movsx, movsxd: `source_bytes` of 1, 2 or (signed only) 4 are extended.
    void load_extended(Width width, Gpr to, Mem from, unsigned source_bytes, bool is_signed);
    void extend(Width width, Gpr to, Gpr from, unsigned source_bytes, bool is_signed);
    void lea(Width width, Gpr to, Mem address) { op_mem(width, 0x8d, to, address); }
    /// lea to, [rip + …]: the address of a label.
    void lea(Gpr to, Label& label);
    void cmov(Width width, Condition condition, Gpr to, Gpr from);

    // Integers
    void alu(Width width, Alu op, Gpr to, Gpr from) { op_reg(width, alu_opcode(op), to, from); }
    void alu(Width width, Alu op, Gpr to, Mem from) { op_mem(width, alu_opcode(op), to, from); }
    void alu(Width width, Alu op, Gpr to, int32_t immediate);
    void alu(Width width, Alu op, Mem to, int32_t immediate);
    void test(Width width, Gpr a, Gpr b) { op_reg(width, 0x85, b, a); }
    void test8(Gpr operand, uint8_t immediate);
    void imul(Width width, Gpr to, Gpr from) { op_reg_0f(width, 0xaf, to, from); }
    void imul(Width width, Gpr to, Mem from) { op_mem_0f(width, 0xaf, to, from); }
    void imul(Width width, Gpr to, Gpr from, int32_t immediate);
    void single(Width width, Single op, Gpr operand);
    /// By cl.
    void shift(Width width, Shift op, Gpr operand);
    void shift(Width width, Shift op, Gpr operand, uint8_t count);
    /// shlx, sarx, shrx (BMI2): any register has the count, and the flags stay.
    void shift(Width width, Shift op, Gpr to, Gpr from, Gpr count);
    void shift(Width width, Shift op, Gpr to, Mem from, Gpr count);
    /// rorx (BMI2)
    void rotate_right(Width width, Gpr to, Gpr from, uint8_t count);
    void rotate_right(Width width, Gpr to, Mem from, uint8_t count);
    /// cdq, cqo: the sign of rax into all of rdx.
    void sign_to_rdx(Width width);
    void count(Width width, Count op, Gpr to, Gpr from);
    void set(Condition condition, Gpr to);

    // Control
    void jump(Label& label);
    void jump(Condition condition, Label& label);
    void call(Label& label);
    /// call, jmp and jcc rel32 to somewhere that is known later; the displacement ends at the position behind
    /// it.
    void call_later();
    void jump_later();
    void jump_later(Condition condition);
    void call(Mem target);
    void ret() { byte(0xc3); }
    void push(Mem from);
    void pop(Gpr to);
    void jump(Gpr target);
    void jump(Mem target);
    /// The same for what a table says, whose targets are not marked.
    void jump_unmarked(Gpr target);
    void jump_unmarked(Mem target);
    /// sub reg, imm32, to be filled in by patch_32(position behind it).
    void subtract_later(Gpr reg);
    /// lea to, [base + displacement32], to be filled in alike. Not for bases of rsp and r12.
    void lea_later(Gpr to, Gpr base);
    void patch_32(uint32_t end, int32_t value) noexcept {
        std::memcpy(m_bytes.data() + end - sizeof value, &value, sizeof value);
    }
    void bind(Label& label) noexcept { bind_at(label, position()); }
    void bind_at(Label& label, uint32_t place) noexcept {
        WSB_ASSERT(!label.is_bound());
        label.position = place;
        if (label.last_use != Label::none)
            fill_in(label);
    }
    /// Marks where indirect jumps arrive (control-flow enforcement).
    void endbr64();

    // Floats
    void move(Xmm to, Xmm from);
    void load(FloatWidth width, Xmm to, Mem from) { sse_mem(scalar_prefix(width), 0x10, to, from); }
    /// All 64 bits of the low lane if f64.
    void store(FloatWidth width, Mem to, Xmm from) { sse_mem(scalar_prefix(width), 0x11, from, to); }
    void scalar(FloatWidth width, Scalar op, Xmm to, Xmm from) {
        sse(scalar_prefix(width), static_cast<uint8_t>(op), to, from);
    }
    void scalar(FloatWidth width, Scalar op, Xmm to, Mem from) {
        sse_mem(scalar_prefix(width), static_cast<uint8_t>(op), to, from);
    }
    /// vaddsd and so on (AVX): the upper bits are those of `a`.
    void scalar(FloatWidth width, Scalar op, Xmm to, Xmm a, Xmm b);
    void scalar(FloatWidth width, Scalar op, Xmm to, Xmm a, Mem b);
    void bitwise(Bitwise op, Xmm to, Xmm from) { sse(0, static_cast<uint8_t>(op), to, from); }
    /// ucomiss, ucomisd
    void compare(FloatWidth width, Xmm a, Xmm b) { sse(packed_prefix(width), 0x2e, a, b); }
    /// cmpss, cmpsd: all ones or zeros. Predicates: 0 equal, 3 unordered, 4 not equal, 7 ordered.
    void compare_mask(FloatWidth width, Xmm to, Xmm from, uint8_t predicate);
    /// roundss, roundsd (SSE4.1). Modes: 8 nearest, 9 down, 10 up, 11 toward zero.
    void round(FloatWidth width, Xmm to, Xmm from, uint8_t mode);
    void float_from_int(FloatWidth to_width, Xmm to, Width from_width, Gpr from);
    /// cvttss2si, cvttsd2si
    void truncate(Width to_width, Gpr to, FloatWidth from_width, Xmm from);
    /// cvtss2sd, cvtsd2ss
    void convert_float(FloatWidth from_width, Xmm to, Xmm from) {
        sse(scalar_prefix(from_width), 0x5a, to, from);
    }
    /// movd, movq
    void move_bits(Width width, Xmm to, Gpr from) {
        sse_gpr(0x66, width, 0x6e, static_cast<uint8_t>(to), from);
    }
    void move_bits(Width width, Gpr to, Xmm from) {
        sse_gpr(0x66, width, 0x7e, static_cast<uint8_t>(from), to);
    }

    // Vectors. Operands in memory are aligned to 16 bytes, except those of moves, of lanes and of pmovsx and
    // pmovzx.
    void vector(Sse op, Xmm reg, Xmm rm);
    void vector(Sse op, Xmm reg, Xmm rm, uint8_t immediate) { vector(op, reg, rm), byte(immediate); }
    void vector(Sse op, Xmm reg, Mem mem);
    void vector(Sse op, Xmm reg, Mem mem, uint8_t immediate) { vector(op, reg, mem), byte(immediate); }
    /// With what lies at a label. Not for instructions with an immediate.
    void vector(Sse op, Xmm reg, Label& label);
    /// An instruction between a vector register and an integer register.
    void vector(Sse op, Width width, Xmm reg, Gpr rm, uint8_t immediate);
    void vector(Sse op, Width width, Xmm reg, Mem mem, uint8_t immediate);
    /// pmovmskb, movmskps, movmskpd
    void mask_bits(Sse op, Gpr to, Xmm from);
    /// The form with an immediate of a shift by a register.
    void vector_shift(Sse by_register, Xmm operand, uint8_t count);

    // Data behind the code
    void align(unsigned bytes, uint8_t filler);
    void data64(uint64_t value);
    void data64(std::span<const uint64_t> values);
    void data32(uint32_t value);
    void patch64(uint32_t at, uint64_t value) noexcept {
        std::memcpy(m_bytes.data() + at, &value, sizeof value);
    }
    /// A 32-bit word: the label's position minus `from`. The label is bound.
    void data_distance(const Label& label, uint32_t from);

private:
    class Writer;

    void fill_in(Label& label) noexcept;
    static constexpr uint8_t alu_opcode(Alu op) noexcept {
        return static_cast<uint8_t>(static_cast<uint8_t>(op) << 3 | 3);
    }
    static constexpr uint8_t scalar_prefix(FloatWidth width) noexcept {
        return width == FloatWidth::f64 ? 0xf2 : 0xf3;
    }
    static constexpr uint8_t packed_prefix(FloatWidth width) noexcept {
        return width == FloatWidth::f64 ? 0x66 : 0;
    }

    void byte(uint8_t value) { m_bytes.push_back(value); }
    void op_reg(Width width, uint8_t opcode, Gpr reg, Gpr rm);
    void op_mem(Width width, uint8_t opcode, Gpr reg, Mem mem);
    void op_frame(Width width, uint8_t opcode, Gpr reg, FrameMem mem);
    void op_reg_0f(Width width, uint8_t opcode, Gpr reg, Gpr rm);
    void op_mem_0f(Width width, uint8_t opcode, Gpr reg, Mem mem);
    void sse(uint8_t prefix, uint8_t opcode, Xmm reg, Xmm rm);
    void sse_mem(uint8_t prefix, uint8_t opcode, Xmm reg, Mem mem);
    void sse_gpr(uint8_t prefix, Width width, uint8_t opcode, uint8_t reg, Gpr rm);

    [[nodiscard]] static Sse shift_by_register(Shift op) noexcept;

    TrivialVector<uint8_t> m_bytes;
};

}  // namespace wsb::jit
