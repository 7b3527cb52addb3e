// SPDX-License-Identifier: Apache-2.0
// Which places in machine code access memory without a check, for whoever is told of a fault there: a signal
// handler, which may neither lock nor allocate.
#pragma once

#include "engine/lower/machine_code.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace wsb::jit {

struct RegistryEntry;

/// One module's machine code. Known to is_access as long as it exists; ends before the code does.
class RegisteredCode {
public:
    /// For functions in `memory`, at most so many. @return null if there is no memory for it.
    [[nodiscard]] static std::unique_ptr<RegisteredCode> create(std::span<const uint8_t> memory,
                                                                size_t most_functions);
    RegisteredCode(const RegisteredCode&) = delete;
    RegisteredCode& operator=(const RegisteredCode&) = delete;
    ~RegisteredCode();

    /// Before the function runs, which lies behind those that were added before; by one thread at a time.
    void add(const lower::MachineCode& function) noexcept;

    /// Async-signal-safe.
    [[nodiscard]] bool has_access(const uint8_t* place) const noexcept;

private:
    explicit RegisteredCode(size_t most_functions)
        : m_functions(std::make_unique<std::atomic<const lower::MachineCode*>[]>(most_functions)) {}

    /// Ascending, as many as m_count says. Those without accesses are not there.
    std::unique_ptr<std::atomic<const lower::MachineCode*>[]> m_functions;
    std::atomic<size_t> m_count = 0;
    RegistryEntry* m_entry = nullptr;
};

/// Whether the instruction at `place` is an access without a check of registered code. Async-signal-safe. No
/// module that the calling thread runs may end meanwhile; others may come and go.
[[nodiscard]] bool is_access(const void* place) noexcept;

}  // namespace wsb::jit
