// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox wat2wasm and wasm2wat
#include "cli/commands.h"
#include "cli/output.h"
#include "engine/base/result.h"
#include "engine/text/wat.h"

namespace wsb::cli {
namespace {

Result<void> convert(const WatToWasmCommand& command) {
    WSB_TRY_ASSIGN(const std::vector<uint8_t> content, read_file(command.input));
    // SAFETY: uint8_t and char have the same representation.
    WSB_TRY_ASSIGN(
        const std::vector<uint8_t> binary,
        text::assemble({reinterpret_cast<const char*>(content.data()), content.size()}, command.features));
    WSB_TRY(load(binary, command.features));
    return write_file(command.output, binary);
}

Result<void> convert(const WasmToWatCommand& command) {
    WSB_TRY_ASSIGN(std::vector<uint8_t> content, read_file(command.input));
    WSB_TRY_ASSIGN(const std::vector<uint8_t> binary, to_binary(std::move(content), command.features));
    WSB_TRY_ASSIGN(const syntax::Module module, load(binary, command.features));
    std::string text = text::print(module);
    if (!text.ends_with('\n'))
        text += '\n';
    if (!command.output)
        return print_out(text);
    // SAFETY: uint8_t and char have the same representation.
    return write_file(*command.output, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

template <class Command>
int run(const Command& command) {
    const auto converted = convert(command);
    if (converted)
        return 0;
    complain_about(command.input, converted.error());
    return sandbox::status_for(converted.error());
}

}  // namespace

int execute(const WatToWasmCommand& command) {
    return run(command);
}

int execute(const WasmToWatCommand& command) {
    return run(command);
}

}  // namespace wsb::cli
