// SPDX-License-Identifier: Apache-2.0
// What a module's memory holds after instantiation, when its data segments alone decide that: pages that all
// memories of the module share until they write them.
#pragma once

#include "engine/module/module.h"
#include "engine/runtime/resettable_range.h"

#include <cstdint>
#include <span>
#include <vector>

namespace wsb::runtime {

/// Immutable; its address is stable.
class MemoryImage {
public:
    /// Of the memory with this index, which is not imported. `data_offsets` are those of the active segments,
    /// by segment. Throws std::bad_alloc.
    MemoryImage(const Module& module, uint32_t memory, std::span<const uint64_t> data_offsets);
    MemoryImage(const MemoryImage&) = delete;
    MemoryImage& operator=(const MemoryImage&) = delete;
    ~MemoryImage();

    /// Whether it stands for all active segments of its memory. Not if the memory is shared, if a segment is
    /// out of bounds, which has to trap in its turn, nor if they are so scattered that the image would be
    /// larger than what they say by far.
    [[nodiscard]] bool is_complete() const noexcept { return m_is_complete; }
    /// Makes fresh zeros, accessible and as many as the memory has at first, the content.
    /// @return false if the system refuses.
    [[nodiscard]] bool put_on(uint8_t* base) const noexcept;
    /// What is there then.
    [[nodiscard]] const InitialContent& content() const noexcept { return m_content; }

private:
    [[nodiscard]] bool measure(const Module& module, uint32_t memory, std::span<const uint64_t> data_offsets);
    void make_file() noexcept;

    bool m_is_complete = false;
    std::vector<uint8_t> m_bytes;  ///< unless it is a file
    InitialContent m_content;
    int m_file = -1;  ///< sealed; mapped at m_content.bytes to read from
};

}  // namespace wsb::runtime
