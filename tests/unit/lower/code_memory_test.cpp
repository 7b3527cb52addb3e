// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/code_memory.h"

#include "engine/base/huge_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace wsb::lower {
namespace {

struct Written {
    const Word* place;
    std::vector<Word> words;
};

/// Pieces of many sizes, each with words of its own.
std::vector<Written> write_pieces(CodeMemory& memory, Word seed) {
    CodeWriter writer(memory);
    std::vector<Written> pieces;
    for (size_t i = 0; i < 300; ++i) {
        std::vector<Word> words(i * i % 700);
        for (Word& word : words)
            word = seed = seed * 6364136223846793005 + 1;
        const Word* const place = writer.write(std::span<const Word>(words)).data();
        pieces.push_back({place, std::move(words)});
    }
    return pieces;
}

bool all_intact(const std::vector<Written>& pieces) {
    return std::ranges::all_of(pieces, [](const Written& piece) {
        return std::equal(piece.words.begin(), piece.words.end(), piece.place);
    });
}

TEST(CodeMemory, KeepsWhatSeveralThreadsWrite) {
    CodeMemory memory;
    memory.expect(160'000, 2);
    std::vector<Written> others;
    std::thread other([&] { others = write_pieces(memory, 1); });
    const std::vector<Written> own = write_pieces(memory, 2);
    other.join();
    EXPECT_TRUE(all_intact(own));
    EXPECT_TRUE(all_intact(others));
}

TEST(CodeMemory, GivesRoomForMoreThanABlock) {
    CodeMemory memory;
    memory.expect(1, 1);
    CodeWriter writer(memory);
    const std::vector<Word> large(100'000, 7);
    const Word* const place = writer.write(std::span(large)).data();
    EXPECT_TRUE(std::equal(large.begin(), large.end(), place));
}

TEST(CodeMemory, LargeBlocksLieOnHugePages) {
    CodeMemory memory;
    memory.expect(100'000'000, 1);
    const std::span<Word> block = memory.take_block(1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.data()) % huge_page_bytes, 0);
    EXPECT_EQ(block.size_bytes(), 4 * huge_page_bytes);
}

TEST(CodeMemory, BlocksAreHugePagesWhereMostOfOneIsExpected) {
    CodeMemory memory;
    memory.expect(2 * (huge_page_bytes - 100'000), 2);
    EXPECT_EQ(memory.take_block(1).size_bytes(), huge_page_bytes);
    memory.expect(huge_page_bytes, 4);
    EXPECT_EQ(memory.take_block(1).size_bytes(), huge_page_bytes / 4);
}

}  // namespace
}  // namespace wsb::lower
