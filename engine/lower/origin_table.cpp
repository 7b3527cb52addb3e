// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/origin_table.h"

#include "engine/base/check.h"

#include <algorithm>
#include <functional>
#include <span>

namespace wsb::lower {

namespace {

/// Of what was written here, so that it need not be checked.
[[nodiscard]] uint64_t read_leb(const uint8_t*& at) noexcept {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *at++;
        value |= uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80)
            return value;
    }
}

constexpr size_t longest_leb = 10;

/// @return behind what was written, which is up to `longest_leb` bytes.
uint8_t* write_leb(uint8_t* to, uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7)
        *to++ = static_cast<uint8_t>(value | 0x80);
    *to++ = static_cast<uint8_t>(value);
    return to;
}

/// P goes up and down: the sign becomes the lowest bit.
[[nodiscard]] uint64_t to_unsigned(int64_t value) noexcept {
    return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
[[nodiscard]] uint64_t to_signed(uint64_t value) noexcept {
    return value >> 1 ^ (0 - (value & 1));
}

void advance(CellOrigin& origin, const uint8_t*& at) noexcept {
    origin.word += static_cast<uint32_t>(read_leb(at));
    origin.offset_bytes += read_leb(at);
    origin.potential += static_cast<uint32_t>(to_signed(read_leb(at)));
}

}  // namespace

void OriginTable::clear() noexcept {
    m_packed.clear();
    m_marks.clear();
    m_recent_count = 0;
    m_last_packed = {};
    m_packed_origins = 0;
}

void OriginTable::pack_half() {
    constexpr size_t half = recent_origins / 2, numbers = 3;
    std::array<uint8_t, half * numbers * longest_leb> bytes;
    uint8_t* end = bytes.data();
    for (size_t i = 0; i < half; ++i) {
        const CellOrigin& origin = m_recent[i];
        WSB_ASSERT(origin.word >= m_last_packed.word && origin.offset_bytes >= m_last_packed.offset_bytes);
        if (m_packed_origins++ % origins_per_mark == 0) {
            m_marks.push_back({origin, m_packed.size() + static_cast<size_t>(end - bytes.data())});
        } else {
            end = write_leb(end, origin.word - m_last_packed.word);
            end = write_leb(end, origin.offset_bytes - m_last_packed.offset_bytes);
            end = write_leb(end, to_unsigned(int64_t{origin.potential} - int64_t{m_last_packed.potential}));
        }
        m_last_packed = origin;
    }
    m_packed.insert(m_packed.end(), bytes.data(), end);
    std::copy(m_recent.begin() + half, m_recent.end(), m_recent.begin());
    m_recent_count -= half;
}

template <class IsBehind>
CellOrigin OriginTable::last_before(IsBehind is_behind) const noexcept {
    const std::span kept(m_recent.data(), m_recent_count);
    const auto recent = std::ranges::partition_point(kept, std::not_fn(is_behind));
    if (recent != kept.begin())
        return *std::prev(recent);
    const auto mark =
        std::ranges::partition_point(m_marks, [&](const Mark& one) { return !is_behind(one.origin); });
    WSB_CHECK(mark != m_marks.begin());
    CellOrigin found = std::prev(mark)->origin, next = found;
    const uint8_t* at = m_packed.data() + std::prev(mark)->at;
    const uint8_t* const end = m_packed.data() + (mark == m_marks.end() ? m_packed.size() : mark->at);
    while (at != end) {
        advance(next, at);
        if (is_behind(next))
            break;
        found = next;
    }
    return found;
}

CellOrigin OriginTable::at_word(uint32_t word) const noexcept {
    return last_before([=](const CellOrigin& origin) { return origin.word > word; });
}

CellOrigin OriginTable::at_offset(uint64_t offset_bytes) const noexcept {
    return last_before([=](const CellOrigin& origin) { return origin.offset_bytes > offset_bytes; });
}

}  // namespace wsb::lower
