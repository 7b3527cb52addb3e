// SPDX-License-Identifier: Apache-2.0
// Which imports of a module the sandbox provides, and what they need.
#pragma once

#include "engine/base/error.h"
#include "wsb/types.hpp"

#include <span>
#include <string>
#include <vector>

namespace wsb::sandbox {

/// Whether the sandbox has something under this name (its type is the linker's business).
[[nodiscard]] bool is_provided(const ImportType& import) noexcept;

/// @return unknown_import, naming every import that is not provided, with its type.
[[nodiscard]] Result<void> check_imports(std::span<const ImportType> imports);

/// What may be granted, for those who were refused an import.
[[nodiscard]] std::string import_advice(std::span<const ImportType> imports);

/// What a module with these imports would need: one line each, e.g. "files: --dir HOST[::GUEST][:ro]".
[[nodiscard]] std::vector<std::string> grants_needed(std::span<const ImportType> imports);

}  // namespace wsb::sandbox
