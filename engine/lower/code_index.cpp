// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/code_index.h"

#include <algorithm>

namespace wsb::lower {

void CodeIndex::enter_loaded(std::span<const Code> codes) {
    m_loaded.reserve(static_cast<size_t>(std::ranges::count_if(codes, &Code::is_lowered)));
    for (const Code& code : codes)
        if (code.is_lowered())
            m_loaded.push_back(&code);
    std::ranges::sort(m_loaded, std::less<>{}, &Code::entry);
}

FoundForm CodeIndex::find(const Word* cell) noexcept {
    const auto loaded = std::ranges::upper_bound(m_loaded, cell, std::less<>{}, &Code::entry);
    if (loaded != m_loaded.begin() && (*std::prev(loaded))->contains(cell))
        return {*std::prev(loaded), false};
    const std::shared_lock lock(m_mutex);
    const auto after = m_later.upper_bound(cell);
    if (after == m_later.begin())
        return {};
    const auto& [entry, fast] = *std::prev(after);
    const bool is_stepping = entry != fast->entry;
    const Code& form = is_stepping ? fast->stepping.load(std::memory_order_acquire)->code : *fast;
    return form.contains(cell) ? FoundForm{fast, is_stepping} : FoundForm{};
}

}  // namespace wsb::lower
