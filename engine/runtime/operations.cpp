// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/operations.h"

#include "engine/runtime/instance.h"
#include "engine/runtime/pieces.h"
#include "engine/runtime/store.h"
#include "engine/semantics/atomic.h"

#include <algorithm>
#include <cstring>

namespace wsb::runtime {

namespace {

/// Whether [offset, offset + count) is inside [0, size), without overflow.
constexpr bool inside(uint64_t offset, uint64_t count, uint64_t size) noexcept {
    return count <= size && offset <= size - count;
}

constexpr uint64_t piece_elements = piece_bytes / sizeof(Slot);

Store& store_of(const VmInstance& instance) noexcept {
    return *instance.context->store;
}

constexpr TrapCode outcome(bool is_done) noexcept {
    return is_done ? TrapCode::none : TrapCode::interrupted;
}

}  // namespace

int64_t memory_grow(VmInstance& instance, uint32_t memory, uint64_t delta_pages) noexcept {
    return static_cast<Memory*>(instance.memories[memory])->grow(delta_pages);
}

int64_t table_grow(VmInstance& instance, uint32_t table, Slot init, uint64_t delta) noexcept {
    return static_cast<Table*>(instance.tables[table])->grow(delta, init);
}

TrapCode memory_init(VmInstance& instance, uint32_t data, uint32_t memory, uint64_t target, uint64_t source,
                     uint64_t count) noexcept {
    const std::span<const uint8_t> bytes = owner_of(instance).data(data);
    const VmMemory& to = *instance.memories[memory];
    if (!inside(source, count, bytes.size()) || !inside(target, count, to.current_size_bytes()))
        return TrapCode::memory_out_of_bounds;
    // SAFETY: both ranges were checked above. A dropped segment has no address to give to memcpy.
    const auto copy = [&](uint64_t offset, uint64_t piece) noexcept {
        if (to.is_shared())
            semantics::copy_shared(to.base + target + offset, bytes.data() + source + offset, piece);
        else if (piece != 0)
            std::memcpy(to.base + target + offset, bytes.data() + source + offset, piece);
    };
    return outcome(in_pieces(store_of(instance), count, piece_bytes, false, copy));
}

TrapCode memory_copy(VmInstance& instance, uint32_t target_memory, uint32_t source_memory, uint64_t target,
                     uint64_t source, uint64_t count) noexcept {
    const VmMemory& to = *instance.memories[target_memory];
    const VmMemory& from = *instance.memories[source_memory];
    if (!inside(source, count, from.current_size_bytes()) || !inside(target, count, to.current_size_bytes()))
        return TrapCode::memory_out_of_bounds;
    // SAFETY: both ranges were checked above; they may overlap.
    const auto copy = [&](uint64_t offset, uint64_t piece) noexcept {
        if (to.is_shared() || from.is_shared())
            semantics::copy_shared(to.base + target + offset, from.base + source + offset, piece);
        else
            std::memmove(to.base + target + offset, from.base + source + offset, piece);
    };
    return outcome(in_pieces(store_of(instance), count, piece_bytes, target > source, copy));
}

TrapCode memory_fill(VmInstance& instance, uint32_t memory, uint64_t target, uint8_t value,
                     uint64_t count) noexcept {
    const VmMemory& to = *instance.memories[memory];
    if (!inside(target, count, to.current_size_bytes()))
        return TrapCode::memory_out_of_bounds;
    // SAFETY: the range was checked above.
    const auto fill = [&](uint64_t offset, uint64_t piece) noexcept {
        if (to.is_shared())
            semantics::fill_shared(to.base + target + offset, value, piece);
        else
            std::memset(to.base + target + offset, value, piece);
    };
    return outcome(in_pieces(store_of(instance), count, piece_bytes, false, fill));
}

TrapCode table_init(VmInstance& instance, uint32_t elem, uint32_t table, uint64_t target, uint64_t source,
                    uint64_t count) noexcept {
    const std::span<const Slot> slots = owner_of(instance).elem(elem);
    const VmTable& to = *instance.tables[table];
    if (!inside(source, count, slots.size()) || !inside(target, count, to.size))
        return TrapCode::table_out_of_bounds;
    const auto copy = [&](uint64_t offset, uint64_t piece) noexcept {
        std::copy_n(slots.begin() + static_cast<ptrdiff_t>(source + offset), piece,
                    to.elements + target + offset);
    };
    return outcome(in_pieces(store_of(instance), count, piece_elements, false, copy));
}

TrapCode table_copy(VmInstance& instance, uint32_t target_table, uint32_t source_table, uint64_t target,
                    uint64_t source, uint64_t count) noexcept {
    const VmTable& to = *instance.tables[target_table];
    const VmTable& from = *instance.tables[source_table];
    if (!inside(source, count, from.size) || !inside(target, count, to.size))
        return TrapCode::table_out_of_bounds;
    // SAFETY: both ranges were checked above; they may overlap. An empty table has no elements.
    const auto copy = [&](uint64_t offset, uint64_t piece) noexcept {
        if (piece != 0)
            std::memmove(to.elements + target + offset, from.elements + source + offset,
                         piece * sizeof(Slot));
    };
    return outcome(in_pieces(store_of(instance), count, piece_elements, target > source, copy));
}

TrapCode table_fill(VmInstance& instance, uint32_t table, uint64_t target, Slot value,
                    uint64_t count) noexcept {
    const VmTable& to = *instance.tables[table];
    if (!inside(target, count, to.size))
        return TrapCode::table_out_of_bounds;
    const auto fill = [&](uint64_t offset, uint64_t piece) noexcept {
        std::fill_n(to.elements + target + offset, piece, value);
    };
    return outcome(in_pieces(store_of(instance), count, piece_elements, false, fill));
}

void data_drop(VmInstance& instance, uint32_t data) noexcept {
    owner_of(instance).drop_data(data);
}

void elem_drop(VmInstance& instance, uint32_t elem) noexcept {
    owner_of(instance).drop_elem(elem);
}

bool func_type_matches(const VmInstance& instance, CanonId actual, CanonId expected) noexcept {
    return actual == expected || owner_of(instance).store().registry().is_subtype(actual, expected);
}

}  // namespace wsb::runtime
