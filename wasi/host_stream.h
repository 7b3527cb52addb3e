// SPDX-License-Identifier: Apache-2.0
// Streams of the host: pipes, terminals, character devices; mostly standard streams, which other processes
// share. Nothing here changes how they see them.
#pragma once

#include "wasi/descriptor.h"
#include "wasi/host_fd.h"

namespace wsb::wasi {

class HostStream final : public Descriptor {
public:
    /// Pipes and devices are opened once more where possible, so that not waiting is ours alone.
    HostStream(HostFd fd, FileType type) noexcept;

    [[nodiscard]] FileType type() const noexcept override { return m_type; }
    [[nodiscard]] Outcome<FileStatus> status() override;
    /// `nonblock` is kept here and not set on the host's descriptor.
    [[nodiscard]] Outcome<uint32_t> flags() override { return m_flags; }
    [[nodiscard]] Outcome<void> set_flags(uint32_t flags) override;
    [[nodiscard]] Outcome<size_t> read(std::span<const iovec> targets) override;
    [[nodiscard]] Outcome<size_t> write(std::span<const iovec> sources) override;
    [[nodiscard]] int wait_fd() const noexcept override { return m_fd.get(); }
    [[nodiscard]] uint64_t bytes_ready() override;

private:
    [[nodiscard]] bool is_ready(short events) const noexcept;

    HostFd m_fd;
    FileType m_type;
    uint32_t m_flags = 0;
    bool m_never_waits = false;  ///< the host's descriptor is our own, in non-blocking mode
};

/// What the host's descriptor is: a file, directory, stream or socket. @return `badf`, or what fstat says.
[[nodiscard]] Outcome<std::shared_ptr<Descriptor>> adopt_host(HostFd fd);

}  // namespace wsb::wasi
