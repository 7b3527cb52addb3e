// SPDX-License-Identifier: Apache-2.0
// The door between the runtime and the execution tiers above it: one virtual call per module, per entry
// from the host and per trap, never per instruction.
#pragma once

#include "engine/base/patience.h"
#include "engine/base/result.h"
#include "engine/isa/op_counts.h"
#include "engine/lower/code_index.h"
#include "engine/lower/code_memory.h"
#include "engine/runtime/config.h"
#include "engine/runtime/vm_context.h"

#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wsb::runtime {

struct CompiledModule;

/// Decides while a module runs which of its functions get machine code. Thread-safe.
class TierUp {
public:
    virtual ~TierUp() = default;
    /// The function, which is the module's own, was found running in the interpreter. It may have
    /// machine code afterwards, unless patience is over first.
    virtual void sample(const CompiledModule& module, const lower::Code& code,
                        const Patience& patience) noexcept = 0;
};

/// A module with its executable form, shared between threads and stores. Immutable, but that functions may
/// be lowered while it is in use.
struct CompiledModule {
    Module module;
    std::shared_ptr<TypeRegistry> registry;
    std::unique_ptr<lower::Code[]> codes;        ///< by function index minus imported_funcs
    lower::CodeMemory code_memory;               ///< for the cells of those lowered at load
    mutable lower::CodeIndex code_index;         ///< of those that are lowered
    std::shared_ptr<const void> machine_memory;  ///< what machine code lies in, if there is any
    OpCounts* executed = nullptr;                ///< see EngineState
    /// How every tier has to compile it, now and later: each NaN that an instruction makes
    /// (isa/nan_results.h) is the positive canonical one.
    bool canonical_nans = false;
    CodeNames code_names = {};  ///< who is told of machine code, now and later
    /// Machine code may count on it that a memory 0 whose type can_be_guarded has a guard region.
    bool has_guard_regions = false;
    /// Null: no function's form changes. Its thread ends before anything else of the module does.
    std::unique_ptr<TierUp> tier_up;
};

/// How bodies are compiled.
struct CompileOptions {
    unsigned threads = 1;  ///< 0: one for each processor
    bool is_lazy = false;  ///< validate all, translate each when it is first called
    std::optional<std::chrono::steady_clock::time_point> deadline = {};
    uint64_t most_bytes = UINT64_MAX;  ///< of what bodies become
    uint32_t hot_samples = 0;          ///< see TieringPolicy
    bool in_background = false;        ///< see Config::background_compilation
};

/// A frame of guest code, innermost first.
struct GuestFrame {
    const Module* module = nullptr;
    FuncIdx func;
    uint64_t offset_bytes = 0;  ///< in the module, of the instruction that trapped or called; or no_offset
};

class Heap;

/// Where a frame holds references while a cell runs.
struct FrameRoots {
    uint32_t header_slot = 0;  ///< of the frame
    std::vector<uint32_t> slots;
};
/// By the cell.
class RootMaps {
public:
    /// Null if it is not known.
    [[nodiscard]] const FrameRoots* find(const lower::Word* cell) const noexcept {
        const auto found = m_roots.find(cell);
        return found != m_roots.end() ? &found->second : nullptr;
    }
    void add(const lower::Word* cell, FrameRoots roots) {
        m_slots += roots.slots.size();
        m_roots.insert_or_assign(cell, std::move(roots));
    }
    void clear() noexcept {
        m_roots.clear();
        m_slots = 0;
    }
    /// Some megabytes of it.
    [[nodiscard]] bool are_many() const noexcept {
        constexpr size_t most_cells = 10'000, most_slots = 1'000'000;
        return m_roots.size() > most_cells || m_slots > most_slots;
    }

private:
    std::unordered_map<const lower::Word*, FrameRoots> m_roots;
    size_t m_slots = 0;  ///< of all of them
};

class Tier {
public:
    virtual ~Tier() = default;

    /// Validates every body of `compiled.module` (declarations have passed) and translates it, now or later.
    /// The verdict does not depend on the options.
    [[nodiscard]] virtual Result<void> compile(CompiledModule& compiled,
                                               const CompileOptions& options) const = 0;

    /// Runs a function: parameters in `slots`, results into `slots` (room for the larger of the two).
    /// Uses and updates context.fuel_left. On `trapped`, context.trap, trap_ip and trap_sp are set and
    /// context.fuel_left is exact to the instruction. Host functions are called directly.
    [[nodiscard]] virtual HostOutcome invoke(VmContext& context, const VmFunc& func,
                                             Slot* slots) const noexcept = 0;

    /// Marks every object that a frame of the guest stack refers to, those of all nested entries
    /// included. context.trap_ip and trap_sp are the innermost frame; `maps` is for what is learnt of cells.
    /// @return false if that cannot be known for lack of memory, or of time.
    [[nodiscard]] virtual bool mark_roots(const VmContext& context, RootMaps& maps,
                                          Heap& heap) const noexcept = 0;

    /// Frames of the guest stack at the last trap, or below the running host call; at most `max_frames`.
    [[nodiscard]] virtual std::vector<GuestFrame> backtrace(const VmContext& context,
                                                            size_t max_frames) const = 0;
};

}  // namespace wsb::runtime
