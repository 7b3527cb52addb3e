// SPDX-License-Identifier: Apache-2.0
// Conversions between numeric types. Spec: exec/numerics#conversions
#pragma once

#include "engine/semantics/integer.h"
#include "engine/semantics/operation.h"

#include <bit>
#include <limits>

namespace wsb::semantics {

/// Exclusive bounds of the floats that truncate into Int: the values just outside, exactly representable.
/// (INT_MIN - 1 is exact in double for 32-bit Int; where it is not, INT_MIN itself is in range and the
/// bound is the next float below it.)
template <class Int, class Float>
struct TruncationBounds {
    static constexpr int int_digits = std::numeric_limits<Int>::digits;
    static constexpr int float_digits = std::numeric_limits<Float>::digits;
    static constexpr Float power = [] {
        Float result = 1;
        for (int i = 0; i < int_digits; ++i)
            result *= 2;
        return result;
    }();
    /// x < upper
    static constexpr Float upper = power;
    /// x > lower, or x >= lower if lower_is_inclusive
    static constexpr bool lower_is_inclusive = std::is_signed_v<Int> && float_digits <= int_digits;
    static constexpr Float lower =
        std::is_signed_v<Int> ? (lower_is_inclusive ? -power : -power - Float{1}) : Float{-1};

    [[nodiscard]] static constexpr bool above_lower(Float x) noexcept {
        return lower_is_inclusive ? x >= lower : x > lower;
    }
};

template <class Int, class Float>
[[nodiscard]] constexpr TrapCode check_truncate(Float x) noexcept {
    using Bounds = TruncationBounds<Int, Float>;
    if (x != x)
        return TrapCode::invalid_conversion;
    return Bounds::above_lower(x) && x < Bounds::upper ? TrapCode::none : TrapCode::integer_overflow;
}

/// Spec: exec/numerics#op-trunc-sat-u, op-trunc-sat-s
template <class Int, class Float>
[[nodiscard]] constexpr std::make_unsigned_t<Int> truncate_saturating(Float x) noexcept {
    using Bounds = TruncationBounds<Int, Float>;
    using Limits = std::numeric_limits<Int>;
    if (x != x)
        return 0;
    if (!Bounds::above_lower(x))
        return static_cast<std::make_unsigned_t<Int>>(Limits::min());
    if (!(x < Bounds::upper))
        return static_cast<std::make_unsigned_t<Int>>(Limits::max());
    return static_cast<std::make_unsigned_t<Int>>(static_cast<Int>(x));
}

#define WSB_TRUNCATE(op, Float, Int)                                      \
    template <>                                                           \
    struct Operation<Op::op> {                                            \
        using Operand = Float;                                            \
        using Result = std::make_unsigned_t<Int>;                         \
        [[nodiscard]] static constexpr TrapCode check(Float x) noexcept { \
            return check_truncate<Int, Float>(x);                         \
        }                                                                 \
        [[nodiscard]] static constexpr Result apply(Float x) noexcept {   \
            return static_cast<Result>(static_cast<Int>(x));              \
        }                                                                 \
    };

WSB_TRUNCATE(i32_trunc_f32_s, float, int32_t)
WSB_TRUNCATE(i32_trunc_f32_u, float, uint32_t)
WSB_TRUNCATE(i32_trunc_f64_s, double, int32_t)
WSB_TRUNCATE(i32_trunc_f64_u, double, uint32_t)
WSB_TRUNCATE(i64_trunc_f32_s, float, int64_t)
WSB_TRUNCATE(i64_trunc_f32_u, float, uint64_t)
WSB_TRUNCATE(i64_trunc_f64_s, double, int64_t)
WSB_TRUNCATE(i64_trunc_f64_u, double, uint64_t)
#undef WSB_TRUNCATE

WSB_UNARY(i32_trunc_sat_f32_s, float, uint32_t, (truncate_saturating<int32_t, float>(x)))
WSB_UNARY(i32_trunc_sat_f32_u, float, uint32_t, (truncate_saturating<uint32_t, float>(x)))
WSB_UNARY(i32_trunc_sat_f64_s, double, uint32_t, (truncate_saturating<int32_t, double>(x)))
WSB_UNARY(i32_trunc_sat_f64_u, double, uint32_t, (truncate_saturating<uint32_t, double>(x)))
WSB_UNARY(i64_trunc_sat_f32_s, float, uint64_t, (truncate_saturating<int64_t, float>(x)))
WSB_UNARY(i64_trunc_sat_f32_u, float, uint64_t, (truncate_saturating<uint64_t, float>(x)))
WSB_UNARY(i64_trunc_sat_f64_s, double, uint64_t, (truncate_saturating<int64_t, double>(x)))
WSB_UNARY(i64_trunc_sat_f64_u, double, uint64_t, (truncate_saturating<uint64_t, double>(x)))

WSB_UNARY(i32_wrap_i64, uint64_t, uint32_t, static_cast<uint32_t>(x))
WSB_UNARY(i64_extend_i32_s, uint32_t, uint64_t, sign_extend<int32_t>(uint64_t{x}))
WSB_UNARY(i64_extend_i32_u, uint32_t, uint64_t, x)

WSB_UNARY(f32_convert_i32_s, uint32_t, float, static_cast<float>(as_signed(x)))
WSB_UNARY(f32_convert_i32_u, uint32_t, float, static_cast<float>(x))
WSB_UNARY(f32_convert_i64_s, uint64_t, float, static_cast<float>(as_signed(x)))
WSB_UNARY(f32_convert_i64_u, uint64_t, float, static_cast<float>(x))
WSB_UNARY(f64_convert_i32_s, uint32_t, double, static_cast<double>(as_signed(x)))
WSB_UNARY(f64_convert_i32_u, uint32_t, double, static_cast<double>(x))
WSB_UNARY(f64_convert_i64_s, uint64_t, double, static_cast<double>(as_signed(x)))
WSB_UNARY(f64_convert_i64_u, uint64_t, double, static_cast<double>(x))
WSB_UNARY(f32_demote_f64, double, float, static_cast<float>(x))
WSB_UNARY(f64_promote_f32, float, double, static_cast<double>(x))

WSB_UNARY(i32_reinterpret_f32, float, uint32_t, std::bit_cast<uint32_t>(x))
WSB_UNARY(i64_reinterpret_f64, double, uint64_t, std::bit_cast<uint64_t>(x))
WSB_UNARY(f32_reinterpret_i32, uint32_t, float, std::bit_cast<float>(x))
WSB_UNARY(f64_reinterpret_i64, uint64_t, double, std::bit_cast<double>(x))

}  // namespace wsb::semantics
