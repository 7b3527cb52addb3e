// SPDX-License-Identifier: Apache-2.0
// A second wall behind beneath.h: Landlock, by which the kernel refuses a thread every path that was not
// granted, whatever the code here does wrong. For programs that run a guest on a thread of its own.
// https://docs.kernel.org/userspace-api/landlock.html
#pragma once

#include "wasi/policy.h"

#include <span>
#include <vector>

namespace wsb::wasi {

/// A directory of the host, and what may be done beneath it.
struct LandlockRule {
    int directory_fd = -1;
    Access access = Access::read_only;
};

/// Of the kernel; 0: it has none, or it is switched off.
[[nodiscard]] int landlock_version() noexcept;

/// For the grants that are directories of the host.
[[nodiscard]] std::vector<LandlockRule> landlock_rules(std::span<const Preopen> preopens);

/// From now on the calling thread, and those it starts, can open, make, rename and remove only what the rules
/// allow; nor run programs, nor bind and connect TCP sockets (version 4). What is open stays so. It cannot
/// be undone. @return `nosys` without Landlock.
[[nodiscard]] Outcome<void> confine_thread(std::span<const LandlockRule> rules);

}  // namespace wsb::wasi
