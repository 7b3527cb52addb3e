// SPDX-License-Identifier: Apache-2.0
// The text format: to bytes and back. Text is assembled to the binary format, so that there is one
// decoder and one validator. Spec: text
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/isa/features.h"
#include "engine/module/module.h"

namespace wsb::text {

/// Assembles one module (with or without the enclosing `(module …)`) to the binary format, name section
/// included for `$names`. @return malformed errors with line and column (1-based).
[[nodiscard]] Result<std::vector<uint8_t>> assemble(std::string_view source);

struct PrintOptions {
    bool use_names = true;  ///< names of the name section as $identifiers
};

/// Prints a validated module in the text format. Assembling the text again gives an equal module.
[[nodiscard]] std::string print(const Module& module, const PrintOptions& options = {});

}  // namespace wsb::text
