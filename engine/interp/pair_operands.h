// SPDX-License-Identifier: Apache-2.0
// The first of two instructions in one cell: a numeric one,
// [to | x | y | other operand of the second][immediate of the first | of the second],
// or a load, [to | x | y of the address | other operand][end | immediate].
#pragma once

#include "engine/interp/number_access.h"

namespace wsb::interp {

template <Operands shape>
inline constexpr bool has_immediate = shape == Operands::si || shape == Operands::ai;

template <Op first, Operands shape>
[[nodiscard, gnu::always_inline]] inline OperandOf<first> first_result(const Word* ip, const Slot* sp,
                                                                       uint64_t acc,
                                                                       FloatAccumulator facc) noexcept {
    using T = OperandOf<first>;
    const T x = shape == Operands::as || shape == Operands::ai ? from_accumulator<T>(acc, facc)
                                                               : read_slot<T>(sp + field<1>(ip));
    T y;
    if constexpr (has_immediate<shape>)
        y = field_at<T>(ip, 16);
    else if constexpr (shape == Operands::sa)
        y = from_accumulator<T>(acc, facc);
    else
        y = read_slot<T>(sp + field<2>(ip));
    return Operation<first>::apply(x, y);
}

/// The other operand of the second instruction.
template <class T, Operands shape>
[[nodiscard, gnu::always_inline]] inline T second_operand(const Word* ip, const Slot* sp) noexcept {
    if constexpr (has_immediate<shape>)
        return field_at<T>(ip, 20);
    else
        return read_slot<T>(sp + field<3>(ip));
}

template <lower::LoadAddress address>
[[nodiscard, gnu::always_inline]] inline uint64_t load_end(const Word* ip, const Slot* sp,
                                                           uint64_t acc) noexcept {
    const uint64_t end = field_at<uint32_t>(ip, 16);
    switch (address) {
        case lower::LoadAddress::slot: return sp[field<1>(ip)] + end;
        case lower::LoadAddress::accumulator: return acc + end;
        case lower::LoadAddress::sum_ss: return sum_address<Operands::ss>(ip, sp, acc) + end;
        case lower::LoadAddress::sum_as: return sum_address<Operands::as>(ip, sp, acc) + end;
        case lower::LoadAddress::sum_si: return sum_address<Operands::si>(ip, sp, acc) + end;
    }
}

}  // namespace wsb::interp
