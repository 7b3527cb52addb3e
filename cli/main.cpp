// SPDX-License-Identifier: Apache-2.0
// The command wasm-sandbox.
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/output.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>

namespace {
/// A missing standard stream would be the next file that is opened: messages would go into it.
void keep_standard_streams() noexcept {
    for (int fd = 0; fd <= 2; ++fd) {
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd)
            std::_Exit(wsb::sandbox::status_refused);
    }
}
}  // namespace

int main(int argc, char** argv) {
    using namespace wsb;
    keep_standard_streams();
    // A closed pipe is an error of writing, for the guest as for us, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const auto command = cli::parse_command_line(argc, argv);
        if (!command) {
            cli::complain(command.error().detail);
            return sandbox::status_refused;
        }
        return std::visit([](const auto& chosen) { return cli::execute(chosen); }, *command);
    } catch (const std::exception& exception) {
        cli::complain(exception.what());
        return sandbox::status_refused;
    }
}
