// SPDX-License-Identifier: Apache-2.0
// The command line, parsed. Only arguments.cpp knows how.
#pragma once

#include "engine/base/error.h"
#include "sandbox/session.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace wsb::cli {

struct RunCommand {
    sandbox::RunOptions options;
    std::optional<std::string> stats_file;  ///< "-": standard error
};
struct ValidateCommand {
    std::vector<std::string> files;
};
struct InspectCommand {
    std::string file;
    bool as_json = false;
};
struct WatToWasmCommand {
    std::string input;
    std::string output;
};
struct WasmToWatCommand {
    std::string input;
    std::optional<std::string> output;  ///< absent: standard output
};
/// Text for standard output, and nothing else to do: --help, --version.
struct PrintCommand {
    std::string text;
};

using Command = std::variant<RunCommand, ValidateCommand, InspectCommand, WatToWasmCommand, WasmToWatCommand,
                             PrintCommand>;

/// @return bad_usage with a text for people.
[[nodiscard]] Result<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace wsb::cli
