// SPDX-License-Identifier: Apache-2.0
// Memory for what is large and written at once: a fault for each page of 4 KiB takes longer than filling it.
#pragma once

#include <cstddef>
#include <new>

namespace wsb {

inline constexpr size_t huge_page_bytes = size_t{2} << 20;

/// For memory of that size: so that all of it can be huge pages, or as it needs if it is smaller than one.
[[nodiscard]] constexpr std::align_val_t huge_page_alignment(size_t size_bytes, size_t needed) noexcept {
    return std::align_val_t{size_bytes < huge_page_bytes ? needed : huge_page_bytes};
}

/// How much to take at a time where so much is expected: whole huge pages, unless most of it would stay
/// unused.
[[nodiscard]] constexpr size_t to_huge_pages(size_t size_bytes) noexcept {
    const size_t pages = (size_bytes + huge_page_bytes / 2) / huge_page_bytes;
    return pages == 0 ? size_bytes : pages * huge_page_bytes;
}

/// Asks the kernel to back the whole huge pages inside this untouched memory by huge pages. Only advice:
/// where the kernel has none, or the range is smaller than one, nothing happens.
void prefer_huge_pages(void* start, size_t size_bytes) noexcept;

/// The same for what is about to be written from end to end: its whole pages come at once, not by a fault for
/// each.
void provide_pages(void* start, size_t size_bytes) noexcept;

}  // namespace wsb
