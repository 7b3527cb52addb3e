// SPDX-License-Identifier: Apache-2.0
#include "engine/interp/tier.h"
#include "engine/runtime/engine_state.h"
#include "wsb/config.hpp"
#ifdef WSB_HAS_JIT
#include "jit/tier.h"
#endif

namespace wsb {
inline namespace v1 {

namespace {

/// Null if there is no compiler, or it cannot work here.
[[nodiscard]] const runtime::Tier* jit_tier() noexcept {
#ifdef WSB_HAS_JIT
    return jit::is_available() ? &jit::tier() : nullptr;
#else
    return nullptr;
#endif
}

}  // namespace

Engine::Engine(const Config& config) {
    auto state = std::make_shared<runtime::EngineState>();
    state->config = config;
    state->registry = std::make_shared<TypeRegistry>();
    const runtime::Tier* const compiler = config.tier == TierChoice::jit ? jit_tier() : nullptr;
    state->tier = compiler != nullptr ? compiler : &interp::tier();
    m_state = std::move(state);
}

bool Engine::has_jit() noexcept {
    return jit_tier() != nullptr;
}

const Config& Engine::config() const noexcept {
    return m_state->config;
}

}  // namespace v1
}  // namespace wsb
