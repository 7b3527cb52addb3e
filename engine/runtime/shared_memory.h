// SPDX-License-Identifier: Apache-2.0
// A memory that several stores, and so several threads, use at the same time. Each store has a Memory of its
// own that refers to it.
#pragma once

#include "engine/base/result.h"
#include "engine/isa/types.h"
#include "engine/runtime/reservation.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace wsb::runtime {

/// Every function may be called from any thread.
class SharedMemory {
public:
    /// Zeroed, of the minimum size; the type is a shared one and has a maximum.
    /// @return limit_exceeded or out_of_memory.
    [[nodiscard]] static Result<std::shared_ptr<SharedMemory>> create(const MemoryType& type);
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    ~SharedMemory() = default;

    /// @return the previous size in pages, or -1 if the maximum or the system refused.
    [[nodiscard]] int64_t grow(uint64_t delta_pages) noexcept;

    /// Never moves.
    [[nodiscard]] uint8_t* base() const noexcept { return m_reservation.base(); }
    /// Only grows; bytes below it are accessible.
    [[nodiscard]] const std::atomic<uint64_t>& size_bytes() const noexcept { return m_size_bytes; }
    /// For matching: the current size as minimum.
    [[nodiscard]] MemoryType current_type() const noexcept {
        MemoryType type = m_type;
        type.limits_pages.min = m_size_bytes >> type.page_size_log2;
        return type;
    }
    /// As declared.
    [[nodiscard]] const MemoryType& type() const noexcept { return m_type; }

private:
    explicit SharedMemory(const MemoryType& type) noexcept : m_type(type) {}

    const MemoryType m_type;
    Reservation m_reservation;
    std::atomic<uint64_t> m_size_bytes = 0;
    std::mutex m_growth;
};

}  // namespace wsb::runtime
