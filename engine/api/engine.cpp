// SPDX-License-Identifier: Apache-2.0
#include "engine/interp/tier.h"
#include "engine/runtime/engine_state.h"
#include "jit/tier.h"
#include "wsb/config.hpp"

namespace wsb {
inline namespace v1 {

Engine::Engine(const Config& config) {
    auto state = std::make_shared<runtime::EngineState>();
    state->config = config;
    state->registry = std::make_shared<TypeRegistry>();
    const bool compiles = config.tier == TierChoice::jit && has_jit();
    state->tier = compiles ? &jit::tier() : &interp::tier();
    m_state = std::move(state);
}

bool Engine::has_jit() noexcept {
    return jit::is_available();
}

const Config& Engine::config() const noexcept {
    return m_state->config;
}

}  // namespace v1
}  // namespace wsb
