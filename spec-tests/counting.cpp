// SPDX-License-Identifier: Apache-2.0
// In a file of its own: the runtime's names and those of the public API are not used together elsewhere.
#include "spec-tests/counting.h"

#include "engine/runtime/engine_state.h"

namespace wsb::spec {

void count_executions(const Engine& engine, OpCounts& counts) noexcept {
    engine.state()->executed = &counts;
}

}  // namespace wsb::spec
