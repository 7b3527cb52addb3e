// SPDX-License-Identifier: Apache-2.0
// Files of the host.
#include "wasi/host_file.h"

#include "wasi/file_status.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <unistd.h>
#include <utility>

namespace wsb::wasi {
namespace {
constexpr auto max_offset = static_cast<uint64_t>(std::numeric_limits<off_t>::max());

Outcome<off_t> host_offset(uint64_t offset) noexcept {
    if (offset > max_offset)
        return refuse(Errno::inval);
    return static_cast<off_t>(offset);
}

int count_of(std::span<const iovec> vectors) noexcept {
    return static_cast<int>(vectors.size());
}
}  // namespace

Outcome<FileStatus> HostNode::status() {
    return status_of_host(host_fd());
}

Outcome<uint32_t> HostNode::flags() {
    if (m_own_flags)
        return *m_own_flags;
    return fdflags_of_host(host_fd());
}

Outcome<void> HostNode::set_flags(uint32_t flags) {
    if (m_own_flags) {
        m_own_flags = flags & (fdflag::append | fdflag::nonblock);
        return {};
    }
    return set_host_fdflags(host_fd(), flags);
}

Outcome<void> HostNode::set_times(const TimeChanges& times) {
    return from_host(::futimens(host_fd(), host_times(times).data()));
}

Outcome<void> HostNode::sync(bool only_data) {
    return from_host(only_data ? ::fdatasync(host_fd()) : ::fsync(host_fd()));
}

Outcome<size_t> HostFile::read(std::span<const iovec> targets) {
    return count_from_host([&] { return ::readv(host_fd(), targets.data(), count_of(targets)); });
}

Outcome<size_t> HostFile::read_at(std::span<const iovec> targets, uint64_t offset) {
    WSB_TRY_ASSIGN(const off_t position, host_offset(offset));
    return count_from_host([&] { return ::preadv(host_fd(), targets.data(), count_of(targets), position); });
}

Outcome<size_t> HostFile::write(std::span<const iovec> sources) {
    return count_from_host([&] { return ::writev(host_fd(), sources.data(), count_of(sources)); });
}

Outcome<size_t> HostFile::write_at(std::span<const iovec> sources, uint64_t offset) {
    WSB_TRY_ASSIGN(const off_t position, host_offset(offset));
    return count_from_host([&] { return ::pwritev(host_fd(), sources.data(), count_of(sources), position); });
}

Outcome<uint64_t> HostFile::seek(int64_t offset, Whence whence) {
    constexpr std::array host_whence{SEEK_SET, SEEK_CUR, SEEK_END};
    const off_t position = ::lseek(host_fd(), offset, host_whence[std::to_underlying(whence)]);
    if (position < 0)
        return refuse_with_host_errno();
    return static_cast<uint64_t>(position);
}

Outcome<void> HostFile::set_size(uint64_t size_bytes) {
    if (size_bytes > max_offset)
        return refuse(Errno::fbig);
    return from_host(::ftruncate(host_fd(), static_cast<off_t>(size_bytes)));
}

Outcome<void> HostFile::allocate(uint64_t offset, uint64_t length) {
    if (length == 0 || offset > max_offset)
        return refuse(Errno::inval);
    if (length > max_offset - offset)
        return refuse(Errno::fbig);
    return from_host(::fallocate(host_fd(), 0, static_cast<off_t>(offset), static_cast<off_t>(length)));
}

Outcome<void> HostFile::advise(uint64_t offset, uint64_t length, Advice advice) {
    constexpr std::array host_advice{POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                     POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
    if (offset > max_offset || length > max_offset)
        return refuse(Errno::inval);
    const int error = ::posix_fadvise(host_fd(), static_cast<off_t>(offset), static_cast<off_t>(length),
                                      host_advice[std::to_underlying(advice)]);
    if (error != 0)
        return refuse(errno_from_host(error));
    return {};
}

uint64_t HostFile::bytes_ready() {
    const auto current = status();
    const off_t position = ::lseek(host_fd(), 0, SEEK_CUR);
    if (!current || position < 0 || current->size_bytes <= static_cast<uint64_t>(position))
        return 0;
    return current->size_bytes - static_cast<uint64_t>(position);
}

}  // namespace wsb::wasi
