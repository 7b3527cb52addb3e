// SPDX-License-Identifier: Apache-2.0
// Paths. Each resolves beneath the descriptor it is relative to; the last component is then used by name,
// without a trailing slash and without following links, in a directory that is held open.
#include "wasi/beneath.h"
#include "wasi/file_status.h"
#include "wasi/preview1.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wsb::wasi::p1 {
namespace {

Outcome<void> from_host(int result) noexcept {
    if (result != 0)
        return refuse_with_host_errno();
    return {};
}

/// A path of the guest's: read, permitted, located.
struct Target {
    const Handle* handle = nullptr;
    std::string path;
};

Outcome<Target> target_of(Call& call, uint32_t fd, uint32_t path, uint32_t path_length, Rights needed,
                          PathOperation operation) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    if (!handle->is_directory())
        return refuse(Errno::notdir);
    WSB_TRY(handle->check(needed));
    WSB_TRY_ASSIGN(std::string text, call.memory.path(path, path_length));
    WSB_TRY(call.policy().allow({operation, handle->preopen, text}));
    return Target{handle, std::move(text)};
}

Outcome<beneath::Place> place_of(const Target& target) {
    return beneath::locate(target.handle->host.get(), target.path);
}

/// @return `noent` or what else stat says.
Outcome<bool> is_directory(const beneath::Place& place) noexcept {
    struct stat status{};
    WSB_TRY(from_host(::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW)));
    return S_ISDIR(status.st_mode);
}

/// What a slash at the end demands of something that exists.
Outcome<void> check_slash(const beneath::Place& place) noexcept {
    if (!place.has_trailing_slash)
        return {};
    WSB_TRY_ASSIGN(const bool directory, is_directory(place));
    if (!directory)
        return refuse(Errno::notdir);
    return {};
}

/// The thing itself, for its status only.
Outcome<HostFd> open_for_status(const Target& target, uint32_t lookup) {
    if ((lookup & ~lookupflag::all) != 0)
        return refuse(Errno::inval);
    const bool follows = (lookup & lookupflag::symlink_follow) != 0;
    return beneath::open(target.handle->host.get(), target.path, O_PATH | (follows ? 0 : O_NOFOLLOW));
}

}  // namespace

Outcome<void> path_create_directory(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_create_directory,
                                                  PathOperation::create_directory));
    WSB_TRY_ASSIGN(const auto place, place_of(target));
    if (place.is_dots())
        return refuse(Errno::exist);
    return from_host(::mkdirat(place.directory.get(), place.name.c_str(), 0777));
}

Outcome<void> path_remove_directory(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_remove_directory,
                                                  PathOperation::remove_directory));
    WSB_TRY_ASSIGN(const auto place, place_of(target));
    if (place.is_dots())
        return refuse(Errno::inval);
    return from_host(::unlinkat(place.directory.get(), place.name.c_str(), AT_REMOVEDIR));
}

Outcome<void> path_unlink_file(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_unlink_file,
                                                  PathOperation::unlink_file));
    WSB_TRY_ASSIGN(const auto place, place_of(target));
    if (place.is_dots())
        return refuse(Errno::isdir);
    if (place.has_trailing_slash) {
        WSB_TRY(check_slash(place));
        return refuse(Errno::isdir);
    }
    return from_host(::unlinkat(place.directory.get(), place.name.c_str(), 0));
}

Outcome<void> path_rename(Call& call, uint32_t old_fd, uint32_t old_path, uint32_t old_length,
                          uint32_t new_fd, uint32_t new_path, uint32_t new_length) {
    WSB_TRY_ASSIGN(const Target from, target_of(call, old_fd, old_path, old_length, right::path_rename_source,
                                                PathOperation::rename_from));
    WSB_TRY_ASSIGN(const Target to, target_of(call, new_fd, new_path, new_length, right::path_rename_target,
                                              PathOperation::rename_to));
    WSB_TRY_ASSIGN(const auto source, place_of(from));
    WSB_TRY_ASSIGN(const auto target, place_of(to));
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

Outcome<void> path_link(Call& call, uint32_t old_fd, uint32_t lookup, uint32_t old_path, uint32_t old_length,
                        uint32_t new_fd, uint32_t new_path, uint32_t new_length) {
    // A link to what a symbolic link names is not offered, as by other runtimes.
    if (lookup != 0)
        return refuse(Errno::inval);
    WSB_TRY_ASSIGN(const Target from, target_of(call, old_fd, old_path, old_length, right::path_link_source,
                                                PathOperation::link_from));
    WSB_TRY_ASSIGN(const Target to, target_of(call, new_fd, new_path, new_length, right::path_link_target,
                                              PathOperation::link_to));
    WSB_TRY_ASSIGN(const auto source, place_of(from));
    WSB_TRY_ASSIGN(const auto target, place_of(to));
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

Outcome<void> path_symlink(Call& call, uint32_t target, uint32_t target_length, uint32_t fd, uint32_t path,
                           uint32_t path_length) {
    WSB_TRY_ASSIGN(const std::string text, call.memory.path(target, target_length));
    WSB_TRY_ASSIGN(const Target link, target_of(call, fd, path, path_length, right::path_symlink,
                                                PathOperation::create_symlink));
    // We would not follow it ourselves, but other programs of the host would.
    if (!beneath::link_stays_beneath(link.path, text))
        return refuse(Errno::notcapable);
    WSB_TRY_ASSIGN(const auto place, place_of(link));
    if (place.is_dots())
        return refuse(Errno::exist);
    if (place.has_trailing_slash) {
        WSB_TRY(is_directory(place));
        return refuse(Errno::exist);
    }
    return from_host(::symlinkat(text.c_str(), place.directory.get(), place.name.c_str()));
}

Outcome<void> path_readlink(Call& call, uint32_t fd, uint32_t path, uint32_t path_length, uint32_t buffer,
                            uint32_t buffer_length, uint32_t used_out) {
    WSB_TRY_ASSIGN(const Target target,
                   target_of(call, fd, path, path_length, right::path_readlink, PathOperation::read_link));
    WSB_TRY_ASSIGN(const std::span<uint8_t> bytes, call.memory.bytes(buffer, buffer_length));
    WSB_TRY(call.memory.bytes(used_out, sizeof(uint32_t)));
    WSB_TRY_ASSIGN(const auto place, place_of(target));
    if (place.is_dots())
        return refuse(Errno::inval);
    if (place.has_trailing_slash) {
        WSB_TRY(check_slash(place));
        return refuse(Errno::inval);
    }
    if (bytes.empty())
        return call.memory.store(used_out, uint32_t{0});
    // SAFETY: bytes and char may alias; the kernel writes at most the checked length.
    const ssize_t used = ::readlinkat(place.directory.get(), place.name.c_str(),
                                      reinterpret_cast<char*>(bytes.data()), bytes.size());
    if (used < 0)
        return refuse_with_host_errno();
    return call.memory.store(used_out, static_cast<uint32_t>(used));
}

Outcome<void> path_filestat_get(Call& call, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t path_length,
                                uint32_t filestat_out) {
    WSB_TRY_ASSIGN(const Target target,
                   target_of(call, fd, path, path_length, right::path_filestat_get, PathOperation::stat));
    WSB_TRY_ASSIGN(const std::span<uint8_t> record, call.memory.bytes(filestat_out, filestat_size_bytes));
    WSB_TRY_ASSIGN(const HostFd opened, open_for_status(target, lookup));
    struct stat status{};
    WSB_TRY(from_host(::fstat(opened.get(), &status)));
    put_filestat(record, status);
    return {};
}

Outcome<void> path_filestat_set_times(Call& call, uint32_t fd, uint32_t lookup, uint32_t path,
                                      uint32_t path_length, uint64_t access_ns, uint64_t modification_ns,
                                      uint32_t flags) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_filestat_set_times,
                                                  PathOperation::set_times));
    WSB_TRY_ASSIGN(const auto times, times_from_flags(access_ns, modification_ns, flags));
    WSB_TRY_ASSIGN(const HostFd opened, open_for_status(target, lookup));
    return from_host(::utimensat(opened.get(), "", times.data(), AT_EMPTY_PATH));
}

}  // namespace wsb::wasi::p1
