// SPDX-License-Identifier: Apache-2.0
// Every instruction form against xbyak (assembler_fixture.h): moves, integers, jumps, scalar floats.
#include "tests/unit/jit/assembler_fixture.h"

namespace wsb::jit {
namespace {

TEST_F(AssemblerTest, MovesBetweenRegisters) {
    for (const Width width : widths)
        same_two([&](Assembler& code, int to, int from) { code.mov(width, gpr(to), gpr(from)); },
                 [&](auto& code, int to, int from) {
                     code.mov(reg(width, gpr(to)), place(bits_of(width), {from}));
                 });
    for (int to = 0; to < 16; ++to) {
        for (const uint64_t bits :
             {uint64_t{0}, uint64_t{1}, uint64_t{0x7fff'ffff}, uint64_t{0x8000'0000}, uint64_t{0xffff'ffff},
              uint64_t{0x1'0000'0000}, ~uint64_t{0}, uint64_t{0xffff'ffff'8000'0000},
              uint64_t{0xffff'ffff'7fff'ffff}, uint64_t{1} << 63})
            same([&](Assembler& code) { code.mov_immediate(gpr(to), bits); },
                 [&](auto& code) { code.mov(Reg64(to), bits); }, std::to_string(bits));
    }
}

TEST_F(AssemblerTest, LoadsAndStores) {
    for (const Place& mem : places()) {
        for (const int number : {0, 4, 7, 8, 13, 15}) {
            const Gpr r = gpr(number);
            for (const Width width : widths) {
                const auto at = place(bits_of(width), mem);
                same([&](Assembler& code) { code.store(width, mem, r); },
                     [&](auto& code) { code.mov(at, reg(width, r)); });
                same([&](Assembler& code) { code.lea(width, r, mem); },
                     [&](auto& code) { code.lea(reg(width, r), at); });
                same([&](Assembler& code) { code.load(width, r, mem); },
                     [&](auto& code) { code.mov(reg(width, r), at); });
                for (const unsigned bytes : {1u, 2u}) {
                    const auto narrow = place(static_cast<int>(8 * bytes), mem);
                    same([&](Assembler& code) { code.load_extended(width, r, mem, bytes, true); },
                         [&](auto& code) { code.movsx(reg(width, r), narrow); });
                    same([&](Assembler& code) { code.load_extended(width, r, mem, bytes, false); },
                         [&](auto& code) { code.movzx(reg(Width::w32, r), narrow); });
                }
            }
            same([&](Assembler& code) { code.load_extended(Width::w64, r, mem, 4, true); },
                 [&](auto& code) { code.movsxd(Reg64(number), place(32, mem)); });
            same([&](Assembler& code) { code.load_extended(Width::w64, r, mem, 4, false); },
                 [&](auto& code) { code.mov(Reg32(number), place(32, mem)); });
            same([&](Assembler& code) { code.store8(mem, r); },
                 [&](auto& code) { code.mov(place(8, mem), byte_reg(r)); });
            same([&](Assembler& code) { code.store16(mem, r); },
                 [&](auto& code) { code.mov(place(16, mem), Xbyak::Reg16(number)); });
        }
        for (const int32_t immediate : immediates) {
            for (const Width width : widths)
                same([&](Assembler& code) { code.store_immediate(width, mem, immediate); },
                     [&](auto& code) {
                         code.mov(place(bits_of(width), mem), width == Width::w64
                                                                  ? static_cast<size_t>(int64_t{immediate})
                                                                  : static_cast<uint32_t>(immediate));
                     });
            same([&](Assembler& code) { code.store_immediate8(mem, static_cast<uint8_t>(immediate)); },
                 [&](auto& code) { code.mov(place(8, mem), static_cast<uint8_t>(immediate)); });
            same([&](Assembler& code) { code.store_immediate16(mem, static_cast<uint16_t>(immediate)); },
                 [&](auto& code) { code.mov(place(16, mem), static_cast<uint16_t>(immediate)); });
        }
    }
}

TEST_F(AssemblerTest, Extensions) {
    pairs([&](int to, int from) {
        for (const Width width : widths) {
            same([&](Assembler& code) { code.extend(width, gpr(to), gpr(from), 1, true); },
                 [&](auto& code) { code.movsx(reg(width, gpr(to)), byte_reg(gpr(from))); });
            same([&](Assembler& code) { code.extend(width, gpr(to), gpr(from), 2, true); },
                 [&](auto& code) { code.movsx(reg(width, gpr(to)), Xbyak::Reg16(from)); });
            same([&](Assembler& code) { code.extend(width, gpr(to), gpr(from), 1, false); },
                 [&](auto& code) { code.movzx(Reg32(to), byte_reg(gpr(from))); });
            same([&](Assembler& code) { code.extend(width, gpr(to), gpr(from), 2, false); },
                 [&](auto& code) { code.movzx(Reg32(to), Xbyak::Reg16(from)); });
        }
        same([&](Assembler& code) { code.extend(Width::w64, gpr(to), gpr(from), 4, true); },
             [&](auto& code) { code.movsxd(Reg64(to), Reg32(from)); });
    });
    same_two(
        [&](Assembler& code, int to, int from) { code.extend(Width::w64, gpr(to), gpr(from), 4, false); },
        [&](auto& code, int to, int from) { code.mov(Reg32(to), place(32, {from})); });
}

template <class Operand, class Other>
void emit_alu(Xbyak::CodeGenerator& code, Alu op, const Operand& to, Other from) {
    switch (op) {
        case Alu::add: code.add(to, from); break;
        case Alu::or_: code.or_(to, from); break;
        case Alu::and_: code.and_(to, from); break;
        case Alu::sub: code.sub(to, from); break;
        case Alu::xor_: code.xor_(to, from); break;
        case Alu::cmp: code.cmp(to, from); break;
    }
}

TEST_F(AssemblerTest, Arithmetic) {
    for (const Alu op : {Alu::add, Alu::or_, Alu::and_, Alu::sub, Alu::xor_, Alu::cmp}) {
        for (const Width width : widths) {
            same_two([&](Assembler& code, int to, int from) { code.alu(width, op, gpr(to), gpr(from)); },
                     [&](auto& code, int to, int from) {
                         emit_alu(code, op, reg(width, gpr(to)), place(bits_of(width), {from}));
                     });
            for (const int32_t immediate : immediates)
                for (int to = 0; to < 16; ++to)
                    same([&](Assembler& code) { code.alu(width, op, gpr(to), immediate); },
                         [&](auto& code) {
                             emit_alu(code, op, reg(width, gpr(to)), static_cast<uint32_t>(immediate));
                         },
                         std::to_string(immediate));
            for (const Place& mem : places()) {
                for (const int32_t immediate : {1, -1, 128, INT32_MIN})
                    same([&](Assembler& code) { code.alu(width, op, mem, immediate); },
                         [&](auto& code) {
                             emit_alu(code, op, place(bits_of(width), mem), static_cast<uint32_t>(immediate));
                         });
                for (const int to : {0, 7, 9})
                    same([&](Assembler& code) { code.alu(width, op, gpr(to), mem); },
                         [&](auto& code) {
                             emit_alu(code, op, reg(width, gpr(to)), place(bits_of(width), mem));
                         });
            }
        }
    }
}

TEST_F(AssemblerTest, OtherIntegers) {
    for (const Width width : widths) {
        pairs([&](int to, int from) {
            const auto a = reg(width, gpr(to)), b = reg(width, gpr(from));
            same([&](Assembler& code) { code.test(width, gpr(to), gpr(from)); },
                 [&](auto& code) { code.test(a, b); });
            same([&](Assembler& code) { code.imul(width, gpr(to), gpr(from)); },
                 [&](auto& code) { code.imul(a, b); });
            for (const int32_t immediate : immediates)
                same([&](Assembler& code) { code.imul(width, gpr(to), gpr(from), immediate); },
                     [&](auto& code) { code.imul(a, b, immediate); });
            same([&](Assembler& code) { code.count(width, Count::popcnt, gpr(to), gpr(from)); },
                 [&](auto& code) { code.popcnt(a, b); });
            same([&](Assembler& code) { code.count(width, Count::tzcnt, gpr(to), gpr(from)); },
                 [&](auto& code) { code.tzcnt(a, b); });
            same([&](Assembler& code) { code.count(width, Count::lzcnt, gpr(to), gpr(from)); },
                 [&](auto& code) { code.lzcnt(a, b); });
        });
        for (const Place& mem : places())
            same([&](Assembler& code) { code.imul(width, Gpr::r9, mem); },
                 [&](auto& code) { code.imul(reg(width, Gpr::r9), place(bits_of(width), mem)); });
        for (int number = 0; number < 16; ++number) {
            const Gpr r = gpr(number);
            const auto a = reg(width, r);
            same([&](Assembler& code) { code.single(width, Single::not_, r); },
                 [&](auto& code) { code.not_(a); });
            same([&](Assembler& code) { code.single(width, Single::neg, r); },
                 [&](auto& code) { code.neg(a); });
            same([&](Assembler& code) { code.single(width, Single::div, r); },
                 [&](auto& code) { code.div(a); });
            same([&](Assembler& code) { code.single(width, Single::idiv, r); },
                 [&](auto& code) { code.idiv(a); });
            const auto shifts = [&](Shift op, auto theirs) {
                same([&](Assembler& code) { code.shift(width, op, r); },
                     [&](auto& code) { theirs(code, Xbyak::util::cl); });
                for (const uint8_t count : std::array<uint8_t, 4>{1, 2, 31, 63})
                    same([&](Assembler& code) { code.shift(width, op, r, count); },
                         [&](auto& code) { theirs(code, int{count}); });
            };
            shifts(Shift::rol, [&](auto& code, auto by) { code.rol(a, by); });
            shifts(Shift::ror, [&](auto& code, auto by) { code.ror(a, by); });
            shifts(Shift::shl, [&](auto& code, auto by) { code.shl(a, by); });
            shifts(Shift::shr, [&](auto& code, auto by) { code.shr(a, by); });
            shifts(Shift::sar, [&](auto& code, auto by) { code.sar(a, by); });
        }
    }
    same([](Assembler& code) { code.sign_to_rdx(Width::w32); }, [](auto& code) { code.cdq(); });
    same([](Assembler& code) { code.sign_to_rdx(Width::w64); }, [](auto& code) { code.cqo(); });
}

TEST_F(AssemblerTest, Conditions) {
    using Code = Xbyak::CodeGenerator;
    using Set = void (Code::*)(const Xbyak::Operand&);
    using Move = void (Code::*)(const Xbyak::Reg&, const Xbyak::Operand&);
    const std::array<Set, 16> sets{&Code::seto, &Code::setno, &Code::setb,  &Code::setae,
                                   &Code::sete, &Code::setne, &Code::setbe, &Code::seta,
                                   &Code::sets, &Code::setns, &Code::setp,  &Code::setnp,
                                   &Code::setl, &Code::setge, &Code::setle, &Code::setg};
    const std::array<Move, 16> moves{&Code::cmovo, &Code::cmovno, &Code::cmovb,  &Code::cmovae,
                                     &Code::cmove, &Code::cmovne, &Code::cmovbe, &Code::cmova,
                                     &Code::cmovs, &Code::cmovns, &Code::cmovp,  &Code::cmovnp,
                                     &Code::cmovl, &Code::cmovge, &Code::cmovle, &Code::cmovg};
    for (size_t i = 0; i < sets.size(); ++i) {
        const auto condition = static_cast<Condition>(i);
        for (int to = 0; to < 16; ++to)
            same([&](Assembler& code) { code.set(condition, gpr(to)); },
                 [&](auto& code) { (code.*sets[i])(byte_reg(gpr(to))); });
        for (const Width width : widths)
            pairs([&](int to, int from) {
                same([&](Assembler& code) { code.cmov(width, condition, gpr(to), gpr(from)); },
                     [&](auto& code) { (code.*moves[i])(reg(width, gpr(to)), reg(width, gpr(from))); });
            });
        EXPECT_EQ(inverse(inverse(condition)), condition);
    }
}

TEST_F(AssemblerTest, JumpsAndLabels) {
    using Code = Xbyak::CodeGenerator;
    using Jump = void (Code::*)(const Xbyak::Label&, Code::LabelType);
    const std::array<Jump, 16> jumps{&Code::jo,  &Code::jno, &Code::jb,  &Code::jae, &Code::je, &Code::jne,
                                     &Code::jbe, &Code::ja,  &Code::js,  &Code::jns, &Code::jp, &Code::jnp,
                                     &Code::jl,  &Code::jge, &Code::jle, &Code::jg};
    for (size_t i = 0; i < jumps.size(); ++i)
        same(
            [&](Assembler& code) {
                Label before, behind;
                code.bind(before);
                code.jump(static_cast<Condition>(i), behind);
                code.jump(static_cast<Condition>(i), behind);
                code.jump(static_cast<Condition>(i), before);
                code.bind(behind);
                code.jump(behind);
                code.jump(before);
                code.call(before);
            },
            [&](auto& code) {
                Xbyak::Label before, behind;
                code.L(before);
                (code.*jumps[i])(behind, Code::T_NEAR);
                (code.*jumps[i])(behind, Code::T_NEAR);
                (code.*jumps[i])(before, Code::T_NEAR);
                code.L(behind);
                code.jmp(behind, Code::T_NEAR);
                code.jmp(before, Code::T_NEAR);
                code.call(before);
            });
    for (int number = 0; number < 16; ++number) {
        const Gpr r = gpr(number);
        same([&](Assembler& code) { code.jump(r); }, [&](auto& code) { code.jmp(Reg64(number)); });
        if (r != Gpr::rax)
            same([&](Assembler& code) { code.test8(r, 0x12); },
                 [&](auto& code) { code.test(byte_reg(r), 0x12); });
        same([&](Assembler& code) { code.pop(r); }, [&](auto& code) { code.pop(Reg64(number)); });
        same([&](Assembler& code) { code.jump_unmarked(r); },
             [&](auto& code) { code.db(0x3e), code.jmp(Reg64(number)); });
        same(
            [&](Assembler& code) {
                Label label;
                code.lea(r, label);
                code.endbr64();
                code.bind(label);
                code.lea(r, label);
            },
            [&](auto& code) {
                Xbyak::Label label;
                code.lea(Reg64(number), code.ptr[Xbyak::util::rip + label]);
                code.endbr64();
                code.L(label);
                code.lea(Reg64(number), code.ptr[Xbyak::util::rip + label]);
            });
        same(
            [&](Assembler& code) {
                code.subtract_later(r);
                code.patch_32(code.position(), 0x12345678);
            },
            [&](auto& code) {
                if (r != Gpr::rax)
                    code.sub(Reg64(number), 0x12345678);
                else  // not the short form of rax
                    for (const int byte : {0x48, 0x81, 0xe8, 0x78, 0x56, 0x34, 0x12})
                        code.db(byte);
            });
        for (const Gpr base : {Gpr::rax, Gpr::rbp, Gpr::r13})
            same(
                [&](Assembler& code) {
                    code.lea_later(r, base);
                    code.patch_32(code.position(), 0x12345678);
                },
                [&](auto& code) {
                    code.lea(Reg64(number), place(64, {static_cast<int>(base), std::nullopt, 0x12345678}));
                });
    }
    for (int number = 0; number < 16; ++number)
        for (const int32_t displacement : displacements)
            for (const Width width : widths) {
                const auto at = place(bits_of(width), {13, std::nullopt, displacement});
                same([&](Assembler& code) { code.load(width, gpr(number), FrameMem{displacement}); },
                     [&](auto& code) { code.mov(reg(width, gpr(number)), at); });
                same([&](Assembler& code) { code.store(width, FrameMem{displacement}, gpr(number)); },
                     [&](auto& code) { code.mov(at, reg(width, gpr(number))); });
            }
    for (const Place& mem : places()) {
        same([&](Assembler& code) { code.jump(mem); }, [&](auto& code) { code.jmp(place(64, mem)); });
        same([&](Assembler& code) { code.jump_unmarked(mem); },
             [&](auto& code) { code.db(0x3e), code.jmp(place(64, mem)); });
        same([&](Assembler& code) { code.call(mem); }, [&](auto& code) { code.call(place(64, mem)); });
        same([&](Assembler& code) { code.push(mem); }, [&](auto& code) { code.push(place(64, mem)); });
    }
    same([](Assembler& code) { code.ret(); }, [](auto& code) { code.ret(); });
    for (const bool is_call : {true, false})
        same(
            [&](Assembler& code) {
                is_call ? code.call_later() : code.jump_later();
                code.patch_32(code.position(), 0x12345678);
            },
            [&](auto& code) {
                for (const int byte : {is_call ? 0xe8 : 0xe9, 0x78, 0x56, 0x34, 0x12})
                    code.db(byte);
            });
    for (const auto& [condition, second] : {std::pair(Condition::sign, 0x88), {Condition::not_equal, 0x85}})
        same(
            [&](Assembler& code) {
                code.jump_later(condition);
                code.patch_32(code.position(), 0x12345678);
            },
            [&](auto& code) {
                for (const int byte : {0x0f, second, 0x78, 0x56, 0x34, 0x12})
                    code.db(byte);
            });
}

TEST_F(AssemblerTest, Floats) {
    using Code = Xbyak::CodeGenerator;
    using Scalars = void (Code::*)(const Xbyak::Xmm&, const Xbyak::Operand&);
    struct Row {
        Scalar op;
        Scalars f32, f64;
    };
    const std::array rows{
        Row{Scalar::sqrt, &Code::sqrtss, &Code::sqrtsd}, Row{Scalar::add, &Code::addss, &Code::addsd},
        Row{Scalar::mul, &Code::mulss, &Code::mulsd},    Row{Scalar::sub, &Code::subss, &Code::subsd},
        Row{Scalar::min, &Code::minss, &Code::minsd},    Row{Scalar::div, &Code::divss, &Code::divsd},
        Row{Scalar::max, &Code::maxss, &Code::maxsd}};
    for (const FloatWidth width : float_widths) {
        const bool is_f64 = width == FloatWidth::f64;
        pairs([&](int to, int from) {
            const Xbyak::Xmm a(to), b(from);
            for (const Row& row : rows)
                same([&](Assembler& code) { code.scalar(width, row.op, xmm(to), xmm(from)); },
                     [&](auto& code) { (code.*(is_f64 ? row.f64 : row.f32))(a, b); });
            same([&](Assembler& code) { code.compare(width, xmm(to), xmm(from)); },
                 [&](auto& code) { is_f64 ? code.ucomisd(a, b) : code.ucomiss(a, b); });
            for (const uint8_t predicate : std::array<uint8_t, 4>{0, 3, 4, 7})
                same([&](Assembler& code) { code.compare_mask(width, xmm(to), xmm(from), predicate); },
                     [&](auto& code) { is_f64 ? code.cmpsd(a, b, predicate) : code.cmpss(a, b, predicate); });
            for (const uint8_t mode : std::array<uint8_t, 4>{8, 9, 10, 11})
                same([&](Assembler& code) { code.round(width, xmm(to), xmm(from), mode); },
                     [&](auto& code) { is_f64 ? code.roundsd(a, b, mode) : code.roundss(a, b, mode); });
            same([&](Assembler& code) { code.convert_float(width, xmm(to), xmm(from)); },
                 [&](auto& code) { is_f64 ? code.cvtsd2ss(a, b) : code.cvtss2sd(a, b); });
            for (const Width int_width : widths) {
                same([&](Assembler& code) { code.float_from_int(width, xmm(to), int_width, gpr(from)); },
                     [&](auto& code) {
                         is_f64 ? code.cvtsi2sd(a, reg(int_width, gpr(from)))
                                : code.cvtsi2ss(a, reg(int_width, gpr(from)));
                     });
                const auto to_reg = reg(int_width, gpr(to));
                same([&](Assembler& code) { code.truncate(int_width, gpr(to), width, xmm(from)); },
                     [&](auto& code) { is_f64 ? code.cvttsd2si(to_reg, b) : code.cvttss2si(to_reg, b); });
            }
        });
        for (const Place& mem : places()) {
            const auto at = place(is_f64 ? 64 : 32, mem);
            for (const int number : {0, 7, 8, 15}) {
                const Xbyak::Xmm a(number);
                same([&](Assembler& code) { code.load(width, xmm(number), mem); },
                     [&](auto& code) { is_f64 ? code.movsd(a, at) : code.movss(a, at); });
                same([&](Assembler& code) { code.store(width, mem, xmm(number)); },
                     [&](auto& code) { is_f64 ? code.movsd(at, a) : code.movss(at, a); });
                for (const Row& row : rows)
                    same([&](Assembler& code) { code.scalar(width, row.op, xmm(number), mem); },
                         [&](auto& code) { (code.*(is_f64 ? row.f64 : row.f32))(a, at); });
            }
        }
    }
    pairs([&](int to, int from) {
        const Xbyak::Xmm a(to), b(from);
        same([&](Assembler& code) { code.move(xmm(to), xmm(from)); },
             [&](auto& code) {
                 if (to != from)
                     code.movaps(a, b);
             });
        same([&](Assembler& code) { code.bitwise(Bitwise::and_, xmm(to), xmm(from)); },
             [&](auto& code) { code.andps(a, b); });
        same([&](Assembler& code) { code.bitwise(Bitwise::andnot, xmm(to), xmm(from)); },
             [&](auto& code) { code.andnps(a, b); });
        same([&](Assembler& code) { code.bitwise(Bitwise::or_, xmm(to), xmm(from)); },
             [&](auto& code) { code.orps(a, b); });
        same([&](Assembler& code) { code.bitwise(Bitwise::xor_, xmm(to), xmm(from)); },
             [&](auto& code) { code.xorps(a, b); });
        same([&](Assembler& code) { code.move_bits(Width::w32, xmm(to), gpr(from)); },
             [&](auto& code) { code.movd(a, Reg32(from)); });
        same([&](Assembler& code) { code.move_bits(Width::w64, xmm(to), gpr(from)); },
             [&](auto& code) { code.movq(a, Reg64(from)); });
        same([&](Assembler& code) { code.move_bits(Width::w32, gpr(to), xmm(from)); },
             [&](auto& code) { code.movd(Reg32(to), b); });
        same([&](Assembler& code) { code.move_bits(Width::w64, gpr(to), xmm(from)); },
             [&](auto& code) { code.movq(Reg64(to), b); });
    });
}

TEST_F(AssemblerTest, DataBehindTheCode) {
    same(
        [](Assembler& code) {
            Label label;
            code.data32(0x04030201);
            code.bind(label);
            code.align(8, 0xcc);
            const uint32_t word = code.position();
            code.data64(0);
            code.patch64(word, 0x0807060504030201);
            code.data_distance(label, 8);
        },
        [](auto& code) {
            for (const int byte :
                 {1, 2, 3, 4, 0xcc, 0xcc, 0xcc, 0xcc, 1, 2, 3, 4, 5, 6, 7, 8, 0xfc, 0xff, 0xff, 0xff})
                code.db(byte);
        });
}

}  // namespace
}  // namespace wsb::jit
