// SPDX-License-Identifier: Apache-2.0
// The boundary of the API: the one exception that the standard library raises in the engine,
// std::bad_alloc, becomes an error here.
#pragma once

#include "engine/base/result.h"

#include <new>
#include <type_traits>
#include <utility>

namespace wsb::api {

/// Runs `body`, which returns an expected whose error converts from Error.
/// @return its result, or out_of_memory.
template <class Body>
[[nodiscard]] std::invoke_result_t<Body> guarded(Body&& body) noexcept {
#if defined(__cpp_exceptions)
    try {
        return std::forward<Body>(body)();
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory);
    }
#else
    return std::forward<Body>(body)();
#endif
}

}  // namespace wsb::api
