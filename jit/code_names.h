// SPDX-License-Identifier: Apache-2.0
// Who is told what machine code is: profilers by files (jit/perf_files.h), debuggers in memory
// (jit/debugger.h), as CodeNames says.
#pragma once

#include "engine/base/result.h"
#include "engine/runtime/tier.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace wsb::jit {

/// A function's machine code, at the place where it runs.
struct PlacedCode {
    FuncIdx func;
    std::span<const uint8_t> bytes;
    uint32_t entry = 0;  ///< MachineText::entry
};

/// The same with its name.
struct NamedCode {
    std::span<const uint8_t> bytes;
    uint32_t entry = 0;
    std::string name;
};

/// What the functions of one module are called in tools: `wasm!module!function`, by the name section, else by
/// an export, else `function[index]`; without the module if that has no name. All but printable ASCII is
/// escaped, for a name must not begin a line or steer a terminal; and everything is behind `wasm!`, so that
/// it is not taken for a function of the host's (a debugger calls `malloc` by its name).
class FuncNamer {
public:
    static constexpr size_t most_bytes = 200;

    /// The module must outlive it.
    explicit FuncNamer(const Module& module);
    [[nodiscard]] std::string operator()(FuncIdx func) const;

private:
    const Module& m_module;
    std::unordered_map<uint32_t, std::string_view> m_exports;  ///< names by function
};

/// Tells those whom `module.code_names` names of functions that can be executed from now on, and of the
/// module's common code unless that is empty. Thread safe.
/// @return what debuggers know it by, to be let go before the memory is; null if they are not told.
/// Or io_error, if a file cannot be written.
[[nodiscard]] Result<std::shared_ptr<const void>> announce(const runtime::CompiledModule& module,
                                                           std::span<const PlacedCode> functions,
                                                           std::span<const uint8_t> common);

}  // namespace wsb::jit
