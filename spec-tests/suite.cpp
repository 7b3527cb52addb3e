// SPDX-License-Identifier: Apache-2.0
#include "spec-tests/suite.h"

#include "spec-tests/isolation.h"

#include <algorithm>
#include <fstream>
#include <map>

namespace wsb::spec {

namespace {

/// The rows of the first table: `| … |` lines.
[[nodiscard]] Result<std::string> read_source_table(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string table;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('|'))
            table += line + '\n';
        else if (!table.empty())
            break;
    }
    if (table.empty())
        return fail(ErrorCode::io_error, path.string() + " has no table of sources");
    return table;
}

/// Proposals that the engine does not know.
[[nodiscard]] std::string reason_not_to_run(const std::filesystem::path& directory) {
    const bool is_known = feature_of_directory(directory.filename().string()).has_value();
    return *directory.begin() == "proposals" && !is_known ? "no feature of this engine" : "";
}

/// Scripts by the directory below the root that they are in.
[[nodiscard]] std::map<std::filesystem::path, std::vector<std::string>> by_directory(
    const std::filesystem::path& root) {
    std::map<std::filesystem::path, std::vector<std::string>> directories;
    for (const std::string& script : scripts_below(root.string()))
        directories[std::filesystem::path(script).parent_path().lexically_relative(root)].push_back(script);
    return directories;
}

}  // namespace

std::vector<std::string> scripts_below(const std::string& path) {
    std::vector<std::string> scripts;
    if (!std::filesystem::is_directory(path))
        return {path};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
        if (entry.path().extension() == ".wast")
            scripts.push_back(entry.path().string());
    std::ranges::sort(scripts);
    return scripts;
}

Result<Suite> open_suite(const std::filesystem::path& root, const std::filesystem::path& own_root) {
    Suite suite;
    WSB_TRY_ASSIGN(suite.source_table, read_source_table(root / "SOURCE.md"));
    for (auto& [name, scripts] : by_directory(root))
        suite.directories.push_back({name.string(), std::move(scripts), reason_not_to_run(name)});
    if (own_root.empty())
        return suite;
    for (auto& [name, scripts] : by_directory(own_root))
        suite.directories.push_back(
            {(name == "." ? "own" : "own" / name).string(), std::move(scripts), {}, true});
    return suite;
}

}  // namespace wsb::spec
