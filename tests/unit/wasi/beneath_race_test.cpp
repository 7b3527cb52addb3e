// SPDX-License-Identifier: Apache-2.0
// Resolving paths while another thread renames directories, exchanges them with links to the outside, and
// moves them up: by the kernel and by walking, nothing outside is ever reached. WASI_TEST_SHARE divides the
// tries.
#include "tests/unit/wasi/wasi_fixture.h"
#include "wasi/beneath.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <linux/fs.h>
#include <thread>

namespace wsb::testing {
namespace {

namespace fs = std::filesystem;
using wasi::HostFd;
using wasi::Outcome;
using OpenFunction = Outcome<HostFd> (*)(int, std::string_view, int, mode_t);

constexpr int release_tries = 1'000'000;  ///< for each way

int tries() {
    const char* const share = std::getenv("WASI_TEST_SHARE");
    return release_tries / std::max(1, share == nullptr ? 1 : std::atoi(share));
}

struct Try {
    const char* path;
    int flags;
};
constexpr std::array all_tries{
    Try{"swap/secret", O_RDONLY},
    Try{"swap/secret", O_PATH},
    Try{"swap/./../swap/secret", O_RDONLY},
    Try{"leaf", O_RDONLY},
    Try{"leaf", O_WRONLY | O_TRUNC},
    Try{"leaf", O_RDWR | O_CREAT | O_TRUNC},
    Try{"swap/made", O_WRONLY | O_CREAT},
    Try{"swap/made.once", O_WRONLY | O_CREAT | O_EXCL},
    Try{"chain/secret", O_RDONLY},
    Try{"chain/made", O_WRONLY | O_CREAT | O_TRUNC},
    Try{"dir/sub/../../secret", O_RDONLY},
    Try{"dir/sub/deep/../../../secret", O_RDONLY},
    Try{"dir/sub/deep/../../../swap/../secret", O_RDONLY},
    Try{"dir/sub/../../made", O_WRONLY | O_CREAT},
    Try{"dir/sub/deep/../../..", O_RDONLY | O_DIRECTORY},
    Try{"up/secret", O_RDONLY},
    Try{"up/../secret", O_RDONLY},
};

class BeneathRaceTest : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"outside", "inside/swap", "inside/dir/sub/deep", "inside/up.real"})
            fs::create_directories(root / name);
        for (const char* name : {"secret", "outside/secret"})
            write_text(root / name, "secret");
        for (const char* name :
             {"inside/secret", "inside/leaf", "inside/swap/secret", "inside/up.real/secret"})
            write_text(root / name, "public");
        fs::create_symlink("../outside", inside / "swap.evil");
        fs::create_symlink("../outside/secret", inside / "leaf.evil");
        fs::create_symlink("swap", inside / "chain");
        fs::create_symlink("..", inside / "up");
        base = HostFd(::open(inside.c_str(), O_RDONLY | O_DIRECTORY));
        swapped = HostFd(::open((inside / "swap").c_str(), O_RDONLY | O_DIRECTORY));
        ASSERT_TRUE(base.is_valid() && swapped.is_valid());
        for (const char* name : {".", "outside", "secret", "outside/secret"})
            foreign_inodes.push_back(status_of(root / name).st_ino);
    }

    void exchange(const char* one, const char* other) const {
        ::renameat2(base.get(), one, base.get(), other, RENAME_EXCHANGE);
    }

    /// What the other thread does all the time.
    void disturb() {
        while (!stop.load(std::memory_order_relaxed)) {
            exchange("swap", "swap.evil");
            exchange("leaf", "leaf.evil");
            ::unlinkat(swapped.get(), "made.once", 0);
            // Up two levels: whoever then counts ".." from below counts too far.
            ::renameat(base.get(), "dir/sub/deep", base.get(), "deep.moved");
            exchange("up", "up.real");
            ::renameat(base.get(), "deep.moved", base.get(), "dir/sub/deep");
            ::renameat(base.get(), "dir/sub", base.get(), "sub.moved");
            ::renameat(base.get(), "sub.moved", base.get(), "dir/sub");
            disturbances.fetch_add(1, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] static struct stat status_of(const fs::path& path) {
        struct stat status{};
        EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
        return status;
    }

    /// Whether `opened` is something outside of the grant.
    [[nodiscard]] bool is_foreign(const HostFd& opened) const {
        struct stat status{};
        EXPECT_EQ(::fstat(opened.get(), &status), 0);
        return std::ranges::find(foreign_inodes, status.st_ino) != foreign_inodes.end();
    }

    TemporaryDirectory directory;
    const fs::path root = directory.path();
    const fs::path inside = root / "inside";
    HostFd base, swapped;
    std::vector<ino_t> foreign_inodes;
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> disturbances{0};
};

class BeneathWaysRaceTest : public BeneathRaceTest, public ::testing::WithParamInterface<OpenFunction> {};

TEST_P(BeneathWaysRaceTest, NothingOutsideIsOpenedCreatedOrCut) {
    const struct stat before = status_of(root / "outside" / "secret");
    std::thread other([this] { disturb(); });
    std::array<int, all_tries.size()> opened_count{}, refused_count{};
    int escapes = 0;
    for (int i = 0, count = tries(); i < count; ++i) {
        const size_t which = static_cast<size_t>(i) % all_tries.size();
        const Try& attempt = all_tries[which];
        const auto opened = GetParam()(base.get(), attempt.path, attempt.flags, 0666);
        (opened ? opened_count : refused_count)[which]++;
        escapes += opened && is_foreign(*opened);
    }
    stop = true;
    other.join();
    EXPECT_EQ(escapes, 0);
    // The race was one: the other thread moved, and all that is swapped was met both ways.
    EXPECT_GT(disturbances.load(), 100u);
    for (size_t which = 0; which < all_tries.size(); ++which) {
        EXPECT_GT(refused_count[which], 0) << all_tries[which].path << " " << all_tries[which].flags;
        EXPECT_GT(opened_count[which], 0) << all_tries[which].path << " " << all_tries[which].flags;
    }
    const struct stat after = status_of(root / "outside" / "secret");
    EXPECT_EQ(after.st_size, before.st_size);
    EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    EXPECT_EQ(read_text(root / "secret"), "secret");
    EXPECT_EQ(std::distance(fs::directory_iterator(root / "outside"), {}), 1);
    EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 3);
    std::printf("%d tries against %llu rounds of renaming\n", tries(),
                static_cast<unsigned long long>(disturbances.load()));
}

TEST_F(BeneathRaceTest, NothingOutsideIsLocated) {
    std::thread other([this] { disturb(); });
    constexpr std::array paths{"swap/name", "chain/name", "dir/sub/../../name", "dir/sub/deep/../../../name",
                               "up/name"};
    std::array<int, paths.size()> located_count{}, refused_count{};
    int escapes = 0;
    for (int i = 0, count = tries() / 2; i < count; ++i) {
        const size_t which = static_cast<size_t>(i) % paths.size();
        const auto place = wasi::beneath::locate(base.get(), paths[which]);
        (place ? located_count : refused_count)[which]++;
        escapes += place && is_foreign(place->directory);
    }
    stop = true;
    other.join();
    EXPECT_EQ(escapes, 0);
    for (size_t which = 0; which < paths.size(); ++which) {
        EXPECT_GT(refused_count[which], 0) << paths[which];
        EXPECT_GT(located_count[which], 0) << paths[which];
    }
}

INSTANTIATE_TEST_SUITE_P(Ways, BeneathWaysRaceTest,
                         ::testing::Values(&wasi::beneath::open, &wasi::beneath::open_by_walking),
                         [](const auto& way) { return way.index == 0 ? "kernel" : "walking"; });

}  // namespace
}  // namespace wsb::testing
