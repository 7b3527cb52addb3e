// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/trap.h"

#include <fmt/format.h>

namespace wsb {

std::string Trap::message() const {
    std::string text{trap_text(code)};
    if (!detail.empty())
        text += ": " + detail;
    return text;
}

std::string Trap::to_string() const {
    std::string text = message();
    for (size_t i = 0; i < frames.size(); ++i) {
        const TrapFrame& frame = frames[i];
        text += fmt::format("\n  {:2}: {}{}", i, frame.module_name, frame.module_name.empty() ? "" : "!");
        text += frame.func_name.empty() ? fmt::format("function {}", frame.func_index) : frame.func_name;
        if (frame.offset_bytes != no_offset)
            text += fmt::format(" (offset {:#x})", frame.offset_bytes);
    }
    return text;
}

std::string Failure::message() const {
    if (const Trap* found = trap())
        return "trap: " + found->message();
    if (const Exit* found = exit())
        return fmt::format("exit with status {}", found->status);
    return error()->message();
}

}  // namespace wsb
