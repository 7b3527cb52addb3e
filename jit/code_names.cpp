// SPDX-License-Identifier: Apache-2.0
#include "jit/code_names.h"

#include "jit/debugger.h"
#include "jit/perf_files.h"

#include <fmt/format.h>

#include <vector>

namespace wsb::jit {

namespace {

/// Adds as much as there is room for.
void append_printable(std::string& text, std::string_view bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<uint8_t>(c);
        const bool is_plain = byte >= 0x20 && byte < 0x7f && c != '\\';
        if (text.size() + (is_plain ? 1 : 3) > FuncNamer::most_bytes)
            return;
        if (is_plain)
            text += c;
        else
            text += fmt::format("\\{:02x}", byte);
    }
}

}  // namespace

FuncNamer::FuncNamer(const Module& module) : m_module(module) {
    for (const Export& item : module.exports)
        if (item.kind == ExternKind::func)
            m_exports.emplace(item.index, item.name);
}

std::string FuncNamer::operator()(FuncIdx func) const {
    // Half for the module: its name must not crowd out the functions'.
    std::string text = "wasm!";
    if (!m_module.names.module.empty()) {
        append_printable(text, std::string_view(m_module.names.module).substr(0, most_bytes / 8));
        text += '!';
    }
    if (const auto named = m_module.names.funcs.find(func.value);
        named != m_module.names.funcs.end() && !named->second.empty())
        append_printable(text, named->second);
    else if (const auto exported = m_exports.find(func.value); exported != m_exports.end())
        append_printable(text, exported->second);
    else
        text += fmt::format("function[{}]", func.value);
    return text;
}

Result<std::shared_ptr<const void>> announce(const runtime::CompiledModule& module,
                                             std::span<const PlacedCode> functions,
                                             std::span<const uint8_t> common) {
    const CodeNames& wanted = module.code_names;
    if (!wanted.are_wanted())
        return nullptr;
    const FuncNamer name_of(module.module);
    std::vector<NamedCode> named;
    named.reserve(functions.size() + 1);
    for (const PlacedCode& function : functions)
        named.push_back({function.bytes, function.entry, name_of(function.func)});
    if (!common.empty())
        named.push_back({common, 0, "wasm!(common code)"});
    if (wanted.perf_map)
        WSB_TRY(write_perf_map(named));
    if (wanted.jitdump)
        WSB_TRY(write_jitdump(named));
    if (!wanted.gdb || named.empty())
        return nullptr;
    return DebuggerEntry::create(named);
}

}  // namespace wsb::jit
