// SPDX-License-Identifier: Apache-2.0
// One function at a time: compiled, put where it runs, and made known.
#pragma once

#include "engine/runtime/tier.h"
#include "engine/validate/body_reader.h"
#include "jit/code_registry.h"
#include "jit/machine_sink.h"

#include <memory>
#include <memory_resource>
#include <vector>

namespace wsb::jit {

/// A function's machine code, before it has its place.
struct Compiled {
    explicit Compiled(std::pmr::memory_resource* room) : bytes(room), addresses(room), calls(room) {}

    std::pmr::vector<uint8_t> bytes;
    std::pmr::vector<MachineText::Address> addresses;
    std::pmr::vector<MachineText::Call> calls;
    std::vector<lower::MachineSite> sites;
    std::vector<lower::MachineAccess> accesses;
    std::vector<uint32_t> landings;
    std::vector<lower::ChangePoint> changes;
    std::vector<lower::FoldedOperand> folded;
    uint32_t code_bytes = 0;
    uint32_t frame_slots = 0;
    uint32_t entry = 0;
    uint32_t entry_cell = 0;
    uint32_t native_entry = 0;
};

/// One thread's compiler.
class FunctionCompiler {
public:
    FunctionCompiler(const Module& module, const MachineOptions& options)
        : m_module(module), m_sink(options), m_use_reader(module, m_use), m_reader(module, m_sink) {}
    FunctionCompiler(const FunctionCompiler&) = delete;
    FunctionCompiler& operator=(const FunctionCompiler&) = delete;

    /// Validates the body as well; the module's declarations have been validated. `room` is where bytes are
    /// until they have their place, and outlives what is returned. @return invalid, malformed or limit
    /// errors; limit_exceeded as well when patience is over.
    [[nodiscard]] Result<std::unique_ptr<Compiled>> compile(
        FuncIdx func, const Patience& patience,
        std::pmr::memory_resource* room = std::pmr::get_default_resource());

private:
    const Module& m_module;
    LocalUseSink m_use;
    MachineSink m_sink;
    validate::BodyReader<LocalUseSink> m_use_reader;
    validate::BodyReader<MachineSink, true> m_reader;  ///< after the other one
};

/// Copies a function to where it will run, with its addresses.
void write_body(const Compiled& function, uint8_t* begin) noexcept;

/// Writes the displacement of a call that ends at `end`.
void link(uint8_t* end, const void* target) noexcept;

/// From here on calls of the function go to its machine code, which is also `registered`. What `function`
/// knows is moved from.
void publish(const runtime::CompiledModule& module, lower::Code& code, const uint8_t* begin,
             Compiled& function, RegisteredCode& registered);

}  // namespace wsb::jit
