// SPDX-License-Identifier: Apache-2.0
#include "wasi/landlock.h"

#include "tests/unit/wasi/wasi_fixture.h"
#include "wasi/host_socket.h"

#include <fcntl.h>
#include <thread>

namespace wsb::testing {
namespace {

using wasi::Errno;
namespace p1 = wasi::p1;
namespace right = wasi::right;

/// @return 0, or errno.
int try_open(const std::filesystem::path& path, int flags) {
    const wasi::HostFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0666));
    return fd.is_valid() ? 0 : errno;
}

class LandlockTest : public WasiTest {
protected:
    void SetUp() override {
        WasiTest::SetUp();
        if (wasi::landlock_version() == 0)
            GTEST_SKIP() << "this kernel has no Landlock";
    }
    /// On a thread of its own, which ends with it.
    template <class Work>
    void confined(Work work) {
        std::thread([&] {
            const auto rules = wasi::landlock_rules(counting->preopens());
            ASSERT_EQ(rules.size(), 2u);
            ASSERT_TRUE(wasi::confine_thread(rules));
            work();
        }).join();
    }
};

TEST_F(LandlockTest, TheKernelItselfRefusesWhatIsNotGranted) {
    EXPECT_EQ(try_open(root() / "secret", O_RDONLY), 0);
    confined([&] {
        EXPECT_EQ(try_open(root() / "secret", O_RDONLY), EACCES);
        EXPECT_EQ(try_open("/usr", O_RDONLY | O_DIRECTORY), EACCES);
        EXPECT_EQ(try_open("/", O_RDONLY | O_DIRECTORY), EACCES);
        EXPECT_EQ(try_open(root() / "rw" / "new", O_RDWR | O_CREAT), 0);
        EXPECT_EQ(try_open(root() / "ro" / "file", O_RDONLY), 0);
        EXPECT_EQ(try_open(root() / "ro" / "file", O_WRONLY), EACCES);
        EXPECT_EQ(try_open(root() / "ro" / "new", O_WRONLY | O_CREAT), EACCES);
        EXPECT_EQ(::unlink((root() / "ro" / "file").c_str()), -1);
        EXPECT_EQ(::unlink((root() / "rw" / "file").c_str()), 0);
        if (wasi::landlock_version() >= 4) {
            EXPECT_EQ(wasi::listen_at("127.0.0.1:0").error(), Errno::acces);
        }
    });
    // Other threads are as before.
    EXPECT_EQ(try_open(root() / "secret", O_RDONLY), 0);
}

TEST_F(LandlockTest, AGuestStillHasWhatItWasGranted) {
    confined([&] {
        ASSERT_EQ(open(rw, "file", 0, all), Errno::success);
        const uint32_t fd = opened();
        EXPECT_EQ(read(fd), "content");
        EXPECT_EQ(write(fd, "+"), Errno::success);
        EXPECT_EQ(on_path(p1::path_create_directory, rw, "new"), Errno::success);
        EXPECT_EQ(rename(rw, "file", rw, "new/moved"), Errno::success);
        EXPECT_EQ(open(rw, "new/moved", wasi::oflag::trunc, right::fd_write), Errno::success);
        ASSERT_EQ(open(ro, "file"), Errno::success);
        EXPECT_EQ(read(opened()), "content");
    });
}

}  // namespace
}  // namespace wsb::testing
