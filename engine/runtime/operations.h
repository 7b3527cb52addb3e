// SPDX-License-Identifier: Apache-2.0
// Slow paths of executing code: growth, bulk operations, references. All check their bounds without
// overflow and before any effect; none throws. Indices have been validated. Long ones give `interrupted` in
// their middle when the store is.
#pragma once

#include "engine/isa/types.h"
#include "engine/runtime/vm_context.h"

#include <cstdint>

namespace wsb::runtime {

/// Spec: exec/instructions#exec-memory-grow
/// @return the previous size in pages of the memory's type, or -1 if the maximum, a limit or the system
/// refused.
[[nodiscard]] int64_t memory_grow(VmInstance& instance, uint32_t memory, uint64_t delta_pages) noexcept;

/// Spec: exec/instructions#exec-table-grow
/// @return the previous size in elements, or -1 if the maximum, a limit or the system refused.
[[nodiscard]] int64_t table_grow(VmInstance& instance, uint32_t table, Slot init, uint64_t delta) noexcept;

// Bulk memory: offsets and counts in bytes. @return memory_out_of_bounds before any effect, or
// none.
[[nodiscard]] TrapCode memory_init(VmInstance& instance, uint32_t data, uint32_t memory, uint64_t target,
                                   uint64_t source, uint64_t count) noexcept;
[[nodiscard]] TrapCode memory_copy(VmInstance& instance, uint32_t target_memory, uint32_t source_memory,
                                   uint64_t target, uint64_t source, uint64_t count) noexcept;
[[nodiscard]] TrapCode memory_fill(VmInstance& instance, uint32_t memory, uint64_t target, uint8_t value,
                                   uint64_t count) noexcept;

// Bulk tables: offsets and counts in elements. @return table_out_of_bounds before any effect, or
// none.
[[nodiscard]] TrapCode table_init(VmInstance& instance, uint32_t elem, uint32_t table, uint64_t target,
                                  uint64_t source, uint64_t count) noexcept;
[[nodiscard]] TrapCode table_copy(VmInstance& instance, uint32_t target_table, uint32_t source_table,
                                  uint64_t target, uint64_t source, uint64_t count) noexcept;
[[nodiscard]] TrapCode table_fill(VmInstance& instance, uint32_t table, uint64_t target, Slot value,
                                  uint64_t count) noexcept;

/// Empties a segment; again is allowed.
void data_drop(VmInstance& instance, uint32_t data) noexcept;
void elem_drop(VmInstance& instance, uint32_t elem) noexcept;

/// The function that `ref.func` names.
[[nodiscard]] inline VmFunc* func_ref(VmInstance& instance, uint32_t func) noexcept {
    return instance.funcs[func];
}

/// Whether a function of type `actual` may be called as `expected`: subtyping, for the slow path of
/// call_indirect. Spec: exec/instructions#exec-call-indirect
[[nodiscard]] bool func_type_matches(const VmInstance& instance, CanonId actual, CanonId expected) noexcept;

/// Slots of a type: 2 for v128, otherwise 1.
[[nodiscard]] constexpr uint32_t slot_count(ValType type) noexcept {
    return type.kind() == ValType::v128 ? 2 : 1;
}
template <class Types>
[[nodiscard]] constexpr uint32_t slot_count_of(const Types& types) noexcept {
    uint32_t count = 0;
    for (const ValType type : types)
        count += slot_count(type);
    return count;
}

}  // namespace wsb::runtime
