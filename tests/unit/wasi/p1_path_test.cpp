// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/wasi/wasi_fixture.h"

namespace wsb::testing {
namespace {

using wasi::Errno;
namespace p1 = wasi::p1;
namespace right = wasi::right;
namespace oflag = wasi::oflag;
namespace fs = std::filesystem;

class PathTest : public WasiTest {
protected:
    Errno link(std::string_view from, std::string_view to) {
        put(path_at, from);
        put(other_path_at, to);
        return call(p1::path_link, rw, 0, path_at, from.size(), rw, other_path_at, to.size());
    }
    Errno symlink(std::string_view target, std::string_view path) {
        put(path_at, target);
        put(other_path_at, path);
        return call(p1::path_symlink, path_at, target.size(), rw, other_path_at, path.size());
    }
    Errno readlink(std::string_view path, uint32_t length = 100) {
        put(path_at, path);
        return call(p1::path_readlink, rw, path_at, path.size(), data_at, length, out);
    }
    [[nodiscard]] fs::path inside(const char* name) const { return root() / "rw" / name; }
};

TEST_F(PathTest, OpenReadsWritesCreatesAndTruncates) {
    ASSERT_EQ(open(rw, "file"), Errno::success);
    EXPECT_EQ(opened(), 5u);
    EXPECT_EQ(read(opened()), "content");
    EXPECT_EQ(open(rw, "absent"), Errno::noent);
    ASSERT_EQ(open(rw, "new", oflag::creat | oflag::excl, right::fd_write), Errno::success);
    EXPECT_EQ(write(opened(), "text"), Errno::success);
    EXPECT_EQ(read_text(inside("new")), "text");
    EXPECT_EQ(open(rw, "new", oflag::creat | oflag::excl, right::fd_write), Errno::exist);
    EXPECT_EQ(open(rw, "new", oflag::trunc, right::fd_write), Errno::success);
    EXPECT_EQ(read_text(inside("new")), "");
    EXPECT_EQ(open(rw, "dir", 0, right::fd_write), Errno::isdir);
    EXPECT_EQ(open(rw, "file", oflag::directory), Errno::notdir);
    EXPECT_EQ(open(rw, "dir", oflag::directory | oflag::creat), Errno::inval);
    EXPECT_EQ(open(rw, "file", 16), Errno::inval);
    EXPECT_EQ(open(rw, "file", 0, right::fd_read, 32), Errno::inval);
    EXPECT_EQ(open(99, "file"), Errno::badf);
    EXPECT_EQ(open(5, "file"), Errno::notdir);
}

TEST_F(PathTest, OpenNeverLeaves) {
    for (const char* path : {"../secret", "out", "absolute/etc/passwd", "updir/secret", "updir",
                             "/etc/passwd", "dir/../../secret", "updir/rw/file"}) {
        EXPECT_EQ(open(rw, path), Errno::notcapable) << path;
        EXPECT_EQ(stat(rw, path), Errno::notcapable) << path;
        EXPECT_NE(open(rw, path, oflag::creat | oflag::trunc, right::fd_write), Errno::success) << path;
    }
    EXPECT_EQ(stat(rw, "out", false), Errno::success);
    EXPECT_EQ(read_text(root() / "secret"), "secret");
}

TEST_F(PathTest, OpenLimitIsKept) {
    while (open(rw, "file") == Errno::success) {
    }
    EXPECT_EQ(open(rw, "file"), Errno::mfile);
    EXPECT_EQ(state->handles().count(), 16u);
    // Nothing is created for a descriptor that cannot be given.
    EXPECT_EQ(open(rw, "new", oflag::creat), Errno::mfile);
    EXPECT_FALSE(fs::exists(inside("new")));
    EXPECT_EQ(call(p1::fd_close, 7), Errno::success);
    EXPECT_EQ(open(rw, "file"), Errno::success);
    EXPECT_EQ(opened(), 7u);
}

TEST_F(PathTest, RightsAreThoseAskedForAndAvailable) {
    ASSERT_EQ(open(rw, "dir", oflag::directory, right::path_open), Errno::success);
    const uint32_t dir = opened();
    EXPECT_EQ(open(dir, "new", oflag::creat), Errno::notcapable);
    EXPECT_EQ(on_path(p1::path_create_directory, dir, "new"), Errno::notcapable);
    ASSERT_EQ(open(rw, "file", 0, right::fd_read), Errno::success);
    EXPECT_EQ(call(p1::fd_seek, opened(), 0, 0, out), Errno::notcapable);
    EXPECT_EQ(write(load<uint32_t>(out), "x"), Errno::badf);
    EXPECT_EQ(call(p1::fd_fdstat_set_rights, rw, right::path_open, right::path_open), Errno::success);
    EXPECT_EQ(open(rw, "file", 0, right::fd_read), Errno::notcapable);
    EXPECT_EQ(open(rw, "file", 0, 0), Errno::success);
}

TEST_F(PathTest, AskingForAllButWritingOpensForReading) {
    ASSERT_EQ(open(rw, "dir", 0, all & ~right::fd_write), Errno::success);
    EXPECT_EQ(call(p1::fd_close, opened()), Errno::success);
    ASSERT_EQ(open(rw, "file", 0, all & ~right::fd_write), Errno::success);
    EXPECT_EQ(call(p1::fd_filestat_set_size, opened(), 0), Errno::notcapable);
    EXPECT_EQ(read_text(root() / "rw" / "file"), "content");
}

TEST_F(PathTest, Directories) {
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "new/"), Errno::success);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "new"), Errno::exist);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "dir/.."), Errno::exist);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "../new"), Errno::notcapable);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "updir/new"), Errno::notcapable);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "updir/new/"), Errno::notcapable);
    EXPECT_EQ(on_path(p1::path_remove_directory, rw, "file"), Errno::notdir);
    EXPECT_EQ(on_path(p1::path_remove_directory, rw, "file/"), Errno::notdir);
    EXPECT_EQ(on_path(p1::path_remove_directory, rw, "."), Errno::inval);
    EXPECT_EQ(on_path(p1::path_remove_directory, rw, ".."), Errno::inval);
    EXPECT_EQ(on_path(p1::path_remove_directory, rw, "new/"), Errno::success);
    EXPECT_FALSE(fs::exists(inside("new")));
    EXPECT_FALSE(fs::exists(root() / "new"));
}

TEST_F(PathTest, Unlink) {
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "dir"), Errno::isdir);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "dir/"), Errno::isdir);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "file/"), Errno::notdir);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "link/"), Errno::notdir);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "absent/"), Errno::noent);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, ".."), Errno::isdir);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "updir/secret"), Errno::notcapable);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "out"), Errno::success);
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "file"), Errno::success);
    EXPECT_FALSE(fs::exists(inside("file")));
    EXPECT_TRUE(fs::exists(root() / "secret"));
}

TEST_F(PathTest, Rename) {
    EXPECT_EQ(rename(rw, "file", rw, "new"), Errno::success);
    EXPECT_EQ(rename(rw, "new/", rw, "x"), Errno::notdir);
    EXPECT_EQ(rename(rw, "new", rw, "x/"), Errno::notdir);
    EXPECT_EQ(rename(rw, "dir/", rw, "moved/"), Errno::success);
    EXPECT_EQ(rename(rw, "new", rw, "../stolen"), Errno::notcapable);
    EXPECT_EQ(rename(rw, "updir/secret", rw, "stolen"), Errno::notcapable);
    EXPECT_EQ(rename(rw, "new", rw, "updir/stolen"), Errno::notcapable);
    EXPECT_EQ(rename(rw, "..", rw, "x"), Errno::busy);
    EXPECT_EQ(rename(rw, "new", rw, "moved/.."), Errno::busy);
    EXPECT_EQ(rename(rw, "absent", rw, "x"), Errno::noent);
    // The link itself is renamed, not what it names.
    EXPECT_EQ(rename(rw, "out", rw, "moved/out"), Errno::success);
    EXPECT_TRUE(fs::exists(root() / "secret"));
}

TEST_F(PathTest, HardLinks) {
    EXPECT_EQ(link("file", "dir/hard"), Errno::success);
    EXPECT_EQ(read_text(inside("dir/hard")), "content");
    EXPECT_EQ(link("file", "link"), Errno::exist);
    EXPECT_EQ(link("file", "new/"), Errno::noent);
    EXPECT_EQ(link("file/", "new"), Errno::notdir);
    EXPECT_EQ(link("link/", "new"), Errno::notdir);
    EXPECT_EQ(link("dir", "new"), Errno::perm);
    EXPECT_EQ(link("updir/secret", "new"), Errno::notcapable);
    EXPECT_EQ(link("file", "updir/new"), Errno::notcapable);
    // A link to a link, not to the secret.
    EXPECT_EQ(link("out", "new"), Errno::success);
    EXPECT_TRUE(fs::is_symlink(inside("new")));
}

TEST_F(PathTest, SymbolicLinksStayInside) {
    EXPECT_EQ(symlink("file", "new"), Errno::success);
    EXPECT_EQ(readlink("new"), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 4u);
    EXPECT_EQ(symlink("../file", "dir/new"), Errno::success);
    EXPECT_EQ(open(rw, "dir/new"), Errno::success);
    EXPECT_EQ(symlink("/etc/passwd", "new2"), Errno::notcapable);
    EXPECT_EQ(symlink("../secret", "new2"), Errno::notcapable);
    EXPECT_EQ(symlink("../../secret", "dir/new2"), Errno::notcapable);
    EXPECT_EQ(symlink("file", "updir/new2"), Errno::notcapable);
    EXPECT_EQ(symlink("file", "new2/"), Errno::noent);
    EXPECT_EQ(symlink("file", "dir/"), Errno::exist);
    EXPECT_EQ(symlink("file", "file"), Errno::exist);
    EXPECT_FALSE(fs::exists(fs::symlink_status(inside("new2"))));
}

TEST_F(PathTest, ReadLink) {
    EXPECT_EQ(readlink("link", 2), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 2u);
    EXPECT_EQ(memory[data_at + 2], 0);
    EXPECT_EQ(readlink("link", 0), Errno::success);
    EXPECT_EQ(readlink("file"), Errno::inval);
    EXPECT_EQ(readlink("link/"), Errno::notdir);
    EXPECT_EQ(readlink("."), Errno::inval);
    EXPECT_EQ(readlink("link", memory_bytes), Errno::fault);
}

TEST_F(PathTest, StatusAndTimes) {
    EXPECT_EQ(stat(rw, "file"), Errno::success);
    EXPECT_EQ(load<uint64_t>(out + 32), 7u);
    EXPECT_EQ(load<uint8_t>(out + 16), 4);
    EXPECT_EQ(stat(rw, "link", false), Errno::success);
    EXPECT_EQ(load<uint8_t>(out + 16), 7);
    EXPECT_EQ(stat(rw, "."), Errno::success);
    EXPECT_EQ(stat(rw, ".."), Errno::notcapable);
    EXPECT_EQ(stat(rw, "file/"), Errno::notdir);
    put(path_at, "file");
    EXPECT_EQ(call(p1::path_filestat_set_times, rw, 0, path_at, 4, 0, 5'000'000'007, 4), Errno::success);
    EXPECT_EQ(stat(rw, "file"), Errno::success);
    EXPECT_EQ(load<uint64_t>(out + 48), 5'000'000'007u);
    put(path_at, "file");
    for (const uint32_t flags : {3u, 12u, 16u})
        EXPECT_EQ(call(p1::path_filestat_set_times, rw, 0, path_at, 4, 0, 0, flags), Errno::inval);
    EXPECT_EQ(call(p1::path_filestat_get, rw, 2, path_at, 4, out), Errno::inval);
}

}  // namespace
}  // namespace wsb::testing
