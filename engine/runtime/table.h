// SPDX-License-Identifier: Apache-2.0
// A table of references.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/types.h"
#include "engine/runtime/vm_context.h"

#include <cstdint>
#include <memory>
#include <span>

namespace wsb::runtime {

class Table final : public VmTable {
public:
    /// Filled with `init`; the element type is canonical. Charged to the store's limits until
    /// destroyed.
    /// @return limit_exceeded or out_of_memory.
    [[nodiscard]] static Result<std::unique_ptr<Table>> create(Store& store, const TableType& type,
                                                               Slot init);
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    ~Table();

    /// May move the elements. @return the previous size, or -1 if the maximum or a limit refused.
    [[nodiscard]] int64_t grow(uint64_t delta, Slot init) noexcept;

    /// Size and elements as they were; the store's account is the caller's.
    void restore(std::span<const Slot> initial) noexcept;

    /// As declared, canonical.
    [[nodiscard]] const TableType& type() const noexcept { return m_type; }
    /// For matching: the current size as minimum.
    [[nodiscard]] TableType current_type() const noexcept;

private:
    Table(Store& store, const TableType& type) noexcept : m_store(&store), m_type(type) {}

    Store* m_store;
    TableType m_type;
    uint64_t m_capacity = 0;
};

}  // namespace wsb::runtime
