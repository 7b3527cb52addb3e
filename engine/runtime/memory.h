// SPDX-License-Identifier: Apache-2.0
// A linear memory of a store: address space for its whole possible size is reserved once and made accessible
// as it grows, so the base never moves. A shared one refers to bytes that other stores use as well.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/types.h"
#include "engine/runtime/memory_image.h"
#include "engine/runtime/reservation.h"
#include "engine/runtime/shared_memory.h"
#include "engine/runtime/vm_context.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace wsb::runtime {

/// Where a memory that can be reset is to be, and what it holds at first.
struct MemoryPlace {
    MemorySpace space;                   ///< empty, or too small for it: it gets its own
    const MemoryImage* image = nullptr;  ///< null: zeros
};

class Memory final : public VmMemory {
public:
    /// Zeroed, of the minimum size. Charged to the store's limits until destroyed.
    /// @return limit_exceeded if a limit forbids it, out_of_memory if the system does.
    [[nodiscard]] static Result<std::unique_ptr<Memory>> create(Store& store, const MemoryType& type);
    /// The same, with a content that `reset` puts back. Not for shared ones.
    [[nodiscard]] static Result<std::unique_ptr<Memory>> create_resettable(Store& store,
                                                                           const MemoryType& type,
                                                                           const MemoryPlace& place);
    /// The place of a shared memory in a store; there must be none yet. The store is charged with what the
    /// memory has now, and later with what the store itself grows it by. @return limit_exceeded.
    [[nodiscard]] static Result<std::unique_ptr<Memory>> attach(Store& store,
                                                                std::shared_ptr<SharedMemory> shared);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory();

    /// @return the previous size in pages, or -1 if the maximum, a limit or the system refused.
    [[nodiscard]] int64_t grow(uint64_t delta_pages) noexcept;

    /// Of a resettable one: size and content as at first; the store's account is the caller's. `is_watched`:
    /// see ResettableRange, but for what expose tells. @return nullopt if the system refuses: then the
    /// memory must not be used again.
    [[nodiscard]] std::optional<ResetKind> reset(bool is_watched, const ResetPolicy& policy) noexcept;
    /// The host gets hold of the bytes, so that they may change without the store's knowledge.
    void expose() noexcept { m_is_exposed = true; }

    /// See can_be_guarded.
    [[nodiscard]] bool is_guarded() const noexcept { return m_own.reach_bytes() >= guarded_bytes; }

    /// As declared.
    [[nodiscard]] const MemoryType& type() const noexcept { return m_type; }
    /// For matching: the current size as minimum.
    [[nodiscard]] MemoryType current_type() const noexcept;
    /// What it refers to; null unless it is shared.
    [[nodiscard]] const std::shared_ptr<SharedMemory>& shared() const noexcept { return m_shared; }

private:
    Memory(Store& store, const MemoryType& type) noexcept : m_store(&store), m_type(type) {}
    [[nodiscard]] Result<void> charge_and_commit(uint64_t wanted_bytes);
    /// There, or in address space of its own.
    [[nodiscard]] Result<void> find_space(const MemorySpace& space);
    [[nodiscard]] static Result<std::unique_ptr<Memory>> make(Store& store, const MemoryType& type);

    Store* m_store;
    MemoryType m_type;
    uint64_t m_charged_bytes = 0;
    Reservation m_own;                       ///< not of a shared memory
    std::shared_ptr<SharedMemory> m_shared;  ///< of a shared memory only
    ResettableRange m_initial;               ///< of a resettable one: what there was at first
    uint64_t m_initial_bytes = 0;
    bool m_is_exposed = false;
};

}  // namespace wsb::runtime
