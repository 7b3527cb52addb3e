// SPDX-License-Identifier: Apache-2.0
// Any bytes as a script of the test suite: the parser refuses it with its place, or each module in it can be
// assembled or is refused with its place.
#include "engine/text/wast.h"

#include "fuzz/fuzz_target.h"
#include <span>

namespace wsb::fuzz {
namespace {

void assemble(const text::ScriptModule& module, std::string_view source) {
    const auto bytes = module.assemble();
    if (module.form == text::ScriptModule::Form::binary)
        require(bytes.has_value(), "binary modules are bytes already");
    else if (!bytes && module.form == text::ScriptModule::Form::text)
        require_line(bytes.error(), source);
}

void run_commands(std::span<const text::ScriptCommand> commands, std::string_view source) {
    for (const text::ScriptCommand& command : commands) {
        require(command.line != 0, "each command has its line");
        if (const auto* module = std::get_if<text::ScriptModule>(&command.body))
            assemble(*module, source);
        else if (const auto* assertion = std::get_if<text::AssertModule>(&command.body))
            assemble(assertion->module, source);
        else if (const auto* thread = std::get_if<text::ScriptThread>(&command.body))
            run_commands(thread->commands, source);
    }
}

void run(std::string_view source) {
    const auto script = text::parse_script(std::string(source));
    if (script)
        run_commands(script->commands, source);
    else
        require_line(script.error(), source);
}

}  // namespace
}  // namespace wsb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
    wsb::fuzz::run(wsb::fuzz::as_text({data, size_bytes}));
    return 0;
}
