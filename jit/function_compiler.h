// SPDX-License-Identifier: Apache-2.0
// One function at a time: compiled, put where it runs, and made known.
#pragma once

#include "engine/lower/code_memory.h"
#include "engine/validate/body_reader.h"
#include "jit/machine_sink.h"

namespace wsb::jit {

/// One thread's compiler.
class FunctionCompiler {
public:
    FunctionCompiler(const Module& module, const MachineOptions& options)
        : m_module(module), m_sink(options), m_reader(module, m_sink) {}
    FunctionCompiler(const FunctionCompiler&) = delete;
    FunctionCompiler& operator=(const FunctionCompiler&) = delete;

    /// Validates the body as well; the module's declarations have been validated. What is returned is valid
    /// until the next call. @return invalid, malformed or limit errors; limit_exceeded as well when patience
    /// is over.
    [[nodiscard]] Result<MachineText> compile(FuncIdx func, const Patience& patience);

private:
    const Module& m_module;
    LocalUse m_use;
    MachineSink m_sink;
    validate::BodyReader<MachineSink> m_reader;
};

/// Copies a function to where it will run, with its addresses and its ways to the common code.
void write_body(const MachineText& function, const CommonCode& common, uint8_t* begin) noexcept;

/// Writes the displacement of a call or a jump that ends at `end`.
void link(uint8_t* end, const void* target) noexcept;

/// What has to be known of a function, which begins at `begin`, as long as it can run. It lies in the
/// writer's memory.
[[nodiscard]] lower::MachineCode describe(const MachineText& function, const uint8_t* begin,
                                          lower::CodeWriter& writer);

/// From here on calls of the function go to its machine code, of which `machine` in the writer's memory
/// tells.
void publish(const MachineText& function, const lower::MachineCode& machine, lower::Code& code) noexcept;

}  // namespace wsb::jit
