// SPDX-License-Identifier: Apache-2.0
// Descriptors themselves: status, flags, rights, sizes, times, preopens, closing, renumbering.
#include "wasi/file_status.h"
#include "wasi/preview1.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

namespace wsb::wasi::p1 {
namespace {
constexpr auto max_offset = static_cast<uint64_t>(std::numeric_limits<off_t>::max());

Outcome<void> from_host(int result) noexcept {
    if (result != 0)
        return refuse_with_host_errno();
    return {};
}

Outcome<uint32_t> flags_of(const Handle& handle) noexcept {
    if (handle.own_flags)
        return *handle.own_flags;
    return fdflags_of_host(handle.host.get());
}

/// A descriptor that is a grant's directory.
Outcome<const Preopen*> preopen_of(Call& call, uint32_t fd) noexcept {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    if (!handle->is_preopen)
        return refuse(Errno::badf);
    return handle->preopen;
}
}  // namespace

Outcome<void> fd_advise(Call& call, uint32_t fd, uint64_t offset, uint64_t length, uint32_t advice) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_advise));
    constexpr std::array host_advice{POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                     POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
    if (advice >= host_advice.size() || offset > max_offset || length > max_offset)
        return refuse(Errno::inval);
    const int error = ::posix_fadvise(handle->host.get(), static_cast<off_t>(offset),
                                      static_cast<off_t>(length), host_advice[advice]);
    if (error != 0)
        return refuse(errno_from_host(error));
    return {};
}

Outcome<void> fd_allocate(Call& call, uint32_t fd, uint64_t offset, uint64_t length) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_allocate));
    if (length == 0 || offset > max_offset)
        return refuse(Errno::inval);
    if (length > max_offset - offset)
        return refuse(Errno::fbig);
    return from_host(
        ::fallocate(handle->host.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(length)));
}

Outcome<void> fd_close(Call& call, uint32_t fd) {
    return call.handles().close(fd);
}

Outcome<void> fd_datasync(Call& call, uint32_t fd) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_datasync));
    return from_host(::fdatasync(handle->host.get()));
}

Outcome<void> fd_sync(Call& call, uint32_t fd) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_sync));
    return from_host(::fsync(handle->host.get()));
}

Outcome<void> fd_fdstat_get(Call& call, uint32_t fd, uint32_t fdstat_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    WSB_TRY_ASSIGN(const std::span<uint8_t> record, call.memory.bytes(fdstat_out, fdstat_size_bytes));
    WSB_TRY_ASSIGN(const uint32_t flags, flags_of(*handle));
    std::memset(record.data(), 0, record.size());
    GuestMemory::put(record, 0, handle->type);
    GuestMemory::put(record, 2, static_cast<uint16_t>(flags));
    GuestMemory::put(record, 8, handle->base);
    GuestMemory::put(record, 16, handle->inheriting);
    return {};
}

Outcome<void> fd_fdstat_set_flags(Call& call, uint32_t fd, uint32_t flags) {
    WSB_TRY_ASSIGN(Handle* const handle, call.handles().get(fd, right::fd_fdstat_set_flags));
    if ((flags & ~fdflag::all) != 0)
        return refuse(Errno::inval);
    WSB_TRY_ASSIGN(const uint32_t current, flags_of(*handle));
    // The host can only change these two of an open file.
    constexpr uint32_t changeable = fdflag::append | fdflag::nonblock;
    constexpr uint32_t synchronous = fdflag::dsync | fdflag::sync;
    if ((flags & synchronous) != (current & synchronous))
        return refuse(Errno::notsup);
    if (handle->own_flags) {
        handle->own_flags = flags & changeable;
        return {};
    }
    int host = ::fcntl(handle->host.get(), F_GETFL);
    if (host < 0)
        return refuse_with_host_errno();
    host &= ~(O_APPEND | O_NONBLOCK);
    if ((flags & fdflag::append) != 0)
        host |= O_APPEND;
    if ((flags & fdflag::nonblock) != 0)
        host |= O_NONBLOCK;
    return from_host(::fcntl(handle->host.get(), F_SETFL, host));
}

Outcome<void> fd_fdstat_set_rights(Call& call, uint32_t fd, uint64_t base, uint64_t inheriting) {
    WSB_TRY_ASSIGN(Handle* const handle, call.handles().get(fd));
    if ((base & ~handle->base) != 0 || (inheriting & ~handle->inheriting) != 0)
        return refuse(Errno::notcapable);
    handle->base = base;
    handle->inheriting = inheriting;
    return {};
}

Outcome<void> fd_filestat_get(Call& call, uint32_t fd, uint32_t filestat_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_filestat_get));
    WSB_TRY_ASSIGN(const std::span<uint8_t> record, call.memory.bytes(filestat_out, filestat_size_bytes));
    struct stat status{};
    WSB_TRY(from_host(::fstat(handle->host.get(), &status)));
    put_filestat(record, status);
    return {};
}

Outcome<void> fd_filestat_set_size(Call& call, uint32_t fd, uint64_t size) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_filestat_set_size));
    if (size > max_offset)
        return refuse(Errno::fbig);
    return from_host(::ftruncate(handle->host.get(), static_cast<off_t>(size)));
}

Outcome<void> fd_filestat_set_times(Call& call, uint32_t fd, uint64_t access_ns, uint64_t modification_ns,
                                    uint32_t flags) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_filestat_set_times));
    WSB_TRY_ASSIGN(const auto times, times_from_flags(access_ns, modification_ns, flags));
    return from_host(::futimens(handle->host.get(), times.data()));
}

Outcome<void> fd_prestat_get(Call& call, uint32_t fd, uint32_t prestat_out) {
    WSB_TRY_ASSIGN(const Preopen* const preopen, preopen_of(call, fd));
    WSB_TRY_ASSIGN(const std::span<uint8_t> record, call.memory.bytes(prestat_out, prestat_size_bytes));
    // Type 0: a directory.
    GuestMemory::put(record, 0, uint32_t{0});
    GuestMemory::put(record, 4, static_cast<uint32_t>(preopen->guest_path.size()));
    return {};
}

Outcome<void> fd_prestat_dir_name(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Preopen* const preopen, preopen_of(call, fd));
    const std::string& name = preopen->guest_path;
    if (path_length < name.size())
        return refuse(Errno::nametoolong);
    WSB_TRY_ASSIGN(const std::span<uint8_t> target, call.memory.bytes(path, name.size()));
    std::memcpy(target.data(), name.data(), name.size());
    return {};
}

Outcome<void> fd_renumber(Call& call, uint32_t from, uint32_t to) {
    return call.handles().renumber(from, to);
}

}  // namespace wsb::wasi::p1
