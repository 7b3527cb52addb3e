// SPDX-License-Identifier: Apache-2.0
// Vectors: constants, and what is one instruction of the processor, perhaps with its operands exchanged or
// its result inverted. Results are those of engine/semantics/simd_int.h and simd_float.h, bit by bit. Spec:
// exec/numerics, syntax/instructions#vector-instructions
#include "jit/machine_sink.h"

#include <bit>
#include <utility>

namespace wsb::jit {

namespace {

/// How an instruction is made of one of the processor's.
enum class Form : uint8_t {
    none,               ///< otherwise
    unary,              ///< op to, from
    rounding,           ///< the same with an immediate
    extend_high,        ///< unary, of the upper half
    binary,             ///< x op y
    commuting,          ///< and y op x
    reversed,           ///< y op x
    inverted,           ///< not (x op y)
    reversed_inverted,  ///< not (y op x)
    bound,              ///< (x op y) == x: minimum and maximum for at most and at least
    beyond,             ///< not that
    floats,             ///< a comparison with a predicate
    floats_back,        ///< of y and x
    shift,              ///< by a count modulo the width of a lane
};

struct Row {
    Op id{};
    Form form{};
    Sse op;
    uint8_t immediate = 0;  ///< mode, predicate, bits of a lane; bound: the opcode that compares lanes
};

constexpr uint8_t round_nearest = 8, round_down = 9, round_up = 10, round_to_zero = 11;

constexpr Row rows[] = {
    {Op::v128_and, Form::commuting, sse::pand},
    {Op::v128_or, Form::commuting, sse::por},
    {Op::v128_xor, Form::commuting, sse::pxor},
    {Op::v128_andnot, Form::reversed, sse::pandn},

    {Op::i8x16_eq, Form::commuting, sse::pcmpeqb},
    {Op::i8x16_ne, Form::inverted, sse::pcmpeqb},
    {Op::i8x16_gt_s, Form::binary, sse::pcmpgtb},
    {Op::i8x16_lt_s, Form::reversed, sse::pcmpgtb},
    {Op::i8x16_le_s, Form::inverted, sse::pcmpgtb},
    {Op::i8x16_ge_s, Form::reversed_inverted, sse::pcmpgtb},
    {Op::i8x16_le_u, Form::bound, sse::pminub, 0x74},
    {Op::i8x16_ge_u, Form::bound, sse::pmaxub, 0x74},
    {Op::i8x16_lt_u, Form::beyond, sse::pmaxub, 0x74},
    {Op::i8x16_gt_u, Form::beyond, sse::pminub, 0x74},
    {Op::i16x8_eq, Form::commuting, sse::pcmpeqw},
    {Op::i16x8_ne, Form::inverted, sse::pcmpeqw},
    {Op::i16x8_gt_s, Form::binary, sse::pcmpgtw},
    {Op::i16x8_lt_s, Form::reversed, sse::pcmpgtw},
    {Op::i16x8_le_s, Form::inverted, sse::pcmpgtw},
    {Op::i16x8_ge_s, Form::reversed_inverted, sse::pcmpgtw},
    {Op::i16x8_le_u, Form::bound, sse::pminuw, 0x75},
    {Op::i16x8_ge_u, Form::bound, sse::pmaxuw, 0x75},
    {Op::i16x8_lt_u, Form::beyond, sse::pmaxuw, 0x75},
    {Op::i16x8_gt_u, Form::beyond, sse::pminuw, 0x75},
    {Op::i32x4_eq, Form::commuting, sse::pcmpeqd},
    {Op::i32x4_ne, Form::inverted, sse::pcmpeqd},
    {Op::i32x4_gt_s, Form::binary, sse::pcmpgtd},
    {Op::i32x4_lt_s, Form::reversed, sse::pcmpgtd},
    {Op::i32x4_le_s, Form::inverted, sse::pcmpgtd},
    {Op::i32x4_ge_s, Form::reversed_inverted, sse::pcmpgtd},
    {Op::i32x4_le_u, Form::bound, sse::pminud, 0x76},
    {Op::i32x4_ge_u, Form::bound, sse::pmaxud, 0x76},
    {Op::i32x4_lt_u, Form::beyond, sse::pmaxud, 0x76},
    {Op::i32x4_gt_u, Form::beyond, sse::pminud, 0x76},
    {Op::i64x2_eq, Form::commuting, sse::pcmpeqq},
    {Op::i64x2_ne, Form::inverted, sse::pcmpeqq},
    {Op::i64x2_gt_s, Form::binary, sse::pcmpgtq},
    {Op::i64x2_lt_s, Form::reversed, sse::pcmpgtq},
    {Op::i64x2_le_s, Form::inverted, sse::pcmpgtq},
    {Op::i64x2_ge_s, Form::reversed_inverted, sse::pcmpgtq},

    {Op::f32x4_eq, Form::floats, sse::cmpps, sse::equal},
    {Op::f32x4_ne, Form::floats, sse::cmpps, sse::not_equal},
    {Op::f32x4_lt, Form::floats, sse::cmpps, sse::less},
    {Op::f32x4_gt, Form::floats_back, sse::cmpps, sse::less},
    {Op::f32x4_le, Form::floats, sse::cmpps, sse::less_equal},
    {Op::f32x4_ge, Form::floats_back, sse::cmpps, sse::less_equal},
    {Op::f64x2_eq, Form::floats, sse::cmppd, sse::equal},
    {Op::f64x2_ne, Form::floats, sse::cmppd, sse::not_equal},
    {Op::f64x2_lt, Form::floats, sse::cmppd, sse::less},
    {Op::f64x2_gt, Form::floats_back, sse::cmppd, sse::less},
    {Op::f64x2_le, Form::floats, sse::cmppd, sse::less_equal},
    {Op::f64x2_ge, Form::floats_back, sse::cmppd, sse::less_equal},

    {Op::i8x16_add, Form::commuting, sse::paddb},
    {Op::i16x8_add, Form::commuting, sse::paddw},
    {Op::i32x4_add, Form::commuting, sse::paddd},
    {Op::i64x2_add, Form::commuting, sse::paddq},
    {Op::i8x16_sub, Form::binary, sse::psubb},
    {Op::i16x8_sub, Form::binary, sse::psubw},
    {Op::i32x4_sub, Form::binary, sse::psubd},
    {Op::i64x2_sub, Form::binary, sse::psubq},
    {Op::i8x16_add_sat_s, Form::commuting, sse::paddsb},
    {Op::i8x16_add_sat_u, Form::commuting, sse::paddusb},
    {Op::i8x16_sub_sat_s, Form::binary, sse::psubsb},
    {Op::i8x16_sub_sat_u, Form::binary, sse::psubusb},
    {Op::i16x8_add_sat_s, Form::commuting, sse::paddsw},
    {Op::i16x8_add_sat_u, Form::commuting, sse::paddusw},
    {Op::i16x8_sub_sat_s, Form::binary, sse::psubsw},
    {Op::i16x8_sub_sat_u, Form::binary, sse::psubusw},
    {Op::i8x16_avgr_u, Form::commuting, sse::pavgb},
    {Op::i16x8_avgr_u, Form::commuting, sse::pavgw},
    {Op::i8x16_min_s, Form::commuting, sse::pminsb},
    {Op::i8x16_min_u, Form::commuting, sse::pminub},
    {Op::i8x16_max_s, Form::commuting, sse::pmaxsb},
    {Op::i8x16_max_u, Form::commuting, sse::pmaxub},
    {Op::i16x8_min_s, Form::commuting, sse::pminsw},
    {Op::i16x8_min_u, Form::commuting, sse::pminuw},
    {Op::i16x8_max_s, Form::commuting, sse::pmaxsw},
    {Op::i16x8_max_u, Form::commuting, sse::pmaxuw},
    {Op::i32x4_min_s, Form::commuting, sse::pminsd},
    {Op::i32x4_min_u, Form::commuting, sse::pminud},
    {Op::i32x4_max_s, Form::commuting, sse::pmaxsd},
    {Op::i32x4_max_u, Form::commuting, sse::pmaxud},
    {Op::i16x8_mul, Form::commuting, sse::pmullw},
    {Op::i32x4_mul, Form::commuting, sse::pmulld},
    {Op::i32x4_dot_i16x8_s, Form::commuting, sse::pmaddwd},
    {Op::i8x16_abs, Form::unary, sse::pabsb},
    {Op::i16x8_abs, Form::unary, sse::pabsw},
    {Op::i32x4_abs, Form::unary, sse::pabsd},
    {Op::i16x8_shl, Form::shift, sse::psllw, 16},
    {Op::i16x8_shr_s, Form::shift, sse::psraw, 16},
    {Op::i16x8_shr_u, Form::shift, sse::psrlw, 16},
    {Op::i32x4_shl, Form::shift, sse::pslld, 32},
    {Op::i32x4_shr_s, Form::shift, sse::psrad, 32},
    {Op::i32x4_shr_u, Form::shift, sse::psrld, 32},
    {Op::i64x2_shl, Form::shift, sse::psllq, 64},
    {Op::i64x2_shr_u, Form::shift, sse::psrlq, 64},

    {Op::i8x16_narrow_i16x8_s, Form::binary, sse::packsswb},
    {Op::i8x16_narrow_i16x8_u, Form::binary, sse::packuswb},
    {Op::i16x8_narrow_i32x4_s, Form::binary, sse::packssdw},
    {Op::i16x8_narrow_i32x4_u, Form::binary, sse::packusdw},
    {Op::i16x8_extend_low_i8x16_s, Form::unary, sse::pmovsxbw},
    {Op::i16x8_extend_low_i8x16_u, Form::unary, sse::pmovzxbw},
    {Op::i16x8_extend_high_i8x16_s, Form::extend_high, sse::pmovsxbw},
    {Op::i16x8_extend_high_i8x16_u, Form::extend_high, sse::pmovzxbw},
    {Op::i32x4_extend_low_i16x8_s, Form::unary, sse::pmovsxwd},
    {Op::i32x4_extend_low_i16x8_u, Form::unary, sse::pmovzxwd},
    {Op::i32x4_extend_high_i16x8_s, Form::extend_high, sse::pmovsxwd},
    {Op::i32x4_extend_high_i16x8_u, Form::extend_high, sse::pmovzxwd},
    {Op::i64x2_extend_low_i32x4_s, Form::unary, sse::pmovsxdq},
    {Op::i64x2_extend_low_i32x4_u, Form::unary, sse::pmovzxdq},
    {Op::i64x2_extend_high_i32x4_s, Form::extend_high, sse::pmovsxdq},
    {Op::i64x2_extend_high_i32x4_u, Form::extend_high, sse::pmovzxdq},

    // Operands of floats are never exchanged: of two NaNs the first one is the result.
    {Op::f32x4_add, Form::binary, sse::addps},
    {Op::f32x4_sub, Form::binary, sse::subps},
    {Op::f32x4_mul, Form::binary, sse::mulps},
    {Op::f32x4_div, Form::binary, sse::divps},
    {Op::f64x2_add, Form::binary, sse::addpd},
    {Op::f64x2_sub, Form::binary, sse::subpd},
    {Op::f64x2_mul, Form::binary, sse::mulpd},
    {Op::f64x2_div, Form::binary, sse::divpd},
    // min a, b is b unless a < b.
    {Op::f32x4_pmin, Form::reversed, sse::minps},
    {Op::f32x4_pmax, Form::reversed, sse::maxps},
    {Op::f64x2_pmin, Form::reversed, sse::minpd},
    {Op::f64x2_pmax, Form::reversed, sse::maxpd},
    {Op::f32x4_sqrt, Form::unary, sse::sqrtps},
    {Op::f64x2_sqrt, Form::unary, sse::sqrtpd},
    {Op::f32x4_ceil, Form::rounding, sse::roundps, round_up},
    {Op::f32x4_floor, Form::rounding, sse::roundps, round_down},
    {Op::f32x4_trunc, Form::rounding, sse::roundps, round_to_zero},
    {Op::f32x4_nearest, Form::rounding, sse::roundps, round_nearest},
    {Op::f64x2_ceil, Form::rounding, sse::roundpd, round_up},
    {Op::f64x2_floor, Form::rounding, sse::roundpd, round_down},
    {Op::f64x2_trunc, Form::rounding, sse::roundpd, round_to_zero},
    {Op::f64x2_nearest, Form::rounding, sse::roundpd, round_nearest},
    {Op::f32x4_demote_f64x2_zero, Form::unary, sse::cvtpd2ps},
    {Op::f64x2_promote_low_f32x4, Form::unary, sse::cvtps2pd},
    {Op::f32x4_convert_i32x4_s, Form::unary, sse::cvtdq2ps},
    {Op::f64x2_convert_low_i32x4_s, Form::unary, sse::cvtdq2pd},
};

constexpr size_t vector_codes = 0x114;

/// Rows by the instruction's number behind the prefix.
constexpr auto row_of = [] {
    std::array<Row, vector_codes> by_code{};
    for (const Row& row : rows)
        by_code[op_info(row.id).code] = row;
    return by_code;
}();

}  // namespace

/// A constant behind the code, aligned.
Label& MachineSink::vector_at(const VectorBits& bits) {
    const auto [known, is_new] = m_vectors.try_emplace(bits, none);
    if (is_new)
        known->second = new_label();
    return label(known->second);
}

void MachineSink::put_vector(Xmm to, const VectorBits& bits) {
    if (bits == VectorBits{})
        m_code.vector(sse::pxor, to, to);
    else if (bits == VectorBits{~uint64_t{0}, ~uint64_t{0}})
        m_code.vector(sse::pcmpeqd, to, to);
    else
        m_code.vector(sse::movups, to, vector_at(bits));
}

void MachineSink::push_vector_constant(const VectorBits& bits) {
    Value& value = push(Value::Kind::constant, ValType::v128);
    value.bits = bits[0];
    value.local = static_cast<uint32_t>(m_vector_constants.size());
    m_vector_constants.push_back(bits);
}

void MachineSink::v128_constant(const std::array<uint8_t, 16>& bytes) {
    push_vector_constant(std::bit_cast<VectorBits>(bytes));
}

/// See `destination`. Of instructions without immediates but their own number.
const MachineSink::Pin* MachineSink::vector_destination(const Value* other) const noexcept {
    return destination(other, 1);
}

/// op to, y
void MachineSink::vector_operation(Sse op, Xmm to, Value& y) {
    if (y.kind == Value::Kind::constant)
        m_code.vector(op, to, vector_at(m_vector_constants[y.local]));
    else
        m_code.vector(op, to, to_xmm(y));
}

void MachineSink::invert(Xmm reg) {
    m_code.vector(sse::pcmpeqd, reg::float_scratch, reg::float_scratch);
    m_code.vector(sse::pxor, reg, reg::float_scratch);
}

void MachineSink::simd(const binary::Instr& instr) {
    if (is_canonicalized(instr.op) ||
        (!vector_by_row(instr) && !vector_sequence(instr.op) && !vector_lanes(instr)))
        cell_of_simd(instr);
}

/// @return false if the instruction has no row.
bool MachineSink::vector_by_row(const binary::Instr& instr) {
    const Row& row = row_of[op_info(instr.op).code];
    switch (row.form) {
        case Form::none: return false;
        case Form::unary: vector_unary(row.op); break;
        case Form::rounding: vector_rounding(row.op, row.immediate); break;
        case Form::extend_high: vector_extend_high(row.op); break;
        case Form::commuting: vector_binary(row.op, {.commutes = true}); break;
        case Form::binary: vector_binary(row.op, {}); break;
        case Form::reversed: vector_binary(row.op, {.is_reversed = true}); break;
        case Form::inverted: vector_binary(row.op, {.is_inverted = true}); break;
        case Form::reversed_inverted:
            vector_binary(row.op, {.is_reversed = true, .is_inverted = true});
            break;
        case Form::bound: vector_bound(row.op, sse::with_66(row.immediate), false); break;
        case Form::beyond: vector_bound(row.op, sse::with_66(row.immediate), true); break;
        case Form::floats: vector_float_compare(row.op, row.immediate, false); break;
        case Form::floats_back: vector_float_compare(row.op, row.immediate, true); break;
        case Form::shift: vector_shift(row.op, row.immediate); break;
    }
    return true;
}

/// Where the result goes, and where the operand is.
void MachineSink::vector_unary(Sse op) {
    Value x = pop();
    const Pin* const pin = vector_destination(nullptr);
    const Xmm from = to_xmm(x);
    const Xmm to = pin != nullptr ? pin->xmm : is_owned(x) ? from : take_xmm();
    m_code.vector(op, to, from);
    if (to != from)
        release(x);
    push_vector(to);
}

void MachineSink::vector_rounding(Sse op, uint8_t mode) {
    Value x = pop();
    const Xmm from = to_xmm(x);
    const Xmm to = is_owned(x) ? from : take_xmm();
    m_code.vector(op, to, from, mode);
    push_vector(to);
}

void MachineSink::vector_extend_high(Sse op) {
    Value x = pop();
    const Xmm from = to_xmm(x);
    const Xmm to = is_owned(x) ? from : take_xmm();
    m_code.vector(sse::pshufd, to, from, sse::upper_half);
    m_code.vector(op, to, to);
    push_vector(to);
}

void MachineSink::vector_binary(Sse op, VectorOrder order) {
    Value y = pop();
    Value x = pop();
    const bool is_better_swapped = x.kind == Value::Kind::constant || (!is_owned(x) && is_owned(y));
    if (order.is_reversed || (order.commutes && is_better_swapped))
        std::swap(x, y);
    const Pin* const pin = vector_destination(&y);
    const Xmm to = take_float_destination(x, pin);
    vector_operation(op, to, y);
    if (order.is_inverted)
        invert(to);
    release(y);
    push_vector(to);
}

/// Whether one operand is the minimum or the maximum of both.
void MachineSink::vector_bound(Sse bound, Sse equal, bool is_inverted) {
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    put_xmm(reg::float_scratch, y);
    m_code.vector(bound, reg::float_scratch, to);
    m_code.vector(equal, to, reg::float_scratch);
    if (is_inverted)
        invert(to);
    release(y);
    push_vector(to);
}

void MachineSink::vector_float_compare(Sse op, uint8_t predicate, bool is_reversed) {
    Value y = pop();
    Value x = pop();
    if (is_reversed)
        std::swap(x, y);
    const Xmm to = to_owned_xmm(x);
    m_code.vector(op, to, to_xmm(y), predicate);
    release(y);
    push_vector(to);
}

/// The count modulo the lane's width, plus `more`, in the scratch register; the processor takes all 64 bits.
Xmm MachineSink::put_count(Value& count, unsigned lane_bits, unsigned more) {
    put_gpr(reg::scratch, count);
    m_code.alu(Width::w32, Alu::and_, reg::scratch, static_cast<int32_t>(lane_bits - 1));
    if (more != 0)
        m_code.alu(Width::w32, Alu::add, reg::scratch, static_cast<int32_t>(more));
    m_code.move_bits(Width::w32, reg::float_scratch, reg::scratch);
    return reg::float_scratch;
}

void MachineSink::vector_shift(Sse op, unsigned lane_bits) {
    Value count = pop();
    Value x = pop();
    const Pin* const pin = vector_destination(nullptr);
    if (count.kind == Value::Kind::constant) {
        const Xmm to = take_float_destination(x, pin);
        const auto bits = static_cast<uint8_t>(count.bits & (lane_bits - 1));
        if (bits != 0)
            m_code.vector_shift(op, to, bits);
        return push_vector(to);
    }
    const Xmm to = take_float_destination(x, pin);
    m_code.vector(op, to, put_count(count, lane_bits, 0));
    release(count);
    push_vector(to);
}

}  // namespace wsb::jit
