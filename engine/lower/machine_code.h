// SPDX-License-Identifier: Apache-2.0
// Machine code of a function, as another tier leaves it: in the same frames, entered, left and returned to
// through cells, so that whoever walks frames only has to know which instruction a place belongs to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <span>

namespace wsb::lower {

/// A place in machine code, or a cell in the data behind it, where a run may stop, call or change tiers.
struct MachineSite {
    static constexpr uint32_t no_point = ~uint32_t{0}, no_callee = ~uint32_t{0}, no_clause = ~uint32_t{0};

    uint32_t at = 0;            ///< bytes from the beginning
    uint32_t potential = 0;     ///< P when it traps: true fuel = F - P
    uint32_t offset_bytes = 0;  ///< in the module, of the instruction; modules are smaller than 4 GiB
    uint32_t point = no_point;  ///< which settlement point of the body it is, in their order
    /// Of a place that a call of one of the module's own functions returns to: which, among those.
    uint32_t callee = no_callee;
    uint32_t clause = no_clause;  ///< in Code::catches: the first one of the innermost block around it
};

/// An instruction that accesses memory without a check. What it does beyond the memory's end is a fault, and
/// the fault a trap. There is one for each access, so it is small.
struct MachineAccess {
    uint32_t at = 0;            ///< as above: where the machine instruction begins,
    uint32_t potential = 0;     ///< P there,
    uint32_t offset_bytes = 0;  ///< and where the module says so
};

/// An operand that the interpreter's forms do not store at a settlement point, since they know that it is a
/// constant or what a local has. Machine code wants it in its slot. Vectors are two.
struct FoldedOperand {
    static constexpr uint32_t no_slot = ~uint32_t{0};

    uint32_t slot = 0;
    uint32_t local_slot = no_slot;
    uint64_t bits = 0;  ///< of a constant
};

/// A settlement point in the interpreter's fast form and in machine code.
struct ChangePoint {
    uint32_t fast_word = 0;
    uint32_t at = 0;           ///< bytes: of the cell in machine code
    uint32_t end_operand = 0;  ///< in MachineCode::folded: its own begin where those of the point before end
};

/// One function. Immutable; it lies where what its spans show does (CodeMemory), and the bytes live as long.
struct MachineCode {
    const uint8_t* begin = nullptr;
    uint32_t size_bytes = 0;
    std::span<const MachineSite> sites;       ///< ascending
    std::span<const MachineAccess> accesses;  ///< ascending
    /// By clause of Code::catches: the cell where execution goes on, in bytes from the beginning.
    std::span<const uint32_t> landings;
    /// Where a run in the interpreter's fast form can go on here: its settlement points, ascending. None
    /// where functions have had their machine code from the start.
    std::span<const ChangePoint> changes;
    /// What has to be stored at them, point by point.
    std::span<const FoldedOperand> folded;

    [[nodiscard]] bool contains(const void* place) const noexcept {
        const auto* const byte = static_cast<const uint8_t*>(place);
        return !std::less<>{}(byte, begin) && std::less<>{}(byte, begin + size_bytes);
    }
    /// The site at a place, which may be an access as well.
    [[nodiscard]] std::optional<MachineSite> find(const void* place) const noexcept {
        const uint32_t at = offset_of(place);
        const auto found = std::ranges::lower_bound(sites, at, {}, &MachineSite::at);
        if (found != sites.end() && found->at == at)
            return *found;
        if (const MachineAccess* const access = find_access(place))
            return MachineSite{
                .at = at, .potential = access->potential, .offset_bytes = access->offset_bytes};
        return std::nullopt;
    }
    /// Null if there is none. Safe in signal handlers.
    [[nodiscard]] const MachineAccess* find_access(const void* place) const noexcept {
        const uint32_t at = offset_of(place);
        const auto found = std::ranges::lower_bound(accesses, at, {}, &MachineAccess::at);
        return found != accesses.end() && found->at == at ? &*found : nullptr;
    }
    /// What is known of a settlement point of the fast form; null if there is none. Of several points without
    /// a cell between them it is the last: the first may be the function's entry, where locals become zero.
    [[nodiscard]] const ChangePoint* change_at(uint32_t fast_word) const noexcept {
        const auto after = std::ranges::upper_bound(changes, fast_word, {}, &ChangePoint::fast_word);
        const bool is_known = after != changes.begin() && std::prev(after)->fast_word == fast_word;
        return is_known ? &*std::prev(after) : nullptr;
    }
    [[nodiscard]] std::span<const FoldedOperand> folded_at(const ChangePoint& change) const noexcept {
        const uint32_t first = &change == changes.data() ? 0 : (&change)[-1].end_operand;
        return folded.subspan(first, change.end_operand - first);
    }

private:
    [[nodiscard]] uint32_t offset_of(const void* place) const noexcept {
        return static_cast<uint32_t>(static_cast<const uint8_t*>(place) - begin);
    }
};

}  // namespace wsb::lower
