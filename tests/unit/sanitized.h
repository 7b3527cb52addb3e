// SPDX-License-Identifier: Apache-2.0
// Whether a test runs under a sanitizer that changes times and address space.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WSB_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WSB_IS_SANITIZED 1
#endif
#endif

namespace wsb::testing {

#ifdef WSB_IS_SANITIZED
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace wsb::testing
