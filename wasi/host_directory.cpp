// SPDX-License-Identifier: Apache-2.0
// A directory of the host. The last component of a path is used by name, without a trailing slash and
// without following links, in a directory that is held open.
#include "wasi/host_directory.h"

#include "wasi/file_status.h"
#include "wasi/host_stream.h"

#include <climits>

#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <limits>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace wsb::wasi {
namespace {
using beneath::Place;

/// @return `noent` or what else stat says.
Outcome<bool> is_directory(const Place& place) noexcept {
    struct stat status{};
    WSB_TRY(from_host(::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW)));
    return S_ISDIR(status.st_mode);
}

/// What a slash at the end demands of something that exists.
Outcome<void> check_slash(const Place& place) noexcept {
    if (!place.has_trailing_slash)
        return {};
    WSB_TRY_ASSIGN(const bool directory, is_directory(place));
    if (!directory)
        return refuse(Errno::notdir);
    return {};
}

FileType type_of(int directory_fd, const dirent64& entry) noexcept {
    if (entry.d_type != DT_UNKNOWN)
        return file_type_of_entry(entry.d_type);
    struct stat status{};
    if (::fstatat(directory_fd, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return FileType::unknown;
    return file_type_of_mode(status.st_mode);
}

int host_flags(const OpenMode& mode) noexcept {
    // A directory cannot be opened for writing; what the guest then lacks, open(2) says (EISDIR).
    int flags = mode.writes ? (mode.reads ? O_RDWR : O_WRONLY) : O_RDONLY;
    if (mode.creates)
        flags |= O_CREAT;
    if (mode.wants_directory)
        flags |= O_DIRECTORY;
    if (mode.is_exclusive)
        flags |= O_EXCL;
    if (mode.truncates)
        flags |= O_TRUNC;
    if ((mode.fdflags & fdflag::append) != 0)
        flags |= O_APPEND;
    if ((mode.fdflags & fdflag::dsync) != 0)
        flags |= O_DSYNC;
    if ((mode.fdflags & (fdflag::sync | fdflag::rsync)) != 0)
        flags |= O_SYNC;
    if (!mode.follows)
        flags |= O_NOFOLLOW;
    // Opening a FIFO must not wait; taken back afterwards.
    return flags | O_NONBLOCK;
}

}  // namespace

Outcome<void> HostDirectory::check_file_system(int fd) const noexcept {
    struct statfs status{};
    if (m_special == SpecialFiles::allowed)
        return {};
    WSB_TRY(from_host(::fstatfs(fd, &status)));
    if (status.f_type == PROC_SUPER_MAGIC)
        return refuse(Errno::notcapable);
    return {};
}

Outcome<Place> HostDirectory::locate(const std::string& path) const {
    WSB_TRY_ASSIGN(Place place, beneath::locate(host_fd(), path));
    WSB_TRY(check_file_system(place.directory.get()));
    return place;
}

Outcome<HostDirectory::FromTo> HostDirectory::locate_both(const std::string& path,
                                                          Descriptor& target_directory,
                                                          const std::string& target_path) const {
    const auto* const other = dynamic_cast<const HostDirectory*>(&target_directory);
    if (other == nullptr)
        return refuse(target_directory.type() == FileType::directory ? Errno::xdev : Errno::notdir);
    FromTo places;
    WSB_TRY_ASSIGN(places.source, locate(path));
    WSB_TRY_ASSIGN(places.target, other->locate(target_path));
    return places;
}

Outcome<HostFd> HostDirectory::open_for_status(const std::string& path, bool follows) const {
    WSB_TRY_ASSIGN(HostFd opened, beneath::open(host_fd(), path, O_PATH | (follows ? 0 : O_NOFOLLOW)));
    WSB_TRY(check_file_system(opened.get()));
    return opened;
}

Outcome<void> HostDirectory::check_kind(const std::string& path, bool follows) const {
    if (m_special == SpecialFiles::allowed)
        return {};
    const auto opened = beneath::open(host_fd(), path, O_PATH | (follows ? 0 : O_NOFOLLOW));
    // What is wrong with the path, opening says better.
    if (!opened)
        return {};
    WSB_TRY(check_file_system(opened->get()));
    WSB_TRY_ASSIGN(const FileStatus status, status_of_host(opened->get()));
    switch (status.type) {
        case FileType::regular_file:
        case FileType::directory:
        case FileType::symbolic_link: return {};
        default: return refuse(Errno::notcapable);
    }
}

Outcome<std::shared_ptr<Descriptor>> HostDirectory::open(const std::string& path, const OpenMode& mode) {
    // What must be new is never a link that is followed.
    WSB_TRY(check_kind(path, mode.follows && !(mode.creates && mode.is_exclusive)));
    WSB_TRY_ASSIGN(HostFd opened, beneath::open(host_fd(), path, host_flags(mode)));
    WSB_TRY_ASSIGN(const FileStatus status, status_of_host(opened.get()));
    if ((mode.fdflags & fdflag::nonblock) == 0) {
        WSB_TRY_ASSIGN(const uint32_t flags, fdflags_of_host(opened.get()));
        WSB_TRY(set_host_fdflags(opened.get(), flags & ~fdflag::nonblock));
    }
    if (status.type == FileType::directory)
        return std::make_shared<HostDirectory>(std::move(opened), m_special);
    if (status.type == FileType::regular_file)
        return std::make_shared<HostFile>(std::move(opened));
    // It took the place of what was checked, or is allowed.
    if (m_special == SpecialFiles::refused)
        return refuse(Errno::notcapable);
    return adopt_host(std::move(opened));
}

Outcome<bool> HostDirectory::pass_on(std::span<const uint8_t> chunk, uint64_t cookie, uint64_t& number,
                                     EntrySink& sink) {
    for (size_t at = 0; at < chunk.size();) {
        // SAFETY: the kernel fills the buffer with whole, aligned records of this layout.
        const auto& entry = *reinterpret_cast<const dirent64*>(chunk.data() + at);
        at += entry.d_reclen;
        m_places.note({++number, entry.d_off});
        if (number <= cookie)
            continue;
        const std::string_view name(entry.d_name);
        // What lies above a directory is not the guest's business.
        const uint64_t inode = name == ".." ? 0 : entry.d_ino;
        WSB_TRY_ASSIGN(const bool wants_more, sink.put({number, inode, type_of(host_fd(), entry), name}));
        if (!wants_more)
            return false;
    }
    return true;
}

Outcome<void> HostDirectory::list(uint64_t cookie, EntrySink& sink) {
    if (cookie > static_cast<uint64_t>(std::numeric_limits<off_t>::max()))
        return refuse(Errno::inval);
    const ListingPlaces::Place start = m_places.nearest(cookie);
    if (::lseek(host_fd(), start.offset, SEEK_SET) < 0)
        return refuse_with_host_errno();
    uint64_t number = start.number;
    alignas(dirent64) std::array<uint8_t, 16'384> chunk;
    while (true) {
        const long count = ::syscall(SYS_getdents64, host_fd(), chunk.data(), chunk.size());
        if (count < 0)
            return refuse_with_host_errno();
        if (count == 0)
            return {};
        const auto entries = std::span(chunk).first(static_cast<size_t>(count));
        WSB_TRY_ASSIGN(const bool wants_more, pass_on(entries, cookie, number, sink));
        if (!wants_more)
            return {};
    }
}

Outcome<FileStatus> HostDirectory::status_at(const std::string& path, bool follows) {
    WSB_TRY_ASSIGN(const HostFd opened, open_for_status(path, follows));
    return status_of_host(opened.get());
}

Outcome<void> HostDirectory::set_times_at(const std::string& path, bool follows, const TimeChanges& times) {
    WSB_TRY_ASSIGN(const HostFd opened, open_for_status(path, follows));
    return from_host(::utimensat(opened.get(), "", host_times(times).data(), AT_EMPTY_PATH));
}

Outcome<void> HostDirectory::create_directory(const std::string& path) {
    WSB_TRY_ASSIGN(const Place place, locate(path));
    if (place.is_dots())
        return refuse(Errno::exist);
    return from_host(::mkdirat(place.directory.get(), place.name.c_str(), 0777));
}

Outcome<void> HostDirectory::remove_directory(const std::string& path) {
    WSB_TRY_ASSIGN(const Place place, locate(path));
    if (place.is_dots())
        return refuse(Errno::inval);
    return from_host(::unlinkat(place.directory.get(), place.name.c_str(), AT_REMOVEDIR));
}

Outcome<void> HostDirectory::unlink_file(const std::string& path) {
    WSB_TRY_ASSIGN(const Place place, locate(path));
    if (place.is_dots())
        return refuse(Errno::isdir);
    if (place.has_trailing_slash) {
        WSB_TRY(check_slash(place));
        return refuse(Errno::isdir);
    }
    return from_host(::unlinkat(place.directory.get(), place.name.c_str(), 0));
}

Outcome<void> HostDirectory::rename(const std::string& path, Descriptor& target_directory,
                                    const std::string& target_path) {
    WSB_TRY_ASSIGN(const auto places, locate_both(path, target_directory, target_path));
    const auto& [source, target] = places;
    if (source.is_dots() || target.is_dots())
        return refuse(Errno::busy);
    // A slash at either end says that a directory is being renamed.
    if (source.has_trailing_slash || target.has_trailing_slash) {
        WSB_TRY_ASSIGN(const bool directory, is_directory(source));
        if (!directory)
            return refuse(Errno::notdir);
    }
    return from_host(
        ::renameat(source.directory.get(), source.name.c_str(), target.directory.get(), target.name.c_str()));
}

Outcome<void> HostDirectory::link(const std::string& path, Descriptor& target_directory,
                                  const std::string& target_path) {
    WSB_TRY_ASSIGN(const auto places, locate_both(path, target_directory, target_path));
    const auto& [source, target] = places;
    if (source.is_dots())
        return refuse(Errno::perm);
    if (target.is_dots())
        return refuse(Errno::exist);
    WSB_TRY(check_slash(source));
    if (target.has_trailing_slash) {
        WSB_TRY(is_directory(target));
        return refuse(Errno::exist);
    }
    return from_host(::linkat(source.directory.get(), source.name.c_str(), target.directory.get(),
                              target.name.c_str(), 0));
}

Outcome<void> HostDirectory::symlink(const std::string& text, const std::string& path) {
    // We would not follow it ourselves, but other programs of the host would.
    if (!beneath::link_stays_beneath(path, text))
        return refuse(Errno::notcapable);
    WSB_TRY_ASSIGN(const Place place, locate(path));
    if (place.is_dots())
        return refuse(Errno::exist);
    if (place.has_trailing_slash) {
        WSB_TRY(is_directory(place));
        return refuse(Errno::exist);
    }
    return from_host(::symlinkat(text.c_str(), place.directory.get(), place.name.c_str()));
}

Outcome<std::string> HostDirectory::read_link(const std::string& path) {
    WSB_TRY_ASSIGN(const Place place, locate(path));
    if (place.is_dots())
        return refuse(Errno::inval);
    if (place.has_trailing_slash) {
        WSB_TRY(check_slash(place));
        return refuse(Errno::inval);
    }
    std::array<char, PATH_MAX> text;
    const ssize_t used = ::readlinkat(place.directory.get(), place.name.c_str(), text.data(), text.size());
    if (used < 0)
        return refuse_with_host_errno();
    return std::string(text.data(), static_cast<size_t>(used));
}

}  // namespace wsb::wasi
