// SPDX-License-Identifier: Apache-2.0
#include "jit/code_registry.h"

#include <functional>
#include <mutex>
#include <new>

namespace wsb::jit {

using lower::MachineCode;

/// In a list that only grows: entries of modules that have ended serve others. So a reader may meet one while
/// it changes, which its version tells; its own module's does not change. All of it is sequentially
/// consistent, for it is needed rarely.
struct RegistryEntry {
    std::atomic<uint64_t> version = 0;  ///< odd while the rest changes
    std::atomic<const uint8_t*> begin = nullptr;
    std::atomic<const uint8_t*> end = nullptr;
    std::atomic<const RegisteredCode*> code = nullptr;  ///< null: it is free
    RegistryEntry* next = nullptr;                      ///< never changes once others see the entry

    void set(std::span<const uint8_t> memory, const RegisteredCode* of) noexcept {
        ++version;
        begin = memory.data();
        end = memory.data() + memory.size();
        code = of;
        ++version;
    }
    /// Null if the place lies elsewhere.
    [[nodiscard]] const RegisteredCode* code_around(const uint8_t* place) const noexcept {
        const uint64_t before = version;
        const RegisteredCode* const found = code;
        const bool is_inside = !std::less<>{}(place, begin.load()) && std::less<>{}(place, end.load());
        return is_inside && before % 2 == 0 && version == before ? found : nullptr;
    }
};

namespace {

// What signal handlers look at needs no lock of the library's own.
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<const void*>::is_always_lock_free);

constinit std::atomic<RegistryEntry*> newest_entry = nullptr;
constinit std::mutex writers;

/// A free one, or a new one. Null if there is no memory. Under the lock.
[[nodiscard]] RegistryEntry* take_entry() noexcept {
    for (RegistryEntry* entry = newest_entry; entry != nullptr; entry = entry->next)
        if (entry->code == nullptr)
            return entry;
    auto* const entry = new (std::nothrow) RegistryEntry;
    if (entry != nullptr) {
        entry->next = newest_entry;
        newest_entry = entry;
    }
    return entry;
}

}  // namespace

std::unique_ptr<RegisteredCode> RegisteredCode::create(std::span<const uint8_t> memory,
                                                       size_t most_functions) {
    std::unique_ptr<RegisteredCode> code(new RegisteredCode(most_functions));
    const std::scoped_lock lock(writers);
    code->m_entry = take_entry();
    if (code->m_entry == nullptr)
        return nullptr;
    code->m_entry->set(memory, code.get());
    return code;
}

RegisteredCode::~RegisteredCode() {
    if (m_entry == nullptr)
        return;
    const std::scoped_lock lock(writers);
    m_entry->set({}, nullptr);
}

void RegisteredCode::add(const MachineCode& function) noexcept {
    if (function.accesses.empty())
        return;
    m_functions[m_count].store(&function, std::memory_order_relaxed);
    m_count.store(m_count + 1, std::memory_order_release);
}

bool RegisteredCode::has_access(const uint8_t* place) const noexcept {
    size_t first = 0, last = m_count.load(std::memory_order_acquire);
    // The last function that begins at the place or before.
    while (first != last) {
        const size_t middle = first + (last - first) / 2;
        if (std::less<>{}(place, m_functions[middle].load(std::memory_order_relaxed)->begin))
            last = middle;
        else
            first = middle + 1;
    }
    const MachineCode* const function =
        first == 0 ? nullptr : m_functions[first - 1].load(std::memory_order_relaxed);
    return function != nullptr && function->contains(place) && function->find_access(place) != nullptr;
}

bool is_access(const void* place) noexcept {
    const auto* const byte = static_cast<const uint8_t*>(place);
    for (const RegistryEntry* entry = newest_entry; entry != nullptr; entry = entry->next)
        if (const RegisteredCode* const code = entry->code_around(byte))
            return code->has_access(byte);
    return false;
}

}  // namespace wsb::jit
