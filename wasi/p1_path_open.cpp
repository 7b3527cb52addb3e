// SPDX-License-Identifier: Apache-2.0
// path_open: what the guest asks for, cut down to the rights it has.
#include "wasi/preview1.h"

namespace wsb::wasi::p1 {
namespace {

/// What a call asks for, checked.
struct Wish {
    OpenMode mode;
    Rights base = 0;  ///< asked for and available
    Rights inheriting = 0;
};

OpenMode mode_of(uint32_t lookup, uint32_t oflags, Rights base, uint32_t fdflags) noexcept {
    OpenMode mode;
    mode.reads = (base & (right::fd_read | right::fd_readdir)) != 0;
    // Only this right decides: some libraries ask for those to allocate and to truncate in any case.
    mode.writes = (base & right::fd_write) != 0;
    mode.creates = (oflags & oflag::creat) != 0;
    mode.is_exclusive = (oflags & oflag::excl) != 0;
    mode.truncates = (oflags & oflag::trunc) != 0;
    mode.wants_directory = (oflags & oflag::directory) != 0;
    mode.follows = (lookup & lookupflag::symlink_follow) != 0;
    mode.fdflags = fdflags;
    return mode;
}

std::unexpected<Errno> refuse_change(const Handle& directory) noexcept {
    const bool by_grant = directory.preopen != nullptr && directory.preopen->access != Access::read_write;
    return refuse(by_grant ? Errno::rofs : Errno::notcapable);
}

/// What the grant says beyond rights: how what is written must be opened.
Outcome<void> fit_to_access(const Handle& directory, OpenMode& mode) noexcept {
    const Access access = directory.preopen != nullptr ? directory.preopen->access : Access::read_only;
    if (access == Access::append && mode.writes && (mode.fdflags & fdflag::append) == 0)
        return refuse(Errno::notcapable);
    if (access == Access::create && mode.writes) {
        if (!mode.creates)
            return refuse_change(directory);
        // It will be new, and so it is empty.
        mode.is_exclusive = true;
        mode.truncates = false;
    }
    return {};
}

/// Rights that the guest asks for out of habit are left out in silence: libraries ask for all they might
/// use. Reading and writing are not: an open that cannot do its purpose fails.
Outcome<Wish> check_wish(const Handle& directory, uint32_t lookup, uint32_t oflags, Rights base,
                         Rights inheriting, uint32_t fdflags) noexcept {
    if ((lookup & ~lookupflag::all) != 0 || (oflags & ~oflag::all) != 0 || (fdflags & ~fdflag::all) != 0)
        return refuse(Errno::inval);
    // Creating a directory is path_create_directory.
    if ((oflags & oflag::creat) != 0 && (oflags & oflag::directory) != 0)
        return refuse(Errno::inval);
    constexpr Rights purpose = right::fd_read | right::fd_write;
    if ((base & purpose & ~directory.inheriting) != 0)
        return refuse_change(directory);
    Wish wish{mode_of(lookup, oflags, base & directory.inheriting, fdflags), base & directory.inheriting,
              inheriting & directory.inheriting};
    WSB_TRY(fit_to_access(directory, wish.mode));
    Rights needed = right::path_open;
    if (wish.mode.creates)
        needed |= right::path_create_file;
    if (wish.mode.truncates)
        needed |= right::path_filestat_set_size;
    WSB_TRY(directory.check(needed));
    return wish;
}

Handle handle_for(std::shared_ptr<Descriptor> opened, const Wish& wish, const Handle& directory) noexcept {
    Handle handle;
    handle.type = opened->type();
    handle.base = wish.base & opened->possible_rights();
    // What the host would refuse anyway on a file that is not open for writing.
    if (!wish.mode.writes)
        handle.base &= ~(right::fd_allocate | right::fd_filestat_set_size);
    handle.inheriting = wish.inheriting;
    handle.preopen = directory.preopen;
    handle.only_appends = directory.preopen != nullptr && directory.preopen->access == Access::append &&
                          handle.type != FileType::directory;
    handle.descriptor = std::move(opened);
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
    const auto operation = wish.mode.changes() ? PathOperation::open_to_change : PathOperation::open;
    WSB_TRY(call.policy().allow({operation, directory->preopen, text}));
    // Before a file is created for nothing.
    WSB_TRY(call.policy().charge(Charge::open_descriptors, 1, nullptr));
    auto opened = directory->descriptor->open(text, wish.mode);
    if (!opened) {
        call.policy().refund(Charge::open_descriptors, 1, nullptr);
        return refuse(opened.error());
    }
    WSB_TRY_ASSIGN(const uint32_t number,
                   call.handles().insert(handle_for(*std::move(opened), wish, *directory)));
    return call.memory.store(opened_out, number);
}

}  // namespace wsb::wasi::p1
