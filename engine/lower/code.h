// SPDX-License-Identifier: Apache-2.0
// A function lowered to register form: cells of 64-bit words, each cell beginning with its handler's
// address. Immutable once published.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/module/module.h"

namespace wsb::lower {

using Word = uint64_t;

/// A point where all values are in their canonical slots, so that execution may change from the fast
/// form to the stepping form of the same function.
struct EntryPoint {
    uint32_t word = 0;          ///< index of the cell's first word
    uint32_t offset_bytes = 0;  ///< in the module, of the next instruction
};

/// Slots a frame keeps between its locals and its operands: return address, caller's sp, and for calls
/// between instances the caller's instance and true return address.
inline constexpr uint32_t frame_header_slots = 4;

/// One lowered function. Layout of its frame in slots of 8 bytes:
/// [parameters][other locals] ... [header at header_slot][operands]; results replace the parameters.
struct Code {
    const Word* entry = nullptr;     ///< first cell
    uint32_t frame_slots = 0;        ///< the whole frame
    uint32_t header_slot = 0;        ///< max(local slots, result slots)
    uint32_t param_slots = 0;
    uint32_t zeroed_slots = 0;       ///< locals after the parameters, set to zero at entry
    uint32_t result_slots = 0;
    FuncIdx func;
    const Module* module = nullptr;
    std::unique_ptr<Word[]> words;
    uint32_t word_count = 0;
    std::vector<EntryPoint> entry_points;  ///< ascending by word
};

}  // namespace wsb::lower
