// SPDX-License-Identifier: Apache-2.0
#include "engine/interp/tier.h"
#include "engine/runtime/engine_state.h"
#include "wsb/config.hpp"
#ifdef WSB_HAS_JIT
#include "jit/fault_handler.h"
#include "jit/tier.h"
#endif

#include <algorithm>

namespace wsb {
inline namespace v1 {

namespace {

/// Null if there is no compiler, or it cannot work here, or none is wanted.
[[nodiscard]] const runtime::Tier* compiler_of([[maybe_unused]] TierChoice choice) noexcept {
#ifdef WSB_HAS_JIT
    if (choice != TierChoice::interpreter && jit::is_available())
        return choice == TierChoice::jit ? &jit::tier() : &jit::automatic_tier();
#endif
    return nullptr;
}

[[nodiscard]] bool prepare_guard_regions() noexcept {
#ifdef WSB_HAS_JIT
    return jit::prepare_guard_regions();
#else
    return false;
#endif
}

}  // namespace

Engine::Engine(const Config& config) {
    auto state = std::make_shared<runtime::EngineState>();
    state->config = config;
    state->registry = std::make_shared<TypeRegistry>();
    state->tier = &interp::tier();
    if (const auto* const compiler = compiler_of(config.tier)) {
        state->tier = compiler;
        if (config.tier == TierChoice::automatic)
            state->sample_units = std::max(config.tiering.sample_units, 1u);
        state->has_guard_regions = config.guard_regions && prepare_guard_regions();
    }
    m_state = std::move(state);
}

bool Engine::has_jit() noexcept {
    return compiler_of(TierChoice::jit) != nullptr;
}

bool Engine::has_guard_regions() const noexcept {
    return m_state->has_guard_regions;
}

const Config& Engine::config() const noexcept {
    return m_state->config;
}

}  // namespace v1
}  // namespace wsb
