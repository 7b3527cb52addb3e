// SPDX-License-Identifier: Apache-2.0
// What an engine's modules and stores share. Immutable but for the registry, which locks itself.
#pragma once

#include "engine/isa/canon.h"
#include "engine/isa/op_counts.h"
#include "engine/runtime/config.h"
#include "engine/runtime/tier.h"

#include <memory>

namespace wsb::runtime {

struct EngineState {
    Config config;
    std::shared_ptr<TypeRegistry> registry;
    const Tier* tier = nullptr;  ///< not owned; lives as long as the program
    /// Memories of types that can_be_guarded have a guard region, and machine code may count on it.
    bool has_guard_regions = false;
    /// After so much fuel each store tells its modules' TierUp what is running; 0: never.
    uint64_t sample_units = 0;
    /// If not null, what modules execute is counted there. For tools; set before the first module is loaded,
    /// and outlives every module.
    mutable OpCounts* executed = nullptr;
};

/// Decodes, validates and compiles: the only maker of a CompiledModule.
/// @return malformed, invalid or limit errors.
[[nodiscard]] Result<std::shared_ptr<const CompiledModule>> load_module(const EngineState& engine,
                                                                        std::vector<uint8_t> bytes);

}  // namespace wsb::runtime
