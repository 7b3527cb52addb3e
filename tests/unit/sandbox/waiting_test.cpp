// SPDX-License-Identifier: Apache-2.0
// Every call of WASI that waits ends at the deadline, and when it is cancelled: within 10 ms, whatever it
// waits for.
#include "tests/unit/sanitized.h"
#include "wasi/host_socket.h"
#include "wsb/sandbox.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Ns = std::chrono::nanoseconds;

// Each takes a descriptor and goes on until it is refused. The vector is at 0: 32 KiB at 1024. Of the
// subscriptions at 256 the first is the descriptor, the second a clock that never strikes.
constexpr const char* guest = R"(
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\00\04\00\00\00\80\00\00")
    (func (export "read") (param i32) (result i32) (local $error i32)
        (loop (local.set $error (call $read (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (br_if 0 (i32.eqz (local.get $error)))) (local.get $error))
    (func (export "write") (param i32) (result i32) (local $error i32)
        (loop (local.set $error (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (br_if 0 (i32.eqz (local.get $error)))) (local.get $error))
    (func (export "accept") (param i32) (result i32)
        (call $accept (local.get 0) (i32.const 0) (i32.const 16)))
    (func (export "recv") (param i32) (result i32)
        (call $recv (local.get 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 16) (i32.const 20)))
    (func (export "recv_all") (param i32) (result i32)
        (call $recv (local.get 0) (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 16) (i32.const 20)))
    (func (export "send") (param i32) (result i32) (local $error i32)
        (loop (local.set $error
                (call $send (local.get 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 16)))
            (br_if 0 (i32.eqz (local.get $error)))) (local.get $error))
    (func $wait (param $fd i32) (param $type i32) (param $count i32) (result i32)
        (i32.store8 (i32.const 264) (local.get $type)) (i32.store (i32.const 272) (local.get $fd))
        (i32.store (i32.const 320) (i32.const 1)) (i64.store (i32.const 328) (i64.const -1))
        (call $poll (i32.const 256) (i32.const 512) (local.get $count) (i32.const 16)))
    (func (export "poll_read") (param i32) (result i32) (call $wait (local.get 0) (i32.const 1) (i32.const 1)))
    (func (export "poll_read_or_never") (param i32) (result i32)
        (call $wait (local.get 0) (i32.const 1) (i32.const 2)))
    ;; Full without waiting, which is what bit 2 of the flags says; then until there is room.
    (func (export "poll_full") (param i32) (result i32)
        (drop (call $flags (local.get 0) (i32.const 4)))
        (loop (br_if 0 (i32.eqz (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)))))
        (call $wait (local.get 0) (i32.const 2) (i32.const 1)))
    (func (export "sleep") (param i32) (result i32) (i32.store8 (i32.const 264) (i32.const 0))
        (i32.store (i32.const 272) (i32.const 1)) (i64.store (i32.const 280) (i64.const -1))
        (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 16))))";

/// What a standard stream of the guest is; nobody is at the other end.
enum class Stream : uint8_t { pipe, socket, fifo, terminal };

/// Two ends that are closed at last.
struct Ends {
    int guest = -1, other = -1;
    Ends() = default;
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() {
        ::close(guest);
        ::close(other);
    }
};

void open_fifo(Ends& ends) {
    const auto path = std::filesystem::temp_directory_path() / ("wsb_fifo_" + std::to_string(::getpid()));
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    ends.guest = ::open(path.c_str(), O_RDWR);
    std::filesystem::remove(path);
}

void open_terminal(Ends& ends) {
    ends.other = ::posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_EQ(::grantpt(ends.other), 0);
    ASSERT_EQ(::unlockpt(ends.other), 0);
    ends.guest = ::open(::ptsname(ends.other), O_RDWR | O_NOCTTY);
    ASSERT_GE(ends.guest, 0);
}

void open_stream(Stream stream, bool is_read, Ends& ends) {
    int both[2];
    switch (stream) {
        case Stream::pipe:
            ASSERT_EQ(::pipe(both), 0);
            ends.guest = both[is_read ? 0 : 1];
            ends.other = both[is_read ? 1 : 0];
            break;
        case Stream::socket:
            ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
            ends.guest = both[0];
            ends.other = both[1];
            break;
        case Stream::fifo: open_fifo(ends); break;
        case Stream::terminal: open_terminal(ends); break;
    }
}

constexpr int32_t input = 0, output = 1, listening = 3, connected = 4;

struct Waiting {
    std::string_view name, function;
    int32_t fd;
    Stream stream = Stream::pipe;
};
constexpr Waiting all[] = {
    {"read_pipe", "read", input},
    {"read_socket", "read", input, Stream::socket},
    {"read_fifo", "read", input, Stream::fifo},
    {"read_terminal", "read", input, Stream::terminal},
    {"write_full_pipe", "write", output},
    {"write_full_socket", "write", output, Stream::socket},
    {"write_full_fifo", "write", output, Stream::fifo},
    {"write_full_terminal", "write", output, Stream::terminal},
    {"poll_pipe", "poll_read", input},
    {"poll_pipe_or_never", "poll_read_or_never", input},
    {"poll_terminal", "poll_read", input, Stream::terminal},
    {"poll_listening", "poll_read", listening},
    {"poll_connected", "poll_read", connected},
    {"poll_full_pipe", "poll_full", output},
    {"poll_full_buffer", "poll_full", connected},
    {"accept", "accept", listening},
    {"recv", "recv", connected},
    {"recv_all", "recv_all", connected},
    {"read_connected", "read", connected},
    {"send_to_full_buffer", "send", connected},
    {"write_to_full_buffer", "write", connected},
    {"sleep", "sleep", 0},
};

struct WaitingTest : ::testing::TestWithParam<Waiting> {
protected:
    static constexpr Ns patience = 30ms;

    void SetUp() override {
        auto listener = wasi::listen_at("127.0.0.1:0");
        ASSERT_TRUE(listener);
        m_listener = *std::move(listener);
        sockaddr_in address{};
        socklen_t length = sizeof address;
        ASSERT_EQ(::getsockname(m_listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
        m_address = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        open_stream(GetParam().stream, GetParam().fd == input, m_ends);
    }

    [[nodiscard]] SandboxBuilder builder() const {
        const bool is_output = GetParam().fd == output;
        return Sandbox::builder()
            .module_text(guest)
            .allow_clock()
            .stdio(is_output ? -1 : m_ends.guest, is_output ? m_ends.guest : -1, 2)
            .listen("127.0.0.1:0")
            .connect(m_address);
    }

    /// The least that the call is late of some tries: a busy machine may take the processor away.
    template <class Try>
    void expect_punctual(Try once) {
        Ns late = Ns::max();
        for (int i = 0; i < 20 && late > 10ms; ++i)
            late = std::min(late, once());
        EXPECT_GT(late, -1ms);
        if (!is_sanitized) {
            EXPECT_LE(late, 10ms);
        }
    }

    wasi::HostFd m_listener;
    std::string m_address;
    Ends m_ends;
};

TEST_P(WaitingTest, EndsAtTheDeadline) {
    expect_punctual([&] {
        auto sandbox = builder().limits({.timeout = patience}).try_build();
        EXPECT_TRUE(sandbox) << sandbox.error().message();
        const auto begin = Clock::now();
        const auto outcome = sandbox->call<int32_t>(GetParam().function, GetParam().fd);
        const Ns late = Clock::now() - begin - patience;
        EXPECT_FALSE(outcome) << *outcome;
        EXPECT_TRUE(!outcome && outcome.error().limit() &&
                    outcome.error().limit()->resource == Resource::wall_time);
        return late;
    });
}

TEST_P(WaitingTest, EndsWhenItIsCancelled) {
    expect_punctual([&] {
        const auto source = CancellationSource::create().value();
        auto sandbox = builder().cancellation(source.token()).try_build();
        EXPECT_TRUE(sandbox) << sandbox.error().message();
        Clock::time_point cancelled;
        std::thread other([&] {
            std::this_thread::sleep_for(patience);
            cancelled = Clock::now();
            source.cancel();
        });
        const auto outcome = sandbox->call<int32_t>(GetParam().function, GetParam().fd);
        const auto end = Clock::now();
        other.join();
        EXPECT_TRUE(!outcome && outcome.error().is_cancelled());
        return end - cancelled;
    });
}

INSTANTIATE_TEST_SUITE_P(Calls, WaitingTest, ::testing::ValuesIn(all),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace wsb::testing
