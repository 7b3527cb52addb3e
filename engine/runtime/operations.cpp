// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/operations.h"

#include "engine/runtime/instance.h"
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
    if (to.is_shared())
        semantics::copy_shared(to.base + target, bytes.data() + source, count);
    else if (count != 0)
        std::memcpy(to.base + target, bytes.data() + source, count);
    return TrapCode::none;
}

TrapCode memory_copy(VmInstance& instance, uint32_t target_memory, uint32_t source_memory, uint64_t target,
                     uint64_t source, uint64_t count) noexcept {
    const VmMemory& to = *instance.memories[target_memory];
    const VmMemory& from = *instance.memories[source_memory];
    if (!inside(source, count, from.current_size_bytes()) || !inside(target, count, to.current_size_bytes()))
        return TrapCode::memory_out_of_bounds;
    // SAFETY: both ranges were checked above; they may overlap.
    if (to.is_shared() || from.is_shared())
        semantics::copy_shared(to.base + target, from.base + source, count);
    else
        std::memmove(to.base + target, from.base + source, count);
    return TrapCode::none;
}

TrapCode memory_fill(VmInstance& instance, uint32_t memory, uint64_t target, uint8_t value,
                     uint64_t count) noexcept {
    const VmMemory& to = *instance.memories[memory];
    if (!inside(target, count, to.current_size_bytes()))
        return TrapCode::memory_out_of_bounds;
    // SAFETY: the range was checked above.
    if (to.is_shared())
        semantics::fill_shared(to.base + target, value, count);
    else
        std::memset(to.base + target, value, count);
    return TrapCode::none;
}

TrapCode table_init(VmInstance& instance, uint32_t elem, uint32_t table, uint64_t target, uint64_t source,
                    uint64_t count) noexcept {
    const std::span<const Slot> slots = owner_of(instance).elem(elem);
    const VmTable& to = *instance.tables[table];
    if (!inside(source, count, slots.size()) || !inside(target, count, to.size))
        return TrapCode::table_out_of_bounds;
    std::copy_n(slots.begin() + static_cast<ptrdiff_t>(source), count, to.elements + target);
    return TrapCode::none;
}

TrapCode table_copy(VmInstance& instance, uint32_t target_table, uint32_t source_table, uint64_t target,
                    uint64_t source, uint64_t count) noexcept {
    const VmTable& to = *instance.tables[target_table];
    const VmTable& from = *instance.tables[source_table];
    if (!inside(source, count, from.size) || !inside(target, count, to.size))
        return TrapCode::table_out_of_bounds;
    // SAFETY: both ranges were checked above; they may overlap. An empty table has no elements.
    if (count != 0)
        std::memmove(to.elements + target, from.elements + source, count * sizeof(Slot));
    return TrapCode::none;
}

TrapCode table_fill(VmInstance& instance, uint32_t table, uint64_t target, Slot value,
                    uint64_t count) noexcept {
    const VmTable& to = *instance.tables[table];
    if (!inside(target, count, to.size))
        return TrapCode::table_out_of_bounds;
    std::fill_n(to.elements + target, count, value);
    return TrapCode::none;
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
