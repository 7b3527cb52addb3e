// SPDX-License-Identifier: Apache-2.0
// Instructions with a VEX prefix against xbyak (assembler_fixture.h).
#include "tests/unit/jit/assembler_fixture.h"

namespace wsb::jit {
namespace {

using Code = Xbyak::CodeGenerator;

/// A register on each side of r8 as a further operand.
constexpr std::array further{0, 1, 5, 7, 8, 12, 15};

TEST_F(AssemblerTest, ShiftsOfThree) {
    using Theirs = void (Code::*)(const Xbyak::Reg32e&, const Xbyak::Operand&, const Xbyak::Reg32e&);
    struct Row {
        Shift op;
        Theirs theirs;
    };
    for (const auto& [op, theirs] :
         {Row{Shift::shl, &Code::shlx}, Row{Shift::shr, &Code::shrx}, Row{Shift::sar, &Code::sarx}}) {
        for (const Width width : widths) {
            const auto their_reg = [&](int number) { return Xbyak::Reg32e(number, bits_of(width)); };
            for (const int count : further) {
                pairs([&](int to, int from) {
                    same([&](Assembler& code) { code.shift(width, op, gpr(to), gpr(from), gpr(count)); },
                         [&](auto& code) {
                             (code.*theirs)(their_reg(to), their_reg(from), their_reg(count));
                         });
                });
                for (const Place& mem : places())
                    same([&](Assembler& code) { code.shift(width, op, Gpr::r9, mem, gpr(count)); },
                         [&](auto& code) {
                             (code.*theirs)(their_reg(9), place(bits_of(width), mem), their_reg(count));
                         });
            }
        }
    }
}

TEST_F(AssemblerTest, RotationsToAnotherRegister) {
    for (const Width width : widths) {
        const auto their_reg = [&](int number) { return Xbyak::Reg32e(number, bits_of(width)); };
        for (const uint8_t count : std::array<uint8_t, 3>{1, 31, 63}) {
            pairs([&](int to, int from) {
                same([&](Assembler& code) { code.rotate_right(width, gpr(to), gpr(from), count); },
                     [&](auto& code) { code.rorx(their_reg(to), their_reg(from), count); });
            });
            for (const Place& mem : places())
                same([&](Assembler& code) { code.rotate_right(width, Gpr::rbx, mem, count); },
                     [&](auto& code) { code.rorx(their_reg(3), place(bits_of(width), mem), count); });
        }
    }
}

TEST_F(AssemblerTest, FloatsOfThree) {
    using Theirs = void (Code::*)(const Xbyak::Xmm&, const Xbyak::Operand&, const Xbyak::Operand&);
    struct Row {
        Scalar op;
        Theirs f32, f64;
    };
    const std::array rows{
        Row{Scalar::add, &Code::vaddss, &Code::vaddsd}, Row{Scalar::mul, &Code::vmulss, &Code::vmulsd},
        Row{Scalar::sub, &Code::vsubss, &Code::vsubsd}, Row{Scalar::div, &Code::vdivss, &Code::vdivsd}};
    for (const FloatWidth width : float_widths) {
        const bool is_f64 = width == FloatWidth::f64;
        for (const Row& row : rows) {
            const Theirs theirs = is_f64 ? row.f64 : row.f32;
            for (const int a : further) {
                pairs([&](int to, int b) {
                    same([&](Assembler& code) { code.scalar(width, row.op, xmm(to), xmm(a), xmm(b)); },
                         [&](auto& code) { (code.*theirs)(Xbyak::Xmm(to), Xbyak::Xmm(a), Xbyak::Xmm(b)); });
                });
                for (const Place& mem : places())
                    same([&](Assembler& code) { code.scalar(width, row.op, Xmm::xmm9, xmm(a), mem); },
                         [&](auto& code) {
                             (code.*theirs)(Xbyak::Xmm(9), Xbyak::Xmm(a), place(is_f64 ? 64 : 32, mem));
                         });
            }
        }
    }
}

}  // namespace
}  // namespace wsb::jit
