// SPDX-License-Identifier: Apache-2.0
// Where a module's cells lie, and what is known of its machine code: a few large blocks, filled from several
// threads, freed together.
#pragma once

#include "engine/lower/code.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace wsb::lower {

/// The blocks of a module. Any thread may take one.
class CodeMemory {
public:
    /// @param size_bytes that all threads together will take, about.
    void expect(uint64_t size_bytes, unsigned threads) noexcept;
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

    /// Keeps a copy for as long as the memory lives. Throws std::bad_alloc.
    template <class T>
    [[nodiscard]] std::span<const T> write(std::span<const T> items) {
        static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
        static_assert(alignof(T) <= alignof(Word));
        const size_t words = (items.size_bytes() + sizeof(Word) - 1) / sizeof(Word);
        if (words == 0)
            return {};
        if (words > m_room.size()) [[unlikely]]
            m_room = m_memory.take_block(words);
        void* const place = m_room.data();
        m_room = m_room.subspan(words);
        // SAFETY: copying begins the life of trivial objects.
        return {static_cast<const T*>(std::memcpy(place, items.data(), items.size_bytes())), items.size()};
    }

private:
    CodeMemory& m_memory;
    std::span<Word> m_room;
};

}  // namespace wsb::lower
