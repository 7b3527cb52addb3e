// SPDX-License-Identifier: Apache-2.0
// What --help says.
#pragma once

#include <string_view>

namespace wsb::cli {

/// For a subcommand; the overview for the empty name.
[[nodiscard]] std::string_view help_for(std::string_view subcommand) noexcept;

}  // namespace wsb::cli
