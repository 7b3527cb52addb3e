// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of this process's pages: which of a range are private copies or were ever written,
// and whether the running thread touched a page for the first time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace wsb::runtime {

/// Pages [begin, end).
struct PageRange {
    uint8_t* begin = nullptr;
    uint8_t* end = nullptr;

    [[nodiscard]] uint64_t size_bytes() const noexcept { return static_cast<uint64_t>(end - begin); }
};

[[nodiscard]] uint64_t system_page_bytes() noexcept;

/// The number of the running thread, never 0; none gets the number of one that has ended.
[[nodiscard]] uint64_t thread_number() noexcept;

/// How many page faults a thread has had. Two equal readings: it had none in between. A page that the thread
/// has never written before cannot be written without one, provided that no huge pages are about.
struct FaultReading {
    uint64_t thread = 0;  ///< 0: nothing was read
    int64_t minor = 0;
    int64_t major = 0;

    bool operator==(const FaultReading&) const noexcept = default;
};
/// Asks the kernel.
[[nodiscard]] FaultReading read_faults() noexcept;
/// What read_faults last gave this thread.
[[nodiscard]] FaultReading last_faults() noexcept;

/// Whether private_pages and read_faults tell the truth: tried out once in a process (PAGEMAP_SCAN needs
/// Linux 6.7). False in a child made by fork, whose pages are others than those that were looked at.
[[nodiscard]] bool can_watch_pages() noexcept;

/// Finds the pages of a range that are this process's own: present or swapped, neither of a file nor the
/// shared zero page. Fills `found` from the front, ascending, neighbours joined.
/// @return how many ranges; nullopt if there are more, or more than `most_bytes` in them, or the kernel
/// refuses.
[[nodiscard]] std::optional<size_t> private_pages(PageRange range, uint64_t most_bytes,
                                                  std::span<PageRange> found) noexcept;

}  // namespace wsb::runtime
