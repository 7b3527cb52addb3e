// SPDX-License-Identifier: Apache-2.0
// Where the cells of a function came from, in about three bytes for each: of large functions it is kept
// beside the code, since whoever wants to know has to be told within a deadline.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wsb::lower {

/// Where a cell came from: for traps and backtraces.
struct CellOrigin {
    uint32_t word = 0;
    uint64_t offset_bytes = 0;  ///< in the module, of the instruction that emitted the cell
    uint32_t potential = 0;     ///< P when the cell traps: true fuel = F - P
};

/// Ascending by word, and by offset. Filled by one thread; then read by many.
class OriginTable {
public:
    void clear() noexcept;
    void push_back(const CellOrigin& origin) {
        if (m_recent_count == m_recent.size()) [[unlikely]]
            pack_half();
        m_recent[m_recent_count++] = origin;
    }
    // The last one can still be changed, and a few before it be taken back:
    [[nodiscard]] CellOrigin& back() noexcept { return m_recent[m_recent_count - 1]; }
    void pop_back() noexcept { --m_recent_count; }

    [[nodiscard]] bool empty() const noexcept { return m_marks.empty() && m_recent_count == 0; }
    [[nodiscard]] size_t size_bytes() const noexcept {
        return m_packed.size() + m_marks.size() * sizeof(Mark) + sizeof *this;
    }
    /// The last one that is not behind `word`. There is one.
    [[nodiscard]] CellOrigin at_word(uint32_t word) const noexcept;
    /// The last one that is not behind `offset_bytes`. There is one.
    [[nodiscard]] CellOrigin at_offset(uint64_t offset_bytes) const noexcept;

private:
    static constexpr size_t recent_origins = 64;     ///< more than are ever taken back in a row
    static constexpr size_t origins_per_mark = 256;  ///< a multiple of half of that

    /// Where packed bytes begin, and what the first of them is relative to.
    struct Mark {
        CellOrigin origin;
        size_t at = 0;
    };

    void pack_half();
    template <class IsBehind>
    [[nodiscard]] CellOrigin last_before(IsBehind is_behind) const noexcept;

    std::vector<uint8_t> m_packed;  ///< differences of the three numbers, in LEB128
    std::vector<Mark> m_marks;
    std::array<CellOrigin, recent_origins> m_recent{};  ///< behind the packed ones
    size_t m_recent_count = 0;
    CellOrigin m_last_packed;
    size_t m_packed_origins = 0;
};

}  // namespace wsb::lower
