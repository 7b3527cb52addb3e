// SPDX-License-Identifier: Apache-2.0
// Streams of the host.
#include "wasi/host_stream.h"

#include "wasi/file_status.h"
#include "wasi/host_directory.h"
#include "wasi/host_file.h"
#include "wasi/host_socket.h"

#include <climits>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>

namespace wsb::wasi {
namespace {

/// Writing to a pipe that nobody reads must be an error number, not the end of the host.
class NoBrokenPipeSignal {
public:
    NoBrokenPipeSignal() noexcept {
        ::sigemptyset(&m_signal);
        ::sigaddset(&m_signal, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &m_signal, &m_before);
        // One that is not blocked does not wait.
        sigset_t pending;
        m_was_pending = ::sigismember(&m_before, SIGPIPE) == 1 && ::sigpending(&pending) == 0 &&
                        ::sigismember(&pending, SIGPIPE) == 1;
    }
    NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
    NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;
    ~NoBrokenPipeSignal() {
        const int saved = errno;
        constexpr timespec at_once{};
        // Ours to take away, unless someone else's was there before.
        if (m_is_broken && !m_was_pending)
            ::sigtimedwait(&m_signal, nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
        errno = saved;
    }
    void note(ssize_t count) noexcept { m_is_broken = count < 0 && errno == EPIPE; }

private:
    sigset_t m_signal{};
    sigset_t m_before{};
    bool m_was_pending = false;
    bool m_is_broken = false;
};

/// The same pipe or device, opened once more without waiting; invalid where that is not possible.
HostFd open_again(int fd) noexcept {
    const int mode = ::fcntl(fd, F_GETFL);
    if (mode < 0)
        return {};
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const int again =
        ::open(path.c_str(), (mode & (O_ACCMODE | O_APPEND)) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return again < 0 ? HostFd() : HostFd(again);
}

/// The first bytes of the vectors, at most so many.
iovec head(std::span<const iovec> vectors, size_t most_bytes) noexcept {
    iovec first = vectors.front();
    first.iov_len = std::min(first.iov_len, most_bytes);
    return first;
}

}  // namespace

HostStream::HostStream(HostFd fd, FileType type) noexcept : m_fd(std::move(fd)), m_type(type) {
    HostFd again = open_again(m_fd.get());
    if (!again.is_valid())
        return;
    m_fd = std::move(again);
    m_never_waits = true;
}

Outcome<FileStatus> HostStream::status() {
    return status_of_host(m_fd.get());
}

Outcome<void> HostStream::set_flags(uint32_t flags) {
    m_flags = flags & (fdflag::append | fdflag::nonblock);
    return {};
}

bool HostStream::is_ready(short events) const noexcept {
    pollfd entry{m_fd.get(), events, 0};
    return ::poll(&entry, 1, 0) > 0;
}

Outcome<size_t> HostStream::read(std::span<const iovec> targets) {
    if (targets.empty())
        return size_t{0};
    if (!m_never_waits && !is_ready(POLLIN))
        return refuse(Errno::again);
    return count_from_host(
        [&] { return ::readv(m_fd.get(), targets.data(), static_cast<int>(targets.size())); });
}

Outcome<size_t> HostStream::write(std::span<const iovec> sources) {
    if (sources.empty())
        return size_t{0};
    if (!m_never_waits && !is_ready(POLLOUT))
        return refuse(Errno::again);
    // Devices send no signals.
    std::optional<NoBrokenPipeSignal> guard;
    if (m_type != FileType::character_device)
        guard.emplace();
    // As much as a pipe that is ready takes without waiting, if it might wait.
    const iovec first = head(sources, PIPE_BUF);
    const std::span<const iovec> taken = m_never_waits ? sources : std::span(&first, 1);
    return count_from_host([&] {
        const ssize_t count = ::writev(m_fd.get(), taken.data(), static_cast<int>(taken.size()));
        if (guard)
            guard->note(count);
        return count;
    });
}

uint64_t HostStream::bytes_ready() {
    int waiting = 0;
    return ::ioctl(m_fd.get(), FIONREAD, &waiting) == 0 && waiting > 0 ? static_cast<uint64_t>(waiting) : 0;
}

Outcome<std::shared_ptr<Descriptor>> adopt_host(HostFd fd) {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0)
        return refuse_with_host_errno();
    const FileType type = file_type_of_mode(status.st_mode);
    switch (type) {
        case FileType::directory: return std::make_shared<HostDirectory>(std::move(fd));
        case FileType::regular_file:
        case FileType::block_device: return std::make_shared<HostFile>(std::move(fd), type, true);
        case FileType::socket_stream:
        case FileType::socket_dgram: return HostSocket::adopt(std::move(fd));
        case FileType::symbolic_link: return refuse(Errno::badf);
        case FileType::character_device:
        case FileType::unknown: break;
    }
    return std::make_shared<HostStream>(std::move(fd), type);
}

}  // namespace wsb::wasi
