// SPDX-License-Identifier: Apache-2.0
// Bodies to register form: validation and translation in one pass.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/op_counts.h"
#include "engine/lower/code.h"
#include "engine/lower/handler_table.h"
#include "engine/lower/lower_sink.h"

namespace wsb::lower {

/// Validates and lowers one body into `code`.
/// @param codes  of the module's own functions, in their order: what direct calls go to
/// @param recording  filled if not null; the code is the same either way
/// @param executed  if not null, the code counts there what it executes
/// @return invalid, malformed or limit errors.
[[nodiscard]] Result<void> lower_function(const Module& module, FuncIdx func, const HandlerTable& handlers,
                                          const Code* codes, Form form, Recording* recording, Code& code,
                                          OpCounts* executed = nullptr);

/// What is known of a function without lowering it. Its locals need not be valid yet.
void outline(const Module& module, FuncIdx func, Code& code) noexcept;

/// Validates one body only. @return whether lowering it cannot fail later, but for lack of memory; or the
/// errors of lower_function that do not depend on the frame.
[[nodiscard]] Result<bool> can_be_lowered_later(const Module& module, FuncIdx func);

}  // namespace wsb::lower
