// SPDX-License-Identifier: Apache-2.0
// Host file status in the guest's terms.
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

Outcome<timespec> chosen_time(uint64_t time_ns, bool given, bool now) noexcept {
    if (given && now)
        return refuse(Errno::inval);
    timespec time{};
    if (given) {
        time.tv_sec = static_cast<time_t>(time_ns / ns_per_s);
        time.tv_nsec = static_cast<long>(time_ns % ns_per_s);
    } else {
        time.tv_nsec = now ? UTIME_NOW : UTIME_OMIT;
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
    return file_type_of_mode(static_cast<mode_t>(DTTOIF(type)));
}

void put_filestat(std::span<uint8_t> record, const struct stat& status) noexcept {
    std::ranges::fill(record, uint8_t{0});
    GuestMemory::put(record, 0, static_cast<uint64_t>(status.st_dev));
    GuestMemory::put(record, 8, static_cast<uint64_t>(status.st_ino));
    GuestMemory::put(record, 16, file_type_of_mode(status.st_mode));
    GuestMemory::put(record, 24, static_cast<uint64_t>(status.st_nlink));
    GuestMemory::put(record, 32, static_cast<uint64_t>(status.st_size));
    GuestMemory::put(record, 40, to_ns(status.st_atim));
    GuestMemory::put(record, 48, to_ns(status.st_mtim));
    GuestMemory::put(record, 56, to_ns(status.st_ctim));
}

Outcome<std::array<timespec, 2>> times_from_flags(uint64_t access_ns, uint64_t modification_ns,
                                                  uint32_t flags) noexcept {
    if ((flags & ~fstflag::all) != 0)
        return refuse(Errno::inval);
    const auto access =
        chosen_time(access_ns, (flags & fstflag::atim) != 0, (flags & fstflag::atim_now) != 0);
    const auto modification =
        chosen_time(modification_ns, (flags & fstflag::mtim) != 0, (flags & fstflag::mtim_now) != 0);
    if (!access || !modification)
        return refuse(Errno::inval);
    return std::array{*access, *modification};
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

Rights rights_for(FileType type) noexcept {
    constexpr Rights position = right::fd_seek | right::fd_tell;
    constexpr Rights storage = right::fd_allocate | right::fd_advise | right::fd_filestat_set_size;
    switch (type) {
        case FileType::directory: return right::directory;
        case FileType::regular_file:
        case FileType::block_device: return right::file;
        // Without the rights to seek a C library takes a character device for a terminal.
        case FileType::character_device:
        case FileType::unknown:
        case FileType::socket_dgram:
        case FileType::socket_stream:
        case FileType::symbolic_link: break;
    }
    return right::file & ~(position | storage);
}

}  // namespace wsb::wasi
