// SPDX-License-Identifier: Apache-2.0
// Slow paths of objects: making structures, arrays and exceptions, and working on whole arrays. None
// throws. `operands` are the instruction's values from the lowest on; results replace the first.
#pragma once

#include "engine/isa/opcode.h"
#include "engine/runtime/object.h"
#include "engine/runtime/vm_context.h"

namespace wsb::runtime {

/// A new structure of a module's type, its fields from `values` or, if null, zero. May collect.
/// @return null if there is no room.
[[nodiscard]] Object* new_struct(VmInstance& instance, uint32_t type, const Slot* values) noexcept;

/// A new exception. May collect. @return null if there is no room.
[[nodiscard]] Exception* new_exception(VmContext& context, const Tag& tag, const Slot* values,
                                       uint64_t value_slots) noexcept;

/// Bytes of elements that an instruction on a whole array asks to handle.
[[nodiscard]] uint64_t array_bulk_bytes(const VmInstance& instance, Op op, uint32_t type, uint32_t index2,
                                        const Slot* operands) noexcept;

/// Runs it; `index2` is the second immediate. May collect.
/// @return none; or null_array_reference, array_out_of_bounds, memory_out_of_bounds (data),
/// table_out_of_bounds (elements), allocation_failure, before any effect; interrupted, in the middle.
/// Spec: exec/instructions#aggregate-reference-instructions
[[nodiscard]] TrapCode array_bulk(VmInstance& instance, Op op, uint32_t type, uint32_t index2,
                                  Slot* operands) noexcept;

}  // namespace wsb::runtime
