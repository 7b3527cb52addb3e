// SPDX-License-Identifier: Apache-2.0
// Every instruction form against xbyak, byte for byte. Where an instruction has two encodings of the same
// length, these are agreed on:
//   - register to register, the operation whose ModRM.reg is the destination (8b, 03 and so on); xbyak takes
//     the other one, so it is asked for `op to, [from]` and mod is made 3;
//   - test has one form only, with the second operand in ModRM.reg, as in xbyak;
//   - jumps and lea to labels have 32-bit displacements, whatever the distance.
#pragma once

#include "jit/assembler.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>
#include <xbyak/xbyak.h>

namespace wsb::jit {

using Xbyak::Reg32;
using Xbyak::Reg64;
using Xbyak::Reg8;

inline constexpr std::array widths{Width::w32, Width::w64};
inline constexpr std::array float_widths{FloatWidth::f32, FloatWidth::f64};
inline constexpr std::array<uint8_t, 4> scales{0, 1, 2, 3};
inline constexpr std::array<int32_t, 9> displacements{0, 1, -1, 127, -128, 128, -129, INT32_MAX, INT32_MIN};
inline constexpr std::array<int32_t, 11> immediates{0,    1,      -1,      127,       -128,     128,
                                                    -129, 0x7fff, 0x10000, INT32_MAX, INT32_MIN};

[[nodiscard]] inline std::string hex(const uint8_t* bytes, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) {
        constexpr char digits[] = "0123456789abcdef";
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

/// Registers by their numbers.
[[nodiscard]] inline Gpr gpr(int number) {
    return static_cast<Gpr>(number);
}
[[nodiscard]] inline Xmm xmm(int number) {
    return static_cast<Xmm>(number);
}
[[nodiscard]] inline Xbyak::Reg reg(Width width, Gpr number) {
    const int index = static_cast<int>(number);
    return width == Width::w64 ? Xbyak::Reg(Reg64(index)) : Xbyak::Reg(Reg32(index));
}
/// Needs a REX prefix to be told from ah to bh, which xbyak writes for spl to dil only if told that it is
/// one.
[[nodiscard]] inline Reg8 byte_reg(Gpr number) {
    const int index = static_cast<int>(number);
    return Reg8(index, index >= 4 && index < 8);
}
/// A Mem, and what it was made of: for others to encode.
struct Place {
    int base = 0;
    std::optional<int> index = std::nullopt;
    int32_t displacement = 0;
    uint8_t scale_log2 = 0;

    // NOLINTNEXTLINE(google-explicit-constructor): tests call the assembler with it
    operator Mem() const {
        return index ? Mem(gpr(base), gpr(*index), displacement, scale_log2) : Mem(gpr(base), displacement);
    }
};
[[nodiscard]] inline Xbyak::Address place(int bits, const Place& mem) {
    Xbyak::RegExp expression = Reg64(mem.base);
    if (mem.index)
        expression = expression + Reg64(*mem.index) * (1 << mem.scale_log2);
    // SAFETY: xbyak takes the displacement as the bits of an unsigned number.
    expression = expression + static_cast<size_t>(static_cast<int64_t>(mem.displacement));
    return Xbyak::AddressFrame(static_cast<uint32_t>(bits))[expression];
}
[[nodiscard]] inline int bits_of(Width width) {
    return width == Width::w64 ? 64 : 32;
}

/// All bases with all displacements; each base with indices on both sides of r8.
[[nodiscard]] inline std::vector<Place> places() {
    std::vector<Place> all;
    for (int base = 0; base < 16; ++base) {
        for (const int32_t displacement : displacements) {
            all.push_back({base, std::nullopt, displacement});
            for (const int index : {0, 3, 5, 7, 8, 12, 13, 15})
                for (const uint8_t scale : scales)
                    all.push_back({base, index, displacement, scale});
        }
    }
    return all;
}

class AssemblerTest : public ::testing::Test {
protected:
    template <class Ours, class Theirs>
    void same(Ours ours, Theirs theirs, const std::string& what = {}) {
        m_ours.begin(0);
        ours(m_ours);
        m_theirs.reset();
        theirs(m_theirs);
        const std::string expected = hex(m_theirs.getCode(), m_theirs.getSize());
        if (hex(m_ours.bytes().data(), m_ours.bytes().size()) != expected)
            FAIL() << what << ": " << hex(m_ours.bytes().data(), m_ours.bytes().size()) << ", expected "
                   << expected;
    }
    /// An operation on two registers that xbyak is asked for as an operation with memory at the second one.
    template <class Ours, class Theirs>
    void same_two(Ours ours, Theirs theirs) {
        for (int to = 0; to < 16; ++to) {
            for (int from = 0; from < 16; ++from) {
                if ((from & 7) == 4 || (from & 7) == 5)
                    continue;  // memory there needs more bytes
                same([&](Assembler& code) { ours(code, to, from); },
                     [&](Xbyak::CodeGenerator& code) {
                         theirs(code, to, from);
                         const size_t modrm = code.getSize() - 1;
                         code.rewrite(modrm, code.getCode()[modrm] | 0xc0, 1);
                     },
                     std::to_string(to) + ", " + std::to_string(from));
            }
        }
    }
    /// An operation on two registers with a single encoding.
    template <class Action>
    static void pairs(Action action) {
        for (int to = 0; to < 16; ++to)
            for (int from = 0; from < 16; ++from)
                action(to, from);
    }

private:
    Assembler m_ours;
    Xbyak::CodeGenerator m_theirs;
};

}  // namespace wsb::jit
