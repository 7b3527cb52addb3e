// SPDX-License-Identifier: Apache-2.0
// The guest stack of a store: mapped memory with an inaccessible page at each end, so that even a
// bug in the frame checks cannot reach other memory by a small step.
#pragma once

#include "engine/base/result.h"
#include "engine/runtime/page_watch.h"
#include "engine/runtime/vm_context.h"

#include <cstddef>

namespace wsb::runtime {

class GuestStack {
public:
    GuestStack() noexcept = default;
    GuestStack(const GuestStack&) = delete;
    GuestStack& operator=(const GuestStack&) = delete;
    ~GuestStack();

    /// Once. `size_bytes` is rounded up to pages. @return out_of_memory.
    [[nodiscard]] Result<void> reserve(size_t size_bytes) noexcept;
    /// Instead of reserve: pages that outlive this.
    void use(PageRange pages) noexcept;
    [[nodiscard]] Slot* begin() const noexcept { return m_begin; }
    [[nodiscard]] Slot* end() const noexcept { return m_end; }

private:
    void* m_mapping = nullptr;
    size_t m_mapping_bytes = 0;
    Slot* m_begin = nullptr;
    Slot* m_end = nullptr;
};

}  // namespace wsb::runtime
