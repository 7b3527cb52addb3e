// SPDX-License-Identifier: Apache-2.0
// Strict UTF-8. Spec: binary/values#names
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wsb {

/// Whether the bytes are well-formed UTF-8: shortest forms only, no surrogates, nothing above
/// U+10FFFF.
[[nodiscard]] bool is_utf8(std::span<const uint8_t> bytes) noexcept;
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace wsb
