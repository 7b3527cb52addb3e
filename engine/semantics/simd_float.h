// SPDX-License-Identifier: Apache-2.0
// Vector instructions on float lanes, and conversions from and to them. Relaxed instructions have one
// meaning here, on every machine (docs/conformance.md).
#pragma once

#include "engine/semantics/simd.h"

namespace wsb::semantics {

template <class Float, class Bits>
inline constexpr Bits lane_sign = Bits{1} << (8 * sizeof(Bits) - 1);

/// Spec: exec/numerics#op-fmin: NaN wins, and -0 is below +0. Where the lanes are equal, the sign is that
/// of either.
template <class Float, class Bits>
[[nodiscard, gnu::always_inline]] inline Vec<Float> lane_minimum(Vec<Float> x, Vec<Float> y) noexcept {
    const Vec<Float> either = lanes<Float>(lanes<Bits>(x) | lanes<Bits>(y));
    const Vec<Float> equal_or_unordered = x == y ? either : x + y;
    const Vec<Float> not_less = x > y ? y : equal_or_unordered;
    return x < y ? x : not_less;
}

/// Spec: exec/numerics#op-fmax. Where the lanes are equal, the sign is that of both.
template <class Float, class Bits>
[[nodiscard, gnu::always_inline]] inline Vec<Float> lane_maximum(Vec<Float> x, Vec<Float> y) noexcept {
    const Vec<Float> both = lanes<Float>(lanes<Bits>(x) & lanes<Bits>(y));
    const Vec<Float> equal_or_unordered = x == y ? both : x + y;
    const Vec<Float> not_greater = x < y ? y : equal_or_unordered;
    return x > y ? x : not_greater;
}

/// NaNs become the positive canonical one.
template <class Float>
[[nodiscard, gnu::always_inline]] inline V128 with_canonical_nans(V128 lanes_of) noexcept {
    const auto x = lanes<Float>(lanes_of);
    const Vec<Float> canonical = Vec<Float>{} + std::numeric_limits<Float>::quiet_NaN();
    return reinterpret_cast<V128>(x == x ? x : canonical);
}

// cvtt gives INT32_MIN for everything outside of the range, which is right below it.

/// Spec: exec/numerics#op-trunc-sat-s
[[nodiscard, gnu::always_inline]] inline S32 truncate_signed(F32 x) noexcept {
    const F32 number = x == x ? x : F32{};
    const S32 truncated = reinterpret_cast<S32>(_mm_cvttps_epi32(number));
    return truncated ^ (number >= F32{} + 0x1p31F);  // above: INT32_MAX
}

/// Spec: exec/numerics#op-trunc-sat-u. The upper half of the range is truncated less 2^31.
[[nodiscard, gnu::always_inline]] inline U32 truncate_unsigned(F32 x) noexcept {
    const F32 number = x > F32{} ? x : F32{};
    const F32 half = F32{} + 0x1p31F;
    const auto low = reinterpret_cast<U32>(_mm_cvttps_epi32(number));
    const auto high = lanes<uint32_t>(truncate_signed(number - half)) + 0x8000'0000U;
    return number >= half ? high : low;
}

/// Two lanes, then zeros.
[[nodiscard, gnu::always_inline]] inline S32 truncate_signed(F64 x) noexcept {
    const F64 number = x == x ? x : F64{};
    const F64 highest = F64{} + 2147483647.0;
    return reinterpret_cast<S32>(_mm_cvttpd_epi32(number < highest ? number : highest));
}

/// Two lanes, then zeros. Once truncated and in range, 2^52 more has the integer in its low bits.
[[nodiscard, gnu::always_inline]] inline U32 truncate_unsigned(F64 x) noexcept {
    const F64 number = x > F64{} ? x : F64{};
    const F64 highest = F64{} + 4294967295.0;
    const F64 in_range = number < highest ? number : highest;
    const F64 whole = reinterpret_cast<F64>(_mm_round_pd(in_range, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
    const auto bits = lanes<uint32_t>(whole + 0x1p52);
    return U32{bits[0], bits[2], 0, 0};
}

template <class Int>
[[nodiscard, gnu::always_inline]] inline F64 convert_low(V128 x) noexcept {
    HalfVec<Int> low;
    std::memcpy(&low, &x, sizeof low);
    return __builtin_convertvector(low, F64);
}

// t, vector type, lane type, its bits, suffix of intrinsics. Spec: exec/numerics#op-fpmin, op-fpmax
#define WSB_FLOAT_LANES(t, F, Lane, Bits, suffix)                                                      \
    WSB_VECTOR_2(t##_eq, F, x == y)                                                                    \
    WSB_VECTOR_2(t##_ne, F, x != y)                                                                    \
    WSB_VECTOR_2(t##_lt, F, x < y)                                                                     \
    WSB_VECTOR_2(t##_gt, F, x > y)                                                                     \
    WSB_VECTOR_2(t##_le, F, x <= y)                                                                    \
    WSB_VECTOR_2(t##_ge, F, x >= y)                                                                    \
    WSB_VECTOR_1(t##_abs, Vec<Bits>, x & ~(lane_sign<Lane, Bits>))                                     \
    WSB_VECTOR_1(t##_neg, Vec<Bits>, x ^ (lane_sign<Lane, Bits>))                                      \
    WSB_VECTOR_1(t##_sqrt, F, _mm_sqrt_##suffix(x))                                                    \
    WSB_VECTOR_1(t##_ceil, F, _mm_ceil_##suffix(x))                                                    \
    WSB_VECTOR_1(t##_floor, F, _mm_floor_##suffix(x))                                                  \
    WSB_VECTOR_1(t##_trunc, F, _mm_round_##suffix(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC))          \
    WSB_VECTOR_1(t##_nearest, F, _mm_round_##suffix(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)) \
    WSB_VECTOR_2(t##_add, F, x + y)                                                                    \
    WSB_VECTOR_2(t##_sub, F, x - y)                                                                    \
    WSB_VECTOR_2(t##_mul, F, x* y)                                                                     \
    WSB_VECTOR_2(t##_div, F, x / y)                                                                    \
    WSB_VECTOR_2(t##_min, F, (lane_minimum<Lane, Bits>(x, y)))                                         \
    WSB_VECTOR_2(t##_max, F, (lane_maximum<Lane, Bits>(x, y)))                                         \
    WSB_VECTOR_2(t##_pmin, F, y < x ? y : x)                                                           \
    WSB_VECTOR_2(t##_pmax, F, x < y ? y : x)                                                           \
    WSB_VECTOR_FROM(t##_splat, Lane, _mm_set1_##suffix(x))                                             \
    WSB_VECTOR_2(t##_relaxed_min, F, (lane_minimum<Lane, Bits>(x, y)))                                 \
    WSB_VECTOR_2(t##_relaxed_max, F, (lane_maximum<Lane, Bits>(x, y)))                                 \
    WSB_VECTOR_3(t##_relaxed_madd, F, x* y + z)                                                        \
    WSB_VECTOR_3(t##_relaxed_nmadd, F, z - x * y)
WSB_FLOAT_LANES(f32x4, F32, float, uint32_t, ps)
WSB_FLOAT_LANES(f64x2, F64, double, uint64_t, pd)
#undef WSB_FLOAT_LANES

WSB_VECTOR_1(f32x4_demote_f64x2_zero, F64, _mm_cvtpd_ps(x))
WSB_VECTOR_1(f64x2_promote_low_f32x4, F32, _mm_cvtps_pd(x))
WSB_VECTOR_1(f32x4_convert_i32x4_s, S32, __builtin_convertvector(x, F32))
WSB_VECTOR_1(f32x4_convert_i32x4_u, U32, __builtin_convertvector(x, F32))
WSB_VECTOR_1(f64x2_convert_low_i32x4_s, V128, convert_low<int32_t>(x))
WSB_VECTOR_1(f64x2_convert_low_i32x4_u, V128, convert_low<uint32_t>(x))

WSB_VECTOR_1(i32x4_trunc_sat_f32x4_s, F32, truncate_signed(x))
WSB_VECTOR_1(i32x4_trunc_sat_f32x4_u, F32, truncate_unsigned(x))
WSB_VECTOR_1(i32x4_trunc_sat_f64x2_s_zero, F64, truncate_signed(x))
WSB_VECTOR_1(i32x4_trunc_sat_f64x2_u_zero, F64, truncate_unsigned(x))
WSB_VECTOR_1(i32x4_relaxed_trunc_f32x4_s, F32, truncate_signed(x))
WSB_VECTOR_1(i32x4_relaxed_trunc_f32x4_u, F32, truncate_unsigned(x))
WSB_VECTOR_1(i32x4_relaxed_trunc_f64x2_s_zero, F64, truncate_signed(x))
WSB_VECTOR_1(i32x4_relaxed_trunc_f64x2_u_zero, F64, truncate_unsigned(x))

}  // namespace wsb::semantics
