// SPDX-License-Identifier: Apache-2.0
// Objects that the host has got hold of: roots of collections, and the only object references that the
// engine takes back from the host.
#pragma once

#include "engine/runtime/vm_context.h"

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

namespace wsb::runtime {

/// A stack of references, so that scopes can end, which also knows whether it has one.
class HostRoots {
public:
    /// Throws std::bad_alloc, and has not changed then.
    void add(Slot reference) {
        uint32_t& count = m_counts[reference];
        m_order.push_back(reference);
        ++m_size;
        ++count;
    }
    [[nodiscard]] bool has(Slot reference) const noexcept {
        const auto found = m_counts.find(reference);
        return found != m_counts.end() && found->second != 0;
    }
    [[nodiscard]] const size_t& size() const noexcept { return m_size; }
    /// Lets all but the first `size` go.
    void shrink(size_t size) noexcept {
        if (m_size > size) [[unlikely]]
            drop_behind(size);
    }
    /// Lets all go, and the room they took.
    void clear() noexcept {
        if (m_order.capacity() != 0)
            *this = HostRoots();
    }
    [[nodiscard]] std::span<const Slot> all() const noexcept { return m_order; }

private:
    /// Not inlined: each call of a host function asks, and few have something to drop.
    [[gnu::noinline]] void drop_behind(size_t size) noexcept {
        while (m_order.size() > size) {
            const auto found = m_counts.find(m_order.back());
            if (--found->second == 0)
                m_counts.erase(found);
            m_order.pop_back();
        }
        m_size = size;
    }

    std::vector<Slot> m_order;
    size_t m_size = 0;  ///< of m_order: HostPlace has its address
    std::unordered_map<Slot, uint32_t> m_counts;
};

}  // namespace wsb::runtime
