// SPDX-License-Identifier: Apache-2.0
// Which instructions make NaNs whose sign and payload the standard leaves open: all that compute with floats,
// but for those on bits (abs, neg, copysign), moves, and the selecting pmin and pmax.
// Spec: exec/numerics#nan-propagation
#pragma once

#include "engine/isa/opcode.h"

#include <cstdint>

namespace wsb {

/// Where such a NaN may be in the result.
enum class NanResult : uint8_t { none, f32, f64, f32x4, f64x2 };

[[nodiscard]] constexpr NanResult nan_result(Op op) noexcept {
    switch (op) {
#define WSB_COMPUTED(t)   \
    case Op::t##_ceil:    \
    case Op::t##_floor:   \
    case Op::t##_trunc:   \
    case Op::t##_nearest: \
    case Op::t##_sqrt:    \
    case Op::t##_add:     \
    case Op::t##_sub:     \
    case Op::t##_mul:     \
    case Op::t##_div:     \
    case Op::t##_min:     \
    case Op::t##_max:
#define WSB_RELAXED(t)         \
    case Op::t##_relaxed_min:  \
    case Op::t##_relaxed_max:  \
    case Op::t##_relaxed_madd: \
    case Op::t##_relaxed_nmadd:
        WSB_COMPUTED(f32)
        case Op::f32_demote_f64: return NanResult::f32; WSB_COMPUTED(f64)
        case Op::f64_promote_f32:
            return NanResult::f64;
            WSB_COMPUTED(f32x4)
            WSB_RELAXED(f32x4)
        case Op::f32x4_demote_f64x2_zero:
            return NanResult::f32x4;
            WSB_COMPUTED(f64x2)
            WSB_RELAXED(f64x2)
        case Op::f64x2_promote_low_f32x4: return NanResult::f64x2;
#undef WSB_RELAXED
#undef WSB_COMPUTED
        default: return NanResult::none;
    }
}

}  // namespace wsb
