// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/resettable_range.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace wsb::runtime {

namespace {
/// Up to here writing everything is cheaper than to have pages taken away and to fault them in again.
constexpr uint64_t small_bytes = uint64_t{64} << 10;
}  // namespace

void ResettableRange::begin(PageRange range, const InitialContent& content) noexcept {
    m_range = range;
    m_content = content;
    m_is_known = false;
}

ResetKind ResettableRange::reset(bool is_watched, const ResetPolicy& policy) noexcept {
    if (!policy.may_watch) {
        discard();
        return ResetKind::discarded;
    }
    const bool is_known = is_watched && m_is_known;
    if (!is_known) {
        const auto count = private_pages(m_range, policy.resident_bytes, m_private);
        m_is_known = count.has_value();
        if (!count) {
            discard();
            return ResetKind::discarded;
        }
        m_private_count = *count;
    }
    for (const PageRange& pages : std::span(m_private).first(m_private_count))
        restore(pages);
    return is_known ? ResetKind::known : ResetKind::scanned;
}

/// Writes pages of the range as they were.
void ResettableRange::restore(PageRange pages) noexcept {
    uint8_t* const content_begin = m_range.begin + std::min(m_content.offset_bytes, m_range.size_bytes());
    uint8_t* const content_end = content_begin + m_content.bytes.size();
    uint8_t* const begin = std::clamp(content_begin, pages.begin, pages.end);
    uint8_t* const end = std::clamp(content_end, pages.begin, pages.end);
    // SAFETY: pages.begin <= begin <= end <= pages.end, and [begin, end) is empty or inside the content.
    std::memset(pages.begin, 0, static_cast<size_t>(begin - pages.begin));
    if (begin < end)
        std::memcpy(begin, m_content.bytes.data() + (begin - content_begin),
                    static_cast<size_t>(end - begin));
    std::memset(end, 0, static_cast<size_t>(pages.end - end));
}

void ResettableRange::discard() noexcept {
    m_is_known = false;
    const uint64_t size_bytes = m_range.size_bytes();
    // Pages that are locked cannot be taken away.
    if (size_bytes <= small_bytes || ::madvise(m_range.begin, size_bytes, MADV_DONTNEED) != 0) {
        restore(m_range);
        return;
    }
    if (m_content.is_mapped || m_content.bytes.empty()) {
        m_private_count = 0;
        m_is_known = true;
    } else {
        std::memcpy(m_range.begin + m_content.offset_bytes, m_content.bytes.data(), m_content.bytes.size());
    }
}

}  // namespace wsb::runtime
