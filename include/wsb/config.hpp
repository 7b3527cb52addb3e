// SPDX-License-Identifier: Apache-2.0
// Engine: what all modules and stores of a program share. Config and StoreLimits come with it.
#pragma once

#include "engine/runtime/config.h"  // IWYU pragma: export

#include <memory>

namespace wsb {
namespace runtime {
struct EngineState;
}  // namespace runtime

inline namespace v1 {

/// Shared by modules, linkers and stores: configuration, types, execution tier. A cheap handle to
/// shared state; copies name the same engine. Safe to use from any thread.
class Engine {
public:
    explicit Engine(const Config& config = {});

    [[nodiscard]] const Config& config() const noexcept;

    /// Whether this build and this processor can run machine code (TierChoice::jit).
    [[nodiscard]] static bool has_jit() noexcept;
    /// Whether machine code leaves checks to guard regions here: Config::guard_regions, and this process may.
    [[nodiscard]] bool has_guard_regions() const noexcept;

    /// For the library itself.
    [[nodiscard]] const std::shared_ptr<const runtime::EngineState>& state() const noexcept {
        return m_state;
    }

private:
    std::shared_ptr<const runtime::EngineState> m_state;
};

}  // namespace v1
}  // namespace wsb
