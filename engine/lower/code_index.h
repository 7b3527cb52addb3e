// SPDX-License-Identifier: Apache-2.0
// Which function a cell belongs to, while functions are still being lowered. For traps, exceptions and
// collections, not for calls.
#pragma once

#include "engine/lower/code.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

namespace wsb::lower {

/// A form of a function.
struct FoundForm {
    enum class Kind : uint8_t { fast, stepping, machine };

    const Code* fast = nullptr;  ///< null: none
    Kind kind = Kind::fast;
};

/// All forms of a module's functions. Safe to use from several threads once the module is loaded.
class CodeIndex {
public:
    /// Once, when the module is loaded: enters those that are lowered, and machine code.
    void enter_loaded(std::span<const Code> codes);
    /// Those that have had machine code since then, ascending by where it begins.
    [[nodiscard]] std::span<const Code* const> loaded_machines() const noexcept { return m_machines; }

    /// Enters the form of `fast` that begins with the cell `entry`; of machine code, its first byte.
    /// `publish` runs under the lock, so that whoever meets a published form finds it here; it says no if
    /// another thread came first.
    template <class Publish>
    void enter(const Code& fast, const void* entry, Publish publish) {
        const std::unique_lock lock(m_mutex);
        const auto entered = m_later.emplace(entry, &fast).first;
        if (!publish())
            m_later.erase(entered);
    }

    [[nodiscard]] FoundForm find(const Word* cell) noexcept;

private:
    std::vector<const Code*> m_loaded;    ///< ascending by their cells
    std::vector<const Code*> m_machines;  ///< ascending by their machine code
    std::shared_mutex m_mutex;
    std::map<const void*, const Code*, std::less<>> m_later;  ///< and other forms; by where they begin
};

}  // namespace wsb::lower
