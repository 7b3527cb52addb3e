// SPDX-License-Identifier: Apache-2.0
#include "jit/function_compiler.h"

#include <cstring>

namespace wsb::jit {

Result<MachineText> FunctionCompiler::compile(FuncIdx func, const Patience& patience) {
    m_use.scan(m_module, func, patience);
    m_sink.expect(m_use);
    WSB_TRY(m_reader.run(func, patience));
    const MachineText text = m_sink.take();
    WSB_TRY(lower::check_frame(m_module, func, text.frame_slots));
    return text;
}

void write_body(const MachineText& function, const CommonCode& common, uint8_t* begin) noexcept {
    std::memcpy(begin, function.bytes.data(), function.bytes.size());
    for (const auto& address : function.addresses) {
        const uint8_t* const target = begin + address.target;
        std::memcpy(begin + address.at, &target, sizeof target);
    }
    for (const auto& exit : function.exits)
        link(begin + exit.end, common.at(exit.piece));
}

void link(uint8_t* end, const void* target) noexcept {
    const auto distance = static_cast<int32_t>(static_cast<const uint8_t*>(target) - end);
    std::memcpy(end - sizeof distance, &distance, sizeof distance);
}

lower::MachineCode describe(const MachineText& function, const uint8_t* begin, lower::CodeWriter& writer) {
    return {.begin = begin,
            .size_bytes = static_cast<uint32_t>(function.bytes.size()),
            .sites = writer.write(function.sites),
            .accesses = writer.write(function.accesses),
            .landings = writer.write(function.landings),
            .changes = {},
            .folded = {}};
}

void publish(const MachineText& function, const lower::MachineCode& machine, lower::Code& code) noexcept {
    WSB_CHECK(machine.landings.size() == code.catches.size());  // both were made of the same clauses
    code.machine.store(&machine, std::memory_order_release);
    code.native_entry.store(machine.begin + function.native_entry, std::memory_order_release);
    // SAFETY: cells lie aligned behind the code.
    code.entry.store(reinterpret_cast<const lower::Word*>(machine.begin + function.entry_cell),
                     std::memory_order_release);
    code.publish_frame(function.frame_slots);
}

}  // namespace wsb::jit
