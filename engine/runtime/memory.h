// SPDX-License-Identifier: Apache-2.0
// A linear memory: address space for its whole possible size is reserved once and made accessible
// as it grows, so the base never moves.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/types.h"
#include "engine/runtime/vm_context.h"

#include <cstdint>
#include <memory>

namespace wsb::runtime {

class Memory final : public VmMemory {
public:
    /// Zeroed, of the minimum size. Charged to the store's limits until destroyed.
    /// @return limit_exceeded if a limit forbids it, out_of_memory if the system does.
    [[nodiscard]] static Result<std::unique_ptr<Memory>> create(Store& store, const MemoryType& type);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory();

    /// @return the previous size in pages, or -1 if the maximum, a limit or the system refused.
    [[nodiscard]] int64_t grow(uint64_t delta_pages) noexcept;

    /// As declared.
    [[nodiscard]] const MemoryType& type() const noexcept { return m_type; }
    /// For matching: the current size as minimum.
    [[nodiscard]] MemoryType current_type() const noexcept;

private:
    Memory(Store& store, const MemoryType& type) noexcept : m_store(&store), m_type(type) {}
    [[nodiscard]] bool reserve() noexcept;
    [[nodiscard]] bool commit(uint64_t new_size_bytes) noexcept;

    Store* m_store;
    MemoryType m_type;
    uint64_t m_reserved_bytes = 0;
};

}  // namespace wsb::runtime
