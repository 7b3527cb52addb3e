// SPDX-License-Identifier: Apache-2.0
// Memory whose content can be put back to what it was at first, at the cost of what was written since.
#pragma once

#include "engine/runtime/page_watch.h"

#include <array>
#include <cstdint>
#include <span>

namespace wsb::runtime {

/// What a range holds at first: `bytes` from an offset on (of whole pages both), zeros elsewhere.
struct InitialContent {
    uint64_t offset_bytes = 0;
    std::span<const uint8_t> bytes;
    bool is_mapped =
        false;  ///< a private mapping of a file, which comes back by itself when pages are let go
};

/// How to go about it.
struct ResetPolicy {
    uint64_t resident_bytes = 0;  ///< more private pages than that are given back to the system
    bool may_watch = true;        ///< whether the kernel may be asked which pages were written
};

/// How a reset was done.
enum class ResetKind : uint8_t {
    known,      ///< by copying over the pages that were private before
    scanned,    ///< by copying over the private pages, found by asking the kernel
    discarded,  ///< by giving pages back, or by writing everything
};

/// Private pages that nothing but the process writes, without huge pages. Not owned.
class ResettableRange {
public:
    /// `range` has the content now, and is of whole pages.
    void begin(PageRange range, const InitialContent& content) noexcept;
    /// Puts the content back. `is_watched`: no page can have become private since the last reset.
    ResetKind reset(bool is_watched, const ResetPolicy& policy) noexcept;
    [[nodiscard]] PageRange range() const noexcept { return m_range; }

private:
    void restore(PageRange pages) noexcept;
    void discard() noexcept;

    /// Of pages that are private; scattered ones beyond that are given back.
    static constexpr size_t most_ranges = 64;

    PageRange m_range;
    InitialContent m_content;
    std::array<PageRange, most_ranges> m_private;  ///< every private page is in one of them
    size_t m_private_count = 0;
    bool m_is_known = false;  ///< whether m_private is right
};

}  // namespace wsb::runtime
