// SPDX-License-Identifier: Apache-2.0
// The compiler as an execution tier.
#pragma once

#include "engine/runtime/tier.h"
#include "jit/processor.h"

namespace wsb::jit {

struct MachineOptions;

/// Whether this build and this processor can run machine code: x86-64, and an interpreter that keeps its
/// state in registers (interp/dispatch.h).
[[nodiscard]] bool is_available() noexcept;

/// Compiles modules when they are loaded; what it leaves out runs in the interpreter. Only if it is
/// available. Stateless, thread-safe, lives as long as the program.
[[nodiscard]] const runtime::Tier& tier() noexcept;

/// The same, but modules start in the interpreter, and functions are compiled while they run.
[[nodiscard]] const runtime::Tier& automatic_tier() noexcept;

/// How a module's functions are compiled.
[[nodiscard]] MachineOptions machine_options(const runtime::CompiledModule& module, Processor processor);

}  // namespace wsb::jit
