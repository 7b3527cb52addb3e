// SPDX-License-Identifier: Apache-2.0
// Imports against what the sandbox provides.
#include "sandbox/imports.h"

#include "engine/base/result.h"
#include "wasi/preview1.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace wsb::sandbox {
namespace {

bool imports_any(std::span<const ImportType> imports, std::span<const std::string_view> names) {
    return std::ranges::any_of(imports, [&](const ImportType& import) {
        return (import.module == wasi::preview1_module || import.module == wasi::unstable_module) &&
               std::ranges::any_of(names, [&](std::string_view name) {
                   return name.ends_with('*') ? import.name.starts_with(name.substr(0, name.size() - 1))
                                              : import.name == name;
               });
    });
}

}  // namespace

bool is_provided(const ImportType& import) noexcept {
    return wasi::is_wasi_function(import.module, import.name);
}

Result<void> check_imports(std::span<const ImportType> imports) {
    std::string missing;
    for (const ImportType& import : imports) {
        if (!is_provided(import))
            missing += fmt::format("\n  {}.{}: {}", import.module, import.name, to_string(import.type));
    }
    if (missing.empty())
        return {};
    return fail(ErrorCode::unknown_import, "nothing provides" + missing);
}

std::string import_advice(std::span<const ImportType> imports) {
    std::string advice =
        "A guest gets nothing that is not granted. What there is: the functions of "
        "wasi_snapshot_preview1,\nwith directories by --dir, sockets by --listen and --connect, environment "
        "variables by --env,\nand the standard streams.";
    const auto from = [&](std::string_view module) {
        return std::ranges::any_of(imports,
                                   [&](const ImportType& import) { return import.module == module; });
    };
    if (from("env"))
        advice +=
            "\nNames of \"env\" are often functions that were declared but never linked in; host "
            "functions\nof your own are given through the C++ API (wsb::Linker).";
    return advice;
}

std::vector<std::string> grants_needed(std::span<const ImportType> imports) {
    using Names = std::vector<std::string_view>;
    struct Need {
        Names functions;
        std::string_view text;
    };
    const std::vector<Need> needs{
        {{"path_open", "path_*", "fd_readdir"}, "files: --dir HOST[::GUEST][:ro]"},
        {{"environ_get"}, "environment variables: --env NAME[=VALUE]"},
        {{"args_get"}, "arguments: those after FILE"},
        {{"fd_read", "fd_write"}, "standard streams: given"},
        {{"clock_time_get", "clock_res_get", "poll_oneoff"}, "clocks: given"},
        {{"random_get"}, "random bytes: given"},
        {{"sock_*"}, "sockets: --listen ADDRESS:PORT or --connect ADDRESS:PORT"},
    };
    std::vector<std::string> lines;
    for (const Need& need : needs) {
        if (imports_any(imports, need.functions))
            lines.emplace_back(need.text);
    }
    for (const ImportType& import : imports) {
        if (!is_provided(import))
            lines.push_back(
                fmt::format("{}.{}: not available on the command line", import.module, import.name));
    }
    return lines;
}

}  // namespace wsb::sandbox
