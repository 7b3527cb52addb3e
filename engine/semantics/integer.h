// SPDX-License-Identifier: Apache-2.0
// Integer instructions. Operands are unsigned, so that overflow wraps. Spec: exec/numerics#integer-operations
#pragma once

#include "engine/semantics/operation.h"

#include <bit>
#include <limits>

namespace wsb::semantics {

template <class Unsigned>
[[nodiscard]] constexpr auto as_signed(Unsigned x) noexcept {
    return static_cast<std::make_signed_t<Unsigned>>(x);
}

template <class Narrow, class Wide>
[[nodiscard]] constexpr Wide sign_extend(Wide x) noexcept {
    return static_cast<Wide>(static_cast<std::make_signed_t<Wide>>(static_cast<Narrow>(x)));
}

template <class Unsigned>
[[nodiscard]] constexpr int shift_count(Unsigned y) noexcept {
    return static_cast<int>(y & (std::numeric_limits<Unsigned>::digits - 1));
}

template <class Unsigned>
[[nodiscard]] constexpr Unsigned shift_right_signed(Unsigned x, Unsigned y) noexcept {
    return static_cast<Unsigned>(as_signed(x) >> shift_count(y));
}

/// Division that can trap. Spec: exec/numerics#op-idiv-s and the like
template <class Unsigned>
[[nodiscard]] constexpr TrapCode check_zero(Unsigned divisor) noexcept {
    return divisor == 0 ? TrapCode::integer_divide_by_zero : TrapCode::none;
}

template <class Unsigned>
[[nodiscard]] constexpr TrapCode check_div_s(Unsigned x, Unsigned y) noexcept {
    if (y == 0)
        return TrapCode::integer_divide_by_zero;
    constexpr Unsigned lowest = Unsigned{1} << (std::numeric_limits<Unsigned>::digits - 1);
    return x == lowest && y == static_cast<Unsigned>(-1) ? TrapCode::integer_overflow : TrapCode::none;
}

#define WSB_DIVISION(op, Type, check_expression, expression)                                      \
    template <>                                                                                   \
    struct Operation<Op::op> {                                                                    \
        using Operand = Type;                                                                     \
        using Result = Type;                                                                      \
        [[nodiscard]] static constexpr TrapCode check([[maybe_unused]] Type x, Type y) noexcept { \
            return check_expression;                                                              \
        }                                                                                         \
        [[nodiscard]] static constexpr Type apply(Type x, Type y) noexcept {                      \
            return expression;                                                                    \
        }                                                                                         \
    };

#define WSB_INTEGER(t, Type)                                                                         \
    WSB_UNARY(t##_eqz, Type, uint32_t, x == 0)                                                       \
    WSB_COMPARE(t##_eq, Type, x == y)                                                                \
    WSB_COMPARE(t##_ne, Type, x != y)                                                                \
    WSB_COMPARE(t##_lt_s, Type, as_signed(x) < as_signed(y))                                         \
    WSB_COMPARE(t##_lt_u, Type, x < y)                                                               \
    WSB_COMPARE(t##_gt_s, Type, as_signed(x) > as_signed(y))                                         \
    WSB_COMPARE(t##_gt_u, Type, x > y)                                                               \
    WSB_COMPARE(t##_le_s, Type, as_signed(x) <= as_signed(y))                                        \
    WSB_COMPARE(t##_le_u, Type, x <= y)                                                              \
    WSB_COMPARE(t##_ge_s, Type, as_signed(x) >= as_signed(y))                                        \
    WSB_COMPARE(t##_ge_u, Type, x >= y)                                                              \
    WSB_UNARY(t##_clz, Type, Type, static_cast<Type>(std::countl_zero(x)))                           \
    WSB_UNARY(t##_ctz, Type, Type, static_cast<Type>(std::countr_zero(x)))                           \
    WSB_UNARY(t##_popcnt, Type, Type, static_cast<Type>(std::popcount(x)))                           \
    WSB_BINARY(t##_add, Type, x + y)                                                                 \
    WSB_BINARY(t##_sub, Type, x - y)                                                                 \
    WSB_BINARY(t##_mul, Type, x* y)                                                                  \
    WSB_DIVISION(t##_div_s, Type, check_div_s(x, y), static_cast<Type>(as_signed(x) / as_signed(y))) \
    WSB_DIVISION(t##_div_u, Type, check_zero(y), x / y)                                              \
    WSB_DIVISION(t##_rem_s, Type, check_zero(y),                                                     \
                 as_signed(y) == -1 ? Type{0} : static_cast<Type>(as_signed(x) % as_signed(y)))      \
    WSB_DIVISION(t##_rem_u, Type, check_zero(y), x % y)                                              \
    WSB_BINARY(t##_and, Type, x& y)                                                                  \
    WSB_BINARY(t##_or, Type, x | y)                                                                  \
    WSB_BINARY(t##_xor, Type, x ^ y)                                                                 \
    WSB_BINARY(t##_shl, Type, x << shift_count(y))                                                   \
    WSB_BINARY(t##_shr_s, Type, shift_right_signed(x, y))                                            \
    WSB_BINARY(t##_shr_u, Type, x >> shift_count(y))                                                 \
    WSB_BINARY(t##_rotl, Type, std::rotl(x, shift_count(y)))                                         \
    WSB_BINARY(t##_rotr, Type, std::rotr(x, shift_count(y)))                                         \
    WSB_UNARY(t##_extend8_s, Type, Type, sign_extend<int8_t>(x))                                     \
    WSB_UNARY(t##_extend16_s, Type, Type, sign_extend<int16_t>(x))

WSB_INTEGER(i32, uint32_t)
WSB_INTEGER(i64, uint64_t)
WSB_UNARY(i64_extend32_s, uint64_t, uint64_t, sign_extend<int32_t>(x))

#undef WSB_INTEGER
#undef WSB_DIVISION

}  // namespace wsb::semantics
