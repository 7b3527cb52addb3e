// SPDX-License-Identifier: Apache-2.0
// What a consumer of function bodies implements. The body reader owns types, control stack, reachability
// and fuel; a sink owns whatever it needs to remember of values and labels, mirrors pushes and pops
// itself, and can therefore never influence the verdict.
#pragma once

#include "engine/base/trivial_vector.h"
#include "engine/binary/instr_reader.h"
#include "engine/module/module.h"

#include <cstdint>
#include <optional>
#include <span>

namespace wsb::validate {

/// What a sink may look at while a body is read. Valid from begin() to end().
struct BodyInfo {
    const Module* module = nullptr;
    FuncIdx func;
    const FuncType* type = nullptr;
    std::span<const ValType> locals;  ///< parameters first
    /// The one that hooks are told of; before the first, with the offset of the first.
    const binary::Instr* instr = nullptr;
    /// Fuel potential P: static cost since the last settlement on the fall-through path, the current
    /// instruction included. Remaining fuel is F - P at every point (docs/adr: metering).
    const uint32_t* potential = nullptr;
    /// The operands' types, above those of unreachable code.
    const TrivialVector<ValType>* operands = nullptr;
};

/// Types of a block. Spans live as long as the module.
struct BlockShape {
    std::span<const ValType> params;
    std::span<const ValType> results;
};

/// Answers every hook with nothing: base of all sinks, and alone the pure validator.
/// Hooks are called for reachable code only, in the order of the bytes. "Settles": the potential is 0
/// after the hook returns, so the sink must have emitted the subtraction of `*potential`.
struct NullSink {
    // Life
    void begin(const BodyInfo&) {}
    /// Entering the function costs this much, once, before its first instruction.
    void entry(uint32_t) {}
    void end() {}
    /// Before each reachable instruction, before its operands are looked at.
    void at(const binary::Instr&) {}
    /// Settles and checks fuel here: the code since the last check has grown longer than fuel_window.
    void check() {}

    // Values: operand and result types follow from the table
    void constant(Op, ValType, uint64_t /*bits*/) {}
    void v128_constant(const std::array<uint8_t, 16>&) {}
    void unary(Op) {}
    void compare(Op) {}
    void binary(Op) {}
    void wide(Op) {}
    void load(Op, const binary::MemArg&) {}
    void store(Op, const binary::MemArg&) {}
    void drop(ValType) {}
    void select(ValType) {}

    // Locals, globals
    void local_get(LocalIdx, ValType) {}
    void local_set(LocalIdx, ValType) {}
    void local_tee(LocalIdx, ValType) {}
    void global_get(GlobalIdx, ValType) {}
    void global_set(GlobalIdx, ValType) {}

    // Memories and tables; bulk (also table.grow) settles
    void memory_size(MemIdx) {}
    void memory_grow(MemIdx) {}
    void table_get(TableIdx, ValType) {}
    void table_set(TableIdx, ValType) {}
    void table_size(TableIdx) {}
    void bulk(const binary::Instr&) {}

    // References
    void ref_null(ValType) {}
    void ref_func(FuncIdx) {}
    void ref_is_null() {}
    void ref_eq() {}
    void ref_as_non_null(ValType) {}

    // Control. Depth 0 is the innermost frame; the outermost is the function's own.
    void block(const BlockShape&) {}
    /// The header's potential is `*potential` now; a branch back to it is a check.
    void loop(const BlockShape&) {}
    void if_(const BlockShape&) {}
    /// `falls_through`: the end of the then-branch is reachable, `potential_there` is its potential.
    /// `*potential` is the header's again.
    void else_(bool /*falls_through*/, uint32_t /*potential_there*/) {}
    /// Binds the label; called when the frame's head was reachable. `*potential` is the label's.
    /// `falls_through`: control arrives from above. Not called for the function's own frame.
    void end_block(bool /*falls_through*/) {}
    void br(uint32_t /*depth*/) {}
    void br_if(uint32_t /*depth*/) {}
    /// The last depth is the default.
    void br_table(std::span<const uint32_t> /*depths*/) {}
    void br_on_null(uint32_t /*depth*/, ValType /*operand*/) {}
    void br_on_non_null(uint32_t /*depth*/, ValType /*operand*/) {}
    void br_on_cast(const binary::Instr&, ValType /*operand*/) {}
    /// Settles. Also called for the END of the function and for branches to its frame being `br`s.
    void ret() {}
    void unreachable() {}

    // Calls settle; `is_tail` calls leave the function.
    void call(FuncIdx, const FuncType&, bool /*is_tail*/) {}
    void call_indirect(TypeIdx, TableIdx, const FuncType&, bool /*is_tail*/) {}
    void call_ref(TypeIdx, const FuncType&, bool /*is_tail*/) {}

    // Exceptions
    void throw_(TagIdx, const FuncType&) {}
    void throw_ref() {}
    void try_table(const BlockShape&, std::span<const binary::CatchClause>) {}
    // Legacy try blocks; a try without a delegate ends with end_block.
    void legacy_try(const BlockShape&) {}
    /// Opens a catch block, of any exception without a tag, with the tag's values on the stack; `*potential`
    /// is 0. `falls_through`, `potential_there`: as of else_, for the block before it.
    void legacy_catch(bool /*falls_through*/, uint32_t /*potential_there*/, std::optional<TagIdx>) {}
    /// Before end_block: what the innermost frame's body throws is as if thrown right inside the frame
    /// `depth`, counted from outside of the innermost one.
    void delegate(uint32_t /*depth*/) {}
    /// The exception that the catch block `depth` has caught.
    void rethrow(uint32_t /*depth*/) {}

    // Garbage collection, vectors, atomics: by instruction; the operand types are on the row or in the
    // module's types. Instructions on whole arrays settle (fuel_cost.h).
    void gc(const binary::Instr&) {}
    void simd(const binary::Instr&) {}
    void atomic(const binary::Instr&) {}
};

/// Longest static cost between two fuel checks; also the bias of the fuel register (docs/adr: metering).
inline constexpr uint32_t fuel_window = 4096;

}  // namespace wsb::validate
