// SPDX-License-Identifier: Apache-2.0
// Memory for what is large and written at once: a fault for each page of 4 KiB takes longer than filling it.
#pragma once

#include <cstddef>

namespace wsb {

inline constexpr size_t huge_page_bytes = size_t{2} << 20;

/// Asks the kernel to back the whole huge pages inside this untouched memory by huge pages. Only advice:
/// where the kernel has none, or the range is smaller than one, nothing happens.
void prefer_huge_pages(void* start, size_t size_bytes) noexcept;

}  // namespace wsb
