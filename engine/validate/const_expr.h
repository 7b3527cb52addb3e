// SPDX-License-Identifier: Apache-2.0
// Constant expressions. Spec: valid/instructions#constant-expressions
#pragma once

#include "engine/base/result.h"
#include "engine/module/module.h"

namespace wsb::validate {

/// Checks that an expression is constant and of type `expected`. It may read the immutable globals below
/// `visible_globals`. Functions that it names with ref.func are set in `declared_funcs`.
[[nodiscard]] Result<void> check_const_expr(const Module& module, const ConstExpr& expr, ValType expected,
                                            uint32_t visible_globals, std::vector<bool>& declared_funcs);

}  // namespace wsb::validate
