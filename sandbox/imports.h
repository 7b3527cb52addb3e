// SPDX-License-Identifier: Apache-2.0
// Imports of a module against what a sandbox has, and what grants they need.
#pragma once

#include "engine/base/error.h"
#include "sandbox/spec.h"
#include "wsb/sandbox.hpp"
#include "wsb/types.hpp"

#include <span>
#include <string>
#include <vector>

namespace wsb::sandbox {

/// Whether every sandbox has something under this name (its type is the linker's business).
[[nodiscard]] bool is_provided(const ImportType& import) noexcept;
[[nodiscard]] bool uses_wasi(std::span<const ImportType> imports) noexcept;

/// @return unknown_import, naming every import that is not provided, with its type.
[[nodiscard]] Result<void> check_imports(std::span<const ImportType> imports, const Spec& spec = {});

/// What may be granted, for those who were refused an import.
[[nodiscard]] std::string import_advice(std::span<const ImportType> imports);

/// Each import with the grant that it rests on.
[[nodiscard]] std::vector<ImportNeed> needs_of(std::span<const ImportType> imports, const Spec& spec);

/// What a module with these imports would need: one line each, e.g. "files: --dir HOST[::GUEST][:ro]".
[[nodiscard]] std::vector<std::string> grants_needed(std::span<const ImportType> imports);

}  // namespace wsb::sandbox
