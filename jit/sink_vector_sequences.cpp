// SPDX-License-Identifier: Apache-2.0
// Vectors: instructions that take several of the processor's. Results are those of
// engine/semantics/simd_int.h and simd_float.h, bit by bit. Spec: exec/numerics
#include "jit/machine_sink.h"

#include <bit>
#include <utility>

namespace wsb::jit {

namespace {

using Bits = std::array<uint64_t, 2>;

[[nodiscard]] constexpr Bits of_bytes(uint8_t lane) noexcept {
    const uint64_t half = lane * uint64_t{0x0101'0101'0101'0101};
    return {half, half};
}
[[nodiscard]] constexpr Bits of_16(uint16_t lane) noexcept {
    const uint64_t half = lane * uint64_t{0x0001'0001'0001'0001};
    return {half, half};
}
[[nodiscard]] constexpr Bits of_32(uint32_t lane) noexcept {
    const uint64_t half = lane * uint64_t{0x0000'0001'0000'0001};
    return {half, half};
}
[[nodiscard]] constexpr Bits of_64(uint64_t lane) noexcept {
    return {lane, lane};
}
[[nodiscard]] constexpr Bits of_floats(float lane) noexcept {
    return of_32(std::bit_cast<uint32_t>(lane));
}
[[nodiscard]] constexpr Bits of_doubles(double lane) noexcept {
    return of_64(std::bit_cast<uint64_t>(lane));
}

constexpr uint64_t sign_64 = uint64_t{1} << 63;
constexpr uint32_t sign_32 = uint32_t{1} << 31;

}  // namespace

/// @return false if the instruction is not one of these.
bool MachineSink::vector_sequence(Op op) {
    switch (op) {
        case Op::v128_not: operation_with(sse::pxor, of_64(~uint64_t{0})); return true;
        case Op::f32x4_abs: operation_with(sse::pand, of_32(~sign_32)); return true;
        case Op::f32x4_neg: operation_with(sse::pxor, of_32(sign_32)); return true;
        case Op::f64x2_abs: operation_with(sse::pand, of_64(~sign_64)); return true;
        case Op::f64x2_neg: operation_with(sse::pxor, of_64(sign_64)); return true;
        case Op::i8x16_neg: negate_lanes(sse::psubb); return true;
        case Op::i16x8_neg: negate_lanes(sse::psubw); return true;
        case Op::i32x4_neg: negate_lanes(sse::psubd); return true;
        case Op::i64x2_neg: negate_lanes(sse::psubq); return true;
        case Op::i64x2_abs: absolute_64(); return true;
        case Op::i8x16_popcnt: population(); return true;
        case Op::i8x16_shl:
        case Op::i8x16_shr_u: shift_bytes(op == Op::i8x16_shl); return true;
        case Op::i8x16_shr_s: shift_bytes_signed(); return true;
        case Op::i64x2_shr_s: shift_right_signed_64(); return true;
        case Op::i64x2_mul: multiply_64(); return true;
        case Op::i16x8_extmul_low_i8x16_s: extended_multiply(sse::pmovsxbw, sse::pmullw, false); return true;
        case Op::i16x8_extmul_low_i8x16_u: extended_multiply(sse::pmovzxbw, sse::pmullw, false); return true;
        case Op::i16x8_extmul_high_i8x16_s: extended_multiply(sse::pmovsxbw, sse::pmullw, true); return true;
        case Op::i16x8_extmul_high_i8x16_u: extended_multiply(sse::pmovzxbw, sse::pmullw, true); return true;
        case Op::i32x4_extmul_low_i16x8_s: multiply_halves(sse::pmulhw, sse::punpcklwd); return true;
        case Op::i32x4_extmul_low_i16x8_u: multiply_halves(sse::pmulhuw, sse::punpcklwd); return true;
        case Op::i32x4_extmul_high_i16x8_s: multiply_halves(sse::pmulhw, sse::punpckhwd); return true;
        case Op::i32x4_extmul_high_i16x8_u: multiply_halves(sse::pmulhuw, sse::punpckhwd); return true;
        case Op::i64x2_extmul_low_i32x4_s: extended_multiply(sse::pmovsxdq, sse::pmuldq, false); return true;
        case Op::i64x2_extmul_low_i32x4_u: extended_multiply(sse::pmovzxdq, sse::pmuludq, false); return true;
        case Op::i64x2_extmul_high_i32x4_s: extended_multiply(sse::pmovsxdq, sse::pmuldq, true); return true;
        case Op::i64x2_extmul_high_i32x4_u: extended_multiply(sse::pmovzxdq, sse::pmuludq, true); return true;
        case Op::i16x8_extadd_pairwise_i8x16_s: add_pairs_of_signed_bytes(); return true;
        case Op::i16x8_extadd_pairwise_i8x16_u: operation_with(sse::pmaddubsw, of_bytes(1)); return true;
        case Op::i32x4_extadd_pairwise_i16x8_s: operation_with(sse::pmaddwd, of_16(1)); return true;
        case Op::i32x4_extadd_pairwise_i16x8_u: add_pairs_of_unsigned_16(); return true;
        case Op::i16x8_q15mulr_sat_s:
        case Op::i16x8_relaxed_q15mulr_s: q15_multiply(); return true;
        case Op::i16x8_relaxed_dot_i8x16_i7x16_s: dot_bytes(false); return true;
        case Op::i32x4_relaxed_dot_i8x16_i7x16_add_s: dot_bytes(true); return true;
        case Op::v128_bitselect:
        case Op::i8x16_relaxed_laneselect:
        case Op::i16x8_relaxed_laneselect:
        case Op::i32x4_relaxed_laneselect:
        case Op::i64x2_relaxed_laneselect: bit_select(); return true;
        case Op::f32x4_relaxed_madd: multiply_add(sse::mulps, sse::addps, false); return true;
        case Op::f32x4_relaxed_nmadd: multiply_add(sse::mulps, sse::subps, true); return true;
        case Op::f64x2_relaxed_madd: multiply_add(sse::mulpd, sse::addpd, false); return true;
        case Op::f64x2_relaxed_nmadd: multiply_add(sse::mulpd, sse::subpd, true); return true;
        default: return float_sequence(op);
    }
}

bool MachineSink::float_sequence(Op op) {
    switch (op) {
        case Op::f32x4_min:
        case Op::f32x4_relaxed_min: float_extreme(sse::minps, sse::por, sse::addps, sse::cmpps); return true;
        case Op::f32x4_max:
        case Op::f32x4_relaxed_max: float_extreme(sse::maxps, sse::pand, sse::addps, sse::cmpps); return true;
        case Op::f64x2_min:
        case Op::f64x2_relaxed_min: float_extreme(sse::minpd, sse::por, sse::addpd, sse::cmppd); return true;
        case Op::f64x2_max:
        case Op::f64x2_relaxed_max: float_extreme(sse::maxpd, sse::pand, sse::addpd, sse::cmppd); return true;
        case Op::i32x4_trunc_sat_f32x4_s:
        case Op::i32x4_relaxed_trunc_f32x4_s: truncate_signed_f32(); return true;
        case Op::i32x4_trunc_sat_f32x4_u:
        case Op::i32x4_relaxed_trunc_f32x4_u: truncate_unsigned_f32(); return true;
        case Op::i32x4_trunc_sat_f64x2_s_zero:
        case Op::i32x4_relaxed_trunc_f64x2_s_zero: truncate_signed_f64(); return true;
        case Op::i32x4_trunc_sat_f64x2_u_zero:
        case Op::i32x4_relaxed_trunc_f64x2_u_zero: truncate_unsigned_f64(); return true;
        case Op::f32x4_convert_i32x4_u: convert_unsigned_f32(); return true;
        case Op::f64x2_convert_low_i32x4_u: convert_unsigned_f64(); return true;
        default: return false;
    }
}

/// op x, constant
void MachineSink::operation_with(Sse op, const VectorBits& bits) {
    Value x = pop();
    const Xmm to = take_float_destination(x, vector_destination(nullptr));
    m_code.vector(op, to, vector_at(bits));
    push_vector(to);
}

void MachineSink::negate_lanes(Sse subtract) {
    Value x = pop();
    const Xmm to = take_zeroed_xmm();
    vector_operation(subtract, to, x);
    release(x);
    push_vector(to);
}

/// Turned and incremented where it is negative.
void MachineSink::absolute_64() {
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm negative = reg::float_scratch;
    m_code.vector(sse::pxor, negative, negative);
    m_code.vector(sse::pcmpgtq, negative, to);
    m_code.vector(sse::pxor, to, negative);
    m_code.vector(sse::psubq, to, negative);
    push_vector(to);
}

/// Bits of both halves of each byte are looked up.
void MachineSink::population() {
    constexpr Bits counts{0x0302'0201'0201'0100, 0x0403'0302'0302'0201};
    Value x = pop();
    const Xmm high = to_owned_xmm(x);
    const Xmm sum = take_xmm(), low = reg::float_scratch;
    m_code.move(low, high);
    m_code.vector(sse::pand, low, vector_at(of_bytes(0x0f)));
    m_code.vector_shift(sse::psrlw, high, 4);
    m_code.vector(sse::pand, high, vector_at(of_bytes(0x0f)));
    put_vector(sum, counts);
    m_code.vector(sse::pshufb, sum, low);
    put_vector(low, counts);
    m_code.vector(sse::pshufb, low, high);
    m_code.vector(sse::paddb, sum, low);
    release(x);
    push_vector(sum);
}

/// As lanes of 16 bits; bits that came from the neighbour are masked.
void MachineSink::shift_bytes(bool is_left) {
    const Sse op = is_left ? sse::psllw : sse::psrlw;
    Value count = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    if (count.kind == Value::Kind::constant) {
        const auto bits = static_cast<uint8_t>(count.bits & 7);
        const auto mask = static_cast<uint8_t>(is_left ? 0xff << bits : 0xff >> bits);
        if (bits != 0) {
            m_code.vector_shift(op, to, bits);
            m_code.vector(sse::pand, to, vector_at(of_bytes(mask)));
        }
        return push_vector(to);
    }
    const Xmm mask = take_xmm();
    const Xmm bits = put_count(count, 8, 0);
    m_code.vector(op, to, bits);
    m_code.vector(sse::pcmpeqd, mask, mask);
    m_code.vector(op, mask, bits);
    if (!is_left)
        m_code.vector_shift(sse::psrlw, mask, 8);  // its byte to the lower half
    m_code.vector(sse::pxor, bits, bits);
    m_code.vector(sse::pshufb, mask, bits);
    m_code.vector(sse::pand, to, mask);
    free_xmm(mask);
    release(count);
    push_vector(to);
}

/// Each byte in the upper half of 16 bits, back by 8 more.
void MachineSink::shift_bytes_signed() {
    Value count = pop();
    Value x = pop();
    const Xmm low = to_owned_xmm(x);
    const Xmm high = take_xmm();
    m_code.move(high, low);
    m_code.vector(sse::punpckhbw, high, high);
    m_code.vector(sse::punpcklbw, low, low);
    if (count.kind == Value::Kind::constant) {
        const auto bits = static_cast<uint8_t>(8 + (count.bits & 7));
        m_code.vector_shift(sse::psraw, high, bits);
        m_code.vector_shift(sse::psraw, low, bits);
    } else {
        const Xmm bits = put_count(count, 8, 8);
        m_code.vector(sse::psraw, high, bits);
        m_code.vector(sse::psraw, low, bits);
    }
    m_code.vector(sse::packsswb, low, high);
    free_xmm(high);
    release(count);
    push_vector(low);
}

/// An unsigned shift, and the sign from where it went.
void MachineSink::shift_right_signed_64() {
    Value count = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm sign = take_xmm();
    put_vector(sign, of_64(sign_64));
    if (count.kind == Value::Kind::constant) {
        const auto bits = static_cast<uint8_t>(count.bits & 63);
        m_code.vector_shift(sse::psrlq, to, bits);
        m_code.vector_shift(sse::psrlq, sign, bits);
    } else {
        const Xmm bits = put_count(count, 64, 0);
        m_code.vector(sse::psrlq, to, bits);
        m_code.vector(sse::psrlq, sign, bits);
    }
    m_code.vector(sse::pxor, to, sign);
    m_code.vector(sse::psubq, to, sign);
    free_xmm(sign);
    release(count);
    push_vector(to);
}

/// low * low + (low * high + high * low) * 2^32
void MachineSink::multiply_64() {
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm other = to_xmm(y);
    const Xmm cross = take_xmm(), cross_2 = reg::float_scratch;
    m_code.move(cross, to);
    m_code.vector_shift(sse::psrlq, cross, 32);
    m_code.vector(sse::pmuludq, cross, other);
    m_code.move(cross_2, other);
    m_code.vector_shift(sse::psrlq, cross_2, 32);
    m_code.vector(sse::pmuludq, cross_2, to);
    m_code.vector(sse::paddq, cross, cross_2);
    m_code.vector_shift(sse::psllq, cross, 32);
    m_code.vector(sse::pmuludq, to, other);
    m_code.vector(sse::paddq, to, cross);
    free_xmm(cross);
    release(y);
    push_vector(to);
}

/// Of one half of the lanes, each extended.
void MachineSink::extended_multiply(Sse extend, Sse multiply, bool is_high) {
    Value y = pop();
    Value x = pop();
    const auto put_extended = [&](Xmm to, Xmm from) {
        if (is_high)
            m_code.vector(sse::pshufd, to, from, sse::upper_half);
        m_code.vector(extend, to, is_high ? to : from);
    };
    put_extended(reg::float_scratch, to_xmm(y));
    const Xmm from = to_xmm(x);
    const Xmm to = is_owned(x) ? from : take_xmm();
    put_extended(to, from);
    m_code.vector(multiply, to, reg::float_scratch);
    release(y);
    push_vector(to);
}

/// Lower and upper halves of the products, interleaved.
void MachineSink::multiply_halves(Sse multiply_high, Sse interleave) {
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm other = to_xmm(y);
    m_code.move(reg::float_scratch, to);
    m_code.vector(multiply_high, reg::float_scratch, other);
    m_code.vector(sse::pmullw, to, other);
    m_code.vector(interleave, to, reg::float_scratch);
    release(y);
    push_vector(to);
}

/// pmaddubsw takes unsigned bytes first.
void MachineSink::add_pairs_of_signed_bytes() {
    Value x = pop();
    const Xmm to = take_xmm();
    put_vector(to, of_bytes(1));
    vector_operation(sse::pmaddubsw, to, x);
    release(x);
    push_vector(to);
}

void MachineSink::add_pairs_of_unsigned_16() {
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    m_code.move(reg::float_scratch, to);
    m_code.vector_shift(sse::psrld, reg::float_scratch, 16);
    m_code.vector(sse::pand, to, vector_at(of_32(0xffff)));
    m_code.vector(sse::paddd, to, reg::float_scratch);
    push_vector(to);
}

/// pmulhrsw gives -1 for -1 * -1 only.
void MachineSink::q15_multiply() {
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    vector_operation(sse::pmulhrsw, to, y);
    put_vector(reg::float_scratch, of_16(0x8000));
    m_code.vector(sse::pcmpeqw, reg::float_scratch, to);
    m_code.vector(sse::pxor, to, reg::float_scratch);
    release(y);
    push_vector(to);
}

/// Products of even and of odd bytes, as lanes of 16 bits; `adds`: sums of neighbours to a third operand.
void MachineSink::dot_bytes(bool adds) {
    Value z = adds ? pop() : Value{};
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x), other = to_owned_xmm(y);
    const Xmm odd = take_xmm(), odd_y = reg::float_scratch;
    m_code.move(odd, to);
    m_code.vector_shift(sse::psraw, odd, 8);
    m_code.move(odd_y, other);
    m_code.vector_shift(sse::psraw, odd_y, 8);
    m_code.vector(sse::pmullw, odd, odd_y);
    for (const Xmm even : {to, other}) {
        m_code.vector_shift(sse::psllw, even, 8);
        m_code.vector_shift(sse::psraw, even, 8);
    }
    m_code.vector(sse::pmullw, to, other);
    m_code.vector(sse::paddw, to, odd);
    if (adds) {
        m_code.vector(sse::pmaddwd, to, vector_at(of_16(1)));
        vector_operation(sse::paddd, to, z);
        release(z);
    }
    free_xmm(odd);
    release(y);
    push_vector(to);
}

/// ((x ^ y) & mask) ^ y
void MachineSink::bit_select() {
    Value mask = pop();
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    vector_operation(sse::pxor, to, y);
    vector_operation(sse::pand, to, mask);
    vector_operation(sse::pxor, to, y);
    release(mask);
    release(y);
    push_vector(to);
}

/// x * y + z, or z - x * y; rounded twice.
void MachineSink::multiply_add(Sse multiply, Sse add, bool is_negated) {
    Value z = pop();
    Value y = pop();
    Value x = pop();
    const Xmm product = to_owned_xmm(x);
    vector_operation(multiply, product, y);
    release(y);
    if (!is_negated) {
        vector_operation(add, product, z);
        release(z);
        return push_vector(product);
    }
    const Xmm to = to_owned_xmm(z);
    m_code.vector(add, to, product);
    release(x);
    push_vector(to);
}

/// The processor's minimum and maximum give the second operand if there is a NaN or both are zeros. With the
/// operands both ways, and their bits combined, zeros have the right sign; NaNs come of the sum.
void MachineSink::float_extreme(Sse extreme, Sse combine, Sse add, Sse compare) {
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm other = to_xmm(y);
    const Xmm sum = take_xmm(), unordered = take_xmm(), back = reg::float_scratch;
    m_code.move(back, other);
    m_code.vector(extreme, back, to);
    m_code.move(unordered, to);
    m_code.vector(compare, unordered, other, sse::unordered);
    m_code.move(sum, to);
    m_code.vector(add, sum, other);
    m_code.vector(extreme, to, other);
    m_code.vector(combine, to, back);
    m_code.vector(sse::pand, sum, unordered);
    m_code.vector(sse::pandn, unordered, to);
    m_code.vector(sse::por, sum, unordered);
    free_xmm(unordered);
    release(x);
    release(y);
    push_vector(sum);
}

// cvtt gives INT32_MIN for everything outside of the range, which is right below it.

/// NaN becomes 0; what is too large is turned from INT32_MIN to INT32_MAX.
void MachineSink::truncate_signed_f32() {
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm mask = reg::float_scratch;
    m_code.move(mask, to);
    m_code.vector(sse::cmpps, mask, mask, sse::equal);
    m_code.vector(sse::pand, to, mask);
    put_vector(mask, of_floats(0x1p31F));
    m_code.vector(sse::cmpps, mask, to, sse::less_equal);
    m_code.vector(sse::cvttps2dq, to, to);
    m_code.vector(sse::pxor, to, mask);
    push_vector(to);
}

/// From 2^31 on the plain truncation gives 2^31, to which that of the rest is added.
void MachineSink::truncate_unsigned_f32() {
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm rest = take_xmm(), mask = reg::float_scratch;
    m_code.vector(sse::maxps, to, vector_at({}));  // the second one if NaN
    m_code.move(rest, to);
    m_code.vector(sse::subps, rest, vector_at(of_floats(0x1p31F)));
    m_code.vector(sse::maxps, rest, vector_at({}));
    put_vector(mask, of_floats(0x1p31F));
    m_code.vector(sse::cmpps, mask, rest, sse::less_equal);
    m_code.vector(sse::cvttps2dq, rest, rest);
    m_code.vector(sse::pxor, rest, mask);
    m_code.vector(sse::cvttps2dq, to, to);
    m_code.vector(sse::paddd, to, rest);
    free_xmm(rest);
    push_vector(to);
}

/// Two lanes, then zeros. The bound is 0 for a NaN, and minpd gives the bound for it.
void MachineSink::truncate_signed_f64() {
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm bound = reg::float_scratch;
    m_code.move(bound, to);
    m_code.vector(sse::cmppd, bound, bound, sse::equal);
    m_code.vector(sse::pand, bound, vector_at(of_doubles(2147483647.0)));
    m_code.vector(sse::minpd, to, bound);
    m_code.vector(sse::cvttpd2dq, to, to);
    push_vector(to);
}

/// Two lanes, then zeros. Once truncated and in range, 2^52 more has the integer in its low bits.
void MachineSink::truncate_unsigned_f64() {
    constexpr uint8_t to_zero = 11, even_then_zeros = 0x88;
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    m_code.vector(sse::maxpd, to, vector_at({}));
    m_code.vector(sse::minpd, to, vector_at(of_doubles(4294967295.0)));
    m_code.vector(sse::roundpd, to, to, to_zero);
    m_code.vector(sse::addpd, to, vector_at(of_doubles(0x1p52)));
    m_code.vector(sse::pxor, reg::float_scratch, reg::float_scratch);
    m_code.vector(sse::shufps, to, reg::float_scratch, even_then_zeros);
    push_vector(to);
}

/// Halves of 16 bits become the low bits of 2^39 and of 2^23, from which these are taken without rounding;
/// only the sum is rounded.
void MachineSink::convert_unsigned_f32() {
    Value x = pop();
    const Xmm high = to_owned_xmm(x);
    const Xmm low = reg::float_scratch;
    m_code.move(low, high);
    m_code.vector(sse::pand, low, vector_at(of_32(0xffff)));
    m_code.vector(sse::por, low, vector_at(of_floats(0x1p23F)));
    m_code.vector_shift(sse::psrld, high, 16);
    m_code.vector(sse::por, high, vector_at(of_floats(0x1p39F)));
    m_code.vector(sse::subps, high, vector_at(of_floats(0x1p39F + 0x1p23F)));
    m_code.vector(sse::addps, high, low);
    push_vector(high);
}

/// The low bits of 2^52, which is taken away.
void MachineSink::convert_unsigned_f64() {
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    m_code.vector(sse::unpcklps, to, vector_at(of_32(0x43300000)));
    m_code.vector(sse::subpd, to, vector_at(of_doubles(0x1p52)));
    push_vector(to);
}

}  // namespace wsb::jit
