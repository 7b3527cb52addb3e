// SPDX-License-Identifier: Apache-2.0
// Tiering up: which functions are compiled while a module runs, and how their callers find them.
#pragma once

#include "engine/runtime/tier.h"

#include <memory>

namespace wsb::jit {

/// Compiles functions of a module that are found running often enough, until they take `options.most_bytes`
/// in all. Any thread may give samples; one compiles at a time, or one of its own does (`in_background`).
[[nodiscard]] std::unique_ptr<runtime::TierUp> hot_functions(const runtime::CompiledModule& module,
                                                             const runtime::CompileOptions& options);

}  // namespace wsb::jit
