// SPDX-License-Identifier: Apache-2.0
// Vectors in slots: a v128 takes two, the lower half first.
#pragma once

#include "engine/interp/numeric.h"
#include "engine/semantics/simd_float.h"
#include "engine/semantics/simd_int.h"

namespace wsb::interp {

using semantics::V128;

[[nodiscard, gnu::always_inline]] inline V128 read_vector(const Slot* slot) noexcept {
    V128 value;
    std::memcpy(&value, slot, sizeof value);
    return value;
}
[[gnu::always_inline]] inline void write_vector(Slot* slot, V128 value) noexcept {
    std::memcpy(slot, &value, sizeof value);
}

/// An operand of the type that a letter of the instruction table says.
template <char letter>
[[nodiscard, gnu::always_inline]] inline auto read_operand(const Slot* slot) noexcept {
    if constexpr (letter == 'v')
        return read_vector(slot);
    else if constexpr (letter == 'i')
        return read_slot<uint32_t>(slot);
    else if constexpr (letter == 'l')
        return read_slot<uint64_t>(slot);
    else if constexpr (letter == 'f')
        return read_slot<float>(slot);
    else
        return read_slot<double>(slot);
}

}  // namespace wsb::interp
