// SPDX-License-Identifier: Apache-2.0
// 128-bit integers as pairs of i64. Spec: proposals/wide-arithmetic
#pragma once

#include "engine/semantics/operation.h"

namespace wsb::semantics {

__extension__ using Uint128 = unsigned __int128;
__extension__ using Int128 = __int128;

/// In the order of the operand stack.
struct Wide {
    uint64_t low = 0;
    uint64_t high = 0;
    constexpr bool operator==(const Wide&) const noexcept = default;
};

[[nodiscard]] constexpr Uint128 joined(Wide value) noexcept {
    return static_cast<Uint128>(value.high) << 64 | value.low;
}
[[nodiscard]] constexpr Wide halves(Uint128 value) noexcept {
    return {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)};
}

#define WSB_WIDE(op, Type, expression)                                       \
    template <>                                                              \
    struct Operation<Op::op> {                                               \
        using Operand = Type;                                                \
        [[nodiscard]] static constexpr Wide apply(Type x, Type y) noexcept { \
            return halves(expression);                                       \
        }                                                                    \
    };

WSB_WIDE(i64_add128, Wide, joined(x) + joined(y))
WSB_WIDE(i64_sub128, Wide, joined(x) - joined(y))
// A product of two 64-bit numbers always fits.
WSB_WIDE(i64_mul_wide_s, uint64_t,
         static_cast<Uint128>(static_cast<Int128>(static_cast<int64_t>(x)) * static_cast<int64_t>(y)))
WSB_WIDE(i64_mul_wide_u, uint64_t, static_cast<Uint128>(x) * y)

#undef WSB_WIDE

}  // namespace wsb::semantics
