// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/wasi/wasi_fixture.h"

#include <fcntl.h>
#include <set>

namespace wsb::testing {
namespace {

using wasi::Errno;
namespace p1 = wasi::p1;
namespace right = wasi::right;

class FdTest : public WasiTest {
protected:
    /// A new file, open for everything.
    uint32_t open_new() {
        EXPECT_EQ(open(rw, "new", wasi::oflag::creat, all), Errno::success);
        return opened();
    }
    /// Names in a directory, read with a buffer of this size.
    std::multiset<std::string> list(uint32_t fd, uint32_t buffer_bytes) {
        std::multiset<std::string> names;
        uint64_t cookie = 0;
        for (int calls = 0; calls < 1000; ++calls) {
            EXPECT_EQ(call(p1::fd_readdir, fd, data_at, buffer_bytes, cookie, out), Errno::success);
            const uint32_t used = load<uint32_t>(out);
            EXPECT_LE(used, buffer_bytes);
            uint32_t at = 0;
            while (used - at >= 24) {
                const uint32_t length = load<uint32_t>(data_at + at + 16);
                if (used - at - 24 < length)
                    break;
                cookie = load<uint64_t>(data_at + at);
                const auto begin = memory.begin() + data_at + at + 24;
                names.emplace(begin, begin + length);
                at += 24 + length;
            }
            if (used < buffer_bytes)
                return names;
        }
        ADD_FAILURE() << "no end";
        return names;
    }
};

TEST_F(FdTest, ArgumentsAndEnvironment) {
    EXPECT_EQ(call(p1::args_sizes_get, out, out + 4), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 2u);
    EXPECT_EQ(load<uint32_t>(out + 4), 12u);
    EXPECT_EQ(call(p1::args_get, 512, data_at), Errno::success);
    EXPECT_EQ(load<uint32_t>(516), data_at + 8);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(memory.data()) + data_at + 8), "one");
    EXPECT_EQ(call(p1::environ_sizes_get, out, out + 4), Errno::success);
    EXPECT_EQ(load<uint32_t>(out + 4), 11u);
    EXPECT_EQ(call(p1::environ_get, 512, data_at), Errno::success);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(memory.data()) + data_at), "NAME=value");
    EXPECT_EQ(call(p1::args_get, memory_bytes - 4, data_at), Errno::fault);
    EXPECT_EQ(call(p1::args_get, 512, memory_bytes - 3), Errno::fault);
    EXPECT_EQ(call(p1::args_get, 0xfffffffe, 0xfffffffe), Errno::fault);
}

TEST_F(FdTest, ClocksAndRandom) {
    EXPECT_EQ(call(p1::clock_time_get, 1, 0, out), Errno::success);
    const auto before = load<uint64_t>(out);
    EXPECT_EQ(call(p1::clock_time_get, 1, 0, out), Errno::success);
    EXPECT_GE(load<uint64_t>(out), before);
    EXPECT_EQ(call(p1::clock_res_get, 0, out), Errno::success);
    EXPECT_GT(load<uint64_t>(out), 0u);
    EXPECT_EQ(call(p1::clock_time_get, 4, 0, out), Errno::inval);
    EXPECT_EQ(call(p1::clock_time_get, 0, 0, memory_bytes - 7), Errno::fault);
    EXPECT_EQ(call(p1::random_get, data_at, 64), Errno::success);
    EXPECT_NE(load<uint64_t>(data_at) | load<uint64_t>(data_at + 56), 0u);
    EXPECT_EQ(memory[data_at + 64], 0);
    EXPECT_EQ(call(p1::random_get, 0, 0xffffffff), Errno::fault);
}

TEST_F(FdTest, VectorsAreCheckedBeforeAnyEffect) {
    const uint32_t fd = open_new();
    put(data_at, "abcdef");
    put_iovec(0, data_at, 3);
    put_iovec(1, memory_bytes - 1, 2);
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 2, out), Errno::fault);
    put_iovec(1, 0xffffffff, 0xffffffff);
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 2, out), Errno::fault);
    for (const uint32_t count : {0xffffffffu, 0x20000000u, 0x20000001u, 0x10000000u})
        EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, count, out), Errno::fault) << count;
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 1, memory_bytes - 3), Errno::fault);
    EXPECT_EQ(read_text(root() / "rw" / "new"), "");
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 0, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 0u);
}

TEST_F(FdTest, ManyVectorsGiveAShortCountNotAnEnd) {
    const uint32_t fd = open_new();
    put(data_at, "x");
    for (uint32_t i = 0; i < 200; ++i)
        put_iovec(i, data_at, i < 100 ? 0 : 1);
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 200, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 64u);
}

TEST_F(FdTest, PositionedReadsAndWrites) {
    const uint32_t fd = open_new();
    EXPECT_EQ(write(fd, "0123456789"), Errno::success);
    put(data_at, "ab");
    put_iovec(0, data_at, 2);
    EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, 4, out), Errno::success);
    EXPECT_EQ(read_text(root() / "rw" / "new"), "0123ab6789");
    EXPECT_EQ(call(p1::fd_pread, fd, iovecs_at, 1, 8, out), Errno::success);
    EXPECT_EQ(memory[data_at], '8');
    for (const uint64_t offset : {uint64_t{1} << 63, ~uint64_t{0}}) {
        EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, offset, out), Errno::inval);
        EXPECT_EQ(call(p1::fd_pread, fd, iovecs_at, 1, offset, out), Errno::inval);
    }
    EXPECT_EQ(call(p1::fd_tell, fd, out), Errno::success);
    EXPECT_EQ(load<uint64_t>(out), 10u);
}

TEST_F(FdTest, Seeking) {
    const uint32_t fd = open_new();
    EXPECT_EQ(write(fd, "0123456789"), Errno::success);
    EXPECT_EQ(call(p1::fd_seek, fd, -4, 2, out), Errno::success);
    EXPECT_EQ(load<uint64_t>(out), 6u);
    EXPECT_EQ(call(p1::fd_seek, fd, -7, 1, out), Errno::inval);
    EXPECT_EQ(call(p1::fd_seek, fd, 0, 3, out), Errno::inval);
    EXPECT_EQ(call(p1::fd_seek, fd, std::numeric_limits<int64_t>::min(), 0, out), Errno::inval);
    EXPECT_EQ(call(p1::fd_seek, rw, 0, 0, out), Errno::isdir);
}

TEST_F(FdTest, SizesAndAllocation) {
    const uint32_t fd = open_new();
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, 100), Errno::success);
    EXPECT_EQ(call(p1::fd_filestat_get, fd, out), Errno::success);
    EXPECT_EQ(load<uint64_t>(out + 32), 100u);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, uint64_t{1} << 63), Errno::fbig);
    EXPECT_EQ(call(p1::fd_allocate, fd, uint64_t{1} << 63, 1), Errno::inval);
    EXPECT_EQ(call(p1::fd_allocate, fd, 1, ~uint64_t{0}), Errno::fbig);
    EXPECT_EQ(call(p1::fd_allocate, fd, 0, 0), Errno::inval);
    EXPECT_EQ(call(p1::fd_advise, fd, 0, 10, 6), Errno::inval);
    EXPECT_EQ(call(p1::fd_advise, fd, 0, 10, 1), Errno::success);
    EXPECT_EQ(call(p1::fd_sync, fd), Errno::success);
    EXPECT_EQ(call(p1::fd_datasync, fd), Errno::success);
}

TEST_F(FdTest, FlagsAndRights) {
    ASSERT_EQ(open(rw, "file", 0, all, wasi::fdflag::append), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(call(p1::fd_fdstat_get, fd, out), Errno::success);
    EXPECT_EQ(load<uint8_t>(out), 4);
    EXPECT_EQ(load<uint16_t>(out + 2), wasi::fdflag::append);
    EXPECT_EQ(load<uint64_t>(out + 8), right::file);
    EXPECT_EQ(write(fd, "+"), Errno::success);
    EXPECT_EQ(read_text(root() / "rw" / "file"), "content+");
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, fd, 0), Errno::success);
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, fd, wasi::fdflag::sync), Errno::notsup);
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, fd, 32), Errno::inval);
    EXPECT_EQ(call(p1::fd_fdstat_set_rights, fd, right::fd_read, 0), Errno::success);
    EXPECT_EQ(call(p1::fd_fdstat_set_rights, fd, right::fd_write, 0), Errno::notcapable);
    EXPECT_EQ(call(p1::fd_fdstat_get, rw, out), Errno::success);
    EXPECT_EQ(load<uint64_t>(out + 8), right::directory);
    EXPECT_EQ(load<uint16_t>(out + 2), 0);
}

TEST_F(FdTest, Preopens) {
    EXPECT_EQ(call(p1::fd_prestat_get, rw, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 0u);
    EXPECT_EQ(load<uint32_t>(out + 4), 3u);
    EXPECT_EQ(call(p1::fd_prestat_dir_name, rw, data_at, 2), Errno::nametoolong);
    EXPECT_EQ(call(p1::fd_prestat_dir_name, rw, data_at, 10), Errno::success);
    EXPECT_EQ(std::string(memory.begin() + data_at, memory.begin() + data_at + 4), std::string("/rw\0", 4));
    EXPECT_EQ(call(p1::fd_prestat_get, 5, out), Errno::badf);
    EXPECT_EQ(call(p1::fd_prestat_get, 0, out), Errno::badf);
    EXPECT_EQ(call(p1::fd_close, rw), Errno::success);
    EXPECT_EQ(call(p1::fd_prestat_get, rw, out), Errno::badf);
    EXPECT_EQ(open(rw, "file"), Errno::badf);
}

TEST_F(FdTest, ReadingDirectoriesInPieces) {
    const std::multiset<std::string> expected{".", "..", "file", "dir", "link", "out", "absolute", "updir"};
    for (const uint32_t size : {40u, 64u, 100u, 256u, 4096u})
        EXPECT_EQ(list(rw, size), expected) << size;
    for (int i = 0; i < 500; ++i)
        write_text(root() / "rw" / "dir" / ("file" + std::to_string(i)), "");
    ASSERT_EQ(open(rw, "dir", 0, right::fd_readdir), Errno::success);
    EXPECT_EQ(list(opened(), 512).size(), 502u);
    EXPECT_EQ(call(p1::fd_readdir, rw, data_at, 0, 0, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 0u);
    EXPECT_EQ(call(p1::fd_readdir, rw, data_at, 5, 0, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 5u);
    EXPECT_EQ(call(p1::fd_readdir, rw, data_at, 100, ~uint64_t{0}, out), Errno::inval);
    EXPECT_EQ(call(p1::fd_readdir, rw, data_at, 0xffffffff, 0, out), Errno::fault);
    ASSERT_EQ(open(rw, "file"), Errno::success);
    EXPECT_EQ(call(p1::fd_readdir, opened(), data_at, 100, 0, out), Errno::notdir);
}

TEST_F(FdTest, NothingIsASocket) {
    EXPECT_EQ(call(p1::sock_recv, rw, 0, 0, 0, 0, 0), Errno::notsock);
    EXPECT_EQ(call(p1::sock_send, 99, 0, 0, 0, 0), Errno::badf);
    EXPECT_EQ(call(p1::sock_accept, rw, 0, 0), Errno::notsock);
    EXPECT_EQ(call(p1::sock_shutdown, rw, 0), Errno::notsock);
}

/// With pipes as standard streams.
class StreamTest : public FdTest {
protected:
    void SetUp() override {
        ASSERT_EQ(::pipe2(input, O_CLOEXEC), 0);
        ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
        grants.streams = {input[0], output[1], -1};
        FdTest::SetUp();
    }
    void TearDown() override {
        state.reset();
        for (const int fd : {input[0], input[1], output[0], output[1]}) {
            if (fd >= 0)
                ::close(fd);
        }
    }
    int input[2]{};
    int output[2]{};
};

TEST_F(StreamTest, HaveOneDirection) {
    ASSERT_EQ(::write(input[1], "in", 2), 2);
    EXPECT_EQ(read(0), "in");
    EXPECT_EQ(write(0, "x"), Errno::badf);
    EXPECT_EQ(write(1, "out"), Errno::success);
    char text[8];
    EXPECT_EQ(::read(output[0], text, sizeof text), 3);
    put_iovec(0, data_at, 1);
    EXPECT_EQ(call(p1::fd_read, 1, iovecs_at, 1, out), Errno::badf);
    EXPECT_EQ(write(2, "x"), Errno::badf);
    EXPECT_EQ(call(p1::fd_seek, 0, 0, 0, out), Errno::spipe);
}

TEST_F(StreamTest, NonBlockingModeStaysOurs) {
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, 0, wasi::fdflag::nonblock), Errno::success);
    put_iovec(0, data_at, 1);
    EXPECT_EQ(call(p1::fd_read, 0, iovecs_at, 1, out), Errno::again);
    EXPECT_EQ(::fcntl(input[0], F_GETFL) & O_NONBLOCK, 0);
    ASSERT_EQ(::write(input[1], "x", 1), 1);
    EXPECT_EQ(read(0), "x");
}

TEST_F(StreamTest, ClosingDoesNotCloseTheHost) {
    EXPECT_EQ(call(p1::fd_close, 1), Errno::success);
    EXPECT_NE(::fcntl(output[1], F_GETFD), -1);
}

/// poll_oneoff.
class PollTest : public StreamTest {
protected:
    static constexpr uint32_t subscriptions = 20'000, events = 40'000;

    void clock(uint32_t index, uint64_t timeout_ns, uint32_t id = 1, uint16_t flags = 0) {
        const uint32_t at = subscriptions + index * 48;
        ASSERT_TRUE(guest().store(at, uint64_t{index + 100}));
        ASSERT_TRUE(guest().store(at + 8, uint8_t{0}));
        ASSERT_TRUE(guest().store(at + 16, id));
        ASSERT_TRUE(guest().store(at + 24, timeout_ns));
        ASSERT_TRUE(guest().store(at + 40, flags));
    }
    void stream(uint32_t index, uint8_t type, uint32_t fd) {
        const uint32_t at = subscriptions + index * 48;
        ASSERT_TRUE(guest().store(at, uint64_t{index + 100}));
        ASSERT_TRUE(guest().store(at + 8, type));
        ASSERT_TRUE(guest().store(at + 16, fd));
    }
    Errno poll(uint32_t count) { return call(p1::poll_oneoff, subscriptions, events, count, out); }
    [[nodiscard]] Errno event_error(uint32_t index) {
        return static_cast<Errno>(load<uint16_t>(events + index * 32 + 8));
    }
};

TEST_F(PollTest, Sleeps) {
    clock(0, 3'000'000);
    const auto before = policy->clock_time_ns(wasi::ClockId::monotonic).value();
    EXPECT_EQ(poll(1), Errno::success);
    EXPECT_GE(policy->clock_time_ns(wasi::ClockId::monotonic).value() - before, 3'000'000u);
    EXPECT_EQ(load<uint32_t>(out), 1u);
    EXPECT_EQ(load<uint64_t>(events), 100u);
    clock(0, 0);
    EXPECT_EQ(poll(1), Errno::success);
    clock(0, 1, 0, 1);
    EXPECT_EQ(poll(1), Errno::success);
    EXPECT_EQ(event_error(0), Errno::success);
}

TEST_F(PollTest, FirstOfClockAndStream) {
    clock(0, 1'000'000);
    stream(1, 1, 0);
    EXPECT_EQ(poll(2), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 1u);
    EXPECT_EQ(load<uint64_t>(events), 100u);
    ASSERT_EQ(::write(input[1], "abc", 3), 3);
    clock(0, ~uint64_t{0});
    EXPECT_EQ(poll(2), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 1u);
    EXPECT_EQ(load<uint64_t>(events), 101u);
    EXPECT_EQ(load<uint64_t>(events + 16), 3u);
    stream(0, 2, 1);
    EXPECT_EQ(poll(2), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 2u);
}

TEST_F(PollTest, SleepsAreExactAndAbsoluteTimesAreMet) {
    // The shortest of several tries: the machine may be busy.
    for (const uint32_t id : {0u, 1u}) {
        uint64_t least_ns = ~uint64_t{0};
        for (int attempt = 0; attempt < 20; ++attempt) {
            const auto which = static_cast<wasi::ClockId>(id);
            const uint64_t begin = policy->clock_time_ns(which).value();
            clock(0, begin + 2'000'000, id, wasi::clock_is_absolute);
            EXPECT_EQ(poll(1), Errno::success);
            const uint64_t end = policy->clock_time_ns(which).value();
            EXPECT_GE(end, begin + 2'000'000) << id;
            least_ns = std::min(least_ns, end - begin);
        }
        EXPECT_LT(least_ns, 3'000'000u) << id;
    }
    // Of two deadlines the first counts.
    clock(0, 1'000'000'000'000);
    clock(1, 1'000'000);
    EXPECT_EQ(poll(2), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 1u);
    EXPECT_EQ(load<uint64_t>(events), 101u);
}

TEST_F(PollTest, FilesAreAlwaysReady) {
    ASSERT_EQ(open(rw, "file", 0, all), Errno::success);
    const uint32_t fd = opened();
    stream(0, 1, fd);
    stream(1, 2, fd);
    clock(2, ~uint64_t{0});
    stream(3, 1, 0);
    EXPECT_EQ(poll(4), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 2u);
    EXPECT_EQ(load<uint64_t>(events + 16), 7u);
    EXPECT_EQ(load<uint64_t>(events + 32), 101u);
    // At their end, too.
    EXPECT_EQ(read(fd), "content");
    EXPECT_EQ(poll(1), Errno::success);
    EXPECT_EQ(load<uint64_t>(events + 16), 0u);
}

TEST_F(PollTest, TheOtherEndIsGone) {
    ::close(std::exchange(input[1], -1));
    stream(0, 1, 0);
    EXPECT_EQ(poll(1), Errno::success);
    EXPECT_EQ(event_error(0), Errno::success);
    EXPECT_EQ(load<uint16_t>(events + 24), wasi::event_hangup);
    ::close(std::exchange(output[0], -1));
    stream(0, 2, 1);
    EXPECT_EQ(poll(1), Errno::success);
    EXPECT_TRUE(event_error(0) == Errno::pipe || event_error(0) == Errno::success);
}

TEST_F(PollTest, ManySubscriptionsOfOneDescriptor) {
    memory.assign(1U << 20, 0);
    constexpr uint32_t count = 4096, at = 100'000, to = 400'000;
    ASSERT_EQ(::write(input[1], "x", 1), 1);
    for (uint32_t i = 0; i < count; ++i) {
        ASSERT_TRUE(guest().store(at + i * 48, uint64_t{i}));
        ASSERT_TRUE(guest().store(at + i * 48 + 8, static_cast<uint8_t>(1 + i % 2)));
        ASSERT_TRUE(guest().store(at + i * 48 + 16, i % 2));
    }
    EXPECT_EQ(call(p1::poll_oneoff, at, to, count, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), count);
    EXPECT_EQ(load<uint64_t>(to + 32 * (count - 1)), count - 1);
}

TEST_F(PollTest, WaitingForEverCanBeEnded) {
    counting->cancel_after_ns = 2'000'000;
    clock(0, ~uint64_t{0});
    stream(1, 1, 0);
    EXPECT_EQ(poll(2), Errno::canceled);
    EXPECT_EQ(poll(1), Errno::canceled);
}

TEST_F(StreamTest, RenumberingOntoStreamsAndPreopens) {
    ASSERT_EQ(open(rw, "file", 0, all), Errno::success);
    // It has the number 2, which was free.
    EXPECT_EQ(opened(), 2u);
    EXPECT_EQ(call(p1::fd_renumber, 2, 1), Errno::success);
    EXPECT_EQ(write(1, "stdout!"), Errno::success);
    EXPECT_EQ(read_text(root() / "rw" / "file"), "stdout!");
    EXPECT_EQ(call(p1::fd_renumber, 2, 1), Errno::badf);
    EXPECT_EQ(call(p1::fd_renumber, 1, 99), Errno::badf);
    // What takes a preopen's place is none.
    EXPECT_EQ(call(p1::fd_renumber, 1, rw), Errno::success);
    EXPECT_EQ(call(p1::fd_prestat_get, rw, out), Errno::badf);
    EXPECT_EQ(open(rw, "file"), Errno::notdir);
    // A preopen stays one under another number.
    EXPECT_EQ(call(p1::fd_renumber, ro, 0), Errno::success);
    EXPECT_EQ(call(p1::fd_prestat_get, 0, out), Errno::success);
    EXPECT_EQ(open(0, "file", wasi::oflag::trunc), Errno::rofs);
}

TEST_F(FdTest, TheDraftHasItsOwnLayouts) {
    ASSERT_EQ(open(rw, "file", 0, all), Errno::success);
    const uint32_t fd = opened();
    layout = &wasi::unstable_layout;
    EXPECT_EQ(call(p1::fd_filestat_get, fd, out), Errno::success);
    EXPECT_EQ(load<uint8_t>(out + 16), 4);
    EXPECT_EQ(load<uint32_t>(out + 20), 1u);
    EXPECT_EQ(load<uint64_t>(out + 24), 7u);
    EXPECT_GT(load<uint64_t>(out + 40), 0u);
    EXPECT_EQ(call(p1::fd_filestat_get, fd, memory_bytes - 56), Errno::success);
    EXPECT_EQ(call(p1::fd_filestat_get, fd, memory_bytes - 55), Errno::fault);
    // 0: from here; 1: from the end; 2: from the beginning.
    EXPECT_EQ(call(p1::fd_seek, fd, 3, 2, out), Errno::success);
    EXPECT_EQ(call(p1::fd_seek, fd, 2, 0, out), Errno::success);
    EXPECT_EQ(load<uint64_t>(out), 5u);
    EXPECT_EQ(call(p1::fd_seek, fd, -1, 1, out), Errno::success);
    EXPECT_EQ(load<uint64_t>(out), 6u);
    EXPECT_EQ(call(p1::fd_seek, fd, 0, 3, out), Errno::inval);
    // A clock has a name of its own before it.
    constexpr uint32_t at = 20'000, events_at = 40'000;
    ASSERT_TRUE(guest().store(at + 56, uint64_t{5}));
    for (const uint32_t base : {at, at + 56}) {
        ASSERT_TRUE(guest().store(base + 16, ~uint64_t{0}));
        ASSERT_TRUE(guest().store(base + 24, uint32_t{1}));
        ASSERT_TRUE(guest().store(base + 32, base == at ? ~uint64_t{0} : uint64_t{1000}));
    }
    EXPECT_EQ(call(p1::poll_oneoff, at, events_at, 2, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 1u);
    EXPECT_EQ(load<uint64_t>(events_at), 5u);
    EXPECT_EQ(load<uint16_t>(events_at + 8), 0);
}

TEST_F(PollTest, ErrorsAreEvents) {
    stream(0, 1, 77);
    clock(1, ~uint64_t{0});
    clock(2, 0, 9);
    clock(3, 0, 2);
    EXPECT_EQ(poll(4), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 3u);
    EXPECT_EQ(event_error(0), Errno::badf);
    EXPECT_EQ(event_error(1), Errno::inval);
    EXPECT_EQ(event_error(2), Errno::notsup);
}

TEST_F(PollTest, CountsAreBounded) {
    EXPECT_EQ(poll(0), Errno::inval);
    for (const uint32_t count : {4097u, 1u << 16, 1u << 28, 0x05555556u, 0xffffffffu})
        EXPECT_EQ(poll(count), Errno::inval) << count;
    EXPECT_EQ(poll(4096), Errno::fault);
    stream(0, 3, 0);
    EXPECT_EQ(poll(1), Errno::inval);
}

TEST_F(PollTest, BuffersMayOverlap) {
    clock(0, 0);
    clock(1, 0);
    EXPECT_EQ(call(p1::poll_oneoff, subscriptions, subscriptions + 8, 2, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 2u);
    EXPECT_EQ(load<uint64_t>(subscriptions + 8 + 32), 101u);
}

}  // namespace
}  // namespace wsb::testing
