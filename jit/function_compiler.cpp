// SPDX-License-Identifier: Apache-2.0
#include "jit/function_compiler.h"

#include <cstring>

namespace wsb::jit {

Result<std::unique_ptr<Compiled>> FunctionCompiler::compile(FuncIdx func, const Patience& patience,
                                                            std::pmr::memory_resource* room) {
    WSB_TRY(m_use_reader.run(func, patience));
    m_sink.expect(m_use);
    WSB_TRY(m_reader.run(func, patience));
    MachineText text = m_sink.take();
    WSB_TRY(lower::check_frame(m_module, func, text.frame_slots));
    auto compiled = std::make_unique<Compiled>(room);
    compiled->bytes.assign(text.bytes.begin(), text.bytes.end());
    compiled->addresses.assign(text.addresses.begin(), text.addresses.end());
    compiled->calls.assign(text.calls.begin(), text.calls.end());
    compiled->sites = std::move(text.sites);
    compiled->accesses.assign(text.accesses.begin(), text.accesses.end());
    compiled->landings = std::move(text.landings);
    compiled->code_bytes = text.code_bytes;
    compiled->frame_slots = text.frame_slots;
    compiled->entry = text.entry;
    compiled->entry_cell = text.entry_cell;
    compiled->native_entry = text.native_entry;
    return compiled;
}

void write_body(const Compiled& function, uint8_t* begin) noexcept {
    std::memcpy(begin, function.bytes.data(), function.bytes.size());
    for (const auto& address : function.addresses) {
        const uint8_t* const target = begin + address.target;
        std::memcpy(begin + address.at, &target, sizeof target);
    }
}

void link(uint8_t* end, const void* target) noexcept {
    const auto distance = static_cast<int32_t>(static_cast<const uint8_t*>(target) - end);
    std::memcpy(end - sizeof distance, &distance, sizeof distance);
}

void publish(const runtime::CompiledModule& module, lower::Code& code, const uint8_t* begin,
             Compiled& function, RegisteredCode& registered) {
    auto machine = std::make_unique<lower::MachineCode>();
    machine->begin = begin;
    machine->size_bytes = static_cast<uint32_t>(function.bytes.size());
    machine->sites = std::move(function.sites);
    machine->accesses = std::move(function.accesses);
    machine->landings = std::move(function.landings);
    WSB_CHECK(machine->landings.size() == code.catches.size());  // both were made of the same clauses
    machine->changes = std::move(function.changes);
    machine->folded = std::move(function.folded);
    registered.add(*machine);
    module.code_index.enter(code, begin, [&] {
        code.machine.store(machine.release(), std::memory_order_release);
        return true;
    });
    code.native_entry.store(begin + function.native_entry, std::memory_order_release);
    // SAFETY: cells lie aligned behind the code.
    code.entry.store(reinterpret_cast<const lower::Word*>(begin + function.entry_cell),
                     std::memory_order_release);
    code.publish_frame(function.frame_slots);
}

}  // namespace wsb::jit
