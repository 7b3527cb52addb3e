// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/code_index.h"

#include <algorithm>

namespace wsb::lower {

namespace {

[[nodiscard]] const uint8_t* machine_begin(const Code* code) noexcept {
    return code->machine.load(std::memory_order_acquire)->begin;
}

}  // namespace

void CodeIndex::enter_loaded(std::span<const Code> codes) {
    for (const Code& code : codes) {
        if (code.is_lowered)
            m_loaded.push_back(&code);
        if (code.machine.load(std::memory_order_acquire) != nullptr)
            m_machines.push_back(&code);
    }
    std::ranges::sort(m_loaded, std::less<>{}, &Code::words);
    if (!std::ranges::is_sorted(m_machines, std::less<>{}, machine_begin))  // one thread makes it so
        std::ranges::sort(m_machines, std::less<>{}, machine_begin);
}

FoundForm CodeIndex::find(const Word* cell) noexcept {
    const auto loaded = std::ranges::upper_bound(m_loaded, cell, std::less<>{}, &Code::words);
    if (loaded != m_loaded.begin() && (*std::prev(loaded))->contains(cell))
        return {*std::prev(loaded), FoundForm::Kind::fast};
    const auto* const byte = reinterpret_cast<const uint8_t*>(cell);
    const auto machine_code = std::ranges::upper_bound(m_machines, byte, std::less<>{}, machine_begin);
    if (machine_code != m_machines.begin() && (*std::prev(machine_code))->machine.load()->contains(cell))
        return {*std::prev(machine_code), FoundForm::Kind::machine};
    const std::shared_lock lock(m_mutex);
    const auto after = m_later.upper_bound(cell);
    if (after == m_later.begin())
        return {};
    const Code& fast = *std::prev(after)->second;
    if (fast.contains(cell))
        return {&fast, FoundForm::Kind::fast};
    const SteppingForm* const stepping = fast.stepping.load(std::memory_order_acquire);
    if (stepping != nullptr && stepping->code.contains(cell))
        return {&fast, FoundForm::Kind::stepping};
    const MachineCode* const machine = fast.machine.load(std::memory_order_acquire);
    if (machine != nullptr && machine->contains(cell))
        return {&fast, FoundForm::Kind::machine};
    return {};
}

}  // namespace wsb::lower
