// SPDX-License-Identifier: Apache-2.0
// What happens when execution is no longer on the fast path: changing to the stepping form when fuel runs
// low, and finding out where in the module a cell came from.
#pragma once

#include "engine/interp/dispatch.h"
#include "engine/lower/lower.h"
#include "engine/runtime/tier.h"

#include <span>
#include <vector>

namespace wsb::interp {

/// All handlers' addresses.
[[nodiscard]] const lower::HandlerTable& handlers();

/// The code that a cell belongs to, and the module it is of; null if the cell is in a frame header or
/// ends the interpreter.
struct FoundCode {
    const runtime::CompiledModule* module = nullptr;
    const Code* code = nullptr;  ///< the fast form
    lower::FoundForm::Kind kind{};

    [[nodiscard]] bool is_stepping() const noexcept { return kind == lower::FoundForm::Kind::stepping; }
    [[nodiscard]] bool is_machine() const noexcept { return kind == lower::FoundForm::Kind::machine; }
    /// The form that the cell is in; of machine code the fast one, whose frames are the same.
    [[nodiscard]] const Code& form() const noexcept {
        return is_stepping() ? code->stepping.load(std::memory_order_acquire)->code : *code;
    }
    /// Of machine code: what is known of a place in it.
    [[nodiscard]] const lower::MachineSite& site(const void* place) const noexcept;
};
[[nodiscard]] FoundCode find_code(const VmContext& context, const Word* cell) noexcept;

/// Lowers a function that is called for the first time; another thread may do the same.
/// @return false if there is no memory for it.
[[nodiscard]] bool lower_now(const runtime::CompiledModule& compiled, const Code& code) noexcept;

/// Where a run goes on in stepping form, and P where it comes from, which the fuel register does not owe
/// there.
struct SteppingPlace {
    const Word* cell = nullptr;  ///< null if there is no memory for the stepping form
    uint64_t potential = 0;
};
/// Of a settlement point in fast form or machine code; the cell itself if it is in stepping form or not in a
/// function. The frame at `sp` is the interpreter's from here on.
[[nodiscard]] SteppingPlace stepping_place(const VmContext& context, const Word* cell, Slot* sp) noexcept;

/// The cells of the fast form that do what these cells in machine code do: call or allocate.
[[nodiscard]] Result<std::vector<uint32_t>> fast_words(const FoundCode& found,
                                                       std::span<const Word* const> cells);

/// Where each cell of a form came from, in their order: the function is lowered once more.
[[nodiscard]] Result<std::vector<lower::CellOrigin>> origins_of(const FoundCode& found);
/// Of these the cell's own, as `locate` has it.
[[nodiscard]] const lower::CellOrigin& origin_in(std::span<const lower::CellOrigin> origins,
                                                 const FoundCode& found, const Word* cell, bool is_return);

/// Where a cell came from. `cell` is the first word of a cell, or one past a call's cell with `is_return`.
[[nodiscard]] Result<lower::CellOrigin> locate(const FoundCode& found, const Word* cell, bool is_return);

/// Which slots hold references while cells that call or allocate run; `words` are theirs in the form of
/// `found`, ascending. @return one for each word.
[[nodiscard]] Result<std::vector<lower::RootSet>> roots_at(const FoundCode& found,
                                                           std::vector<uint32_t> words);

/// What functions that the host called return to.
[[nodiscard]] const Word* leave_cell() noexcept;

}  // namespace wsb::interp
