// SPDX-License-Identifier: Apache-2.0
// Floats as text that reads back to the same bits. Spec: text/values#text-float
#pragma once

#include <cstdint>
#include <string>

namespace wsb::text {

/// The shortest decimal that reads back to these bits; inf, nan and nan:0x… for the rest.
[[nodiscard]] std::string f32_text(uint32_t bits);
[[nodiscard]] std::string f64_text(uint64_t bits);

}  // namespace wsb::text
