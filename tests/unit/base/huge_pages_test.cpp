// SPDX-License-Identifier: Apache-2.0
#include "engine/base/huge_pages.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <sys/mman.h>
#include <unistd.h>

namespace wsb {
namespace {

TEST(HugePages, AreTakenWholeWhereMostOfThemIsWanted) {
    EXPECT_EQ(to_huge_pages(0), 0);
    EXPECT_EQ(to_huge_pages(1000), 1000);
    EXPECT_EQ(to_huge_pages(huge_page_bytes / 2 - 1), huge_page_bytes / 2 - 1);
    EXPECT_EQ(to_huge_pages(huge_page_bytes / 2), huge_page_bytes);
    EXPECT_EQ(to_huge_pages(huge_page_bytes + 1), huge_page_bytes);
    EXPECT_EQ(to_huge_pages(3 * huge_page_bytes), 3 * huge_page_bytes);
}

/// Pages of nothing, and how many of them have memory.
class Pages {
public:
    static constexpr size_t count = 8;

    Pages() = default;
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    ~Pages() { ::munmap(m_begin, size_bytes()); }
    [[nodiscard]] std::byte* begin() const noexcept { return m_begin; }
    [[nodiscard]] size_t page_bytes() const noexcept { return m_page_bytes; }
    [[nodiscard]] size_t resident() const {
        std::array<unsigned char, count> pages{};
        EXPECT_EQ(::mincore(m_begin, size_bytes(), pages.data()), 0);
        size_t resident = 0;
        for (const unsigned char page : pages)
            resident += page & 1;
        return resident;
    }

private:
    [[nodiscard]] size_t size_bytes() const noexcept { return count * m_page_bytes; }

    const size_t m_page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    std::byte* const m_begin = static_cast<std::byte*>(
        ::mmap(nullptr, size_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
};

TEST(HugePages, ProvidesWholePagesInside) {
    const Pages pages;
    ASSERT_NE(pages.begin(), MAP_FAILED);
    ASSERT_EQ(pages.resident(), 0);
    provide_pages(pages.begin() + 1, 3 * pages.page_bytes());
#ifdef MADV_POPULATE_WRITE
    if (::madvise(pages.begin(), 0, MADV_POPULATE_WRITE) == 0) {  // known to this kernel
        EXPECT_EQ(pages.resident(), 2);
        provide_pages(pages.begin() + 4 * pages.page_bytes(), 4 * pages.page_bytes());
        EXPECT_EQ(pages.resident(), 6);
    }
#endif
    provide_pages(pages.begin() + 1, 10);  // less than a page
    EXPECT_LE(pages.resident(), 6);
}

}  // namespace
}  // namespace wsb
