// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox validate
#include "cli/commands.h"
#include "cli/output.h"
#include "engine/base/result.h"

#include <algorithm>

namespace wsb::cli {
namespace {
Result<void> validate(const std::string& file, Features features) {
    WSB_TRY_ASSIGN(std::vector<uint8_t> content, read_file(file));
    WSB_TRY_ASSIGN(const std::vector<uint8_t> binary, to_binary(std::move(content), features));
    WSB_TRY(load(binary, features));
    return print_out(file + ": valid\n");
}
}  // namespace

int execute(const ValidateCommand& command) {
    int status = 0;
    for (const std::string& file : command.files) {
        const auto valid = validate(file, command.features);
        if (valid)
            continue;
        complain_about(file, valid.error());
        status = std::max(status, sandbox::status_for(valid.error()));
    }
    return status;
}

}  // namespace wsb::cli
