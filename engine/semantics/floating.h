// SPDX-License-Identifier: Apache-2.0
// Floating point instructions over IEEE 754 hardware. Sign operations work on bits, so that NaN payloads
// pass unchanged. Spec: exec/numerics#floating-point-operations
#pragma once

#include "engine/semantics/operation.h"

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace wsb::semantics {

template <class Float>
using BitsOf = std::conditional_t<sizeof(Float) == 4, uint32_t, uint64_t>;

template <class Float>
inline constexpr BitsOf<Float> sign_bit = BitsOf<Float>{1} << (8 * sizeof(Float) - 1);

template <class Float>
[[nodiscard]] constexpr Float with_sign_of(Float x, BitsOf<Float> sign_source) noexcept {
    const auto bits = std::bit_cast<BitsOf<Float>>(x);
    return std::bit_cast<Float>(
        static_cast<BitsOf<Float>>((bits & ~sign_bit<Float>) | (sign_source & sign_bit<Float>)));
}

/// Spec: exec/numerics#op-fmin: NaN wins, and -0 is below +0.
template <class Float>
[[nodiscard]] constexpr Float minimum(Float x, Float y) noexcept {
    if (x != x || y != y)
        return x + y;
    if (x == y)
        return std::bit_cast<Float>(
            static_cast<BitsOf<Float>>(std::bit_cast<BitsOf<Float>>(x) | std::bit_cast<BitsOf<Float>>(y)));
    return x < y ? x : y;
}

/// Spec: exec/numerics#op-fmax
template <class Float>
[[nodiscard]] constexpr Float maximum(Float x, Float y) noexcept {
    if (x != x || y != y)
        return x + y;
    if (x == y)
        return std::bit_cast<Float>(
            static_cast<BitsOf<Float>>(std::bit_cast<BitsOf<Float>>(x) & std::bit_cast<BitsOf<Float>>(y)));
    return x > y ? x : y;
}

/// Any NaN becomes the positive canonical one.
template <class Float>
[[nodiscard]] constexpr Float with_canonical_nan(Float x) noexcept {
    return x == x ? x : std::numeric_limits<Float>::quiet_NaN();
}

// Rounding: the library may return a signalling NaN as it is, so NaNs are quieted first (x + x).
// Spec: exec/numerics#nan-propagation

// Compare and arithmetic rows are the same for both widths.
#define WSB_FLOAT(t, Type)                                                           \
    WSB_COMPARE(t##_eq, Type, x == y)                                                \
    WSB_COMPARE(t##_ne, Type, x != y)                                                \
    WSB_COMPARE(t##_lt, Type, x < y)                                                 \
    WSB_COMPARE(t##_gt, Type, x > y)                                                 \
    WSB_COMPARE(t##_le, Type, x <= y)                                                \
    WSB_COMPARE(t##_ge, Type, x >= y)                                                \
    WSB_UNARY(t##_abs, Type, Type, with_sign_of(x, 0))                               \
    WSB_UNARY(t##_neg, Type, Type, with_sign_of(x, ~std::bit_cast<BitsOf<Type>>(x))) \
    WSB_UNARY(t##_ceil, Type, Type, (x != x ? x + x : std::ceil(x)))                 \
    WSB_UNARY(t##_floor, Type, Type, (x != x ? x + x : std::floor(x)))               \
    WSB_UNARY(t##_trunc, Type, Type, (x != x ? x + x : std::trunc(x)))               \
    WSB_UNARY(t##_nearest, Type, Type, (x != x ? x + x : std::nearbyint(x)))         \
    WSB_UNARY(t##_sqrt, Type, Type, std::sqrt(x))                                    \
    WSB_BINARY(t##_add, Type, x + y)                                                 \
    WSB_BINARY(t##_sub, Type, x - y)                                                 \
    WSB_BINARY(t##_mul, Type, x* y)                                                  \
    WSB_BINARY(t##_div, Type, x / y)                                                 \
    WSB_BINARY(t##_min, Type, minimum(x, y))                                         \
    WSB_BINARY(t##_max, Type, maximum(x, y))                                         \
    WSB_BINARY(t##_copysign, Type, with_sign_of(x, std::bit_cast<BitsOf<Type>>(y)))

WSB_FLOAT(f32, float)
WSB_FLOAT(f64, double)

#undef WSB_FLOAT

}  // namespace wsb::semantics
