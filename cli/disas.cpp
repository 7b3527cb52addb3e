// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox disas: started as a program of its own, for the disassembler's tables would make every start
// of this one slower.
#include "cli/commands.h"
#include "cli/output.h"
#include "wsb/config.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace wsb::cli {

int execute(const DisasCommand& command) {
    if (!Engine::has_jit()) {
        complain(
            "disas: there is no machine code: its compiler is not in this build, or not for this processor");
        return sandbox::status_refused;
    }
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const std::string program = self.parent_path() / "wasm-sandbox-disas";
    std::vector<std::string> arguments{program};
    arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    ::execv(program.c_str(), pointers.data());
    complain(
        fmt::format("disas: cannot start {}: {}\nIt is built and installed together with this program where "
                    "the library capstone (Debian: libcapstone-dev) is.",
                    program, std::strerror(errno)));
    return sandbox::status_refused;
}

}  // namespace wsb::cli
