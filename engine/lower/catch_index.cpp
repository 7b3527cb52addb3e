// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/catch_index.h"

#include <algorithm>

namespace wsb::lower {

namespace {

/// First clauses of the blocks, by the word they begin at, outer ones first.
[[nodiscard]] std::vector<uint32_t> blocks_in_order(std::span<const CatchRange> ranges) {
    std::vector<uint32_t> blocks;
    for (uint32_t clause = 0; clause < ranges.size(); clause = ranges[clause].end_clause)
        if (ranges[clause].begin_word != ranges[clause].end_word)
            blocks.push_back(clause);
    std::ranges::sort(blocks, [&](uint32_t a, uint32_t b) {
        if (ranges[a].begin_word != ranges[b].begin_word)
            return ranges[a].begin_word < ranges[b].begin_word;
        return a > b;
    });
    return blocks;
}

}  // namespace

std::vector<CatchStart> index_catches(std::span<CatchRange> ranges) {
    std::vector<CatchStart> starts;
    std::vector<uint32_t> open;  // around the current word
    const auto innermost = [&] { return open.empty() ? CatchRange::none : open.back(); };
    const auto start = [&](uint32_t word) {
        if (!starts.empty() && starts.back().word == word)
            starts.pop_back();
        starts.push_back({word, innermost()});
    };
    const auto close_until = [&](uint32_t word) {
        while (!open.empty() && ranges[open.back()].end_word <= word) {
            const uint32_t end = ranges[open.back()].end_word;
            open.pop_back();
            start(end);
        }
    };
    for (const uint32_t block : blocks_in_order(ranges)) {
        close_until(ranges[block].begin_word);
        for (uint32_t clause = block; clause < ranges[block].end_clause; ++clause)
            ranges[clause].outer_clause = innermost();
        open.push_back(block);
        start(ranges[block].begin_word);
    }
    close_until(UINT32_MAX);
    return starts;
}

uint32_t innermost_clause(const Code& code, uint32_t word) noexcept {
    const auto after = std::ranges::upper_bound(code.catch_starts, word, {}, &CatchStart::word);
    return after == code.catch_starts.begin() ? CatchRange::none : std::prev(after)->clause;
}

}  // namespace wsb::lower
