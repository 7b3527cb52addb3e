// SPDX-License-Identifier: Apache-2.0
// The program wasm-sandbox-disas, which wasm-sandbox starts for its subcommand disas.
#include "cli/arguments.h"
#include "cli/function_text.h"
#include "cli/output.h"
#include "engine/base/result.h"
#include "wsb/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>

namespace wsb::cli {
namespace {

Result<v1::Module> load_compiled(const DisasCommand& command) {
    WSB_TRY_ASSIGN(std::vector<uint8_t> content, read_file(command.file));
    WSB_TRY_ASSIGN(std::vector<uint8_t> binary, to_binary(std::move(content), command.features));
    return v1::Module::compile(
        Engine({.tier = TierChoice::jit, .features = command.features, .compile_threads = 0}),
        std::move(binary));
}

/// Functions of this name, in the name section or as exports.
std::vector<FuncIdx> find_by_name(const syntax::Module& module, std::string_view name) {
    std::vector<FuncIdx> found;
    for (const auto& [index, func_name] : module.names.funcs)
        if (func_name == name && index < module.funcs.size())
            found.emplace_back(index);
    for (const syntax::Export& item : module.exports)
        if (item.kind == ExternKind::func && item.name == name &&
            std::ranges::find(found, FuncIdx(item.index)) == found.end())
            found.emplace_back(item.index);
    return found;
}

/// What FUNC means: an index, else a name; everything if it is not given. Of the module's own.
Result<std::vector<FuncIdx>> chosen_functions(const syntax::Module& module,
                                              const std::optional<std::string>& text) {
    const auto count = static_cast<uint32_t>(module.funcs.size());
    std::vector<FuncIdx> chosen;
    if (!text) {
        for (uint32_t i = module.imported_funcs; i < count; ++i)
            chosen.emplace_back(i);
        return chosen;
    }
    uint32_t index = 0;
    const char* const end = text->data() + text->size();
    if (const auto [at, error] = std::from_chars(text->data(), end, index);
        error == std::errc{} && at == end && !text->empty()) {
        if (index >= count)
            return fail(ErrorCode::bad_usage,
                        fmt::format("there is no function {}: the module has {}, from 0", index, count));
        chosen.emplace_back(index);
    } else {
        chosen = find_by_name(module, *text);
    }
    if (chosen.empty())
        return fail(
            ErrorCode::bad_usage,
            fmt::format("no function is named \"{}\", neither in the name section nor as an export", *text));
    std::erase_if(chosen, [&](FuncIdx func) { return func.value < module.imported_funcs; });
    if (chosen.empty())
        return fail(ErrorCode::bad_usage, fmt::format("function {} is imported: it has no code here", *text));
    return chosen;
}

Result<void> disassemble(const DisasCommand& command) {
    WSB_TRY_ASSIGN(const v1::Module module, load_compiled(command));
    WSB_TRY_ASSIGN(const auto functions, chosen_functions(module.compiled()->module, command.function));
    FunctionText text_of(*module.compiled(), command.processor);
    bool is_first = true;
    for (const FuncIdx func : functions) {
        WSB_TRY_ASSIGN(const std::string text, text_of(func));
        WSB_TRY(print_out((is_first ? "" : "\n") + printable(text)));
        is_first = false;
    }
    return {};
}

int main_with(int argc, char** argv) {
    const auto command = parse_command_line(argc, argv);
    if (!command) {
        complain(command.error().detail);
        return sandbox::status_refused;
    }
    const auto* const disas = std::get_if<DisasCommand>(&*command);
    if (disas == nullptr) {
        complain("this is a part of wasm-sandbox: call \"wasm-sandbox disas FILE [FUNC]\"");
        return sandbox::status_refused;
    }
    const auto done = disassemble(*disas);
    if (done)
        return 0;
    complain_about(disas->file, done.error());
    return sandbox::status_for(done.error());
}

}  // namespace
}  // namespace wsb::cli

int main(int argc, char** argv) {
    try {
        return wsb::cli::main_with(argc, argv);
    } catch (const std::exception& exception) {
        wsb::cli::complain(exception.what());
        return wsb::sandbox::status_refused;
    }
}
