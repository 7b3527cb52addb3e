// SPDX-License-Identifier: Apache-2.0
// A function lowered to register form: cells of 64-bit words, each cell beginning with its handler's
// address. Immutable once published, which is at load or when the function is first called.
#pragma once

#include "engine/lower/machine_code.h"
#include "engine/lower/origin_table.h"
#include "engine/module/module.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace wsb::lower {

using Word = uint64_t;

/// Slots a frame keeps between its locals and its operands: return address, caller's sp, and for calls
/// between instances a cell of its own that brings the caller's instance back.
inline constexpr uint32_t frame_header_slots = 5;

/// Set in a return address by machine code that calls: the cell there has a second word, and machine code may
/// return to the address in that, with the frame left as it is. Whoever else reads a return address clears it
/// first; of frames that the interpreter runs it never is set.
inline constexpr uint64_t native_return_flag = 1;

/// What one instruction may have in slots on its way, above the operands before and after it.
inline constexpr uint32_t passing_slots = 2;

struct SteppingForm;

/// A catch clause over a range of cells. Inner ones come before outer ones, clauses in their order.
struct CatchRange {
    static constexpr uint32_t none = ~uint32_t{0};

    uint32_t begin_word = 0, end_word = 0;
    uint32_t landing_word = 0;       ///< where execution goes on
    uint32_t base_slot = 0;          ///< where the exception's values go
    uint32_t reference_slot = none;  ///< where the reference goes if it is wanted: an operand at the landing
    TagIdx tag;
    bool catches_all = false;
    /// A legacy `delegate` catches nothing: the search goes on with the clause `next_clause`, which is
    /// `none` if the caller is next.
    bool is_delegate = false;
    uint32_t next_clause = none;
    uint32_t end_clause = 0;       ///< one behind the last clause of the same block
    uint32_t outer_clause = none;  ///< the first clause of the block around it (catch_index.h)
};

/// From this word on, up to the next start, the innermost block is the one with this first clause.
struct CatchStart {
    uint32_t word = 0;
    uint32_t clause = CatchRange::none;
};

/// One function and, once it is lowered, its cells. Layout of its frame in slots of 8 bytes:
/// [parameters][other locals] ... [header at header_slot][operands]; results replace the parameters.
struct Code {
    /// The frame size of what cannot run yet: it fits into no stack, so that a call finds out by the check
    /// that it makes anyway.
    static constexpr uint32_t unknown_slots = ~uint32_t{0};

    /// Where machine code jumps to call it. First, so that machine code knows where it is.
    std::atomic<const void*> native_entry = nullptr;
    static constexpr size_t native_entry_offset = 0;
    /// Where everybody else goes: the first cell, or the cell that enters its machine code.
    std::atomic<const Word*> entry = nullptr;
    const Word* words = nullptr;  ///< the cells
    /// The whole frame, the same in every tier: the most operands that an instruction begins with, and
    /// passing_slots. Written last: who reads a known size (acquire) may use `entry` and what belongs to it.
    std::atomic<uint32_t> frame_slots = unknown_slots;
    // Known of each function from the start (outline):
    uint32_t header_slot = 0;  ///< max(local slots, result slots)
    uint32_t param_slots = 0;
    uint32_t zeroed_slots = 0;  ///< locals after the parameters, set to zero at entry
    uint32_t result_slots = 0;
    FuncIdx func;
    const Module* module = nullptr;
    // Known when it is lowered; of what has machine code perhaps never:
    std::atomic<bool> is_lowered = false;  ///< written last of these
    uint32_t word_count = 0;
    std::unique_ptr<Word[]> own_words;  ///< null if they lie in the module's CodeMemory
    std::vector<CatchRange> catches;
    std::vector<CatchStart> catch_starts;        ///< ascending
    std::unique_ptr<const OriginTable> origins;  ///< of large functions

    /// The stepping form of the same function, made when fuel runs low for the first time.
    mutable std::atomic<const SteppingForm*> stepping = nullptr;
    /// Its machine code, if another tier has made any, which owns it. Published before `entry` leads there.
    mutable std::atomic<const MachineCode*> machine = nullptr;

    Code() = default;
    Code(const Code&) = delete;
    Code& operator=(const Code&) = delete;
    ~Code();

    [[nodiscard]] bool can_run() const noexcept {
        return frame_slots.load(std::memory_order_acquire) != unknown_slots;
    }
    /// Takes over what lowering found out. The outlines must be equal, and this one not be lowered yet.
    void publish(Code&& lowered) noexcept;
    /// Something of that frame can run from here on.
    void publish_frame(uint32_t slots) noexcept;

    /// Of the cells and what is kept with them.
    [[nodiscard]] uint64_t size_bytes() const noexcept {
        return uint64_t{word_count} * sizeof(Word) + (origins != nullptr ? origins->size_bytes() : 0);
    }
    [[nodiscard]] bool contains(const Word* cell) const noexcept {
        return cell >= words && cell < words + word_count;
    }
};

/// A function lowered with a fuel step before every instruction, and where its settlement points (entry,
/// loop headers, bulk operations, returns of calls) lie in the fast form.
struct SteppingForm {
    Code code;
    struct Point {
        uint32_t fast_word = 0, word = 0;  ///< of the same settlement point in the fast form and in `code`
        uint32_t potential = 0;            ///< P in the fast form; in `code` it is always 0
    };
    std::vector<Point> points;  ///< ascending
};

}  // namespace wsb::lower
