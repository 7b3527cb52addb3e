// SPDX-License-Identifier: Apache-2.0
// Every vector instruction against xbyak (assembler_fixture.h), registers with registers and with memory.
#include "tests/unit/jit/assembler_fixture.h"

namespace wsb::jit {
namespace {

using Code = Xbyak::CodeGenerator;
using Xbyak::Operand;

/// The same instruction of both assemblers, with the bits that it reads where its operand is memory: 0 if it
/// is for registers only.
struct Row {
    Sse ours;
    void (*theirs)(Code& code, const Xbyak::Xmm& reg, const Operand& rm);
    int memory_bits;
};
#define WSB_ROW(name, bits)                                                                               \
    Row {                                                                                                 \
        sse::name, [](Code& code, const Xbyak::Xmm& reg, const Operand& rm) { code.name(reg, rm); }, bits \
    }
constexpr std::array rows{
    WSB_ROW(pshufb, 128),     WSB_ROW(punpcklbw, 128), WSB_ROW(punpcklwd, 128), WSB_ROW(punpckldq, 128),
    WSB_ROW(punpcklqdq, 128), WSB_ROW(punpckhbw, 128), WSB_ROW(punpckhwd, 128), WSB_ROW(punpckhdq, 128),
    WSB_ROW(punpckhqdq, 128), WSB_ROW(unpcklps, 128),  WSB_ROW(packsswb, 128),  WSB_ROW(packssdw, 128),
    WSB_ROW(packuswb, 128),   WSB_ROW(packusdw, 128),  WSB_ROW(pmovsxbw, 64),   WSB_ROW(pmovsxwd, 64),
    WSB_ROW(pmovsxdq, 64),    WSB_ROW(pmovzxbw, 64),   WSB_ROW(pmovzxwd, 64),   WSB_ROW(pmovzxdq, 64),
    WSB_ROW(ptest, 128),      WSB_ROW(pand, 128),      WSB_ROW(pandn, 128),     WSB_ROW(por, 128),
    WSB_ROW(pxor, 128),       WSB_ROW(pcmpeqb, 128),   WSB_ROW(pcmpeqw, 128),   WSB_ROW(pcmpeqd, 128),
    WSB_ROW(pcmpeqq, 128),    WSB_ROW(pcmpgtb, 128),   WSB_ROW(pcmpgtw, 128),   WSB_ROW(pcmpgtd, 128),
    WSB_ROW(pcmpgtq, 128),    WSB_ROW(paddb, 128),     WSB_ROW(paddw, 128),     WSB_ROW(paddd, 128),
    WSB_ROW(paddq, 128),      WSB_ROW(psubb, 128),     WSB_ROW(psubw, 128),     WSB_ROW(psubd, 128),
    WSB_ROW(psubq, 128),      WSB_ROW(paddsb, 128),    WSB_ROW(paddsw, 128),    WSB_ROW(paddusb, 128),
    WSB_ROW(paddusw, 128),    WSB_ROW(psubsb, 128),    WSB_ROW(psubsw, 128),    WSB_ROW(psubusb, 128),
    WSB_ROW(psubusw, 128),    WSB_ROW(pavgb, 128),     WSB_ROW(pavgw, 128),     WSB_ROW(pminsb, 128),
    WSB_ROW(pminsw, 128),     WSB_ROW(pminsd, 128),    WSB_ROW(pminub, 128),    WSB_ROW(pminuw, 128),
    WSB_ROW(pminud, 128),     WSB_ROW(pmaxsb, 128),    WSB_ROW(pmaxsw, 128),    WSB_ROW(pmaxsd, 128),
    WSB_ROW(pmaxub, 128),     WSB_ROW(pmaxuw, 128),    WSB_ROW(pmaxud, 128),    WSB_ROW(pmullw, 128),
    WSB_ROW(pmulhw, 128),     WSB_ROW(pmulhuw, 128),   WSB_ROW(pmulld, 128),    WSB_ROW(pmuldq, 128),
    WSB_ROW(pmuludq, 128),    WSB_ROW(pmaddwd, 128),   WSB_ROW(pmaddubsw, 128), WSB_ROW(pmulhrsw, 128),
    WSB_ROW(pabsb, 128),      WSB_ROW(pabsw, 128),     WSB_ROW(pabsd, 128),     WSB_ROW(psllw, 128),
    WSB_ROW(pslld, 128),      WSB_ROW(psllq, 128),     WSB_ROW(psrlw, 128),     WSB_ROW(psrld, 128),
    WSB_ROW(psrlq, 128),      WSB_ROW(psraw, 128),     WSB_ROW(psrad, 128),     WSB_ROW(cvtdq2ps, 128),
    WSB_ROW(cvttps2dq, 128),  WSB_ROW(cvtdq2pd, 64),   WSB_ROW(cvttpd2dq, 128), WSB_ROW(cvtps2pd, 64),
    WSB_ROW(cvtpd2ps, 128),   WSB_ROW(sqrtps, 128),    WSB_ROW(addps, 128),     WSB_ROW(mulps, 128),
    WSB_ROW(subps, 128),      WSB_ROW(minps, 128),     WSB_ROW(divps, 128),     WSB_ROW(maxps, 128),
    WSB_ROW(sqrtpd, 128),     WSB_ROW(addpd, 128),     WSB_ROW(mulpd, 128),     WSB_ROW(subpd, 128),
    WSB_ROW(minpd, 128),      WSB_ROW(divpd, 128),     WSB_ROW(maxpd, 128),     WSB_ROW(movups, 128),
    WSB_ROW(movddup, 64),     WSB_ROW(movss, 32),      WSB_ROW(movsd, 64),
};
#undef WSB_ROW

struct ImmediateRow {
    Sse ours;
    void (*theirs)(Code& code, const Xbyak::Xmm& reg, const Operand& rm, uint8_t immediate);
    int memory_bits;
};
#define WSB_ROW(name, bits)                                                               \
    ImmediateRow {                                                                        \
        sse::name,                                                                        \
            [](Code& code, const Xbyak::Xmm& reg, const Operand& rm, uint8_t immediate) { \
                code.name(reg, rm, immediate);                                            \
            },                                                                            \
            bits                                                                          \
    }
constexpr std::array immediate_rows{
    WSB_ROW(pshufd, 128),  WSB_ROW(pshuflw, 128), WSB_ROW(shufps, 128), WSB_ROW(palignr, 128),
    WSB_ROW(pblendw, 128), WSB_ROW(insertps, 32), WSB_ROW(cmpps, 128),  WSB_ROW(cmppd, 128),
    WSB_ROW(roundps, 128), WSB_ROW(roundpd, 128),
};
#undef WSB_ROW

/// Each base and each displacement that is encoded differently, with and without an index.
[[nodiscard]] std::vector<Place> some_places() {
    std::vector<Place> some;
    for (const int base : {0, 3, 4, 5, 8, 12, 13, 15})
        for (const int32_t displacement : {0, 1, -128, 128}) {
            some.push_back({base, std::nullopt, displacement});
            some.push_back({base, 9, displacement, 3});
            some.push_back({base, 1, displacement});
        }
    return some;
}

class VectorAssemblerTest : public AssemblerTest {};

TEST_F(VectorAssemblerTest, OfTwoOperands) {
    for (const Row& row : rows) {
        pairs([&](int to, int from) {
            same([&](Assembler& code) { code.vector(row.ours, xmm(to), xmm(from)); },
                 [&](Code& code) { row.theirs(code, Xbyak::Xmm(to), Xbyak::Xmm(from)); });
        });
        for (const Place& mem : some_places())
            for (const int number : {0, 7, 8, 15})
                same([&](Assembler& code) { code.vector(row.ours, xmm(number), mem); },
                     [&](Code& code) { row.theirs(code, Xbyak::Xmm(number), place(row.memory_bits, mem)); });
    }
    for (const Place& mem : places())
        same([&](Assembler& code) { code.vector(sse::paddb, xmm(9), mem); },
             [&](Code& code) { code.paddb(Xbyak::Xmm(9), place(128, mem)); });
}

TEST_F(VectorAssemblerTest, WithAnImmediate) {
    for (const ImmediateRow& row : immediate_rows) {
        pairs([&](int to, int from) {
            same([&](Assembler& code) { code.vector(row.ours, xmm(to), xmm(from), 0x3); },
                 [&](Code& code) { row.theirs(code, Xbyak::Xmm(to), Xbyak::Xmm(from), 0x3); });
        });
        for (const Place& mem : some_places())
            for (const int number : {0, 15})
                same([&](Assembler& code) { code.vector(row.ours, xmm(number), mem, 0x3); },
                     [&](Code& code) {
                         row.theirs(code, Xbyak::Xmm(number), place(row.memory_bits, mem), 0x3);
                     });
    }
}

TEST_F(VectorAssemblerTest, Stores) {
    for (const Place& mem : some_places()) {
        for (const int number : {0, 7, 8, 15}) {
            const Xbyak::Xmm from(number);
            same([&](Assembler& code) { code.vector(sse::movups_store, xmm(number), mem); },
                 [&](Code& code) { code.movups(place(128, mem), from); });
            same([&](Assembler& code) { code.vector(sse::movss_store, xmm(number), mem); },
                 [&](Code& code) { code.movss(place(32, mem), from); });
            same([&](Assembler& code) { code.vector(sse::movsd_store, xmm(number), mem); },
                 [&](Code& code) { code.movsd(place(64, mem), from); });
            same([&](Assembler& code) { code.vector(sse::pextrb, Width::w32, xmm(number), mem, 5); },
                 [&](Code& code) { code.pextrb(place(8, mem), from, 5); });
            same([&](Assembler& code) { code.vector(sse::pextrw, Width::w32, xmm(number), mem, 5); },
                 [&](Code& code) { code.pextrw(place(32, mem), from, 5); });  // see pinsrw
            same([&](Assembler& code) { code.vector(sse::pextrd, Width::w32, xmm(number), mem, 3); },
                 [&](Code& code) { code.pextrd(place(32, mem), from, 3); });
            same([&](Assembler& code) { code.vector(sse::pextrd, Width::w64, xmm(number), mem, 1); },
                 [&](Code& code) { code.pextrq(place(64, mem), from, 1); });
        }
    }
}

TEST_F(VectorAssemblerTest, Lanes) {
    pairs([&](int vector, int other) {
        const Xbyak::Xmm x(vector);
        const Reg32 low(other);
        same([&](Assembler& code) { code.vector(sse::pinsrb, Width::w32, xmm(vector), gpr(other), 5); },
             [&](Code& code) { code.pinsrb(x, low, 5); });
        same([&](Assembler& code) { code.vector(sse::pinsrw, Width::w32, xmm(vector), gpr(other), 5); },
             [&](Code& code) { code.pinsrw(x, low, 5); });
        same([&](Assembler& code) { code.vector(sse::pinsrd, Width::w32, xmm(vector), gpr(other), 3); },
             [&](Code& code) { code.pinsrd(x, low, 3); });
        same([&](Assembler& code) { code.vector(sse::pinsrd, Width::w64, xmm(vector), gpr(other), 1); },
             [&](Code& code) { code.pinsrq(x, Reg64(other), 1); });
        same([&](Assembler& code) { code.vector(sse::pextrb, Width::w32, xmm(vector), gpr(other), 5); },
             [&](Code& code) { code.pextrb(low, x, 5); });
        // xbyak has the older form, so it is asked for pextrb and the opcode is made the next one.
        same([&](Assembler& code) { code.vector(sse::pextrw, Width::w32, xmm(vector), gpr(other), 5); },
             [&](Code& code) {
                 code.pextrb(low, x, 5);
                 code.rewrite(code.getSize() - 3, 0x15, 1);
             });
        same([&](Assembler& code) { code.vector(sse::pextrd, Width::w32, xmm(vector), gpr(other), 3); },
             [&](Code& code) { code.pextrd(low, x, 3); });
        same([&](Assembler& code) { code.vector(sse::pextrd, Width::w64, xmm(vector), gpr(other), 1); },
             [&](Code& code) { code.pextrq(Reg64(other), x, 1); });
        same([&](Assembler& code) { code.mask_bits(sse::pmovmskb, gpr(other), xmm(vector)); },
             [&](Code& code) { code.pmovmskb(low, x); });
        same([&](Assembler& code) { code.mask_bits(sse::movmskps, gpr(other), xmm(vector)); },
             [&](Code& code) { code.movmskps(low, x); });
        same([&](Assembler& code) { code.mask_bits(sse::movmskpd, gpr(other), xmm(vector)); },
             [&](Code& code) { code.movmskpd(low, x); });
        same([&](Assembler& code) { code.vector(sse::movlhps, xmm(vector), xmm(other)); },
             [&](Code& code) { code.movlhps(x, Xbyak::Xmm(other)); });
    });
    for (const Place& mem : some_places()) {
        const Xbyak::Xmm x(9);
        same([&](Assembler& code) { code.vector(sse::pinsrb, Width::w32, xmm(9), mem, 5); },
             [&](Code& code) { code.pinsrb(x, place(8, mem), 5); });
        same([&](Assembler& code) { code.vector(sse::pinsrw, Width::w32, xmm(9), mem, 5); },
             [&](Code& code) { code.pinsrw(x, place(32, mem), 5); });  // for 16 xbyak writes 66 twice
        same([&](Assembler& code) { code.vector(sse::pinsrd, Width::w32, xmm(9), mem, 3); },
             [&](Code& code) { code.pinsrd(x, place(32, mem), 3); });
        same([&](Assembler& code) { code.vector(sse::pinsrd, Width::w64, xmm(9), mem, 1); },
             [&](Code& code) { code.pinsrq(x, place(64, mem), 1); });
    }
}

TEST_F(VectorAssemblerTest, ShiftsByAnImmediate) {
    using Shift = void (Code::*)(const Xbyak::Mmx&, int);
    struct ShiftRow {
        Sse ours;
        Shift theirs;
    };
    const std::array shifts{ShiftRow{sse::psllw, &Code::psllw}, ShiftRow{sse::pslld, &Code::pslld},
                            ShiftRow{sse::psllq, &Code::psllq}, ShiftRow{sse::psrlw, &Code::psrlw},
                            ShiftRow{sse::psrld, &Code::psrld}, ShiftRow{sse::psrlq, &Code::psrlq},
                            ShiftRow{sse::psraw, &Code::psraw}, ShiftRow{sse::psrad, &Code::psrad}};
    for (const ShiftRow& row : shifts)
        for (int number = 0; number < 16; ++number)
            for (const uint8_t count : std::array<uint8_t, 3>{0, 7, 63})
                same([&](Assembler& code) { code.vector_shift(row.ours, xmm(number), count); },
                     [&](Code& code) { (code.*row.theirs)(Xbyak::Xmm(number), count); });
}

TEST_F(VectorAssemblerTest, ConstantsBehindTheCode) {
    for (int number = 0; number < 16; ++number)
        same(
            [&](Assembler& code) {
                Label constant;
                code.vector(sse::pshufb, xmm(number), constant);
                code.vector(sse::addps, xmm(number), constant);
                code.bind(constant);
            },
            [&](Code& code) {
                Xbyak::Label constant;
                code.pshufb(Xbyak::Xmm(number), code.xword[code.rip + constant]);
                code.addps(Xbyak::Xmm(number), code.xword[code.rip + constant]);
                code.L(constant);
            });
}

}  // namespace
}  // namespace wsb::jit
