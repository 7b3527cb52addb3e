// SPDX-License-Identifier: Apache-2.0
#include "engine/base/huge_pages.h"

#include <memory>
#include <sys/mman.h>

namespace wsb {

void prefer_huge_pages(void* start, size_t size_bytes) noexcept {
    void* aligned = start;
    if (std::align(huge_page_bytes, huge_page_bytes, aligned, size_bytes) == nullptr)
        return;
    // The kernel may say no, and then pages are small.
    static_cast<void>(::madvise(aligned, size_bytes / huge_page_bytes * huge_page_bytes, MADV_HUGEPAGE));
}

}  // namespace wsb
