// SPDX-License-Identifier: Apache-2.0
// Fuel of cells whose work the guest chooses: [base slot | op | settle][index | index2][cost |
// is_stepping]. Operands begin at the base slot. The cell settles, then charges its static cost and
// ceil(units / 64) together: if there is not enough for that and the way to the next check, the stepping
// form takes over, and stops if there is not enough for the operation itself.
#pragma once

#include "engine/interp/dispatch.h"

namespace wsb::interp {

inline constexpr int64_t denied = INT64_MIN;

/// Charges a bulk cell. @return the fuel register, or `denied` if the cell must not run.
[[nodiscard]] inline int64_t charge_bulk(const Word* ip, uint64_t units, int64_t fuel) noexcept {
    const auto cost = static_cast<int64_t>(static_cast<uint32_t>(ip[3])) +
                      static_cast<int64_t>(units / 64 + (units % 64 != 0 ? 1 : 0));
    const bool is_stepping = (ip[3] >> 32) != 0;
    const int64_t floor = is_stepping ? -fuel_bias : 0;
    return fuel - cost < floor ? denied : fuel - cost;
}

/// Where a bulk cell that must not run goes: to stepping, or out of fuel.
#define WSB_BULK_DENIED()                         \
    do {                                          \
        if ((ip[3] >> 32) != 0)                   \
            WSB_TRAP_WITH(TrapCode::out_of_fuel); \
        WSB_CONTINUE(fuel_low);                   \
    } while (false)

}  // namespace wsb::interp
