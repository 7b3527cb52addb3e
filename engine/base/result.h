// SPDX-License-Identifier: Apache-2.0
// The one way to report an error inside the engine: Result<T> of error.h, and macros to pass errors on.
#pragma once

#include "engine/base/error.h"  // IWYU pragma: export

#define WSB_CONCAT_INNER(a, b) a##b
#define WSB_CONCAT(a, b) WSB_CONCAT_INNER(a, b)

/// Evaluates a Result<void>; returns its error from the enclosing function.
#define WSB_TRY(expression)                                        \
    do {                                                           \
        auto wsb_result = (expression);                            \
        if (!wsb_result) [[unlikely]]                              \
            return std::unexpected(std::move(wsb_result).error()); \
    } while (false)

/// `WSB_TRY_ASSIGN(auto x, read())`: binds the value, or returns the error.
#define WSB_TRY_ASSIGN(target, expression) \
    WSB_TRY_ASSIGN_INNER(WSB_CONCAT(wsb_result_, __COUNTER__), target, expression)
#define WSB_TRY_ASSIGN_INNER(result, target, expression)   \
    auto result = (expression);                            \
    if (!result) [[unlikely]]                              \
        return std::unexpected(std::move(result).error()); \
    target = *std::move(result)
