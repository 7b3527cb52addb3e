// SPDX-License-Identifier: Apache-2.0
#include "wasi/beneath.h"

#include "tests/unit/wasi/wasi_fixture.h"

#include <fcntl.h>
#include <thread>

namespace wsb::testing {
namespace {

using wasi::Errno;
using OpenFunction = wasi::Outcome<wasi::HostFd> (*)(int, std::string_view, int, mode_t);

/// Both ways of resolving, on the same cases.
class BeneathTest : public ::testing::TestWithParam<OpenFunction> {
protected:
    void SetUp() override {
        namespace fs = std::filesystem;
        write_text(directory.path() / "secret", "secret");
        const fs::path inside = directory.path() / "inside";
        fs::create_directories(inside / "a" / "b");
        write_text(inside / "file", "content");
        write_text(inside / "a" / "b" / "deep", "deep");
        fs::create_symlink("file", inside / "link");
        fs::create_symlink("link", inside / "link2");
        fs::create_symlink("../secret", inside / "out");
        fs::create_symlink("out", inside / "to_out");
        fs::create_symlink("/etc/passwd", inside / "absolute");
        fs::create_symlink("/", inside / "slash");
        fs::create_symlink("..", inside / "updir");
        fs::create_symlink("a/b", inside / "dirlink");
        fs::create_symlink("../../file", inside / "a" / "b" / "back");
        fs::create_symlink("loop", inside / "loop");
        fs::create_symlink("new", inside / "dangling");
        fs::create_symlink("../new", inside / "dangling_out");
        fs::create_symlink("file/", inside / "slashed");
        base = wasi::HostFd(::open(inside.c_str(), O_RDONLY | O_DIRECTORY));
        ASSERT_TRUE(base.is_valid());
    }

    Errno open(std::string_view path, int flags = O_RDONLY) {
        const auto opened = GetParam()(base.get(), path, flags, 0666);
        return opened ? Errno::success : opened.error();
    }
    std::string content(std::string_view path) {
        const auto opened = GetParam()(base.get(), path, O_RDONLY, 0);
        char text[64];
        const ssize_t length = opened ? ::read(opened->get(), text, sizeof text) : -1;
        return length < 0 ? "?" : std::string(text, static_cast<size_t>(length));
    }
    [[nodiscard]] bool exists_outside(const char* name) const {
        return std::filesystem::exists(std::filesystem::symlink_status(directory.path() / name));
    }

    TemporaryDirectory directory;
    wasi::HostFd base;
};

TEST_P(BeneathTest, OpensWhatIsInside) {
    EXPECT_EQ(content("file"), "content");
    EXPECT_EQ(content("./a/..//./file"), "content");
    EXPECT_EQ(content("a/b/../../a/b/deep"), "deep");
    EXPECT_EQ(content("link2"), "content");
    EXPECT_EQ(content("dirlink/deep"), "deep");
    EXPECT_EQ(content("dirlink/back"), "content");
    EXPECT_EQ(content("dirlink/../b/deep"), "deep");
    for (const char* path : {".", "a/", "a/b///", "dirlink/", "a/..", "a/b/../../."})
        EXPECT_EQ(open(path, O_RDONLY | O_DIRECTORY), Errno::success) << path;
}

TEST_P(BeneathTest, NeverLeaves) {
    for (const char* path : {"..",
                             "../",
                             "../secret",
                             "a/../../secret",
                             "a/b/../../../secret",
                             "/",
                             "/etc/passwd",
                             "//",
                             "out",
                             "to_out",
                             "absolute",
                             "slash",
                             "slash/etc/passwd",
                             "updir",
                             "updir/",
                             "updir/secret",
                             "a/../updir/secret",
                             "dirlink/../../../secret",
                             "updir/inside/file",
                             "out/",
                             "slash/"})
        EXPECT_EQ(open(path), Errno::notcapable) << path;
    for (const char* path : {"updir/new", "dangling_out", "../new", "slash/tmp/new", "updir/new/"}) {
        EXPECT_NE(open(path, O_WRONLY | O_CREAT), Errno::success) << path;
        EXPECT_NE(open(path, O_WRONLY | O_CREAT | O_EXCL), Errno::success) << path;
        EXPECT_NE(open(path, O_RDWR | O_CREAT | O_TRUNC), Errno::success) << path;
    }
    EXPECT_FALSE(exists_outside("new"));
    EXPECT_EQ(read_text(directory.path() / "secret"), "secret");
}

TEST_P(BeneathTest, FollowsTheLastLinkOnlyIfAsked) {
    EXPECT_EQ(open("link", O_RDONLY | O_NOFOLLOW), Errno::loop);
    EXPECT_EQ(open("absolute", O_RDONLY | O_NOFOLLOW), Errno::loop);
    EXPECT_EQ(open("link", O_PATH | O_NOFOLLOW), Errno::success);
    EXPECT_EQ(open("dangling", O_WRONLY | O_CREAT | O_EXCL), Errno::exist);
    EXPECT_EQ(open("dangling", O_WRONLY | O_CREAT), Errno::success);
    EXPECT_TRUE(exists_outside("inside/new"));
    EXPECT_EQ(open("loop"), Errno::loop);
    EXPECT_EQ(open("loop/x"), Errno::loop);
}

TEST_P(BeneathTest, TrailingSlashesDemandDirectories) {
    for (const char* path : {"file/", "file///", "link/", "file/.", "slashed", "file/x"})
        EXPECT_EQ(open(path), Errno::notdir) << path;
    EXPECT_EQ(open("absent/"), Errno::noent);
    EXPECT_NE(open("absent/", O_WRONLY | O_CREAT), Errno::success);
    EXPECT_FALSE(exists_outside("inside/absent"));
}

TEST_P(BeneathTest, RefusesBadTexts) {
    EXPECT_EQ(open(""), Errno::noent);
    EXPECT_EQ(open(std::string_view("file\0", 5)), Errno::inval);
    EXPECT_EQ(open(std::string(5000, 'x')), Errno::nametoolong);
    EXPECT_EQ(open(std::string(300, 'x')), Errno::nametoolong);
    std::string deep;
    for (int i = 0; i < 1000; ++i)
        deep += "a/../";
    EXPECT_EQ(open(deep.substr(0, 4000)), Errno::success);
}

TEST_P(BeneathTest, RefusesMagicLinks) {
    base = wasi::HostFd(::open("/proc/self", O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(base.is_valid());
    for (const char* path : {"cwd", "root", "exe", "fd/0", "root/etc/passwd", "cwd/"}) {
        const Errno error = open(path);
        EXPECT_TRUE(error == Errno::loop || error == Errno::notcapable || error == Errno::noent)
            << path << ": " << wasi::errno_name(error);
        EXPECT_NE(error, Errno::success) << path;
    }
}

TEST_P(BeneathTest, StaysInsideWhileThingsAreRenamed) {
    // "swap" is a directory, then a link to the parent, in turns.
    const auto inside = directory.path() / "inside";
    std::filesystem::create_directory(inside / "swap");
    write_text(inside / "swap" / "secret", "public");
    std::filesystem::create_symlink("..", inside / "evil");
    std::atomic<bool> stop{false};
    std::thread renamer([&] {
        while (!stop) {
            ::renameat2(base.get(), "swap", base.get(), "evil", 2 /* RENAME_EXCHANGE */);
            std::this_thread::yield();
        }
    });
    int successes = 0;
    // On a busy machine the other thread may rest on one side for long.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (int i = 0; i < 3000 || (successes == 0 && std::chrono::steady_clock::now() < end); ++i) {
        const std::string text = content("swap/secret");
        EXPECT_NE(text, "secret");
        successes += text == "public";
    }
    stop = true;
    renamer.join();
    EXPECT_GT(successes, 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, BeneathTest,
                         ::testing::Values(&wasi::beneath::open, &wasi::beneath::open_by_walking),
                         [](const auto& way) { return way.index == 0 ? "kernel" : "walking"; });

TEST(Beneath, LocatesTheLastComponent) {
    const TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() / "a");
    const wasi::HostFd base(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY));
    const auto place = wasi::beneath::locate(base.get(), "a//name//").value();
    EXPECT_EQ(place.name, "name");
    EXPECT_TRUE(place.has_trailing_slash);
    EXPECT_FALSE(place.is_dots());
    EXPECT_FALSE(wasi::beneath::locate(base.get(), "name").value().has_trailing_slash);
    EXPECT_TRUE(wasi::beneath::locate(base.get(), "a/..").value().is_dots());
    for (const char* path : {"/", "/a", "//", "../x", "a/../../x"})
        EXPECT_EQ(wasi::beneath::locate(base.get(), path).error(), Errno::notcapable) << path;
    EXPECT_EQ(wasi::beneath::locate(base.get(), "absent/x").error(), Errno::noent);
}

TEST(Beneath, JudgesLinksByTheirText) {
    EXPECT_TRUE(wasi::beneath::link_stays_beneath("link", "file"));
    EXPECT_TRUE(wasi::beneath::link_stays_beneath("a/link", "../file"));
    EXPECT_TRUE(wasi::beneath::link_stays_beneath("a/b/link", "./../../x/.."));
    EXPECT_FALSE(wasi::beneath::link_stays_beneath("link", "../file"));
    EXPECT_FALSE(wasi::beneath::link_stays_beneath("link/", "../file"));
    EXPECT_FALSE(wasi::beneath::link_stays_beneath("a/link", "../../file"));
    EXPECT_FALSE(wasi::beneath::link_stays_beneath("a/../link", "../file"));
    EXPECT_FALSE(wasi::beneath::link_stays_beneath("link", "/etc"));
    EXPECT_FALSE(wasi::beneath::link_stays_beneath("link", "x/../../y"));
}

}  // namespace
}  // namespace wsb::testing
