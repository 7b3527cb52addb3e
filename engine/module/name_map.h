// SPDX-License-Identifier: Apache-2.0
// Names of what has an index, as the name section gives them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace wsb {

/// Ascending by index. The names themselves lie elsewhere (of a module, in its bytes), which has to live as
/// long: large modules have hundreds of thousands.
class NameMap {
public:
    using Entry = std::pair<uint32_t, std::string_view>;

    NameMap() = default;
    NameMap(std::initializer_list<Entry> entries) : NameMap(std::vector<Entry>(entries)) {}
    /// In any order; of several with one index the first counts.
    explicit NameMap(std::vector<Entry> entries) : m_entries(std::move(entries)) {
        const auto not_ascending = [](const Entry& a, const Entry& b) { return a.first >= b.first; };
        if (std::ranges::adjacent_find(m_entries, not_ascending) == m_entries.end())
            return;
        const std::map<uint32_t, std::string_view> sorted(m_entries.begin(), m_entries.end());
        m_entries.assign(sorted.begin(), sorted.end());
    }

    [[nodiscard]] auto begin() const noexcept { return m_entries.begin(); }
    [[nodiscard]] auto end() const noexcept { return m_entries.end(); }
    [[nodiscard]] bool empty() const noexcept { return m_entries.empty(); }
    [[nodiscard]] size_t size() const noexcept { return m_entries.size(); }
    /// end() if it has no name.
    [[nodiscard]] auto find(uint32_t index) const noexcept {
        const auto found = std::ranges::lower_bound(m_entries, index, {}, &Entry::first);
        return found != end() && found->first == index ? found : end();
    }
    bool operator==(const NameMap&) const = default;

private:
    std::vector<Entry> m_entries;
};

}  // namespace wsb
