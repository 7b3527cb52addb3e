// SPDX-License-Identifier: Apache-2.0
// A module with its imports, ready to be instantiated in any store of its engine: what would be the same each
// time is done once.
#pragma once

#include "engine/runtime/instance.h"
#include "engine/runtime/memory_image.h"
#include "engine/runtime/slot_space.h"

#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <variant>
#include <vector>

namespace wsb::runtime {

/// A host function that is of no store yet; see Store::host_func.
struct HostImport {
    CanonId type = 0;
    HostEntry entry = nullptr;
    std::shared_ptr<void> environment;
};
using PreparedImport = std::variant<HostImport, std::shared_ptr<SharedMemory>>;

/// Immutable; safe to use from any thread.
class Prepared {
public:
    /// `imports` are in the module's order. @return incompatible_import. Throws std::bad_alloc.
    [[nodiscard]] static Result<std::shared_ptr<const Prepared>> create(
        std::shared_ptr<const CompiledModule> compiled, std::vector<PreparedImport> imports);

    [[nodiscard]] const std::shared_ptr<const CompiledModule>& compiled() const noexcept {
        return m_compiled;
    }
    /// The imports as items of a store. @return limit_exceeded.
    [[nodiscard]] Result<std::vector<ExternItem>> enter(Store& store) const;
    /// Its own functions, but for the instance they live in.
    [[nodiscard]] std::span<const VmFunc> funcs() const noexcept { return m_funcs; }
    /// Where active segments go, by segment.
    [[nodiscard]] std::span<const uint64_t> elem_offsets() const noexcept { return m_elem_offsets; }
    [[nodiscard]] std::span<const uint64_t> data_offsets() const noexcept { return m_data_offsets; }

    /// By index of a memory, imported ones left out. Made when first asked for. Throws std::bad_alloc.
    [[nodiscard]] const std::deque<MemoryImage>& images() const;
    /// Whether all that its instances change is their own, and the images say how their memories begin.
    [[nodiscard]] bool is_resettable() const;

private:
    Prepared(std::shared_ptr<const CompiledModule> compiled, std::vector<PreparedImport> imports)
        : m_compiled(std::move(compiled)), m_imports(std::move(imports)) {}
    [[nodiscard]] Result<void> match() const;
    void evaluate_offsets();

    std::shared_ptr<const CompiledModule> m_compiled;
    std::vector<PreparedImport> m_imports;
    std::vector<VmFunc> m_funcs;
    std::vector<uint64_t> m_elem_offsets;
    std::vector<uint64_t> m_data_offsets;
    mutable std::mutex m_mutex;
    mutable std::deque<MemoryImage> m_images;
};

/// Instantiates without looking at the imports again; see instance.h.
[[nodiscard]] CallResult<Instance*> instantiate(Store& store, const Prepared& prepared);

/// The same without the start function, in a store that is to be reset: with memories that can be.
/// `memory` is where the first of them goes if it fits there.
[[nodiscard]] CallResult<Instance*> populate(Store& store, const Prepared& prepared,
                                             const MemorySpace& memory);

/// Runs the start function, if there is one.
[[nodiscard]] CallResult<void> run_start(Instance& instance);

}  // namespace wsb::runtime
