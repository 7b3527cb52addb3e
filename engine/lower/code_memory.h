// SPDX-License-Identifier: Apache-2.0
// Where a module's cells lie: a few large blocks, filled from several threads, freed together.
#pragma once

#include "engine/lower/code.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <vector>

namespace wsb::lower {

/// The blocks of a module. Any thread may take one.
class CodeMemory {
public:
    /// @param code_bytes of the module's bodies; what the cells will take is judged by it.
    void expect(uint64_t code_bytes, unsigned threads) noexcept;
    /// Room for `needed` words or more, not written yet. Throws std::bad_alloc.
    [[nodiscard]] std::span<Word> take_block(size_t needed);

private:
    struct Free {
        std::align_val_t alignment;
        void operator()(Word* words) const noexcept { ::operator delete(words, alignment); }
    };

    size_t m_block_words = 0;
    std::mutex m_mutex;
    std::vector<std::unique_ptr<Word, Free>> m_blocks;
};

/// One thread's place in it.
class CodeWriter {
public:
    explicit CodeWriter(CodeMemory& memory) noexcept : m_memory(memory) {}

    /// Keeps a copy for as long as the module lives. Throws std::bad_alloc.
    [[nodiscard]] const Word* write(std::span<const Word> words) {
        if (words.size() > m_room.size()) [[unlikely]]
            m_room = m_memory.take_block(words.size());
        const std::span<Word> place = m_room.first(words.size());
        m_room = m_room.subspan(words.size());
        std::ranges::copy(words, place.begin());
        return place.data();
    }

private:
    CodeMemory& m_memory;
    std::span<Word> m_room;
};

}  // namespace wsb::lower
