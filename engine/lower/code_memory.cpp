// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/code_memory.h"

#include "engine/base/huge_pages.h"

#include <algorithm>

namespace wsb::lower {

void CodeMemory::expect(uint64_t size_bytes, unsigned threads) noexcept {
    const uint64_t block_bytes = std::clamp<uint64_t>(size_bytes / threads, 1024, 4 * huge_page_bytes);
    m_block_words = to_huge_pages(block_bytes) / sizeof(Word);
}

std::span<Word> CodeMemory::take_block(size_t needed) {
    const size_t count = std::max(needed, m_block_words);
    const size_t size_bytes = count * sizeof(Word);
    const std::align_val_t alignment = huge_page_alignment(size_bytes, alignof(Word));
    // SAFETY: the memory is aligned for words, and words need no construction.
    std::unique_ptr<Word, Free> block(static_cast<Word*>(::operator new(size_bytes, alignment)), {alignment});
    prefer_huge_pages(block.get(), size_bytes);
    const std::scoped_lock lock(m_mutex);
    return {m_blocks.emplace_back(std::move(block)).get(), count};
}

}  // namespace wsb::lower
