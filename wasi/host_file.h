// SPDX-License-Identifier: Apache-2.0
// Files of the host: regular ones, and block devices where they are granted.
#pragma once

#include "wasi/descriptor.h"
#include "wasi/host_fd.h"

namespace wsb::wasi {

/// What files and directories of the host have in common.
class HostNode : public Descriptor {
public:
    [[nodiscard]] int host_fd() const noexcept { return m_fd.get(); }

    [[nodiscard]] FileType type() const noexcept override { return m_type; }
    [[nodiscard]] Outcome<FileStatus> status() override;
    [[nodiscard]] Outcome<uint32_t> flags() override;
    [[nodiscard]] Outcome<void> set_flags(uint32_t flags) override;
    [[nodiscard]] Outcome<void> set_times(const TimeChanges& times) override;
    [[nodiscard]] Outcome<void> sync(bool only_data) override;

protected:
    HostNode(HostFd fd, FileType type, bool is_shared = false) noexcept
        : m_fd(std::move(fd)), m_type(type), m_own_flags(is_shared ? std::optional(0U) : std::nullopt) {}

private:
    HostFd m_fd;
    FileType m_type;
    /// Kept here and not set on the host's descriptor, if other processes share it.
    std::optional<uint32_t> m_own_flags;
};

/// The host reads and writes in the caller's buffers itself: nothing of the guest's size is allocated.
class HostFile final : public HostNode {
public:
    explicit HostFile(HostFd fd, FileType type = FileType::regular_file, bool is_shared = false) noexcept
        : HostNode(std::move(fd), type, is_shared) {}

    [[nodiscard]] Outcome<size_t> read(std::span<const iovec> targets) override;
    [[nodiscard]] Outcome<size_t> read_at(std::span<const iovec> targets, uint64_t offset) override;
    [[nodiscard]] Outcome<size_t> write(std::span<const iovec> sources) override;
    [[nodiscard]] Outcome<size_t> write_at(std::span<const iovec> sources, uint64_t offset) override;
    [[nodiscard]] Outcome<uint64_t> seek(int64_t offset, Whence whence) override;
    [[nodiscard]] Outcome<void> set_size(uint64_t size_bytes) override;
    [[nodiscard]] Outcome<void> allocate(uint64_t offset, uint64_t length) override;
    [[nodiscard]] Outcome<void> advise(uint64_t offset, uint64_t length, Advice advice) override;
    [[nodiscard]] uint64_t bytes_ready() override;
};

/// A count of bytes, or -1 with errno; repeated while signals interrupt it.
template <class Operation>
[[nodiscard]] Outcome<size_t> count_from_host(Operation operation) noexcept {
    ssize_t count = -1;
    do {
        count = operation();
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return refuse_with_host_errno();
    return static_cast<size_t>(count);
}

}  // namespace wsb::wasi
