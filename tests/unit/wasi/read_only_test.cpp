// SPDX-License-Identifier: Apache-2.0
// Nothing beneath a read-only grant can be changed, whatever flags and rights are asked for.
#include "tests/unit/wasi/wasi_fixture.h"

namespace wsb::testing {
namespace {

using wasi::Errno;
namespace right = wasi::right;
namespace oflag = wasi::oflag;

class ReadOnlyTest : public WasiTest {
protected:
    void TearDown() override {
        EXPECT_EQ(read_text(root() / "ro" / "file"), "content");
        EXPECT_TRUE(std::filesystem::is_directory(root() / "ro" / "dir"));
        EXPECT_TRUE(std::filesystem::is_symlink(root() / "ro" / "link"));
        const auto entries = std::filesystem::directory_iterator(root() / "ro");
        EXPECT_EQ(std::distance(begin(entries), end(entries)), 6);
    }
};

TEST_F(ReadOnlyTest, ReadingWorks) {
    ASSERT_EQ(open(ro, "file"), Errno::success);
    EXPECT_EQ(read(opened()), "content");
    EXPECT_EQ(stat(ro, "file"), Errno::success);
    // A library that asks for all rights but writing gets what there is.
    EXPECT_EQ(open(ro, "file", 0, all & ~right::fd_write), Errno::success);
    EXPECT_EQ(call(wasi::p1::fd_filestat_set_size, opened(), 0), Errno::rofs);
    EXPECT_EQ(call(wasi::p1::fd_allocate, opened(), 0, 100), Errno::rofs);
    EXPECT_EQ(call(wasi::p1::fd_filestat_set_times, opened(), 0, 0, 2), Errno::rofs);
    EXPECT_EQ(write(opened(), "x"), Errno::badf);
}

TEST_F(ReadOnlyTest, OpeningToChangeIsRefused) {
    for (uint32_t oflags = 0; oflags <= oflag::all; ++oflags) {
        for (const wasi::Rights base :
             {wasi::Rights{0}, right::fd_read, right::fd_write, right::fd_read | right::fd_write,
              right::fd_allocate, right::fd_filestat_set_size, all}) {
            for (uint32_t fdflags = 0; fdflags <= wasi::fdflag::all; fdflags += 5) {
                for (const char* path : {"file", "link", "new", "dir", "dir/new", "dir/../file"}) {
                    for (const bool follow : {false, true}) {
                        const Errno error = open(ro, path, oflags, base, fdflags, follow);
                        const bool changes =
                            (oflags & (oflag::creat | oflag::trunc)) != 0 || (base & right::fd_write) != 0;
                        EXPECT_FALSE(changes && error == Errno::success) << path << " " << oflags;
                        EXPECT_FALSE(error == Errno::success && write(opened(), "x") == Errno::success);
                        start();
                    }
                }
            }
        }
    }
}

TEST_F(ReadOnlyTest, TruncationWithReadRightsIsRefused) {
    EXPECT_EQ(open(ro, "file", oflag::trunc, right::fd_read), Errno::rofs);
    EXPECT_EQ(open(ro, "file", oflag::trunc, 0), Errno::rofs);
    EXPECT_EQ(open(ro, "link", oflag::trunc, 0), Errno::rofs);
    EXPECT_EQ(open(ro, "file", oflag::creat, 0), Errno::rofs);
    EXPECT_EQ(open(ro, "file", 0, right::fd_write), Errno::rofs);
}

TEST_F(ReadOnlyTest, ChangingPathsIsRefused) {
    EXPECT_EQ(on_path(wasi::p1::path_create_directory, ro, "new"), Errno::rofs);
    EXPECT_EQ(on_path(wasi::p1::path_remove_directory, ro, "dir"), Errno::rofs);
    EXPECT_EQ(on_path(wasi::p1::path_unlink_file, ro, "file"), Errno::rofs);
    EXPECT_EQ(on_path(wasi::p1::path_unlink_file, ro, "link"), Errno::rofs);
    put(path_at, "file");
    EXPECT_EQ(call(wasi::p1::path_filestat_set_times, ro, 0, path_at, 4, 0, 0, 2), Errno::rofs);
    put(other_path_at, "new");
    EXPECT_EQ(call(wasi::p1::path_symlink, path_at, 4, ro, other_path_at, 3), Errno::rofs);
}

TEST_F(ReadOnlyTest, NothingMovesInOrOut) {
    EXPECT_EQ(rename(ro, "file", ro, "new"), Errno::rofs);
    EXPECT_EQ(rename(ro, "file", rw, "stolen"), Errno::rofs);
    EXPECT_EQ(rename(rw, "file", ro, "file"), Errno::rofs);
    put(path_at, "file");
    put(other_path_at, "new");
    // A hard link in a writable directory would make the same file writable.
    EXPECT_EQ(call(wasi::p1::path_link, ro, 0, path_at, 4, rw, other_path_at, 3), Errno::rofs);
    EXPECT_EQ(call(wasi::p1::path_link, rw, 0, path_at, 4, ro, other_path_at, 3), Errno::rofs);
    EXPECT_EQ(call(wasi::p1::path_link, ro, 0, path_at, 4, ro, other_path_at, 3), Errno::rofs);
    EXPECT_FALSE(std::filesystem::exists(root() / "rw" / "new"));
}

TEST_F(ReadOnlyTest, DescriptorsBeneathInheritIt) {
    ASSERT_EQ(open(ro, "dir", oflag::directory, all & ~right::fd_write), Errno::success);
    const uint32_t dir = opened();
    EXPECT_EQ(open(dir, "new", oflag::creat), Errno::rofs);
    EXPECT_EQ(on_path(wasi::p1::path_create_directory, dir, "new"), Errno::rofs);
    EXPECT_EQ(rename(dir, "x", rw, "y"), Errno::rofs);
    EXPECT_EQ(call(wasi::p1::fd_fdstat_set_rights, dir, all, all), Errno::notcapable);
    EXPECT_EQ(call(wasi::p1::fd_renumber, dir, rw), Errno::success);
    EXPECT_EQ(on_path(wasi::p1::path_create_directory, rw, "new"), Errno::rofs);
}

}  // namespace
}  // namespace wsb::testing
