// SPDX-License-Identifier: Apache-2.0
// Files for Linux perf, one of each kind for the process; a forked child begins its own.
#pragma once

#include "jit/code_names.h"

namespace wsb::jit {

/// Appends to /tmp/perf-PID.map: a line of begin, size (hexadecimal, bytes) and name for each function.
/// Source: Linux, tools/perf/Documentation/jit-interface.txt. @return io_error.
[[nodiscard]] Result<void> write_perf_map(std::span<const NamedCode> functions);

/// Appends to jit-PID.dump in the working directory as it was at first: a record with the code of each
/// function. For `perf record -k mono`, then `perf inject --jit`.
/// Source: Linux, tools/perf/Documentation/jitdump-specification.txt. @return io_error.
[[nodiscard]] Result<void> write_jitdump(std::span<const NamedCode> functions);

}  // namespace wsb::jit
