// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each returns the exit status of the process.
#pragma once

#include "cli/arguments.h"

namespace wsb::cli {

[[nodiscard]] int execute(const RunCommand& command);
[[nodiscard]] int execute(const ValidateCommand& command);
[[nodiscard]] int execute(const InspectCommand& command);
[[nodiscard]] int execute(const DisasCommand& command);
[[nodiscard]] int execute(const WatToWasmCommand& command);
[[nodiscard]] int execute(const WasmToWatCommand& command);
[[nodiscard]] int execute(const ManifestCommand& command);
[[nodiscard]] int execute(const AuditCommand& command);
[[nodiscard]] int execute(const PrintCommand& command);

}  // namespace wsb::cli
