// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/table.h"

#include "engine/isa/limits.h"
#include "engine/runtime/pieces.h"

#include <algorithm>
#include <cstdlib>

namespace wsb::runtime {

Result<std::unique_ptr<Table>> Table::create(Store& store, const TableType& type, Slot init) {
    if (!store.charge_table(0, 1))
        return fail(ErrorCode::limit_exceeded, "number of tables of the store");
    // From here on the destructor gives back what was charged.
    std::unique_ptr<Table> table(new (std::nothrow) Table(store, type));
    if (table == nullptr) {
        store.release_table(0, 1);
        return fail(ErrorCode::out_of_memory, "table");
    }
    if (table->grow(type.limits_elements.min, init) < 0)
        return fail(ErrorCode::limit_exceeded, "table elements");
    return table;
}

Table::~Table() {
    std::free(elements);
    m_store->release_table(size, 1);
}

int64_t Table::grow(uint64_t delta, Slot init) noexcept {
    const uint64_t most = std::min<uint64_t>(limits::table_elements,
                                             m_type.limits_elements.max.value_or(limits::table_elements));
    if (size > most || delta > most - size || !m_store->charge_table(delta, 0))
        return -1;
    const uint64_t old_size = size;
    const uint64_t new_size = size + delta;
    if (new_size > m_capacity) {
        // Growth by halves keeps the cost of many small steps linear.
        const uint64_t capacity = std::min(most, std::max(new_size, m_capacity + m_capacity / 2));
        // SAFETY: slots are trivially copyable; capacity is at most limits::table_elements.
        void* moved = std::realloc(elements, capacity * sizeof(Slot));
        if (moved == nullptr) {
            m_store->release_table(delta, 0);
            return -1;
        }
        elements = static_cast<Slot*>(moved);
        m_capacity = capacity;
    }
    const auto fill = [&](uint64_t offset, uint64_t piece) noexcept {
        std::fill_n(elements + old_size + offset, piece, init);
    };
    if (!in_pieces(*m_store, delta, piece_bytes / sizeof(Slot), false, fill)) {
        m_store->release_table(delta, 0);
        return -1;
    }
    size = new_size;
    return static_cast<int64_t>(old_size);
}

void Table::restore(std::span<const Slot> initial) noexcept {
    // What growth took is given back.
    if (size != initial.size() && initial.empty()) {
        std::free(elements);
        elements = nullptr;
        m_capacity = 0;
    } else if (size != initial.size()) {
        if (void* moved = std::realloc(elements, initial.size_bytes()); moved != nullptr) {
            elements = static_cast<Slot*>(moved);
            m_capacity = initial.size();
        }
    }
    std::ranges::copy(initial, elements);
    size = initial.size();
}

TableType Table::current_type() const noexcept {
    TableType type = m_type;
    type.limits_elements.min = size;
    return type;
}

}  // namespace wsb::runtime
