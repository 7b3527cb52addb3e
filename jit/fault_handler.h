// SPDX-License-Identifier: Apache-2.0
// Guard regions: machine code accesses a 32-bit memory 0 without a check, what lies beyond its end is
// inaccessible as far as any access reaches (runtime::guarded_bytes), and a handler of SIGSEGV makes the
// fault a trap.
#pragma once

namespace wsb::jit {

/// Whether machine code may count on guard regions here: address space is not limited, and the handler is
/// there. The first call installs it, for as long as the process lives. It passes on to the one before
/// whatever is not an access of machine code beyond the end of its instance's memory.
[[nodiscard]] bool prepare_guard_regions() noexcept;

}  // namespace wsb::jit
