// SPDX-License-Identifier: Apache-2.0
// Sockets of the host.
#include "wasi/host_socket.h"

#include "wasi/file_status.h"
#include "wasi/host_file.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <vector>

namespace wsb::wasi {
namespace {

msghdr message_of(std::span<const iovec> vectors) noexcept {
    msghdr message{};
    // SAFETY: the kernel only reads the list; the type of msghdr is from before const.
    message.msg_iov = const_cast<iovec*>(vectors.data());
    message.msg_iovlen = vectors.size();
    return message;
}

std::optional<int> socket_option(int fd, int option) noexcept {
    int value = 0;
    socklen_t size_bytes = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, option, &value, &size_bytes) != 0)
        return std::nullopt;
    return value;
}

struct Address {
    std::string host;
    std::string port;
};

/// "HOST:PORT"; an IPv6 address in brackets.
Outcome<Address> split_address(const std::string& text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size())
        return refuse(Errno::inval);
    Address address{text.substr(0, colon), text.substr(colon + 1)};
    if (address.port.find_first_not_of("0123456789") != std::string::npos || address.port.size() > 5 ||
        std::stoul(address.port) > 65'535)
        return refuse(Errno::inval);
    if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
        address.host = address.host.substr(1, address.host.size() - 2);
    else if (address.host.find(':') != std::string::npos)
        return refuse(Errno::inval);
    if (address.host.empty() || address.host.find('\0') != std::string::npos)
        return refuse(Errno::inval);
    return address;
}

/// An address of the host's, of either family.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size_bytes = 0;

    // SAFETY: this is how the host's interface names an address of any family.
    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

template <class Record>
SocketAddress address_from(const Record& record) noexcept {
    SocketAddress result;
    std::memcpy(&result.storage, &record, sizeof record);
    result.size_bytes = sizeof record;
    return result;
}

/// All that "HOST:PORT" names: one numeric address, or both loopback ones for "localhost". No resolver is
/// asked: what a name leads to would not be a grant that someone has read.
Outcome<std::vector<SocketAddress>> resolve(const std::string& text) {
    WSB_TRY_ASSIGN(const Address address, split_address(text));
    const bool is_local = address.host == "localhost";
    const auto port = htons(static_cast<uint16_t>(std::stoul(address.port)));
    std::vector<SocketAddress> list;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = port;
    if (::inet_pton(AF_INET, is_local ? "127.0.0.1" : address.host.c_str(), &v4.sin_addr) == 1)
        list.push_back(address_from(v4));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    if (::inet_pton(AF_INET6, is_local ? "::1" : address.host.c_str(), &v6.sin6_addr) == 1)
        list.push_back(address_from(v6));
    if (list.empty())
        return refuse(Errno::inval);
    return list;
}

/// Tries what `use` does with each address until it succeeds.
template <class Use>
Outcome<HostFd> first_that_works(const std::string& text, Use use) {
    WSB_TRY_ASSIGN(const std::vector<SocketAddress> list, resolve(text));
    Errno error = Errno::inval;
    for (const SocketAddress& address : list) {
        HostFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (fd.is_valid() && use(fd.get(), address))
            return fd;
        error = errno_from_host(errno);
    }
    return refuse(error);
}

}  // namespace

Outcome<std::shared_ptr<Descriptor>> HostSocket::adopt(HostFd fd) {
    const auto kind = socket_option(fd.get(), SO_TYPE);
    const auto listens = socket_option(fd.get(), SO_ACCEPTCONN);
    if (!kind || !listens)
        return refuse(Errno::notsock);
    // A connection can vanish between being announced and being taken: only this keeps accept from waiting.
    if (*listens != 0)
        WSB_TRY(set_host_fdflags(fd.get(), fdflag::nonblock));
    const FileType type = *kind == SOCK_DGRAM ? FileType::socket_dgram : FileType::socket_stream;
    return std::make_shared<HostSocket>(std::move(fd), type, *listens != 0);
}

Rights HostSocket::possible_rights() const noexcept {
    const Rights all = rights_for(m_type);
    if (m_is_listening)
        return all & ~(right::fd_write | right::sock_shutdown);
    return all & ~right::sock_accept;
}

Outcome<FileStatus> HostSocket::status() {
    WSB_TRY_ASSIGN(FileStatus status, status_of_host(m_fd.get()));
    status.type = m_type;
    return status;
}

Outcome<void> HostSocket::set_flags(uint32_t flags) {
    m_flags = flags & fdflag::nonblock;
    return {};
}

Outcome<size_t> HostSocket::read(std::span<const iovec> targets) {
    WSB_TRY_ASSIGN(const Received received, receive(targets, 0));
    return received.size_bytes;
}

Outcome<size_t> HostSocket::write(std::span<const iovec> sources) {
    return send(sources);
}

uint64_t HostSocket::bytes_ready() {
    int waiting = 0;
    if (m_is_listening || ::ioctl(m_fd.get(), FIONREAD, &waiting) != 0 || waiting < 0)
        return 0;
    return static_cast<uint64_t>(waiting);
}

Outcome<std::shared_ptr<Descriptor>> HostSocket::accept() {
    if (!m_is_listening)
        return refuse(Errno::inval);
    HostFd accepted(::accept4(m_fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted.is_valid())
        return refuse_with_host_errno();
    return std::make_shared<HostSocket>(std::move(accepted), m_type, false);
}

Outcome<Received> HostSocket::receive(std::span<const iovec> targets, uint32_t riflags) {
    if (targets.empty())
        return Received{};
    msghdr message = message_of(targets);
    const int flags = MSG_DONTWAIT | ((riflags & riflag::peek) != 0 ? MSG_PEEK : 0);
    WSB_TRY_ASSIGN(const size_t count, count_from_host([&] {
                       return ::recvmsg(m_fd.get(), &message, flags | MSG_CMSG_CLOEXEC);
                   }));
    return Received{count, (message.msg_flags & MSG_TRUNC) != 0};
}

Outcome<size_t> HostSocket::send(std::span<const iovec> sources) {
    if (sources.empty())
        return size_t{0};
    const msghdr message = message_of(sources);
    return count_from_host([&] { return ::sendmsg(m_fd.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

Outcome<void> HostSocket::shutdown(uint32_t sdflags) {
    constexpr std::array<int, 4> how{-1, SHUT_RD, SHUT_WR, SHUT_RDWR};
    if (sdflags == 0 || sdflags > sdflag::all)
        return refuse(Errno::inval);
    return from_host(::shutdown(m_fd.get(), how[sdflags]));
}

Outcome<HostFd> listen_at(const std::string& address) {
    return first_that_works(address, [](int fd, const SocketAddress& at) {
        constexpr int on = 1;
        return ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
               ::bind(fd, at.get(), at.size_bytes) == 0 && ::listen(fd, SOMAXCONN) == 0;
    });
}

Outcome<HostFd> connect_to(const std::string& address) {
    return first_that_works(
        address, [](int fd, const SocketAddress& at) { return ::connect(fd, at.get(), at.size_bytes) == 0; });
}

}  // namespace wsb::wasi
