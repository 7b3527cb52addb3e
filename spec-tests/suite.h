// SPDX-License-Identifier: Apache-2.0
// The official suite as a directory: which scripts are run, and where they come from (SOURCE.md).
#pragma once

#include "engine/base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace wsb::spec {

struct SuiteDirectory {
    std::string name;                  ///< below the suite's root; of the project's own: `own…`
    std::vector<std::string> scripts;  ///< whole paths, sorted
    std::string not_run;               ///< why its scripts are not run; empty if they are
    bool is_own = false;               ///< not the suite's
};

struct Suite {
    std::string source_table;                 ///< rows of SOURCE.md's first table, as Markdown
    std::vector<SuiteDirectory> directories;  ///< sorted by name, own ones behind
};

/// Scripts (.wast) below a path, sorted; the path itself if it is a file.
[[nodiscard]] std::vector<std::string> scripts_below(const std::string& path);

/// @param own_root  scripts of the project's own; may be empty
/// @return io if the suite's directory has no SOURCE.md.
[[nodiscard]] Result<Suite> open_suite(const std::filesystem::path& root,
                                       const std::filesystem::path& own_root);

}  // namespace wsb::spec
