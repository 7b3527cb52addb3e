// SPDX-License-Identifier: Apache-2.0
// Splits words into options and the rest: "--name value", "--name=value", "-n value", "-nvalue"; "--" ends
// them.
#pragma once

#include "engine/base/error.h"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wsb::cli {

using Words = std::span<const char* const>;

/// One option, and where what it says goes.
struct Option {
    std::string_view name;  ///< with its two hyphens
    /// A string takes a value, once; a vector one each time; a flag none.
    std::variant<std::string*, std::vector<std::string>*, bool*> target;
    char letter = 0;                 ///< the short form; 0 if there is none
    std::string_view if_alone = {};  ///< not empty: the value only follows "=", and without one is this
};

/// Whether an option may follow a word that is none.
enum class Order : uint8_t { options_first, mixed };

/// Reads all options, and the words that are none into `rest`. With options_first all from the first such
/// word on are rest.
/// @return bad_usage with a text for people.
[[nodiscard]] Result<void> read_options(Words words, std::span<const Option> options, Order order,
                                        std::vector<std::string>& rest);

}  // namespace wsb::cli
