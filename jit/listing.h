// SPDX-License-Identifier: Apache-2.0
// A function's machine code with what each piece of it is, for people to read. It is compiled for this
// purpose alone: the ordinary compiler keeps no such record, and this one's code never runs.
#pragma once

#include "engine/runtime/tier.h"
#include "jit/machine_sink.h"
#include "jit/processor.h"

#include <optional>
#include <string>
#include <vector>

namespace wsb::jit {

struct Listing {
    /// Code from here on was emitted while this instruction was read. Operands are often computed later,
    /// where they are used: many instructions have no code of their own.
    struct Mark {
        uint32_t at = 0;            ///< bytes from the beginning
        uint64_t offset_bytes = 0;  ///< in the module
    };
    std::vector<uint8_t> bytes;  ///< but for what `addresses`, `calls` and `exits` tell, as they will run;
                                 ///< multiples of 8 in data
    std::vector<Mark> marks;     ///< ascending; of the reachable instructions
    uint32_t line_bytes = 0;     ///< the straight line; then what lies apart: edges, traps, fuel
    uint32_t code_bytes = 0;     ///< all code; then constants and tables of jumps
    uint32_t cells = 0;          ///< where cells begin, up to the end
    std::vector<MachineText::Address> addresses;
    std::vector<MachineText::Call> calls;
    std::vector<MachineText::Exit> exits;
    std::vector<lower::MachineSite> sites;  ///< ascending
    uint32_t native_entry = 0;
};

/// `func` is the module's own, and the module was compiled by this tier.
[[nodiscard]] Listing list_function(const runtime::CompiledModule& module, FuncIdx func, Processor processor);

/// What an absolute address in machine code of the module means, e.g. `code of function 3`; nothing if it is
/// none of those it can have.
[[nodiscard]] std::optional<std::string> address_name(const runtime::CompiledModule& module,
                                                      uint64_t address);

}  // namespace wsb::jit
