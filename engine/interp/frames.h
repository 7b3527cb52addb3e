// SPDX-License-Identifier: Apache-2.0
// Guest frames from the inside out: for backtraces, for exceptions, and for the references they hold.
#pragma once

#include "engine/interp/stepping.h"

namespace wsb::interp {

/// Words of a cell that calls: a callee returns that far behind its first word.
inline constexpr int call_words = 3;

/// A guest frame, and where it stands.
struct Place {
    const Word* cell = nullptr;  ///< the cell under way; if `is_return`, the one behind a call's
    Slot* sp = nullptr;
    VmInstance* instance = nullptr;  ///< followed only by who gives the first one
    bool is_return = false;

    /// The first word of the cell under way.
    [[nodiscard]] const Word* cell_under_way() const noexcept { return is_return ? cell - call_words : cell; }
    /// Goes to the caller's frame. At the outermost one of an entry, `cell` is in no function then.
    void to_caller(uint32_t header_slot) noexcept {
        const Slot* const header = sp + header_slot;
        cell = reinterpret_cast<const Word*>(header[0] & ~lower::native_return_flag);
        sp = reinterpret_cast<Slot*>(header[1]);
        is_return = true;
        if (cell == header + 2) {
            instance = reinterpret_cast<VmInstance*>(header[3]);
            cell = reinterpret_cast<const Word*>(header[4]);
        }
    }
};

/// See Tier::mark_roots.
[[nodiscard]] bool mark_frames(const VmContext& context, runtime::RootMaps& maps,
                               runtime::Heap& heap) noexcept;

}  // namespace wsb::interp
