// SPDX-License-Identifier: Apache-2.0
// Vector instructions on bits and integer lanes. Lanes are unsigned wherever a result can wrap.
// Relaxed instructions have one meaning here, on every machine (docs/conformance.md).
#pragma once

#include "engine/semantics/simd.h"

namespace wsb::semantics {

template <class Signed, class Unsigned>
[[nodiscard, gnu::always_inline]] inline Vec<Unsigned> absolute(Vec<Signed> x) noexcept {
    const auto negative = lanes<Unsigned>(x < Vec<Signed>{});
    return (lanes<Unsigned>(x) ^ negative) - negative;
}

/// Bits set in each byte: pairs, then nibbles, then bytes are summed.
[[nodiscard, gnu::always_inline]] inline U8 population(U8 x) noexcept {
    const auto lane = [](uint8_t value) { return U8{} + value; };
    const U64 ones = lanes<uint64_t>(lane(0x55)), pairs = lanes<uint64_t>(lane(0x33)),
              nibbles = lanes<uint64_t>(lane(0x0f));
    U64 sum = lanes<uint64_t>(x);
    sum = (sum & ones) + ((sum >> 1) & ones);
    sum = (sum & pairs) + ((sum >> 2) & pairs);
    sum = (sum & nibbles) + ((sum >> 4) & nibbles);
    return lanes<uint8_t>(sum);
}

template <class Lane>
[[nodiscard, gnu::always_inline]] inline bool all_true(Vec<Lane> x) noexcept {
    return _mm_movemask_epi8(reinterpret_cast<__m128i>(x == Vec<Lane>{})) == 0;
}

/// The bytes of x at the indices y; 0 where an index is above 15.
[[nodiscard, gnu::always_inline]] inline __m128i swizzle(__m128i x, __m128i y) noexcept {
    // pshufb gives 0 where bit 7 is set: saturation sets it for all that is above 15.
    return _mm_shuffle_epi8(x, _mm_adds_epu8(y, _mm_set1_epi8(0x70)));
}

/// Spec: exec/numerics#op-iq15mulrsat-s. Only -1 * -1 saturates; there pmulhrsw gives -1.
[[nodiscard, gnu::always_inline]] inline S16 q15_multiply(__m128i x, __m128i y) noexcept {
    const auto product = reinterpret_cast<S16>(_mm_mulhrs_epi16(x, y));
    return product ^ (product == S16{} + std::numeric_limits<int16_t>::min());
}

/// Even and odd lanes as lanes of twice the width: sign-extended if `Wide` is signed.
template <class Wide, class Vector>
[[nodiscard, gnu::always_inline]] inline Vec<Wide> odd_lanes(Vector x) noexcept {
    return lanes<Wide>(x) >> (4 * sizeof(Wide));
}
template <class Wide, class Vector>
[[nodiscard, gnu::always_inline]] inline Vec<Wide> even_lanes(Vector x) noexcept {
    using Bits = std::make_unsigned_t<Wide>;
    return lanes<Wide>(lanes<Bits>(x) << (4 * sizeof(Wide))) >> (4 * sizeof(Wide));
}

/// Sums of neighbours, which never overflow the wide lanes.
template <class Wide, class Vector>
[[nodiscard, gnu::always_inline]] inline Vec<Wide> add_pairs(Vector x) noexcept {
    return even_lanes<Wide>(x) + odd_lanes<Wide>(x);
}

/// Sums of the products of neighbouring signed bytes, modulo 2^16.
[[nodiscard, gnu::always_inline]] inline U16 dot_bytes(V128 x, V128 y) noexcept {
    const auto even = [](V128 v) { return lanes<uint16_t>(even_lanes<int16_t>(v)); };
    const auto odd = [](V128 v) { return lanes<uint16_t>(odd_lanes<int16_t>(v)); };
    return even(x) * even(y) + odd(x) * odd(y);
}

// Bits
WSB_VECTOR_1(v128_not, V128, ~x)
WSB_VECTOR_2(v128_and, V128, x& y)
WSB_VECTOR_2(v128_andnot, V128, x & ~y)
WSB_VECTOR_2(v128_or, V128, x | y)
WSB_VECTOR_2(v128_xor, V128, x ^ y)
WSB_VECTOR_3(v128_bitselect, V128, (x & z) | (y & ~z))
WSB_VECTOR_TEST(v128_any_true, __m128i, _mm_testz_si128(x, x) == 0)

// Every shape of integer lanes: t, signed and unsigned vector, signed and unsigned lane
#define WSB_INTEGER_LANES(t, S, U, SignedLane, Lane)          \
    WSB_VECTOR_2(t##_eq, U, x == y)                           \
    WSB_VECTOR_2(t##_ne, U, x != y)                           \
    WSB_VECTOR_2(t##_lt_s, S, x < y)                          \
    WSB_VECTOR_2(t##_gt_s, S, x > y)                          \
    WSB_VECTOR_2(t##_le_s, S, x <= y)                         \
    WSB_VECTOR_2(t##_ge_s, S, x >= y)                         \
    WSB_VECTOR_1(t##_abs, S, (absolute<SignedLane, Lane>(x))) \
    WSB_VECTOR_1(t##_neg, U, -x)                              \
    WSB_VECTOR_TEST(t##_all_true, U, all_true<Lane>(x))       \
    WSB_VECTOR_SHIFT(t##_shl, U, Lane, x << n)                \
    WSB_VECTOR_SHIFT(t##_shr_s, S, SignedLane, x >> n)        \
    WSB_VECTOR_SHIFT(t##_shr_u, U, Lane, x >> n)              \
    WSB_VECTOR_2(t##_add, U, x + y)                           \
    WSB_VECTOR_2(t##_sub, U, x - y)
WSB_INTEGER_LANES(i8x16, S8, U8, int8_t, uint8_t)
WSB_INTEGER_LANES(i16x8, S16, U16, int16_t, uint16_t)
WSB_INTEGER_LANES(i32x4, S32, U32, int32_t, uint32_t)
WSB_INTEGER_LANES(i64x2, S64, U64, int64_t, uint64_t)
#undef WSB_INTEGER_LANES

// Lanes of up to 32 bits
#define WSB_NARROW_LANES(t, S, U)             \
    WSB_VECTOR_2(t##_lt_u, U, x < y)          \
    WSB_VECTOR_2(t##_gt_u, U, x > y)          \
    WSB_VECTOR_2(t##_le_u, U, x <= y)         \
    WSB_VECTOR_2(t##_ge_u, U, x >= y)         \
    WSB_VECTOR_2(t##_min_s, S, x < y ? x : y) \
    WSB_VECTOR_2(t##_min_u, U, x < y ? x : y) \
    WSB_VECTOR_2(t##_max_s, S, x > y ? x : y) \
    WSB_VECTOR_2(t##_max_u, U, x > y ? x : y)
WSB_NARROW_LANES(i8x16, S8, U8)
WSB_NARROW_LANES(i16x8, S16, U16)
WSB_NARROW_LANES(i32x4, S32, U32)
#undef WSB_NARROW_LANES

// Saturating and averaging arithmetic: lanes of 8 and 16 bits
#define WSB_SATURATING(t, width)                                    \
    WSB_VECTOR_2(t##_add_sat_s, __m128i, _mm_adds_epi##width(x, y)) \
    WSB_VECTOR_2(t##_add_sat_u, __m128i, _mm_adds_epu##width(x, y)) \
    WSB_VECTOR_2(t##_sub_sat_s, __m128i, _mm_subs_epi##width(x, y)) \
    WSB_VECTOR_2(t##_sub_sat_u, __m128i, _mm_subs_epu##width(x, y)) \
    WSB_VECTOR_2(t##_avgr_u, __m128i, _mm_avg_epu##width(x, y))
WSB_SATURATING(i8x16, 8)
WSB_SATURATING(i16x8, 16)
#undef WSB_SATURATING

WSB_VECTOR_2(i16x8_mul, U16, x* y)
WSB_VECTOR_2(i32x4_mul, U32, x* y)
WSB_VECTOR_2(i64x2_mul, U64, x* y)
WSB_VECTOR_1(i8x16_popcnt, U8, population(x))
WSB_VECTOR_2(i16x8_q15mulr_sat_s, __m128i, q15_multiply(x, y))
WSB_VECTOR_2(i32x4_dot_i16x8_s, __m128i, _mm_madd_epi16(x, y))

WSB_VECTOR_TEST(i8x16_bitmask, __m128i, _mm_movemask_epi8(x))
WSB_VECTOR_TEST(i16x8_bitmask, __m128i, _mm_movemask_epi8(_mm_packs_epi16(x, _mm_setzero_si128())))
WSB_VECTOR_TEST(i32x4_bitmask, __m128, _mm_movemask_ps(x))
WSB_VECTOR_TEST(i64x2_bitmask, __m128d, _mm_movemask_pd(x))

WSB_VECTOR_2(i8x16_narrow_i16x8_s, __m128i, _mm_packs_epi16(x, y))
WSB_VECTOR_2(i8x16_narrow_i16x8_u, __m128i, _mm_packus_epi16(x, y))
WSB_VECTOR_2(i16x8_narrow_i32x4_s, __m128i, _mm_packs_epi32(x, y))
WSB_VECTOR_2(i16x8_narrow_i32x4_u, __m128i, _mm_packus_epi32(x, y))

// From lanes `f` of type From to lanes `t` of type To, twice as wide; s is the signedness. Products of
// extended lanes never overflow.
#define WSB_EXTEND(t, f, s, From, To)                                                                       \
    WSB_VECTOR_1(t##_extend_low_##f##_##s, V128, (extend<From, To, false>(x)))                              \
    WSB_VECTOR_1(t##_extend_high_##f##_##s, V128, (extend<From, To, true>(x)))                              \
    WSB_VECTOR_2(t##_extmul_low_##f##_##s, V128, (extend<From, To, false>(x) * extend<From, To, false>(y))) \
    WSB_VECTOR_2(t##_extmul_high_##f##_##s, V128, (extend<From, To, true>(x) * extend<From, To, true>(y)))
WSB_EXTEND(i16x8, i8x16, s, int8_t, int16_t)
WSB_EXTEND(i16x8, i8x16, u, uint8_t, uint16_t)
WSB_EXTEND(i32x4, i16x8, s, int16_t, int32_t)
WSB_EXTEND(i32x4, i16x8, u, uint16_t, uint32_t)
WSB_EXTEND(i64x2, i32x4, s, int32_t, int64_t)
WSB_EXTEND(i64x2, i32x4, u, uint32_t, uint64_t)
#undef WSB_EXTEND

WSB_VECTOR_1(i16x8_extadd_pairwise_i8x16_s, V128, add_pairs<int16_t>(x))
WSB_VECTOR_1(i16x8_extadd_pairwise_i8x16_u, V128, add_pairs<uint16_t>(x))
WSB_VECTOR_1(i32x4_extadd_pairwise_i16x8_s, V128, add_pairs<int32_t>(x))
WSB_VECTOR_1(i32x4_extadd_pairwise_i16x8_u, V128, add_pairs<uint32_t>(x))

// Lanes by index, splats
WSB_VECTOR_2(i8x16_swizzle, __m128i, swizzle(x, y))
WSB_VECTOR_FROM(i8x16_splat, uint32_t, _mm_set1_epi8(static_cast<char>(x)))
WSB_VECTOR_FROM(i16x8_splat, uint32_t, _mm_set1_epi16(static_cast<int16_t>(x)))
WSB_VECTOR_FROM(i32x4_splat, uint32_t, U32{} + x)
WSB_VECTOR_FROM(i64x2_splat, uint64_t, U64{} + x)

/// Lanes 0 to 15 are those of x, 16 to 31 those of y; an index is one of them.
template <>
struct Operation<Op::i8x16_shuffle> {
    [[nodiscard]] static V128 apply(V128 x, V128 y, V128 indices) noexcept {
        const auto index = reinterpret_cast<__m128i>(indices);
        const __m128i from_y = _mm_sub_epi8(index, _mm_set1_epi8(16));  // those of x become negative
        return reinterpret_cast<V128>(_mm_or_si128(swizzle(reinterpret_cast<__m128i>(x), index),
                                                   _mm_shuffle_epi8(reinterpret_cast<__m128i>(y), from_y)));
    }
};

#define WSB_EXTRACT(op, Lane, Type)                                                   \
    template <>                                                                       \
    struct Operation<Op::op> {                                                        \
        using Result = Type;                                                          \
        [[nodiscard]] static Type apply(V128 x, size_t lane) noexcept {               \
            return static_cast<Type>(lanes<Lane>(x)[lane & (16 / sizeof(Lane) - 1)]); \
        }                                                                             \
    };
#define WSB_REPLACE(op, Lane, Type)                                                 \
    template <>                                                                     \
    struct Operation<Op::op> {                                                      \
        using Scalar = Type;                                                        \
        [[nodiscard]] static V128 apply(V128 x, Type value, size_t lane) noexcept { \
            auto changed = lanes<Lane>(x);                                          \
            changed[lane & (16 / sizeof(Lane) - 1)] = static_cast<Lane>(value);     \
            return reinterpret_cast<V128>(changed);                                 \
        }                                                                           \
    };
WSB_EXTRACT(i8x16_extract_lane_s, int8_t, uint32_t)
WSB_EXTRACT(i8x16_extract_lane_u, uint8_t, uint32_t)
WSB_EXTRACT(i16x8_extract_lane_s, int16_t, uint32_t)
WSB_EXTRACT(i16x8_extract_lane_u, uint16_t, uint32_t)
WSB_EXTRACT(i32x4_extract_lane, uint32_t, uint32_t)
WSB_EXTRACT(i64x2_extract_lane, uint64_t, uint64_t)
WSB_EXTRACT(f32x4_extract_lane, float, float)
WSB_EXTRACT(f64x2_extract_lane, double, double)
WSB_REPLACE(i8x16_replace_lane, uint8_t, uint32_t)
WSB_REPLACE(i16x8_replace_lane, uint16_t, uint32_t)
WSB_REPLACE(i32x4_replace_lane, uint32_t, uint32_t)
WSB_REPLACE(i64x2_replace_lane, uint64_t, uint64_t)
WSB_REPLACE(f32x4_replace_lane, float, float)
WSB_REPLACE(f64x2_replace_lane, double, double)
// Between memory and a lane: the loads replace, the stores extract.
WSB_REPLACE(v128_load8_lane, uint8_t, uint8_t)
WSB_REPLACE(v128_load16_lane, uint16_t, uint16_t)
WSB_REPLACE(v128_load32_lane, uint32_t, uint32_t)
WSB_REPLACE(v128_load64_lane, uint64_t, uint64_t)
WSB_EXTRACT(v128_store8_lane, uint8_t, uint8_t)
WSB_EXTRACT(v128_store16_lane, uint16_t, uint16_t)
WSB_EXTRACT(v128_store32_lane, uint32_t, uint32_t)
WSB_EXTRACT(v128_store64_lane, uint64_t, uint64_t)
#undef WSB_EXTRACT
#undef WSB_REPLACE

// Loads, from what memory holds
WSB_VECTOR_FROM(v128_load, V128, x)
WSB_VECTOR_FROM(v128_load8x8_s, uint64_t, (extend<int8_t, int16_t, false>(U64{x, 0})))
WSB_VECTOR_FROM(v128_load8x8_u, uint64_t, (extend<uint8_t, uint16_t, false>(U64{x, 0})))
WSB_VECTOR_FROM(v128_load16x4_s, uint64_t, (extend<int16_t, int32_t, false>(U64{x, 0})))
WSB_VECTOR_FROM(v128_load16x4_u, uint64_t, (extend<uint16_t, uint32_t, false>(U64{x, 0})))
WSB_VECTOR_FROM(v128_load32x2_s, uint64_t, (extend<int32_t, int64_t, false>(U64{x, 0})))
WSB_VECTOR_FROM(v128_load32x2_u, uint64_t, (extend<uint32_t, uint64_t, false>(U64{x, 0})))
WSB_VECTOR_FROM(v128_load8_splat, uint8_t, U8{} + x)
WSB_VECTOR_FROM(v128_load16_splat, uint16_t, U16{} + x)
WSB_VECTOR_FROM(v128_load32_splat, uint32_t, U32{} + x)
WSB_VECTOR_FROM(v128_load64_splat, uint64_t, U64{} + x)
WSB_VECTOR_FROM(v128_load32_zero, uint32_t, (U64{x, 0}))
WSB_VECTOR_FROM(v128_load64_zero, uint64_t, (U64{x, 0}))

// Relaxed
WSB_VECTOR_2(i8x16_relaxed_swizzle, __m128i, swizzle(x, y))
WSB_VECTOR_3(i8x16_relaxed_laneselect, V128, (x & z) | (y & ~z))
WSB_VECTOR_3(i16x8_relaxed_laneselect, V128, (x & z) | (y & ~z))
WSB_VECTOR_3(i32x4_relaxed_laneselect, V128, (x & z) | (y & ~z))
WSB_VECTOR_3(i64x2_relaxed_laneselect, V128, (x & z) | (y & ~z))
WSB_VECTOR_2(i16x8_relaxed_q15mulr_s, __m128i, q15_multiply(x, y))
WSB_VECTOR_2(i16x8_relaxed_dot_i8x16_i7x16_s, V128, dot_bytes(x, y))
WSB_VECTOR_3(i32x4_relaxed_dot_i8x16_i7x16_add_s, V128,
             lanes<uint32_t>(add_pairs<int32_t>(dot_bytes(x, y))) + lanes<uint32_t>(z))

}  // namespace wsb::semantics
