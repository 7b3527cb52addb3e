// SPDX-License-Identifier: Apache-2.0
// Sockets of the host: connected ones, and listening ones to accept from. TCP and Unix.
#pragma once

#include "wasi/descriptor.h"
#include "wasi/host_fd.h"

namespace wsb::wasi {

class HostSocket final : public Descriptor {
public:
    /// A listening socket is put into non-blocking mode. @return `notsock`.
    [[nodiscard]] static Outcome<std::shared_ptr<Descriptor>> adopt(HostFd fd);

    HostSocket(HostFd fd, FileType type, bool is_listening) noexcept
        : m_fd(std::move(fd)), m_type(type), m_is_listening(is_listening) {}

    [[nodiscard]] FileType type() const noexcept override { return m_type; }
    [[nodiscard]] Rights possible_rights() const noexcept override;
    [[nodiscard]] Outcome<FileStatus> status() override;
    /// `nonblock` is kept here and not set on the host's descriptor.
    [[nodiscard]] Outcome<uint32_t> flags() override { return m_flags; }
    [[nodiscard]] Outcome<void> set_flags(uint32_t flags) override;
    [[nodiscard]] Outcome<size_t> read(std::span<const iovec> targets) override;
    [[nodiscard]] Outcome<size_t> write(std::span<const iovec> sources) override;
    [[nodiscard]] int wait_fd() const noexcept override { return m_fd.get(); }
    [[nodiscard]] uint64_t bytes_ready() override;

    [[nodiscard]] Outcome<std::shared_ptr<Descriptor>> accept() override;
    /// `waitall` gives what is there: nothing here waits.
    [[nodiscard]] Outcome<Received> receive(std::span<const iovec> targets, uint32_t riflags) override;
    [[nodiscard]] Outcome<size_t> send(std::span<const iovec> sources) override;
    [[nodiscard]] Outcome<void> shutdown(uint32_t sdflags) override;

private:
    HostFd m_fd;
    FileType m_type;
    uint32_t m_flags = 0;
    bool m_is_listening;
};

/// A TCP socket that listens at "ADDRESS:PORT": "127.0.0.1:8080", "[::1]:0", "localhost:80". Addresses are
/// numeric or "localhost". @return `inval` for another, otherwise what the host says.
[[nodiscard]] Outcome<HostFd> listen_at(const std::string& address);
/// A TCP socket connected to "ADDRESS:PORT", as above. Waits.
[[nodiscard]] Outcome<HostFd> connect_to(const std::string& address);

}  // namespace wsb::wasi
