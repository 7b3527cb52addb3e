// SPDX-License-Identifier: Apache-2.0
// Evaluates constant expressions that have been validated. Spec:
// valid/instructions#constant-expressions
#pragma once

#include "engine/isa/op_counts.h"
#include "engine/module/module.h"
#include "engine/runtime/trap.h"
#include "engine/runtime/vm_context.h"

#include <array>
#include <span>

namespace wsb::runtime {

/// What a constant expression can see: the globals that exist already, and the functions; and the store
/// that keeps the objects it makes.
struct ConstScope {
    Store* store = nullptr;  ///< null: for expressions that make no objects
    const Module& module;
    std::span<VmGlobal* const> globals;
    std::span<VmFunc* const> funcs;
    OpCounts* executed = nullptr;  ///< see EngineState
};

/// A value in its two slots; the second is used by v128 only.
using ConstValue = std::array<Slot, 2>;

/// @return limit_exceeded for objects beyond the store's memory limit; a Trap for null descriptors.
[[nodiscard]] CallResult<ConstValue> evaluate(const ConstScope& scope, const ConstExpr& expression);

}  // namespace wsb::runtime
