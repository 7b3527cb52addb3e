// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/resettable_range.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <span>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace wsb::runtime {
namespace {

const uint64_t page = system_page_bytes();

/// Private pages without huge ones, as memories of pools are.
class Pages {
public:
    explicit Pages(size_t count) : m_bytes(count * page) {
        void* mapping = ::mmap(nullptr, m_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT_NE(mapping, MAP_FAILED);
        ::madvise(mapping, m_bytes, MADV_NOHUGEPAGE);
        m_begin = static_cast<uint8_t*>(mapping);
    }
    ~Pages() { ::munmap(m_begin, m_bytes); }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    [[nodiscard]] PageRange range() const { return {m_begin, m_begin + m_bytes}; }
    [[nodiscard]] uint8_t& operator[](size_t index) const { return m_begin[index]; }
    void write_page(size_t index) const { m_begin[index * page] = 1; }
    /// Index of the first byte that is not as it was; -1 if there is none.
    [[nodiscard]] int64_t difference(std::span<const uint8_t> content, size_t offset) const {
        for (size_t i = 0; i < m_bytes; ++i) {
            const bool is_inside = i >= offset && i < offset + content.size();
            if (m_begin[i] != (is_inside ? content[i - offset] : 0))
                return static_cast<int64_t>(i);
        }
        return -1;
    }

private:
    uint8_t* m_begin = nullptr;
    size_t m_bytes;
};

struct PrivatePages : ::testing::Test {
    void SetUp() override {
        if (!can_watch_pages())
            GTEST_SKIP() << "no PAGEMAP_SCAN here";
    }
    std::array<PageRange, 100> found;
};

TEST_F(PrivatePages, AreThoseThatWereWritten) {
    const Pages pages(20);
    pages.write_page(3);
    pages.write_page(4);
    pages.write_page(11);
    volatile uint8_t read = pages[7 * page];  // the zero page
    static_cast<void>(read);
    ASSERT_EQ(private_pages(pages.range(), 20 * page, found), 2);
    EXPECT_EQ(found[0].begin, &pages[3 * page]);
    EXPECT_EQ(found[0].end, &pages[5 * page]);
    EXPECT_EQ(found[1].begin, &pages[11 * page]);
    EXPECT_EQ(found[1].end, &pages[12 * page]);
}

TEST_F(PrivatePages, AreThoseThatTheKernelWrote) {
    const Pages pages(4);
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    ASSERT_EQ(::write(pipe_ends[1], "x", 1), 1);
    ASSERT_EQ(::read(pipe_ends[0], &pages[2 * page], 1), 1);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    ASSERT_EQ(private_pages(pages.range(), 4 * page, found), 1);
    EXPECT_EQ(found[0].begin, &pages[2 * page]);
}

TEST_F(PrivatePages, AreNotThoseOfAFile) {
    const Pages pages(8);
    const int file = ::memfd_create("test", MFD_CLOEXEC);
    ASSERT_EQ(::ftruncate(file, static_cast<off_t>(8 * page)), 0);
    ASSERT_NE(::mmap(&pages[0], 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0),
              MAP_FAILED);
    ::close(file);
    volatile uint8_t read = pages[1 * page];
    static_cast<void>(read);
    pages.write_page(5);
    ASSERT_EQ(private_pages(pages.range(), 8 * page, found), 1);
    EXPECT_EQ(found[0].begin, &pages[5 * page]);
    EXPECT_EQ(found[0].size_bytes(), page);
}

/// The kernel's answer is limited to fewer regions than these: it is asked again.
TEST_F(PrivatePages, AreFoundToTheLast) {
    const Pages pages(200);
    for (size_t i = 0; i < 100; ++i)
        pages.write_page(2 * i);
    ASSERT_EQ(private_pages(pages.range(), 200 * page, found), 100);
    for (size_t i = 0; i < 100; ++i)
        EXPECT_EQ(found[i].begin, &pages[2 * i * page]);
}

TEST_F(PrivatePages, MayBeMoreThanAskedFor) {
    const Pages pages(8);
    pages.write_page(0);
    pages.write_page(2);
    pages.write_page(4);
    EXPECT_EQ(private_pages(pages.range(), 3 * page, std::span(found).first(3)), 3);
    EXPECT_EQ(private_pages(pages.range(), 3 * page, std::span(found).first(2)), std::nullopt);
    EXPECT_EQ(private_pages(pages.range(), 2 * page, found), std::nullopt);
}

TEST_F(PrivatePages, CannotBeAskedForAfterAFork) {
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(can_watch_pages() ? 1 : 0);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(can_watch_pages());
}

TEST(FaultReading, ChangesWithEachNewPage) {
    const Pages pages(3);
    const FaultReading before = read_faults();
    EXPECT_EQ(last_faults(), before);
    pages.write_page(1);
    const FaultReading after = read_faults();
    EXPECT_NE(before, after);
    pages.write_page(1);
    EXPECT_EQ(read_faults(), after);
}

TEST(ThreadNumber, IsNeverGivenAgain) {
    std::vector<uint64_t> numbers{thread_number()};
    EXPECT_EQ(thread_number(), numbers.front());
    for (int i = 0; i < 10; ++i)
        std::jthread([&] { numbers.push_back(thread_number()); }).join();
    for (size_t i = 0; i < numbers.size(); ++i)
        for (size_t j = 0; j < i; ++j)
            EXPECT_NE(numbers[i], numbers[j]);
}

/// With and without asking the kernel.
struct ResettableRangeTest : ::testing::TestWithParam<bool> {
    const ResetPolicy policy{64 * page, GetParam() && can_watch_pages()};
    const std::vector<uint8_t> content = std::vector<uint8_t>(3 * page, 0x5a);

    /// Of 40 pages, the content from page 2 on.
    void fill(const Pages& pages, ResettableRange& range) const {
        std::memcpy(&pages[2 * page], content.data(), content.size());
        range.begin(pages.range(), {2 * page, content, false});
    }
    void check(const Pages& pages) const { EXPECT_EQ(pages.difference(content, 2 * page), -1); }
};

TEST_P(ResettableRangeTest, IsAsAtFirst) {
    const Pages pages(40);
    ResettableRange range;
    fill(pages, range);
    for (size_t first = 0; first < 7; ++first) {
        for (size_t at = first; at < 40 * page; at += 7 * page + 13)
            pages[at] = 0xff;
        range.reset(false, policy);
        check(pages);
    }
}

TEST_P(ResettableRangeTest, OfManyPagesIsAsAtFirst) {
    const Pages pages(40);
    ResettableRange range;
    fill(pages, range);
    const ResetPolicy few{2 * page, policy.may_watch};
    for (int round = 0; round < 3; ++round) {
        std::memset(&pages[0], 0xff, 40 * page);
        EXPECT_EQ(range.reset(false, few), ResetKind::discarded);
        check(pages);
    }
}

TEST_P(ResettableRangeTest, OfLockedPagesIsAsAtFirst) {
    const Pages pages(40);
    ResettableRange range;
    fill(pages, range);
    if (::mlock(&pages[0], 40 * page) != 0)
        GTEST_SKIP() << "no memory may be locked here";
    std::memset(&pages[0], 0xff, 40 * page);
    EXPECT_EQ(range.reset(false, {page, policy.may_watch}), ResetKind::discarded);
    check(pages);
}

INSTANTIATE_TEST_SUITE_P(, ResettableRangeTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "AskingTheKernel" : "WithoutAsking"; });

TEST(ResettableRange, CopiesOnlyWhatItKnows) {
    if (!can_watch_pages())
        GTEST_SKIP() << "no PAGEMAP_SCAN here";
    const ResetPolicy policy{64 * page, true};
    const Pages pages(40);
    ResettableRange range;
    range.begin(pages.range(), {});
    pages.write_page(3);
    EXPECT_EQ(range.reset(true, policy), ResetKind::scanned) << "the first time nothing is known";
    EXPECT_EQ(pages[3 * page], 0);
    pages.write_page(3);
    EXPECT_EQ(range.reset(true, policy), ResetKind::known);
    EXPECT_EQ(pages[3 * page], 0);
    // What the caller says is believed, and what he no longer says is not.
    pages.write_page(5);
    EXPECT_EQ(range.reset(true, policy), ResetKind::known);
    EXPECT_EQ(pages[5 * page], 1);
    EXPECT_EQ(range.reset(false, policy), ResetKind::scanned);
    EXPECT_EQ(pages[5 * page], 0);
}

}  // namespace
}  // namespace wsb::runtime
