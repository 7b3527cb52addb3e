// SPDX-License-Identifier: Apache-2.0
// Reasons for which execution stops; numbers and texts are in traps.def.
#pragma once

#include <cstdint>
#include <string_view>

namespace wsb {

enum class TrapCode : uint8_t {
#define WSB_TRAP(id, number, text) id = number,
#include "engine/isa/traps.def"
#undef WSB_TRAP
};

[[nodiscard]] constexpr std::string_view trap_text(TrapCode code) noexcept {
    switch (code) {
#define WSB_TRAP(id, number, text) \
    case TrapCode::id: return text;
#include "engine/isa/traps.def"
#undef WSB_TRAP
    }
    return "unknown trap";
}

}  // namespace wsb
