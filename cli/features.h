// SPDX-License-Identifier: Apache-2.0
// --wasm and --features: which parts of WebAssembly a module may use.
#pragma once

#include "engine/base/error.h"
#include "engine/isa/features.h"

#include <string>
#include <string_view>
#include <vector>

namespace wsb::cli {

/// The features of a version (1.0, 2.0, 3.0; empty: `usual`), changed by the lists one after the other. A
/// list is names between commas, each added, or taken away if it has a minus; `all` is every one.
/// @return bad_usage with a text for people.
[[nodiscard]] Result<Features> parse_features(std::string_view version, const std::vector<std::string>& lists,
                                              Features usual);

}  // namespace wsb::cli
