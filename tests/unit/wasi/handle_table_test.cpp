// SPDX-License-Identifier: Apache-2.0
#include "wasi/handle_table.h"

#include "wasi/host_file.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace wsb::testing {
namespace {

using wasi::Errno;
using wasi::Handle;
using wasi::HandleTable;
namespace right = wasi::right;

Handle file(wasi::Rights base) {
    Handle handle;
    handle.type = wasi::FileType::regular_file;
    handle.base = base;
    return handle;
}

TEST(HandleTable, GivesTheLowestFreeNumberUpToTheLimit) {
    HandleTable table(3);
    EXPECT_EQ(table.insert(file(0)), 0u);
    EXPECT_EQ(table.insert(file(0)), 1u);
    EXPECT_EQ(table.insert(file(0)), 2u);
    EXPECT_FALSE(table.has_room());
    EXPECT_EQ(table.insert(file(0)).error(), Errno::mfile);
    EXPECT_TRUE(table.close(1));
    EXPECT_EQ(table.close(1).error(), Errno::badf);
    EXPECT_EQ(table.insert(file(0)), 1u);
    EXPECT_EQ(table.count(), 3u);
}

TEST(HandleTable, RefusesUnknownNumbers) {
    HandleTable table(8);
    for (const uint32_t fd : {0u, 7u, 8u, 0x7fffffffu, 0xffffffffu}) {
        EXPECT_EQ(table.get(fd).error(), Errno::badf);
        EXPECT_EQ(table.close(fd).error(), Errno::badf);
        EXPECT_EQ(table.renumber(fd, fd).error(), Errno::badf);
    }
    EXPECT_EQ(table.insert_at(8, file(0)).error(), Errno::mfile);
    EXPECT_EQ(table.insert_at(0xffffffff, file(0)).error(), Errno::mfile);
    EXPECT_TRUE(table.insert_at(5, file(0)));
    EXPECT_EQ(table.insert_at(5, file(0)).error(), Errno::exist);
    EXPECT_EQ(table.get(4).error(), Errno::badf);
}

TEST(HandleTable, RenumberMovesAndCloses) {
    HandleTable table(8);
    EXPECT_EQ(table.insert(file(right::fd_read)), 0u);
    EXPECT_EQ(table.insert(file(right::fd_write)), 1u);
    EXPECT_TRUE(table.renumber(0, 0));
    EXPECT_EQ(table.renumber(0, 2).error(), Errno::badf);
    EXPECT_EQ(table.renumber(2, 0).error(), Errno::badf);
    EXPECT_TRUE(table.renumber(0, 1));
    EXPECT_EQ(table.get(0).error(), Errno::badf);
    EXPECT_TRUE(table.get(1, right::fd_read));
    EXPECT_EQ(table.count(), 1u);
}

TEST(HandleTable, ClosingClosesTheHost) {
    const int host = ::open("/dev/null", O_RDONLY);
    HandleTable table(2);
    Handle handle = file(0);
    handle.descriptor = std::make_shared<wasi::HostFile>(wasi::HostFd(host));
    EXPECT_EQ(table.insert(std::move(handle)), 0u);
    EXPECT_NE(::fcntl(host, F_GETFD), -1);
    EXPECT_TRUE(table.close(0));
    EXPECT_EQ(::fcntl(host, F_GETFD), -1);
}

TEST(HandleTable, MissingRightsAreReportedAsPosixWould) {
    EXPECT_TRUE(file(right::fd_read).check(right::fd_read));
    EXPECT_EQ(file(right::fd_read).check(right::fd_write).error(), Errno::badf);
    EXPECT_EQ(file(0).check(right::fd_sync).error(), Errno::notcapable);
    EXPECT_EQ(file(right::file).check(right::path_open).error(), Errno::notdir);
    Handle directory;
    directory.type = wasi::FileType::directory;
    EXPECT_EQ(directory.check(right::fd_read).error(), Errno::isdir);
    EXPECT_EQ(directory.check(right::path_open).error(), Errno::notcapable);
    Handle pipe;
    EXPECT_EQ(pipe.check(right::fd_seek).error(), Errno::spipe);
    const wasi::Preopen preopen{"/", nullptr, wasi::Access::read_only};
    directory.preopen = &preopen;
    EXPECT_EQ(directory.check(right::path_create_file).error(), Errno::rofs);
    EXPECT_EQ(directory.check(right::path_readlink).error(), Errno::notcapable);
}

}  // namespace
}  // namespace wsb::testing
