// SPDX-License-Identifier: Apache-2.0
// An owning descriptor of the host.
#pragma once

#include <unistd.h>
#include <utility>

namespace wsb::wasi {

/// Closes its descriptor when destroyed, unless it only borrows it (standard streams). Move-only.
class HostFd {
public:
    HostFd() noexcept = default;
    explicit HostFd(int fd) noexcept : m_fd(fd), m_is_owned(true) {}
    /// A descriptor that someone else closes.
    [[nodiscard]] static HostFd borrowed(int fd) noexcept {
        HostFd result;
        result.m_fd = fd;
        return result;
    }
    HostFd(HostFd&& other) noexcept
        : m_fd(std::exchange(other.m_fd, -1)), m_is_owned(std::exchange(other.m_is_owned, false)) {}
    HostFd& operator=(HostFd&& other) noexcept {
        HostFd taken(std::move(other));
        std::swap(m_fd, taken.m_fd);
        std::swap(m_is_owned, taken.m_is_owned);
        return *this;
    }
    ~HostFd() {
        if (m_is_owned)
            ::close(m_fd);
    }

    [[nodiscard]] int get() const noexcept { return m_fd; }
    [[nodiscard]] bool is_valid() const noexcept { return m_fd >= 0; }

private:
    int m_fd = -1;
    bool m_is_owned = false;
};

}  // namespace wsb::wasi
