// SPDX-License-Identifier: Apache-2.0
// Checks of our own invariants. They never judge input from outside: that gets an Error.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace wsb::detail {
[[noreturn]] inline void check_failed(const char* what, const char* file, int line) noexcept {
    std::fprintf(stderr, "wasm-sandbox: internal check failed: %s (%s:%d)\n", what, file, line);
    std::abort();
}
}  // namespace wsb::detail

/// Always on: an invariant whose failure would break the sandbox.
#define WSB_CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::wsb::detail::check_failed(#condition, __FILE__, __LINE__))

/// Debug builds only: an invariant that another check already guarantees.
#ifdef NDEBUG
#define WSB_ASSERT(condition) static_cast<void>(0)
#else
#define WSB_ASSERT(condition) WSB_CHECK(condition)
#endif

#define WSB_UNREACHABLE() ::wsb::detail::check_failed("unreachable", __FILE__, __LINE__)
