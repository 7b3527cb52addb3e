// SPDX-License-Identifier: Apache-2.0
// Imports against what the sandbox provides.
#include "sandbox/imports.h"

#include "engine/base/result.h"
#include "wasi/preview1.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace wsb::sandbox {
namespace {

bool is_host_function(const ImportType& import, const Spec& spec) noexcept {
    return std::ranges::any_of(spec.functions, [&](const HostDefinition& definition) {
        return definition.module == import.module && definition.name == import.name;
    });
}

/// A kind of grant, and the functions that come to nothing without it.
struct Need {
    std::array<std::string_view, 4> functions;  ///< may end with '*'
    std::string_view text;                      ///< on the command line
    std::string_view grant;                     ///< in the API
    bool (*is_granted)(const Grants& grants);
};

constexpr std::array needs{
    Need{{"path_*", "fd_readdir", "fd_prestat_*"},
         "files: --dir HOST[::GUEST][:ro]",
         "a directory (allow_dir, --dir)",
         [](const Grants& grants) { return !grants.dirs.empty(); }},
    Need{{"environ_*"},
         "environment variables: --env NAME[=VALUE]",
         "environment variables (env, --env)",
         [](const Grants& grants) { return !grants.env.empty(); }},
    Need{{"args_*"},
         "arguments: those after FILE",
         "arguments (args)",
         [](const Grants& grants) { return !grants.args.empty(); }},
    Need{{"sock_*"},
         "sockets: --listen ADDRESS:PORT or --connect ADDRESS:PORT",
         "a socket (listen, connect)",
         [](const Grants& grants) { return !grants.listen.empty() || !grants.connect.empty(); }},
    Need{{"fd_read", "fd_write"},
         "standard streams: given",
         "standard streams (inherit_stdio, stdio, capture_output) or a directory",
         [](const Grants& grants) {
             return grants.captures_output || !grants.dirs.empty() ||
                    std::ranges::any_of(grants.streams, [](int fd) { return fd >= 0; });
         }},
    Need{{"clock_*", "poll_oneoff"},
         "clocks: given",
         "a clock (allow_clock)",
         [](const Grants& grants) { return grants.clock != ClockMode::none; }},
    Need{{"random_get"},
         "random bytes: given",
         "random bytes (allow_random)",
         [](const Grants& grants) { return grants.random != RandomMode::none; }},
};

bool is_of(const Need& need, const ImportType& import) {
    return is_provided(import) && std::ranges::any_of(need.functions, [&](std::string_view name) {
               return name.ends_with('*') ? import.name.starts_with(name.substr(0, name.size() - 1))
                                          : !name.empty() && import.name == name;
           });
}

}  // namespace

bool is_provided(const ImportType& import) noexcept {
    return wasi::is_wasi_function(import.module, import.name);
}

bool uses_wasi(std::span<const ImportType> imports) noexcept {
    return std::ranges::any_of(imports, [](const ImportType& import) { return is_provided(import); });
}

Result<void> check_imports(std::span<const ImportType> imports, const Spec& spec) {
    std::string missing;
    for (const ImportType& import : imports) {
        if (!is_provided(import) && !is_host_function(import, spec))
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
            "functions\nof your own are given through the C++ API (wsb::Sandbox).";
    return advice;
}

std::vector<ImportNeed> needs_of(std::span<const ImportType> imports, const Spec& spec) {
    std::vector<ImportNeed> all;
    for (const ImportType& import : imports) {
        ImportNeed one{import.module, import.name, "nothing", true};
        if (is_host_function(import, spec)) {
            one.grant = "a host function (function)";
        } else if (!is_provided(import)) {
            one.grant = "a host function (function) of the type " + to_string(import.type);
            one.is_granted = false;
        } else if (const auto* const need =
                       std::ranges::find_if(needs, [&](const Need& kind) { return is_of(kind, import); });
                   need != needs.end()) {
            one.grant = need->grant;
            one.is_granted = need->is_granted(spec.grants);
        }
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<std::string> grants_needed(std::span<const ImportType> imports) {
    std::vector<std::string> lines;
    for (const Need& need : needs) {
        if (std::ranges::any_of(imports, [&](const ImportType& import) { return is_of(need, import); }))
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
