// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/origin_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace wsb::lower {
namespace {

using Origins = std::vector<CellOrigin>;

/// The last one that is not behind.
template <class Number>
CellOrigin last_of(const Origins& origins, Number CellOrigin::* number, Number value) {
    const auto after = std::ranges::upper_bound(origins, value, {}, number);
    return after == origins.begin() ? CellOrigin{} : *std::prev(after);
}

void expect_equal(const CellOrigin& found, const CellOrigin& expected) {
    EXPECT_EQ(found.word, expected.word);
    EXPECT_EQ(found.offset_bytes, expected.offset_bytes);
    EXPECT_EQ(found.potential, expected.potential);
}

TEST(OriginTable, SaysWhatAListWouldSay) {
    std::mt19937 engine(1);
    const auto random = [&] { return static_cast<uint32_t>(engine()); };
    for (const size_t count : {1u, 31u, 32u, 63u, 64u, 65u, 300u, 5000u}) {
        OriginTable table;
        Origins origins;
        CellOrigin next{.word = 0, .offset_bytes = uint64_t{5} << 32, .potential = 7};
        while (origins.size() < count) {
            table.push_back(next);
            origins.push_back(next);
            if (random() % 8 == 0 && origins.size() > 2) {  // a cell is taken back
                table.pop_back();
                origins.pop_back();
            }
            if (random() % 8 == 0) {  // another does its work
                table.back().potential = origins.back().potential = random();
            }
            next = origins.back();
            next.word += 1 + random() % 200;
            next.offset_bytes += random() % 3 == 0 ? 0 : random() % 100'000;
            next.potential = random() >> random() % 32;
        }
        for (const CellOrigin& origin : origins) {
            expect_equal(table.at_word(origin.word), origin);
            expect_equal(table.at_word(origin.word + 1),
                         last_of(origins, &CellOrigin::word, origin.word + 1));
            expect_equal(table.at_offset(origin.offset_bytes),
                         last_of(origins, &CellOrigin::offset_bytes, origin.offset_bytes));
        }
    }
}

TEST(OriginTable, IsSmall) {
    OriginTable table;
    constexpr uint32_t cells = 10'000;
    for (uint32_t i = 0; i < cells; ++i)
        table.push_back({.word = 3 * i, .offset_bytes = 7 * i, .potential = i % 50});
    EXPECT_LE(table.size_bytes(), 3.5 * cells);
    table.clear();
    EXPECT_TRUE(table.empty());
}

}  // namespace
}  // namespace wsb::lower
