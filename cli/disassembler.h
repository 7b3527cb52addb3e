// SPDX-License-Identifier: Apache-2.0
// x86-64 machine code as text, by the library capstone.
#pragma once

#include "engine/base/error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wsb::cli {

struct MachineInstr {
    uint32_t at = 0;  ///< bytes from the beginning
    uint32_t size_bytes = 0;
    std::string text;  ///< in Intel's syntax; places in the code are their `at`
    bool is_jump = false;
    bool is_lea = false;
    std::optional<uint64_t> place;      ///< that it jumps to, or that its operand relative to rip is at
    std::optional<uint64_t> immediate;  ///< of a move to a register
};

/// All of `code`. Bytes that are no instruction become `.byte`s.
/// @return what is wrong with the library.
[[nodiscard]] Result<std::vector<MachineInstr>> disassemble(std::span<const uint8_t> code);

}  // namespace wsb::cli
