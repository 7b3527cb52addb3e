// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox inspect
#include "cli/commands.h"
#include "cli/output.h"
#include "engine/base/result.h"
#include "sandbox/imports.h"
#include "wsb/engine.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace wsb::cli {
namespace {

/// What there is to say about a module.
struct Findings {
    std::string file;
    uint64_t size_bytes = 0;
    std::string name;
    std::vector<ImportType> imports;
    std::vector<ExportType> exports;
    std::vector<std::string> memories;  ///< of its own
    size_t functions = 0;               ///< of its own
    struct Custom {
        std::string name;
        uint64_t size_bytes;
    };
    std::vector<Custom> customs;
    std::vector<std::string_view> features;
    std::vector<std::string> grants;
};

/// A feature is used if the module is refused without it.
std::vector<std::string_view> features_used(std::span<const uint8_t> binary) {
    std::vector<std::string_view> used;
    for (const Feature feature : all_features) {
        Features others = Features::up_to(4);
        others.disable(feature);
        if (feature != Feature::mvp && !load(binary, others))
            used.push_back(feature_name(feature));
    }
    return used;
}

Result<Findings> inspect(const std::string& file, Features features) {
    WSB_TRY_ASSIGN(std::vector<uint8_t> content, read_file(file));
    WSB_TRY_ASSIGN(const std::vector<uint8_t> binary, to_binary(std::move(content), features));
    WSB_TRY_ASSIGN(const syntax::Module syntax, load(binary, features));
    Config config;
    config.features = features;
    WSB_TRY_ASSIGN(const v1::Module module, v1::Module::compile(Engine(config), binary));
    Findings findings;
    findings.file = file;
    findings.size_bytes = binary.size();
    findings.name = module.name();
    findings.imports = module.imports();
    findings.exports = module.exports();
    for (size_t i = syntax.imported_memories; i < syntax.memories.size(); ++i)
        findings.memories.push_back(to_string(ExternType{syntax.memories[i].type}));
    findings.functions = syntax.bodies.size();
    for (const CustomSectionView& section : module.custom_sections())
        findings.customs.push_back({std::string(section.name), section.content.size()});
    findings.features = features_used(binary);
    findings.grants = sandbox::grants_needed(findings.imports);
    return findings;
}

template <class Items, class ToText>
std::string list(std::string_view title, const Items& items, ToText to_text) {
    if (items.empty())
        return fmt::format("{}: none\n", title);
    std::string text = fmt::format("{}:\n", title);
    for (const auto& item : items)
        text += "  " + to_text(item) + "\n";
    return text;
}

std::string to_text(const Findings& findings) {
    const auto same = [](const auto& text) { return std::string(text); };
    std::string text =
        fmt::format("{}: {} bytes, {} functions{}\n", findings.file, findings.size_bytes, findings.functions,
                    findings.name.empty() ? "" : ", named \"" + findings.name + "\"");
    text += list("imports", findings.imports, [](const ImportType& import) {
        return fmt::format("{}.{}: {}", import.module, import.name, to_string(import.type));
    });
    text += list("exports", findings.exports, [](const ExportType& item) {
        return fmt::format("{}: {}", item.name, to_string(item.type));
    });
    text += list("memories", findings.memories, same);
    text += list("custom sections", findings.customs, [](const Findings::Custom& section) {
        return fmt::format("{}: {} bytes", section.name, section.size_bytes);
    });
    text += list("features used beyond the first version", findings.features, same);
    text += list("grants it would need", findings.grants, same);
    return printable(text);
}

std::string to_json(const Findings& findings) {
    constexpr std::array kinds{"function", "table", "memory", "global", "tag"};
    const auto kind = [&](const ExternType& type) { return kinds[static_cast<size_t>(type.kind())]; };
    // Keys stay in the order in which they are put.
    nlohmann::ordered_json json;
    json["file"] = findings.file;
    json["size_bytes"] = findings.size_bytes;
    json["name"] = findings.name;
    json["functions"] = findings.functions;
    auto& imports = json["imports"] = nlohmann::ordered_json::array();
    for (const ImportType& import : findings.imports)
        imports.push_back({{"module", import.module},
                           {"name", import.name},
                           {"kind", kind(import.type)},
                           {"type", to_string(import.type)},
                           {"provided", sandbox::is_provided(import)}});
    auto& exports = json["exports"] = nlohmann::ordered_json::array();
    for (const ExportType& item : findings.exports)
        exports.push_back({{"name", item.name}, {"kind", kind(item.type)}, {"type", to_string(item.type)}});
    json["memories"] = findings.memories;
    auto& customs = json["custom_sections"] = nlohmann::ordered_json::array();
    for (const Findings::Custom& section : findings.customs)
        customs.push_back({{"name", section.name}, {"size_bytes", section.size_bytes}});
    json["features"] = findings.features;
    json["grants"] = findings.grants;
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

int execute(const InspectCommand& command) {
    const auto findings = inspect(command.file, command.features);
    if (!findings) {
        complain_about(command.file, findings.error());
        return sandbox::status_for(findings.error());
    }
    const auto printed = print_out(command.as_json ? to_json(*findings) : to_text(*findings));
    if (printed)
        return 0;
    complain(printed.error().detail);
    return sandbox::status_refused;
}

}  // namespace wsb::cli
