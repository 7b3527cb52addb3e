// SPDX-License-Identifier: Apache-2.0
// Bodies to register form: validation and translation in one pass.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/op_counts.h"
#include "engine/lower/code.h"
#include "engine/lower/handler_table.h"
#include "engine/lower/lower_sink.h"

#include <span>

namespace wsb::lower {

/// Validates and lowers one body into `code`.
/// @param callees  by function index: the code that direct calls go to, null for imported functions
/// @param recording  filled if not null; the code is the same either way
/// @param executed  if not null, the code counts there what it executes
/// @return invalid, malformed or limit errors; feature_disabled for instructions without a handler.
[[nodiscard]] Result<void> lower_function(const Module& module, FuncIdx func, const HandlerTable& handlers,
                                          std::span<const Code* const> callees, Form form,
                                          Recording* recording, Code& code, OpCounts* executed = nullptr);

}  // namespace wsb::lower
