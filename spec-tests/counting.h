// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/isa/op_counts.h"
#include "wsb/config.hpp"

namespace wsb::spec {

/// Lets modules of an engine count what they execute; before the first one is compiled. The counts must
/// outlive the engine's modules.
void count_executions(const Engine& engine, OpCounts& counts) noexcept;

}  // namespace wsb::spec
