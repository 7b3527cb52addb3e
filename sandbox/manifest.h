// SPDX-License-Identifier: Apache-2.0
// Manifests: grants and limits from a TOML file. The schema is the tables in manifest_keys.cpp; nothing that
// is not in them is accepted.
#pragma once

#include "engine/base/error.h"
#include "sandbox/spec.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::sandbox {

/// What a manifest says.
struct Manifest {
    std::optional<std::filesystem::path> module_path;  ///< relative ones are so to the manifest
    std::optional<std::string> module_sha256;
    bool canonical_nans = false;
    SandboxLimits limits;
    Grants grants;
    std::optional<std::filesystem::path> audit_file;
};

/// Something wrong, and where.
struct ManifestProblem {
    uint32_t line = 0;
    uint32_t column = 0;
    std::string text;
};

/// @param directory that relative paths are in. @return all problems if there are any.
[[nodiscard]] std::expected<Manifest, std::vector<ManifestProblem>> parse_manifest(
    std::string_view text, const std::filesystem::path& directory);

/// @return bad_usage with "FILE:LINE:COLUMN: …" for each problem, or io_error.
[[nodiscard]] Result<Manifest> load_manifest(const std::filesystem::path& path);

/// Instead of the limits and grants that were there. @return io_error if the audit log cannot be opened.
[[nodiscard]] Result<void> apply_manifest(const Manifest& manifest, Spec& spec);

/// What it grants and limits, in words; a line each.
[[nodiscard]] std::vector<std::string> describe(const Manifest& manifest);

/// A JSON Schema for editors, docs/manifest.schema.json.
[[nodiscard]] std::string manifest_schema();

}  // namespace wsb::sandbox
