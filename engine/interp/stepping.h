// SPDX-License-Identifier: Apache-2.0
// What happens when execution is no longer on the fast path: changing to the stepping form when fuel runs
// low, and finding out where in the module a cell came from.
#pragma once

#include "engine/interp/dispatch.h"
#include "engine/lower/lower.h"
#include "engine/runtime/tier.h"

#include <memory>
#include <optional>
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
    [[nodiscard]] lower::MachineSite site(const void* place) const noexcept;
};
[[nodiscard]] FoundCode find_code(const VmContext& context, const Word* cell) noexcept;

/// Lowers a function that is called for the first time; another thread may do the same.
/// @return false if there is no memory for it, or no time: see lack_of_code.
[[nodiscard]] bool lower_now(const runtime::CompiledModule& compiled, const Code& code,
                             const Patience& patience) noexcept;
/// The trap where a form of a function was needed and could not be made.
[[nodiscard]] TrapCode lack_of_code(const VmContext& context) noexcept;

/// Where a run goes on in stepping form, and P where it comes from, which the fuel register does not owe
/// there.
struct SteppingPlace {
    const Word* cell = nullptr;  ///< null if the stepping form cannot be made: see lack_of_code
    uint64_t potential = 0;
};
/// Of a settlement point in fast form or machine code; the cell itself if it is in stepping form or not in a
/// function. The frame at `sp` is the interpreter's from here on.
[[nodiscard]] SteppingPlace stepping_place(const VmContext& context, const Word* cell, Slot* sp) noexcept;

/// A slice of fuel is used up at a settlement point of the frame at `sp`: tells TierUp. @return where the run
/// goes on, which is in machine code if the function has any by now.
[[nodiscard]] const Word* sampled_place(const VmContext& context, const Word* cell, Slot* sp) noexcept;

// What follows lowers functions once more, unless it is known of large ones. Nothing if patience was over.

/// The settlement points of a function, in their order, and what is folded there, up to `most_folded`.
[[nodiscard]] std::optional<lower::Recording> settlement_points(const runtime::CompiledModule& module,
                                                                const Code& code, size_t most_folded,
                                                                const Patience& patience);

/// The cells of the fast form that do what these cells in machine code do: call or allocate.
[[nodiscard]] std::optional<std::vector<uint32_t>> fast_words(const FoundCode& found,
                                                              std::span<const Word* const> cells,
                                                              const Patience& patience);

/// Where each cell of a form came from.
class Origins {
public:
    [[nodiscard]] static std::optional<Origins> of(const FoundCode& found, const Patience& patience);
    /// `cell` is the first word of a cell, or one past a call's cell with `is_return`.
    [[nodiscard]] lower::CellOrigin at(const FoundCode& found, const Word* cell,
                                       bool is_return) const noexcept;
    [[nodiscard]] const lower::OriginTable& table() const noexcept { return *m_table; }

private:
    std::unique_ptr<const lower::OriginTable> m_own;
    const lower::OriginTable* m_table = nullptr;  ///< never null
};

/// Where a cell came from, of machine code as well.
[[nodiscard]] lower::CellOrigin locate(const FoundCode& found, const Word* cell);

/// Which slots hold references while cells that call or allocate run; `words` are theirs in the form of
/// `found`, ascending. @return one for each word.
[[nodiscard]] std::optional<std::vector<lower::RootSet>> roots_at(const FoundCode& found,
                                                                  std::vector<uint32_t> words,
                                                                  const Patience& patience);

/// What functions that the host called return to.
[[nodiscard]] const Word* leave_cell() noexcept;

}  // namespace wsb::interp
