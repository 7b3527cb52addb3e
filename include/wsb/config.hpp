// SPDX-License-Identifier: Apache-2.0
// Config and Engine: what all modules and stores of a program share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "wsb/types.hpp"

namespace wsb {
namespace runtime {
struct EngineState;
}  // namespace runtime

inline namespace v1 {

/// Choices for an engine; fixed once it exists. Value type.
struct Config {
    /// Proposals that modules may use; others are refused as invalid with `feature_disabled`.
    Features features = default_features;
    /// Size of the guest stack of each store. Guest recursion beyond it traps with stack_overflow.
    /// Clamped to 64 KiB … 1 GiB.
    size_t max_stack_bytes = size_t{1} << 20;
    /// Host functions that call the guest again, nested at most this deep; then stack_overflow.
    uint32_t max_host_depth = 100;
};

/// Shared by modules, linkers and stores: configuration, types, execution tier. A cheap handle to shared
/// state; copies name the same engine. Safe to use from any thread.
class Engine {
public:
    explicit Engine(const Config& config = {});

    [[nodiscard]] const Config& config() const noexcept;

    /// For the library itself.
    [[nodiscard]] const std::shared_ptr<const runtime::EngineState>& state() const noexcept { return m_state; }

private:
    std::shared_ptr<const runtime::EngineState> m_state;
};

}  // namespace v1
}  // namespace wsb
