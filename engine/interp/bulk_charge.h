// SPDX-License-Identifier: Apache-2.0
// Fuel of cells whose work the guest chooses: [base slot | op | settle][index | index2][cost |
// is_stepping]. Operands begin at the base slot. The cell settles, then charges its static cost and
// ceil(units / 64) together: if there is not enough for that and the way to the next check, the next slice is
// asked for, or else the stepping form takes over, and stops if there is not enough for the operation itself.
#pragma once

#include "engine/interp/dispatch.h"

namespace wsb::interp {

inline constexpr int64_t denied = INT64_MIN;

/// Static cost and that of the work.
[[nodiscard]] inline int64_t bulk_cost(const Word* ip, uint64_t units) noexcept {
    return static_cast<int64_t>(static_cast<uint32_t>(ip[3])) +
           static_cast<int64_t>(units / 64 + (units % 64 != 0 ? 1 : 0));
}

/// Charges a bulk cell. @return the fuel register, or `denied` if the cell must not run.
[[nodiscard]] inline int64_t charge_bulk(const Word* ip, uint64_t units, int64_t fuel) noexcept {
    const int64_t cost = bulk_cost(ip, units);
    const bool is_stepping = (ip[3] >> 32) != 0;
    const int64_t floor = is_stepping ? -fuel_bias : 0;
    return fuel - cost < floor ? denied : fuel - cost;
}

/// A bulk cell was denied context->fuel_asked, and is settled: the next slice, stepping, or out of fuel.
WSB_HANDLER bulk_low(WSB_STATE);

/// Accumulators stay, since the cell may begin anew.
#define WSB_BULK_DENIED(units)                      \
    do {                                            \
        context->fuel_asked = bulk_cost(ip, units); \
        WSB_CONTINUE(bulk_low);                     \
    } while (false)

}  // namespace wsb::interp
