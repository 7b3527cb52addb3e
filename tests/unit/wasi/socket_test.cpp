// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/wasi/wasi_fixture.h"
#include "wasi/host_socket.h"
#include "wasi/host_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace wsb::testing {
namespace {

using wasi::Charge;
using wasi::Errno;
namespace p1 = wasi::p1;
namespace right = wasi::right;

class SocketTest : public WasiTest {
protected:
    static constexpr uint32_t listener = 5, connected = 6, subscriptions = 20'000, events = 40'000;

    void prepare() override {
        auto listening = wasi::listen_at("127.0.0.1:0");
        ASSERT_TRUE(listening);
        sockaddr_in address{};
        socklen_t length = sizeof address;
        ASSERT_EQ(::getsockname(listening->get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
        m_address = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        counting->grants.push_back({{}, wasi::adopt_host(*std::move(listening)).value()});
        int pair[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        m_peer = wasi::HostFd(pair[0]);
        counting->grants.push_back({{}, wasi::adopt_host(wasi::HostFd(pair[1])).value()});
    }
    Errno recv(uint32_t fd, uint32_t length, uint32_t flags = 0) {
        put_iovec(0, data_at, length);
        return call(p1::sock_recv, fd, iovecs_at, 1, flags, out, out + 4);
    }
    Errno send(uint32_t fd, std::string_view text, uint32_t flags = 0) {
        put(data_at, text);
        put_iovec(0, data_at, static_cast<uint32_t>(text.size()));
        return call(p1::sock_send, fd, iovecs_at, 1, flags, out);
    }
    [[nodiscard]] std::string received() {
        return std::string(memory.begin() + data_at, memory.begin() + data_at + load<uint32_t>(out));
    }
    void peer_sends(std::string_view text) {
        ASSERT_EQ(::write(m_peer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    Errno poll(uint8_t type, uint32_t fd) {
        EXPECT_TRUE(guest().store(subscriptions, uint64_t{1}));
        EXPECT_TRUE(guest().store(subscriptions + 8, type));
        EXPECT_TRUE(guest().store(subscriptions + 16, fd));
        return call(p1::poll_oneoff, subscriptions, events, 1, out);
    }
    std::string m_address;
    wasi::HostFd m_peer;
};

TEST_F(SocketTest, SendAndReceive) {
    EXPECT_EQ(send(connected, "ping"), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 4u);
    char text[8];
    EXPECT_EQ(::read(m_peer.get(), text, sizeof text), 4);
    peer_sends("pong");
    EXPECT_EQ(recv(connected, 100, wasi::riflag::peek), Errno::success);
    EXPECT_EQ(received(), "pong");
    EXPECT_EQ(recv(connected, 2), Errno::success);
    EXPECT_EQ(received(), "po");
    EXPECT_EQ(load<uint16_t>(out + 4), 0);
    EXPECT_EQ(read(connected), "ng");
    EXPECT_EQ(write(connected, "!"), Errno::success);
    EXPECT_EQ(counting->used[Charge::bytes_sent], 5u);
    EXPECT_EQ(counting->used[Charge::bytes_received], 8u);
}

TEST_F(SocketTest, ReceivingAllWaitsForAll) {
    peer_sends("one");
    counting->cancel_after_ns = 2'000'000;
    EXPECT_EQ(recv(connected, 6, wasi::riflag::waitall), Errno::canceled);
    peer_sends("onetwo");
    EXPECT_EQ(recv(connected, 6, wasi::riflag::waitall), Errno::success);
    EXPECT_EQ(received(), "onetwo");
    peer_sends("end");
    m_peer = {};
    EXPECT_EQ(recv(connected, 6, wasi::riflag::waitall), Errno::success);
    EXPECT_EQ(received(), "end");
    EXPECT_EQ(recv(connected, 6), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 0u);
    EXPECT_NE(send(connected, "x"), Errno::success);
}

TEST_F(SocketTest, NotWaiting) {
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, connected, wasi::fdflag::nonblock), Errno::success);
    EXPECT_EQ(recv(connected, 10), Errno::again);
    EXPECT_EQ(call(p1::fd_fdstat_get, connected, out), Errno::success);
    EXPECT_EQ(load<uint8_t>(out), 6);
    EXPECT_EQ(load<uint16_t>(out + 2), wasi::fdflag::nonblock);
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, listener, wasi::fdflag::nonblock), Errno::success);
    EXPECT_EQ(call(p1::sock_accept, listener, 0, out), Errno::again);
    counting->cancel_after_ns = 2'000'000;
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, connected, 0), Errno::success);
    EXPECT_EQ(recv(connected, 10), Errno::canceled);
    EXPECT_EQ(call(p1::fd_fdstat_set_flags, listener, 0), Errno::success);
    EXPECT_EQ(call(p1::sock_accept, listener, 0, out), Errno::canceled);
}

TEST_F(SocketTest, Accepting) {
    auto client = wasi::connect_to(m_address);
    ASSERT_TRUE(client);
    EXPECT_EQ(poll(1, listener), Errno::success);
    EXPECT_EQ(call(p1::sock_accept, listener, wasi::fdflag::nonblock, out), Errno::success);
    const uint32_t fd = load<uint32_t>(out);
    EXPECT_EQ(fd, 7u);
    EXPECT_EQ(recv(fd, 10), Errno::again);
    ASSERT_EQ(::write(client->get(), "hello", 5), 5);
    EXPECT_EQ(poll(1, fd), Errno::success);
    EXPECT_EQ(load<uint64_t>(events + 16), 5u);
    EXPECT_EQ(read(fd), "hello");
    EXPECT_EQ(poll(2, fd), Errno::success);
    EXPECT_EQ(counting->used[Charge::open_descriptors], 8u - 0u);
    EXPECT_EQ(call(p1::sock_accept, fd, 0, out), Errno::notcapable);
    EXPECT_EQ(call(p1::sock_accept, listener, 8, out), Errno::inval);
    EXPECT_EQ(call(p1::sock_accept, listener, 0, memory_bytes), Errno::fault);
    EXPECT_EQ(send(listener, "x"), Errno::badf);
}

TEST_F(SocketTest, ShuttingDown) {
    EXPECT_EQ(call(p1::sock_shutdown, connected, 0), Errno::inval);
    EXPECT_EQ(call(p1::sock_shutdown, connected, 4), Errno::inval);
    EXPECT_EQ(call(p1::sock_shutdown, connected, wasi::sdflag::wr), Errno::success);
    EXPECT_EQ(send(connected, "x"), Errno::pipe);
    char text[8];
    EXPECT_EQ(::read(m_peer.get(), text, sizeof text), 0);
    EXPECT_EQ(call(p1::sock_shutdown, listener, wasi::sdflag::rd), Errno::notcapable);
    EXPECT_EQ(call(p1::sock_shutdown, rw, wasi::sdflag::rd), Errno::notsock);
    EXPECT_EQ(call(p1::sock_shutdown, 99, wasi::sdflag::rd), Errno::badf);
}

TEST_F(SocketTest, ArgumentsAreChecked) {
    EXPECT_EQ(recv(connected, 10, 4), Errno::inval);
    EXPECT_EQ(recv(connected, memory_bytes), Errno::fault);
    EXPECT_EQ(send(connected, "x", 1), Errno::inval);
    EXPECT_EQ(recv(rw, 10), Errno::notsock);
    EXPECT_EQ(recv(99, 10), Errno::badf);
    EXPECT_EQ(call(p1::fd_prestat_get, listener, out), Errno::badf);
    EXPECT_EQ(call(p1::fd_seek, connected, 0, 0, out), Errno::spipe);
    EXPECT_EQ(call(p1::sock_recv, connected, iovecs_at, 1, 0, out, memory_bytes - 1), Errno::fault);
}

TEST_F(SocketTest, Addresses) {
    for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:x",
                             "::1:80", "[::1]", "example.com:80", "127.0.0.1:-1", "127.1:80x"})
        EXPECT_EQ(wasi::listen_at(text).error(), Errno::inval) << text;
    EXPECT_TRUE(wasi::listen_at("localhost:0"));
    EXPECT_EQ(wasi::connect_to("127.0.0.1:1").error(), Errno::connrefused);
    EXPECT_EQ(wasi::listen_at(m_address).error(), Errno::addrinuse);
    EXPECT_EQ(wasi::HostSocket::adopt(wasi::HostFd(::dup(0))).error(), Errno::notsock);
}

}  // namespace
}  // namespace wsb::testing
