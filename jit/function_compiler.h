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
    uint32_t entry = 0;
    uint32_t entry_cell = 0;
    uint32_t native_entry = 0;
};

/// One thread's compiler.
class FunctionCompiler {
public:
    FunctionCompiler(const Module& module, const MachineOptions& options)
        : m_sink(options), m_use_reader(module, m_use), m_reader(module, m_sink) {}
    FunctionCompiler(const FunctionCompiler&) = delete;
    FunctionCompiler& operator=(const FunctionCompiler&) = delete;

    /// The body was validated before. `room` is where bytes are until they have their place, and outlives
    /// what is returned: null if patience was over.
    [[nodiscard]] std::unique_ptr<Compiled> compile(
        FuncIdx func, const Patience& patience,
        std::pmr::memory_resource* room = std::pmr::get_default_resource());

private:
    LocalUseSink m_use;
    MachineSink m_sink;
    validate::BodyReader<LocalUseSink> m_use_reader;
    validate::BodyReader<MachineSink> m_reader;
};

/// Copies a function to where it will run, with its addresses.
void write_body(const Compiled& function, uint8_t* begin) noexcept;

/// Writes the displacement of a call that ends at `end`.
void link(uint8_t* end, const void* target) noexcept;

/// From here on calls of the function go to its machine code, which is also `registered`. What `function`
/// knows is moved from.
void publish(const runtime::CompiledModule& module, lower::Code& code, const uint8_t* begin,
             Compiled& function, RegisteredCode& registered);

/// Where a member of Code is, in bytes. (Code has no standard layout, so offsetof is not for it.)
template <class Member>
[[nodiscard]] int32_t offset_in_code(Member lower::Code::* member) noexcept {
    const lower::Code code;
    return static_cast<int32_t>(reinterpret_cast<const char*>(&(code.*member)) -
                                reinterpret_cast<const char*>(&code));
}

}  // namespace wsb::jit
