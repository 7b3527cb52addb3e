// SPDX-License-Identifier: Apache-2.0
// Machine code of a function, as another tier leaves it: in the same frames, entered, left and returned to
// through cells, so that whoever walks frames only has to know which instruction a place belongs to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace wsb::lower {

/// A place in machine code, or a cell in the data behind it, where a run may stop, call or change tiers.
struct MachineSite {
    static constexpr uint32_t no_point = ~uint32_t{0}, no_clause = ~uint32_t{0};

    uint32_t at = 0;              ///< bytes from the beginning
    uint32_t potential = 0;       ///< P when it traps: true fuel = F - P
    uint64_t offset_bytes = 0;    ///< in the module, of the instruction
    uint32_t point = no_point;    ///< which settlement point of the body it is, in their order
    uint32_t clause = no_clause;  ///< in Code::catches: the first one of the innermost block around it
};

/// One function. Immutable; the bytes live as long as the module.
struct MachineCode {
    const uint8_t* begin = nullptr;
    uint32_t size_bytes = 0;
    std::vector<MachineSite> sites;  ///< ascending
    /// By clause of Code::catches: the cell where execution goes on, in bytes from the beginning.
    std::vector<uint32_t> landings;

    [[nodiscard]] bool contains(const void* place) const noexcept {
        const auto* const byte = static_cast<const uint8_t*>(place);
        return !std::less<>{}(byte, begin) && std::less<>{}(byte, begin + size_bytes);
    }
    /// The site at a place; null if there is none.
    [[nodiscard]] const MachineSite* find(const void* place) const noexcept {
        const auto at = static_cast<uint32_t>(static_cast<const uint8_t*>(place) - begin);
        const auto found = std::ranges::lower_bound(sites, at, {}, &MachineSite::at);
        return found != sites.end() && found->at == at ? &*found : nullptr;
    }
};

}  // namespace wsb::lower
