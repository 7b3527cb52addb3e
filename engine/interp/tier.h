// SPDX-License-Identifier: Apache-2.0
// The interpreter as an execution tier.
#pragma once

#include "engine/lower/lower_sink.h"
#include "engine/runtime/tier.h"

namespace wsb::interp {

/// How functions of a module are lowered when it is loaded. The writer is not null.
[[nodiscard]] lower::LowerOptions lower_options(const runtime::CompiledModule& compiled,
                                                lower::CodeWriter& writer,
                                                const runtime::CompileOptions& options) noexcept;

/// Stateless, thread-safe, lives as long as the program.
[[nodiscard]] const runtime::Tier& tier() noexcept;

/// Its Tier::invoke, for tiers whose code it enters as well.
[[nodiscard]] runtime::HostOutcome invoke(runtime::VmContext& context, const runtime::VmFunc& func,
                                          runtime::Slot* slots) noexcept;

}  // namespace wsb::interp
