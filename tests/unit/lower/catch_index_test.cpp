// SPDX-License-Identifier: Apache-2.0
// Which clause is tried first, among many blocks one after another and inside each other.
#include "engine/lower/catch_index.h"

#include <gtest/gtest.h>

namespace wsb::lower {
namespace {

CatchRange range(uint32_t begin, uint32_t end, uint32_t end_clause) {
    CatchRange made;
    made.begin_word = begin;
    made.end_word = end;
    made.end_clause = end_clause;
    return made;
}

TEST(CatchIndex, FindsTheInnermostBlockAndThoseAroundIt) {
    Code code;
    // [10, 20) of two clauses and [30, 40) inside [5, 50); [60, 70) twice; an empty block.
    code.catches = {range(10, 20, 2), range(10, 20, 2), range(30, 40, 3), range(5, 50, 4),
                    range(60, 70, 5), range(60, 70, 6), range(80, 80, 7)};
    code.catch_starts = index_catches(code.catches);
    const auto at = [&](uint32_t word) { return innermost_clause(code, word); };
    EXPECT_EQ(at(4), CatchRange::none);
    EXPECT_EQ(at(5), 3u);
    EXPECT_EQ(at(10), 0u);
    EXPECT_EQ(at(19), 0u);
    EXPECT_EQ(at(20), 3u);
    EXPECT_EQ(at(39), 2u);
    EXPECT_EQ(at(40), 3u);
    EXPECT_EQ(at(50), CatchRange::none);
    EXPECT_EQ(at(65), 4u);
    EXPECT_EQ(at(70), CatchRange::none);
    EXPECT_EQ(at(80), CatchRange::none);
    EXPECT_EQ(code.catches[1].outer_clause, 3u);
    EXPECT_EQ(code.catches[2].outer_clause, 3u);
    EXPECT_EQ(code.catches[3].outer_clause, CatchRange::none);
    EXPECT_EQ(code.catches[4].outer_clause, 5u);
}

}  // namespace
}  // namespace wsb::lower
