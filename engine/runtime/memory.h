// SPDX-License-Identifier: Apache-2.0
// A linear memory of a store: address space for its whole possible size is reserved once and made accessible
// as it grows, so the base never moves. A shared one refers to bytes that other stores use as well.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/types.h"
#include "engine/runtime/reservation.h"
#include "engine/runtime/shared_memory.h"
#include "engine/runtime/vm_context.h"

#include <cstdint>
#include <memory>

namespace wsb::runtime {

class Memory final : public VmMemory {
public:
    /// Zeroed, of the minimum size. Charged to the store's limits until destroyed.
    /// @return limit_exceeded if a limit forbids it, out_of_memory if the system does.
    [[nodiscard]] static Result<std::unique_ptr<Memory>> create(Store& store, const MemoryType& type);
    /// The place of a shared memory in a store; there must be none yet. The store is charged with what the
    /// memory has now, and later with what the store itself grows it by. @return limit_exceeded.
    [[nodiscard]] static Result<std::unique_ptr<Memory>> attach(Store& store,
                                                                std::shared_ptr<SharedMemory> shared);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory();

    /// @return the previous size in pages, or -1 if the maximum, a limit or the system refused.
    [[nodiscard]] int64_t grow(uint64_t delta_pages) noexcept;

    /// As declared.
    [[nodiscard]] const MemoryType& type() const noexcept { return m_type; }
    /// For matching: the current size as minimum.
    [[nodiscard]] MemoryType current_type() const noexcept;
    /// What it refers to; null unless it is shared.
    [[nodiscard]] const std::shared_ptr<SharedMemory>& shared() const noexcept { return m_shared; }

private:
    Memory(Store& store, const MemoryType& type) noexcept : m_store(&store), m_type(type) {}
    [[nodiscard]] static Result<std::unique_ptr<Memory>> make(Store& store, const MemoryType& type);

    Store* m_store;
    MemoryType m_type;
    uint64_t m_charged_bytes = 0;
    Reservation m_own;                       ///< not of a shared memory
    std::shared_ptr<SharedMemory> m_shared;  ///< of a shared memory only
};

}  // namespace wsb::runtime
