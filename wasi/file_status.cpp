// SPDX-License-Identifier: Apache-2.0
// File status between the host's terms, ours and the guest's.
#include "wasi/file_status.h"

#include "wasi/guest_memory.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <limits>

namespace wsb::wasi {
namespace {
constexpr uint64_t ns_per_s = 1'000'000'000;

/// Times before 1970 cannot be told to the guest; they become 0.
uint64_t to_ns(const timespec& time) noexcept {
    if (time.tv_sec < 0)
        return 0;
    const auto seconds = static_cast<uint64_t>(time.tv_sec);
    if (seconds >= std::numeric_limits<uint64_t>::max() / ns_per_s)
        return std::numeric_limits<uint64_t>::max();
    return seconds * ns_per_s + static_cast<uint64_t>(time.tv_nsec);
}

Outcome<TimeChange> chosen_time(uint64_t time_ns, bool given, bool now) noexcept {
    if (given && now)
        return refuse(Errno::inval);
    if (given)
        return TimeChange{TimeChange::Kind::given, time_ns};
    return TimeChange{now ? TimeChange::Kind::now : TimeChange::Kind::keep, 0};
}

timespec host_time(const TimeChange& change) noexcept {
    timespec time{};
    switch (change.kind) {
        case TimeChange::Kind::keep: time.tv_nsec = UTIME_OMIT; break;
        case TimeChange::Kind::now: time.tv_nsec = UTIME_NOW; break;
        case TimeChange::Kind::given:
            time.tv_sec = static_cast<time_t>(change.time_ns / ns_per_s);
            time.tv_nsec = static_cast<long>(change.time_ns % ns_per_s);
            break;
    }
    return time;
}
}  // namespace

FileType file_type_of_mode(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFBLK: return FileType::block_device;
        case S_IFCHR: return FileType::character_device;
        case S_IFDIR: return FileType::directory;
        case S_IFREG: return FileType::regular_file;
        case S_IFSOCK: return FileType::socket_stream;
        case S_IFLNK: return FileType::symbolic_link;
        default: return FileType::unknown;
    }
}

FileType file_type_of_entry(unsigned char type) noexcept {
    switch (type) {
        case DT_BLK: return FileType::block_device;
        case DT_CHR: return FileType::character_device;
        case DT_DIR: return FileType::directory;
        case DT_REG: return FileType::regular_file;
        case DT_SOCK: return FileType::socket_stream;
        case DT_LNK: return FileType::symbolic_link;
        default: return FileType::unknown;
    }
}

FileStatus status_of_host(const struct stat& status) noexcept {
    FileStatus result;
    result.device = status.st_dev;
    result.inode = status.st_ino;
    result.type = file_type_of_mode(status.st_mode);
    result.link_count = status.st_nlink;
    result.size_bytes = static_cast<uint64_t>(status.st_size);
    result.access_ns = to_ns(status.st_atim);
    result.modification_ns = to_ns(status.st_mtim);
    result.change_ns = to_ns(status.st_ctim);
    return result;
}

Outcome<FileStatus> status_of_host(int fd) noexcept {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return refuse_with_host_errno();
    return status_of_host(status);
}

void put_filestat(std::span<uint8_t> record, const FileStatus& status, const Layout& layout) noexcept {
    std::ranges::fill(record, uint8_t{0});
    GuestMemory::put(record, 0, status.device);
    GuestMemory::put(record, 8, status.inode);
    GuestMemory::put(record, 16, status.type);
    constexpr uint64_t most = std::numeric_limits<uint32_t>::max();
    if (layout.link_count_size_bytes == sizeof(uint32_t))
        GuestMemory::put(record, 20, static_cast<uint32_t>(std::min(status.link_count, most)));
    else
        GuestMemory::put(record, 24, status.link_count);
    // The rest ends the record.
    const size_t at = layout.filestat_size_bytes - 4 * sizeof(uint64_t);
    GuestMemory::put(record, at, status.size_bytes);
    GuestMemory::put(record, at + 8, status.access_ns);
    GuestMemory::put(record, at + 16, status.modification_ns);
    GuestMemory::put(record, at + 24, status.change_ns);
}

Outcome<TimeChanges> times_from_flags(uint64_t access_ns, uint64_t modification_ns, uint32_t flags) noexcept {
    if ((flags & ~fstflag::all) != 0)
        return refuse(Errno::inval);
    const auto access =
        chosen_time(access_ns, (flags & fstflag::atim) != 0, (flags & fstflag::atim_now) != 0);
    const auto modification =
        chosen_time(modification_ns, (flags & fstflag::mtim) != 0, (flags & fstflag::mtim_now) != 0);
    if (!access || !modification)
        return refuse(Errno::inval);
    return TimeChanges{*access, *modification};
}

std::array<timespec, 2> host_times(const TimeChanges& times) noexcept {
    return {host_time(times.access), host_time(times.modification)};
}

Outcome<uint32_t> fdflags_of_host(int fd) noexcept {
    const int host = ::fcntl(fd, F_GETFL);
    if (host < 0)
        return refuse_with_host_errno();
    uint32_t flags = 0;
    if ((host & O_APPEND) != 0)
        flags |= fdflag::append;
    if ((host & O_NONBLOCK) != 0)
        flags |= fdflag::nonblock;
    if ((host & O_SYNC) == O_SYNC)
        flags |= fdflag::sync;
    else if ((host & O_DSYNC) != 0)
        flags |= fdflag::dsync;
    return flags;
}

Outcome<void> set_host_fdflags(int fd, uint32_t flags) noexcept {
    int host = ::fcntl(fd, F_GETFL);
    if (host < 0)
        return refuse_with_host_errno();
    host &= ~(O_APPEND | O_NONBLOCK);
    if ((flags & fdflag::append) != 0)
        host |= O_APPEND;
    if ((flags & fdflag::nonblock) != 0)
        host |= O_NONBLOCK;
    return from_host(::fcntl(fd, F_SETFL, host));
}

Outcome<void> from_host(int result) noexcept {
    if (result != 0)
        return refuse_with_host_errno();
    return {};
}

}  // namespace wsb::wasi
