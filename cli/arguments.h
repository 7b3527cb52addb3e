// SPDX-License-Identifier: Apache-2.0
// The command line, parsed. Only arguments.cpp knows how.
#pragma once

#include "engine/base/error.h"
#include "engine/isa/features.h"
#include "jit/processor.h"
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
    Features features = default_features;
};
struct InspectCommand {
    std::string file;
    bool as_json = false;
    Features features = Features::up_to(4);
};
/// Only where there is a compiler to machine code.
struct DisasCommand {
    std::string file;
    std::optional<std::string> function;  ///< index or name; absent: all
    jit::Processor processor{};
    Features features = Features::up_to(4);
    std::vector<std::string> arguments;  ///< of the command, without the program's name
};
struct WatToWasmCommand {
    std::string input;
    std::string output;
    Features features = default_features;
};
struct WasmToWatCommand {
    std::string input;
    std::optional<std::string> output;  ///< absent: standard output
    Features features = default_features;
};
struct ManifestCommand {
    std::string file;  ///< to check; empty: print the schema
};
struct AuditCommand {
    std::string file;
};
/// Text for standard output, and nothing else to do: --help, --version.
struct PrintCommand {
    std::string text;
};

using Command = std::variant<RunCommand, ValidateCommand, InspectCommand, DisasCommand, WatToWasmCommand,
                             WasmToWatCommand, ManifestCommand, AuditCommand, PrintCommand>;

/// @return bad_usage with a text for people.
[[nodiscard]] Result<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace wsb::cli
