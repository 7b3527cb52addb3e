// SPDX-License-Identifier: Apache-2.0
// The interface by which debuggers learn of machine code that no file has: a list of object files in memory.
// GDB reads it when it attaches, and stops at __jit_debug_register_code for what changes; so do LLDB and
// others. Source: GDB manual, "JIT Compilation Interface".
#pragma once

#include "jit/code_names.h"

#include <vector>

/// In the form that debuggers expect, and under these names. Weak, for a program can have another compiler
/// in it that follows the same interface: they share the list.
extern "C" {
struct jit_code_entry {  // NOLINT(readability-identifier-naming)
    jit_code_entry* next_entry;
    jit_code_entry* prev_entry;
    const char* symfile_addr;
    uint64_t symfile_size;
};
struct jit_descriptor {  // NOLINT(readability-identifier-naming)
    uint32_t version;
    uint32_t action_flag;  ///< 0: nothing, 1: relevant_entry came, 2: it goes
    jit_code_entry* relevant_entry;
    jit_code_entry* first_entry;
};
extern jit_descriptor __jit_debug_descriptor;  // NOLINT
void __jit_debug_register_code();              // NOLINT
}

namespace wsb::jit {

/// An ELF file without code that names ranges of memory, and says how to find the caller's frame in them:
/// machine code has nothing on the native stack but, between `call` and entry and before `ret`, the place to
/// return to; so the stack pointer is where that is, or where the host is returned to. `functions` is not
/// empty.
[[nodiscard]] std::vector<char> symbol_file(std::span<const NamedCode> functions);

/// Functions that debuggers know of as long as it exists. Thread safe.
class DebuggerEntry {
public:
    [[nodiscard]] static std::shared_ptr<const DebuggerEntry> create(std::span<const NamedCode> functions) {
        return std::make_shared<const DebuggerEntry>(symbol_file(functions));
    }
    explicit DebuggerEntry(std::vector<char> file);
    DebuggerEntry(const DebuggerEntry&) = delete;
    DebuggerEntry& operator=(const DebuggerEntry&) = delete;
    ~DebuggerEntry();

private:
    std::vector<char> m_file;
    mutable jit_code_entry m_entry{};
};

}  // namespace wsb::jit
