// SPDX-License-Identifier: Apache-2.0
// path_open: what the guest asks for, cut down to the rights it has, as flags of open(2).
#include "wasi/file_status.h"
#include "wasi/preview1.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace wsb::wasi::p1 {
namespace {

/// What a call asks for, checked.
struct Wish {
    uint32_t oflags = 0;
    uint32_t fdflags = 0;
    bool follows = false;
    Rights base = 0;  ///< asked for and available
    Rights inheriting = 0;

    [[nodiscard]] bool reads() const noexcept { return (base & (right::fd_read | right::fd_readdir)) != 0; }
    /// Only this right decides: some libraries ask for those to allocate and to truncate in any case.
    [[nodiscard]] bool writes() const noexcept { return (base & right::fd_write) != 0; }
    [[nodiscard]] bool changes() const noexcept {
        return writes() || (oflags & (oflag::creat | oflag::trunc)) != 0;
    }

    [[nodiscard]] int host_flags() const noexcept {
        // A directory cannot be opened for writing; what the guest then lacks, open(2) says (EISDIR).
        int flags = writes() ? (reads() ? O_RDWR : O_WRONLY) : O_RDONLY;
        if ((oflags & oflag::creat) != 0)
            flags |= O_CREAT;
        if ((oflags & oflag::directory) != 0)
            flags |= O_DIRECTORY;
        if ((oflags & oflag::excl) != 0)
            flags |= O_EXCL;
        if ((oflags & oflag::trunc) != 0)
            flags |= O_TRUNC;
        if ((fdflags & fdflag::append) != 0)
            flags |= O_APPEND;
        if ((fdflags & fdflag::dsync) != 0)
            flags |= O_DSYNC;
        if ((fdflags & (fdflag::sync | fdflag::rsync)) != 0)
            flags |= O_SYNC;
        if (!follows)
            flags |= O_NOFOLLOW;
        // Opening a FIFO must not block; taken back afterwards.
        return flags | O_NONBLOCK;
    }
};

/// Rights that the guest asks for out of habit are left out in silence: libraries ask for all they might
/// use. Reading and writing are not: an open that cannot do its purpose fails.
Outcome<Wish> check_wish(const Handle& directory, uint32_t lookup, uint32_t oflags, Rights base,
                         Rights inheriting, uint32_t fdflags) noexcept {
    if ((lookup & ~lookupflag::all) != 0 || (oflags & ~oflag::all) != 0 || (fdflags & ~fdflag::all) != 0)
        return refuse(Errno::inval);
    // Creating a directory is path_create_directory.
    if ((oflags & oflag::creat) != 0 && (oflags & oflag::directory) != 0)
        return refuse(Errno::inval);
    Rights needed = right::path_open;
    if ((oflags & oflag::creat) != 0)
        needed |= right::path_create_file;
    if ((oflags & oflag::trunc) != 0)
        needed |= right::path_filestat_set_size;
    WSB_TRY(directory.check(needed));
    constexpr Rights purpose = right::fd_read | right::fd_write;
    if ((base & purpose & ~directory.inheriting) != 0) {
        const bool is_read_only = directory.preopen != nullptr && directory.preopen->is_read_only;
        return refuse(is_read_only ? Errno::rofs : Errno::notcapable);
    }
    return Wish{oflags, fdflags, (lookup & lookupflag::symlink_follow) != 0, base & directory.inheriting,
                inheriting & directory.inheriting};
}

Outcome<Handle> handle_for(HostFd opened, const Wish& wish, const Preopen* preopen) {
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0)
        return refuse_with_host_errno();
    if ((wish.fdflags & fdflag::nonblock) == 0) {
        const int flags = ::fcntl(opened.get(), F_GETFL);
        if (flags < 0 || ::fcntl(opened.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
            return refuse_with_host_errno();
    }
    Handle handle;
    handle.host = std::move(opened);
    handle.type = file_type_of_mode(status.st_mode);
    handle.base = wish.base & rights_for(handle.type);
    // What the host would refuse anyway on a file that is not open for writing.
    if (!wish.writes())
        handle.base &= ~(right::fd_allocate | right::fd_filestat_set_size);
    handle.inheriting = wish.inheriting;
    handle.preopen = preopen;
    return handle;
}

}  // namespace

Outcome<void> path_open(Call& call, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t path_length,
                        uint32_t oflags, uint64_t base, uint64_t inheriting, uint32_t fdflags,
                        uint32_t opened_out) {
    WSB_TRY_ASSIGN(const Handle* const directory, call.handles().get(fd));
    if (!directory->is_directory())
        return refuse(Errno::notdir);
    WSB_TRY_ASSIGN(const Wish wish, check_wish(*directory, lookup, oflags, base, inheriting, fdflags));
    WSB_TRY_ASSIGN(const std::string text, call.memory.path(path, path_length));
    WSB_TRY(call.memory.bytes(opened_out, sizeof(uint32_t)));
    if (!call.handles().has_room())
        return refuse(Errno::mfile);
    const Preopen* const preopen = directory->preopen;
    WSB_TRY_ASSIGN(HostFd opened, call.policy().open({preopen, directory->host.get(), text, wish.host_flags(),
                                                      wish.changes()}));
    WSB_TRY_ASSIGN(Handle handle, handle_for(std::move(opened), wish, preopen));
    WSB_TRY_ASSIGN(const uint32_t number, call.handles().insert(std::move(handle)));
    return call.memory.store(opened_out, number);
}

}  // namespace wsb::wasi::p1
