// SPDX-License-Identifier: Apache-2.0
// The interpreter as an execution tier.
#pragma once

#include "engine/runtime/tier.h"

namespace wsb::interp {

/// Stateless, thread-safe, lives as long as the program.
[[nodiscard]] const runtime::Tier& tier() noexcept;

/// Its Tier::invoke, for tiers whose code it enters as well.
[[nodiscard]] runtime::HostOutcome invoke(runtime::VmContext& context, const runtime::VmFunc& func,
                                          runtime::Slot* slots) noexcept;

}  // namespace wsb::interp
