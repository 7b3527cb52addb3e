// SPDX-License-Identifier: Apache-2.0
// What is charged and when, and how policies end what a guest waits for or works on.
#include "tests/unit/wasi/wasi_fixture.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <thread>

namespace wsb::testing {
namespace {

using wasi::Charge;
using wasi::Errno;
namespace p1 = wasi::p1;
namespace right = wasi::right;
namespace oflag = wasi::oflag;

class BoundsTest : public WasiTest {
protected:
    void SetUp() override {
        ASSERT_EQ(::pipe2(input, O_CLOEXEC), 0);
        ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
        grants.streams = {input[0], output[1], -1};
        WasiTest::SetUp();
    }
    void TearDown() override {
        state.reset();
        for (const int fd : {input[0], input[1], output[0], output[1]}) {
            if (fd >= 0)
                ::close(fd);
        }
    }
    /// A memory this large, all of it one vector.
    void grow(uint32_t size) {
        memory.assign(size, 'x');
        put_iovec(0, 65'536, size - 65'536);
    }
    int input[2]{-1, -1};
    int output[2]{-1, -1};
};

TEST_F(BoundsTest, DescriptorsAreChargedWhileTheyAreHeld) {
    EXPECT_EQ(counting->used[Charge::open_descriptors], 4u);
    ASSERT_EQ(open(rw, "file"), Errno::success);
    const uint32_t first = opened();
    ASSERT_EQ(open(rw, "file"), Errno::success);
    EXPECT_EQ(counting->used[Charge::open_descriptors], 6u);
    EXPECT_EQ(call(p1::fd_renumber, first, opened()), Errno::success);
    EXPECT_EQ(counting->used[Charge::open_descriptors], 5u);
    EXPECT_EQ(open(rw, "absent"), Errno::noent);
    EXPECT_EQ(counting->used[Charge::open_descriptors], 5u);
    counting->limits[Charge::open_descriptors] = 5;
    counting->over_limit = Errno::nfile;
    EXPECT_EQ(open(rw, "new", oflag::creat), Errno::nfile);
    EXPECT_FALSE(std::filesystem::exists(root() / "rw" / "new"));
    counting->limits[Charge::open_descriptors] = 3;
    EXPECT_FALSE(wasi::Preview1::create(*counting));
    EXPECT_EQ(counting->used[Charge::open_descriptors], 5u);
    state.reset();
    EXPECT_EQ(counting->used[Charge::open_descriptors], 0u);
}

TEST_F(BoundsTest, BytesAreChargedExactly) {
    ASSERT_EQ(open(rw, "file", 0, all), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(read(fd), "content");
    EXPECT_EQ(counting->used[Charge::bytes_read], 7u);
    EXPECT_EQ(read(fd), "");
    EXPECT_EQ(counting->used[Charge::bytes_read], 7u);
    EXPECT_EQ(write(fd, "more"), Errno::success);
    EXPECT_EQ(counting->used[Charge::bytes_written], 4u);
    EXPECT_EQ(write(1, "output"), Errno::success);
    EXPECT_EQ(counting->used[Charge::output_bytes], 6u);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, 100), Errno::success);
    EXPECT_EQ(counting->used[Charge::bytes_written], 4u + 89u);
    EXPECT_EQ(call(p1::fd_allocate, fd, 50, 100), Errno::success);
    EXPECT_EQ(counting->used[Charge::bytes_written], 4u + 89u + 50u);
    EXPECT_EQ(call(p1::random_get, data_at, 10), Errno::success);
    EXPECT_EQ(counting->used[Charge::random_bytes], 10u);
}

TEST_F(BoundsTest, AGuestGetsExactlyItsLimit) {
    counting->limits[Charge::output_bytes] = 8;
    EXPECT_EQ(write(1, "12345"), Errno::success);
    EXPECT_EQ(write(1, "67890"), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 3u);
    EXPECT_EQ(write(1, "x"), Errno::canceled);
    char text[16];
    EXPECT_EQ(::read(output[0], text, sizeof text), 8);
    counting->limits[Charge::bytes_read] = 3;
    ASSERT_EQ(open(rw, "file"), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(read(fd), "con");
    put_iovec(0, data_at, 100);
    EXPECT_EQ(call(p1::fd_read, fd, iovecs_at, 1, out), Errno::canceled);
}

TEST_F(BoundsTest, LongWorkAsksInBetween) {
    grow(8U << 20);
    ASSERT_EQ(open(rw, "new", oflag::creat, all), Errno::success);
    const uint32_t fd = opened();
    put_iovec(0, 65'536, (8U << 20) - 65'536);
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 1, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), (8U << 20) - 65'536);
    EXPECT_GE(counting->checkpoints, 7);
    counting->checkpoints = 0;
    counting->cancel_at_checkpoint = 2;
    EXPECT_EQ(call(p1::fd_pread, fd, iovecs_at, 1, 0, out), Errno::canceled);
    EXPECT_EQ(counting->checkpoints, 3);
    counting->checkpoints = 0;
    EXPECT_EQ(call(p1::random_get, 0, 8U << 20), Errno::canceled);
    counting->checkpoints = 0;
    // A list of vectors that are all empty.
    memory.assign(memory.size(), 0);
    EXPECT_EQ(call(p1::fd_write, fd, 0, 1U << 20, out), Errno::canceled);
}

TEST_F(BoundsTest, LongDirectoriesAskInBetween) {
    for (int i = 0; i < 3000; ++i)
        write_text(root() / "rw" / "dir" / std::to_string(i), "");
    ASSERT_EQ(open(rw, "dir", 0, right::fd_readdir), Errno::success);
    const uint32_t fd = opened();
    memory.assign(1U << 20, 0);
    counting->cancel_at_checkpoint = 1;
    EXPECT_EQ(call(p1::fd_readdir, fd, data_at, 900'000, 0, out), Errno::canceled);
}

TEST_F(BoundsTest, WaitingCanBeEnded) {
    counting->cancel_after_ns = 3'000'000;
    put_iovec(0, data_at, 10);
    EXPECT_EQ(call(p1::fd_read, 0, iovecs_at, 1, out), Errno::canceled);
    // A pipe that nobody empties.
    grow(4U << 20);
    EXPECT_EQ(call(p1::fd_write, 1, iovecs_at, 1, out), Errno::success);
    EXPECT_LT(load<uint32_t>(out), 1U << 20);
    EXPECT_EQ(call(p1::fd_write, 1, iovecs_at, 1, out), Errno::canceled);
}

TEST_F(BoundsTest, WritingGoesOnWhenThereIsRoom) {
    grow(2U << 20);
    std::thread reader([&] {
        std::vector<char> text(1U << 20);
        for (size_t total = 0; total < (2U << 20) - 65'536;) {
            const ssize_t count = ::read(output[0], text.data(), text.size());
            if (count <= 0)
                break;
            total += static_cast<size_t>(count);
        }
    });
    uint32_t done = 0;
    while (done < (2U << 20) - 65'536) {
        put_iovec(0, 65'536, (2U << 20) - 65'536 - done);
        ASSERT_EQ(call(p1::fd_write, 1, iovecs_at, 1, out), Errno::success);
        done += load<uint32_t>(out);
    }
    reader.join();
}

TEST_F(BoundsTest, APipeThatNobodyReadsIsAnError) {
    ::close(std::exchange(output[0], -1));
    // The signal would end this process.
    EXPECT_EQ(write(1, "x"), Errno::pipe);
    sigset_t pending;
    ASSERT_EQ(::sigpending(&pending), 0);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
}

/// Through the linker, as a guest calls.
class EndingTest : public BoundsTest {
protected:
    CallResult<void> run(std::string_view body) {
        auto module = v1::Module::from_wat(m_engine, R"((module
                (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "proc_raise" (func $proc_raise (param i32) (result i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "\10\00\00\00\01\00\00\00")
                (data (i32.const 100) "file")
                (func (export "run") )" + std::string(body) +
                                                         "))");
        if (!module)
            return std::unexpected(Failure(module.error()));
        Linker linker(m_engine);
        EXPECT_TRUE(state->define_in(linker, module->imports()));
        m_store = v1::Store::create(m_engine, {}).value();
        auto instance = linker.instantiate(*m_store, *module);
        if (!instance)
            return std::unexpected(instance.error());
        return (*instance->typed_function<void()>("run"))();
    }

private:
    Engine m_engine;
    std::optional<v1::Store> m_store;
};

TEST_F(EndingTest, CanceledIsTheTrapInterrupted) {
    counting->cancel_after_ns = 1'000'000;
    const auto ended = run("(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))");
    ASSERT_FALSE(ended);
    EXPECT_TRUE(ended.error().is_trap(TrapCode::interrupted)) << ended.error().message();
    counting->limits[Charge::host_calls] = 0;
    counting->cancel_after_ns.reset();
    const auto refused = run("(drop (call $proc_raise (i32.const 0)))");
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is_trap(TrapCode::interrupted));
}

TEST_F(EndingTest, CallsAndDenialsAreReported) {
    EXPECT_TRUE(run("(drop (call $unlink (i32.const 4) (i32.const 100) (i32.const 4)))"));
    EXPECT_EQ(counting->used[Charge::host_calls], 1u);
    EXPECT_EQ(counting->denials, std::vector<std::string>{"path_unlink_file"});
}

TEST_F(EndingTest, SignalsDoWhatTheyDoByDefault) {
    const auto raise = [&](int number) {
        return run("(if (call $proc_raise (i32.const " + std::to_string(number) + ")) (then unreachable))");
    };
    for (const int ignored : {0, 16, 17, 22, 27})
        EXPECT_TRUE(raise(ignored)) << ignored;
    for (const int refused : {18, 19, 20, 21, 31, -1})
        EXPECT_TRUE(raise(refused).error().is_trap(TrapCode::unreachable)) << refused;
    for (const auto& [number, status] : {std::pair(6, 134), std::pair(9, 137), std::pair(15, 143)}) {
        const auto ended = raise(number);
        ASSERT_FALSE(ended);
        ASSERT_NE(ended.error().exit(), nullptr);
        EXPECT_EQ(ended.error().exit()->status, static_cast<uint32_t>(status));
    }
}

}  // namespace
}  // namespace wsb::testing
