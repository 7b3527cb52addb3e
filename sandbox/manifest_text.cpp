// SPDX-License-Identifier: Apache-2.0
// Manifests in words, and their schema.
#include "sandbox/manifest.h"
#include "sandbox/manifest_keys.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

namespace wsb::sandbox {
namespace {

using Json = nlohmann::ordered_json;

std::string_view word_of(std::span<const Word> words, int value) noexcept {
    for (const Word& word : words)
        if (word.value == value)
            return word.text;
    return "";
}

std::string value_text(const LimitKey& key, uint64_t value) {
    if (key.kind == KeyKind::duration)
        return fmt::format("{} ms", static_cast<double>(value) / 1e6);
    return fmt::format("{}{}", value, key.kind == KeyKind::size ? " bytes" : "");
}

std::string source_text(const DirGrant& dir) {
    const auto in_memory = [&](std::string_view what) {
        return fmt::format("{}, in memory of at most {} bytes,", what, dir.max_memory_bytes);
    };
    switch (dir.source) {
        case DirSource::host: break;
        case DirSource::memory: return in_memory("an empty directory");
        case DirSource::copy: return in_memory(fmt::format("a copy of directory {}", dir.host));
        case DirSource::overlay: return in_memory(fmt::format("changes over directory {}", dir.host));
        case DirSource::archive: return in_memory(fmt::format("what archive {} has", dir.host));
    }
    return "directory " + dir.host;
}

void describe_sources(const Grants& grants, std::vector<std::string>& lines) {
    const bool begins = grants.clock == ClockMode::virtual_ || grants.clock == ClockMode::frozen;
    lines.push_back(fmt::format(
        "clock: {}{}", word_of(clock_words(), static_cast<int>(grants.clock)),
        begins ? fmt::format(", from {} s after 1970 on", grants.clock_start_ns / 1'000'000'000) : ""));
    lines.push_back(
        fmt::format("random bytes: {}", word_of(random_words(), static_cast<int>(grants.random))));
    constexpr std::array names{"standard input", "standard output", "standard error"};
    for (size_t i = 0; i < names.size(); ++i)
        lines.push_back(fmt::format("{}: {}", names[i], grants.streams[i] >= 0 ? "passed on" : "closed"));
    for (const std::string& address : grants.listen)
        lines.push_back("listens at " + address);
    for (const std::string& address : grants.connect)
        lines.push_back("is connected to " + address);
    if (grants.listen.empty() && grants.connect.empty())
        lines.emplace_back("network: none");
}

Json word_schema(std::span<const Word> words) {
    Json all = Json::array();
    for (const Word& word : words)
        all.push_back(word.text);
    return {{"enum", all}};
}

Json number_schema(KeyKind kind, std::string_view text, uint64_t least, uint64_t most) {
    const Json integer{{"type", "integer"}, {"minimum", least}, {"maximum", most}};
    Json schema;
    if (kind == KeyKind::count)
        schema = integer;
    else if (kind == KeyKind::size)
        schema = {{"anyOf", {integer, {{"type", "string"}, {"pattern", "^[0-9]+(B|[KMGT]iB|kB|MB|GB)?$"}}}}};
    else
        schema = {{"type", "string"}, {"pattern", "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)$"}};
    schema["description"] = text;
    return schema;
}

Json table_schema(Json properties, Json required = Json::array()) {
    Json schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty())
        schema["required"] = std::move(required);
    return schema;
}

Json sockets_schema() {
    return {
        {"type", "array"},
        {"items", table_schema({{"address", {{"type", "string"}, {"pattern", ":[0-9]+$"}}}}, {"address"})}};
}

}  // namespace

std::vector<std::string> describe(const Manifest& manifest) {
    std::vector<std::string> lines;
    if (manifest.module_path)
        lines.push_back("module: " + manifest.module_path->string() +
                        (manifest.module_sha256 ? ", pinned by its hash" : ""));
    if (manifest.canonical_nans)
        lines.emplace_back("NaNs: canonical");
    for (const DirGrant& dir : manifest.grants.dirs) {
        std::string line = fmt::format("{} as {}: {}", source_text(dir), dir.guest,
                                       word_of(access_words(), static_cast<int>(dir.access)));
        if (dir.max_file_bytes)
            line += fmt::format(", files up to {} bytes", *dir.max_file_bytes);
        if (dir.max_bytes)
            line += fmt::format(", {} bytes written altogether", *dir.max_bytes);
        if (dir.has_special_files)
            line += ", devices, FIFOs and sockets too";
        lines.push_back(std::move(line));
    }
    if (manifest.grants.dirs.empty())
        lines.emplace_back("directories: none");
    std::string names;
    for (const EnvGrant& variable : manifest.grants.env)
        names += (names.empty() ? "" : ", ") + variable.name;
    lines.push_back("environment: " + (names.empty() ? "empty" : names));
    describe_sources(manifest.grants, lines);
    for (const LimitKey& key : limit_keys())
        if (const auto value = key.get(manifest.limits))
            lines.push_back(fmt::format("limit: {}: {}", key.text, value_text(key, *value)));
    if (manifest.audit_file)
        lines.push_back("audit log: " + manifest.audit_file->string());
    return lines;
}

std::string manifest_schema() {
    const Json text{{"type", "string"}};
    const Json flag{{"type", "boolean"}};
    Json limits = Json::object();
    for (const LimitKey& key : limit_keys())
        limits[std::string(key.name)] = number_schema(key.kind, key.text, key.least, key.most);
    const Json dir =
        table_schema({{"host", text},
                      {"guest", text},
                      {"access", word_schema(access_words())},
                      {"source", word_schema(source_words())},
                      {"memory", number_schema(KeyKind::size, "of those in memory", 0, INT64_MAX)},
                      {"max_file_size", number_schema(KeyKind::size, "of each file", 0, INT64_MAX)},
                      {"max_bytes", number_schema(KeyKind::size, "written altogether", 0, INT64_MAX)},
                      {"special_files", flag}});
    Json root = table_schema(
        {{"module", table_schema({{"path", text},
                                  {"sha256", {{"type", "string"}, {"pattern", "^[0-9a-f]{64}$"}}},
                                  {"canonical_nans", flag}})},
         {"limits", table_schema(limits)},
         {"dir", {{"type", "array"}, {"items", dir}}},
         {"env",
          {{"type", "object"},
           {"properties", {{"pass", {{"type", "array"}, {"items", text}}}}},
           {"additionalProperties", text}}},
         {"clock",
          table_schema(
              {{"mode", word_schema(clock_words())},
               {"start", number_schema(KeyKind::count, "for modes virtual and frozen, in seconds since 1970",
                                       0, latest_start_s)}})},
         {"random", table_schema({{"mode", word_schema(random_words())},
                                  {"seed", number_schema(KeyKind::count, "for mode seeded", 0, INT64_MAX)}})},
         {"stdio", table_schema({{"stdin", flag}, {"stdout", flag}, {"stderr", flag}})},
         {"listen", sockets_schema()},
         {"connect", sockets_schema()},
         {"audit", table_schema({{"file", text}})}});
    Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "Manifest of wasm-sandbox"}};
    schema.update(root);
    return schema.dump(2) + "\n";
}

}  // namespace wsb::sandbox
