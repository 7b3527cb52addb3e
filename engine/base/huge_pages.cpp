// SPDX-License-Identifier: Apache-2.0
#include "engine/base/huge_pages.h"

#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace wsb {

void prefer_huge_pages(void* start, size_t size_bytes) noexcept {
    void* aligned = start;
    if (std::align(huge_page_bytes, huge_page_bytes, aligned, size_bytes) == nullptr)
        return;
    // The kernel may say no, and then pages are small.
    static_cast<void>(::madvise(aligned, size_bytes / huge_page_bytes * huge_page_bytes, MADV_HUGEPAGE));
}

void provide_pages(void* start, size_t size_bytes) noexcept {
    prefer_huge_pages(start, size_bytes);
#ifdef MADV_POPULATE_WRITE
    const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    // Older kernels say no.
    if (std::align(page_bytes, page_bytes, start, size_bytes) != nullptr)
        static_cast<void>(::madvise(start, size_bytes / page_bytes * page_bytes, MADV_POPULATE_WRITE));
#endif
}

}  // namespace wsb
