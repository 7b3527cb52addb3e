// SPDX-License-Identifier: Apache-2.0
// Paths: rights, the policy's leave, and the guest's memory; the directory does the rest.
#include "wasi/file_status.h"
#include "wasi/preview1.h"

#include <algorithm>

namespace wsb::wasi::p1 {
namespace {

/// A path of the guest's: read, permitted.
struct Target {
    const Handle* handle = nullptr;
    std::string path;

    [[nodiscard]] Descriptor& directory() const noexcept { return *handle->descriptor; }
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

/// What is moved or linked to another place must not gain rights there that it did not have.
Outcome<void> check_gain(const Target& from, const Target& to) noexcept {
    const bool same_access = from.handle->preopen == to.handle->preopen ||
                             (from.handle->preopen != nullptr && to.handle->preopen != nullptr &&
                              from.handle->preopen->access == to.handle->preopen->access);
    if (!same_access || (to.handle->inheriting & ~from.handle->inheriting) != 0)
        return refuse(Errno::notcapable);
    return {};
}

Outcome<bool> follows(uint32_t lookup) noexcept {
    if ((lookup & ~lookupflag::all) != 0)
        return refuse(Errno::inval);
    return (lookup & lookupflag::symlink_follow) != 0;
}

}  // namespace

Outcome<void> path_create_directory(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_create_directory,
                                                  PathOperation::create_directory));
    return target.directory().create_directory(target.path);
}

Outcome<void> path_remove_directory(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_remove_directory,
                                                  PathOperation::remove_directory));
    return target.directory().remove_directory(target.path);
}

Outcome<void> path_unlink_file(Call& call, uint32_t fd, uint32_t path, uint32_t path_length) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_unlink_file,
                                                  PathOperation::unlink_file));
    return target.directory().unlink_file(target.path);
}

Outcome<void> path_rename(Call& call, uint32_t old_fd, uint32_t old_path, uint32_t old_length,
                          uint32_t new_fd, uint32_t new_path, uint32_t new_length) {
    WSB_TRY_ASSIGN(const Target from, target_of(call, old_fd, old_path, old_length, right::path_rename_source,
                                                PathOperation::rename_from));
    WSB_TRY_ASSIGN(const Target to, target_of(call, new_fd, new_path, new_length, right::path_rename_target,
                                              PathOperation::rename_to));
    WSB_TRY(check_gain(from, to));
    return from.directory().rename(from.path, to.directory(), to.path);
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
    WSB_TRY(check_gain(from, to));
    return from.directory().link(from.path, to.directory(), to.path);
}

Outcome<void> path_symlink(Call& call, uint32_t target, uint32_t target_length, uint32_t fd, uint32_t path,
                           uint32_t path_length) {
    WSB_TRY_ASSIGN(const std::string text, call.memory.path(target, target_length));
    WSB_TRY_ASSIGN(const Target link, target_of(call, fd, path, path_length, right::path_symlink,
                                                PathOperation::create_symlink));
    return link.directory().symlink(text, link.path);
}

Outcome<void> path_readlink(Call& call, uint32_t fd, uint32_t path, uint32_t path_length, uint32_t buffer,
                            uint32_t buffer_length, uint32_t used_out) {
    WSB_TRY_ASSIGN(const Target target,
                   target_of(call, fd, path, path_length, right::path_readlink, PathOperation::read_link));
    WSB_TRY_ASSIGN(const std::span<uint8_t> bytes, call.memory.bytes(buffer, buffer_length));
    WSB_TRY(call.memory.bytes(used_out, sizeof(uint32_t)));
    WSB_TRY_ASSIGN(const std::string text, target.directory().read_link(target.path));
    const size_t used = std::min(text.size(), bytes.size());
    std::copy_n(text.begin(), used, bytes.begin());
    return call.memory.store(used_out, static_cast<uint32_t>(used));
}

Outcome<void> path_filestat_get(Call& call, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t path_length,
                                uint32_t filestat_out) {
    WSB_TRY_ASSIGN(const Target target,
                   target_of(call, fd, path, path_length, right::path_filestat_get, PathOperation::stat));
    WSB_TRY_ASSIGN(const std::span<uint8_t> record,
                   call.memory.bytes(filestat_out, call.layout.filestat_size_bytes));
    WSB_TRY_ASSIGN(const bool follow, follows(lookup));
    WSB_TRY_ASSIGN(const FileStatus status, target.directory().status_at(target.path, follow));
    put_filestat(record, status, call.layout);
    return {};
}

Outcome<void> path_filestat_set_times(Call& call, uint32_t fd, uint32_t lookup, uint32_t path,
                                      uint32_t path_length, uint64_t access_ns, uint64_t modification_ns,
                                      uint32_t flags) {
    WSB_TRY_ASSIGN(const Target target, target_of(call, fd, path, path_length, right::path_filestat_set_times,
                                                  PathOperation::set_times));
    WSB_TRY_ASSIGN(const TimeChanges times, times_from_flags(access_ns, modification_ns, flags));
    WSB_TRY_ASSIGN(const bool follow, follows(lookup));
    return target.directory().set_times_at(target.path, follow, times);
}

}  // namespace wsb::wasi::p1
