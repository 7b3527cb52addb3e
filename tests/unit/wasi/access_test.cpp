// SPDX-License-Identifier: Apache-2.0
// Kinds of access other than reading and writing all: what may be done beneath such grants, and that
// nothing gains rights by being moved or linked to another grant.
#include "tests/unit/wasi/wasi_fixture.h"
#include "wasi/host_directory.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace wsb::testing {
namespace {

using wasi::Access;
using wasi::Errno;
namespace p1 = wasi::p1;
namespace right = wasi::right;
namespace oflag = wasi::oflag;
namespace fs = std::filesystem;

class AccessTest : public WasiTest {
protected:
    void prepare() override {
        counting->grants[0].access = access;
        counting->grants[0].max_file_bytes = max_file_bytes;
    }
    void restart(Access wanted) {
        access = wanted;
        start();
    }
    [[nodiscard]] fs::path inside(const char* name) const { return root() / "rw" / name; }
    Errno set_times(std::string_view path) {
        put(path_at, path);
        return call(p1::path_filestat_set_times, rw, 0, path_at, path.size(), 0, 0, 4);
    }
    Errno link(uint32_t from_fd, std::string_view from, uint32_t to_fd, std::string_view to) {
        put(path_at, from);
        put(other_path_at, to);
        return call(p1::path_link, from_fd, 0, path_at, from.size(), to_fd, other_path_at, to.size());
    }
    Errno symlink(std::string_view text, std::string_view path) {
        put(path_at, text);
        put(other_path_at, path);
        return call(p1::path_symlink, path_at, text.size(), rw, other_path_at, path.size());
    }
    void expect_that_nothing_else_changes() {
        EXPECT_EQ(on_path(p1::path_unlink_file, rw, "file"), Errno::rofs);
        EXPECT_EQ(on_path(p1::path_remove_directory, rw, "dir"), Errno::rofs);
        EXPECT_EQ(rename(rw, "file", rw, "moved"), Errno::rofs);
        EXPECT_EQ(link(rw, "file", rw, "linked"), Errno::rofs);
        EXPECT_EQ(symlink("file", "made"), Errno::rofs);
        EXPECT_EQ(set_times("file"), Errno::rofs);
        EXPECT_EQ(open(rw, "file", oflag::trunc, right::fd_read), Errno::rofs);
        ASSERT_EQ(open(rw, "file", 0, all & ~right::fd_write), Errno::success);
        EXPECT_EQ(call(p1::fd_filestat_set_times, opened(), 0, 0, 2), Errno::rofs);
        EXPECT_NE(call(p1::fd_filestat_set_size, opened(), 0), Errno::success);
        EXPECT_NE(call(p1::fd_allocate, opened(), 0, 100), Errno::success);
        EXPECT_EQ(read(opened()), "content");
    }
    Access access = Access::read_write;
    uint64_t max_file_bytes = ~uint64_t{0};
};

TEST_F(AccessTest, AppendingWritesAtTheEndOnly) {
    restart(Access::append);
    expect_that_nothing_else_changes();
    EXPECT_EQ(open(rw, "new", oflag::creat, right::fd_write, wasi::fdflag::append), Errno::rofs);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "new"), Errno::rofs);
    EXPECT_EQ(open(rw, "file", 0, right::fd_write), Errno::notcapable);
    EXPECT_EQ(open(rw, "file", oflag::trunc, right::fd_write, wasi::fdflag::append), Errno::rofs);
    ASSERT_EQ(open(rw, "file", 0, all, wasi::fdflag::append), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(call(p1::fd_seek, fd, 0, 0, out), Errno::success);
    EXPECT_EQ(write(fd, "+more"), Errno::success);
    EXPECT_EQ(read_text(inside("file")), "content+more");
    EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, 0, out), Errno::notcapable);
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, fd, 0), Errno::notcapable);
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, fd, wasi::fdflag::append), Errno::success);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, 0), Errno::rofs);
    EXPECT_EQ(call(p1::fd_allocate, fd, 0, 100), Errno::rofs);
    EXPECT_EQ(call(p1::fd_filestat_set_times, fd, 0, 0, 2), Errno::rofs);
    EXPECT_EQ(write(fd, "!"), Errno::success);
    EXPECT_EQ(read_text(inside("file")), "content+more!");
}

TEST_F(AccessTest, CreatingLeavesWhatExists) {
    restart(Access::create);
    expect_that_nothing_else_changes();
    EXPECT_EQ(open(rw, "file", 0, right::fd_write), Errno::rofs);
    EXPECT_EQ(open(rw, "file", 0, right::fd_write, wasi::fdflag::append), Errno::rofs);
    EXPECT_EQ(open(rw, "file", oflag::creat | oflag::trunc, right::fd_write), Errno::exist);
    EXPECT_EQ(open(rw, "link", oflag::creat, right::fd_write), Errno::exist);
    EXPECT_EQ(open(rw, "file", oflag::creat, right::fd_read), Errno::success);
    ASSERT_EQ(open(rw, "new", oflag::creat | oflag::trunc, all), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(write(fd, "0123456789"), Errno::success);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, 4), Errno::success);
    EXPECT_EQ(read_text(inside("new")), "0123");
    EXPECT_EQ(open(rw, "new", 0, right::fd_write), Errno::rofs);
    EXPECT_EQ(on_path(p1::path_create_directory, rw, "made"), Errno::success);
    EXPECT_EQ(on_path(p1::path_remove_directory, rw, "made"), Errno::rofs);
    EXPECT_EQ(open(rw, "made/deep", oflag::creat, right::fd_write), Errno::success);
}

TEST_F(AccessTest, NothingGainsRightsInAnotherGrant) {
    // The same directory twice: as it is, and for new files only.
    counting->grants.push_back(counting->grants[0]);
    counting->grants[2].access = Access::create;
    state = wasi::Preview1::create(*counting).value();
    constexpr uint32_t second = 5;
    EXPECT_EQ(rename(second, "file", rw, "moved"), Errno::rofs);
    EXPECT_EQ(link(second, "file", rw, "linked"), Errno::rofs);
    EXPECT_EQ(rename(rw, "file", second, "moved"), Errno::rofs);
    // Rights that the guest gave up for a directory stay given up for what lies in it.
    ASSERT_EQ(open(rw, "dir", oflag::directory, all & ~right::fd_write), Errno::success);
    const uint32_t weak = opened();
    write_text(inside("dir/kept"), "kept");
    EXPECT_EQ(call(p1::fd_fdstat_set_rights, weak, right::directory, right::fd_read), Errno::success);
    EXPECT_EQ(open(weak, "kept", 0, right::fd_write), Errno::notcapable);
    EXPECT_EQ(rename(weak, "kept", rw, "freed"), Errno::notcapable);
    EXPECT_EQ(link(weak, "kept", rw, "freed"), Errno::notcapable);
    EXPECT_FALSE(fs::exists(inside("freed")));
    EXPECT_EQ(rename(rw, "file", weak, "in"), Errno::success);
}

TEST_F(AccessTest, FilesGrowToTheirBoundOnly) {
    max_file_bytes = 10;
    start();
    ASSERT_EQ(open(rw, "file", 0, all), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(write(fd, "0123456789abc"), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 10u);
    EXPECT_EQ(write(fd, "x"), Errno::fbig);
    EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, 10, out), Errno::fbig);
    EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, 9, out), Errno::success);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, 11), Errno::fbig);
    EXPECT_EQ(call(p1::fd_allocate, fd, 5, 6), Errno::fbig);
    ASSERT_EQ(open(rw, "file", 0, all, wasi::fdflag::append), Errno::success);
    EXPECT_EQ(write(opened(), "x"), Errno::fbig);
    EXPECT_EQ(fs::file_size(inside("file")), 10u);
}

TEST_F(AccessTest, SpecialFilesAreRefused) {
    ASSERT_EQ(::mkfifo(inside("fifo").c_str(), 0600), 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = inside("socket").string();
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::ranges::copy(path, address.sun_path);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(socket);
    for (const char* name : {"fifo", "socket"}) {
        for (const wasi::Rights base : {wasi::Rights{0}, right::fd_read, right::fd_write, all})
            EXPECT_EQ(open(rw, name, 0, base), Errno::notcapable) << name;
        EXPECT_EQ(stat(rw, name), Errno::success) << name;
    }
    EXPECT_EQ(on_path(p1::path_unlink_file, rw, "fifo"), Errno::success);
}

/// Directories of the host that hold special files.
class SpecialTest : public WasiTest {
protected:
    void prepare() override {
        counting->grants.push_back(grant("/dev", wasi::SpecialFiles::refused));
        counting->grants.push_back(grant("/dev", wasi::SpecialFiles::allowed));
        counting->grants.push_back(grant("/", wasi::SpecialFiles::refused));
    }
    static wasi::Preopen grant(const char* path, wasi::SpecialFiles special) {
        wasi::HostFd fd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return {path, std::make_shared<wasi::HostDirectory>(std::move(fd), special), Access::read_write};
    }
};

TEST_F(SpecialTest, DevicesOnlyWhereTheyAreGranted) {
    constexpr uint32_t refusing = 5, allowing = 6;
    EXPECT_EQ(open(refusing, "null"), Errno::notcapable);
    EXPECT_EQ(open(refusing, "null", 0, right::fd_write), Errno::notcapable);
    ASSERT_EQ(open(allowing, "zero"), Errno::success);
    EXPECT_EQ(read(opened()), std::string(100, '\0'));
    ASSERT_EQ(open(allowing, "null", 0, right::fd_write), Errno::success);
    EXPECT_EQ(write(opened(), "gone"), Errno::success);
}

TEST_F(SpecialTest, ProcIsNotPartOfTheRoot) {
    constexpr uint32_t whole = 7;
    for (const char* path : {"proc/version", "proc/self/environ", "proc/1/status", "proc"}) {
        EXPECT_EQ(open(whole, path), Errno::notcapable) << path;
        EXPECT_EQ(stat(whole, path), Errno::notcapable) << path;
    }
    put(path_at, "proc/self");
    EXPECT_EQ(call(p1::path_readlink, whole, path_at, 9, data_at, 100, out), Errno::notcapable);
}

}  // namespace
}  // namespace wsb::testing
