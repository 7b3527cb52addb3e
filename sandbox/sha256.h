// SPDX-License-Identifier: Apache-2.0
// SHA-256. Spec: FIPS 180-4
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wsb::sandbox {

using Sha256 = std::array<uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::span<const uint8_t> bytes) noexcept;
/// In hexadecimal, small letters.
[[nodiscard]] std::string sha256_hex(std::span<const uint8_t> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace wsb::sandbox
