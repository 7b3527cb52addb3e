// SPDX-License-Identifier: Apache-2.0
// Descriptors themselves: status, flags, rights, sizes, times, preopens, closing, renumbering.
#include "wasi/file_status.h"
#include "wasi/preview1.h"

#include <algorithm>
#include <limits>

namespace wsb::wasi::p1 {
namespace {

/// A descriptor that is a grant's directory.
Outcome<const Preopen*> preopen_of(Call& call, uint32_t fd) noexcept {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    if (!handle->is_preopen)
        return refuse(Errno::badf);
    return handle->preopen;
}

constexpr auto max_offset = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

uint64_t largest_file(const Handle& handle) noexcept {
    return handle.preopen != nullptr ? handle.preopen->max_file_bytes : std::numeric_limits<uint64_t>::max();
}

/// Charges growth as writing, which it stands for.
template <class Operation>
Outcome<void> charged(Call& call, const Handle& handle, uint64_t added_bytes, Operation operation) {
    WSB_TRY(call.policy().charge(handle.on_write, added_bytes, handle.preopen));
    const Outcome<void> outcome = operation();
    if (!outcome)
        call.policy().refund(handle.on_write, added_bytes, handle.preopen);
    return outcome;
}

}  // namespace

Outcome<void> fd_advise(Call& call, uint32_t fd, uint64_t offset, uint64_t length, uint32_t advice) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_advise));
    if (advice > static_cast<uint32_t>(Advice::no_reuse))
        return refuse(Errno::inval);
    return handle->descriptor->advise(offset, length, static_cast<Advice>(advice));
}

Outcome<void> fd_allocate(Call& call, uint32_t fd, uint64_t offset, uint64_t length) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_allocate));
    if (length == 0 || offset > max_offset)
        return refuse(Errno::inval);
    if (length > max_offset - offset || offset + length > largest_file(*handle))
        return refuse(Errno::fbig);
    WSB_TRY_ASSIGN(const FileStatus before, handle->descriptor->status());
    // What it takes on the host's disk; a part that is there already is not charged again.
    const uint64_t end = offset + length;
    const uint64_t added = end > before.size_bytes ? end - std::max(offset, before.size_bytes) : 0;
    return charged(call, *handle, added, [&] { return handle->descriptor->allocate(offset, length); });
}

Outcome<void> fd_close(Call& call, uint32_t fd) {
    WSB_TRY(call.handles().close(fd));
    call.policy().refund(Charge::open_descriptors, 1, nullptr);
    return {};
}

Outcome<void> fd_datasync(Call& call, uint32_t fd) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_datasync));
    return handle->descriptor->sync(true);
}

Outcome<void> fd_sync(Call& call, uint32_t fd) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_sync));
    return handle->descriptor->sync(false);
}

Outcome<void> fd_fdstat_get(Call& call, uint32_t fd, uint32_t fdstat_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    WSB_TRY_ASSIGN(const std::span<uint8_t> record, call.memory.bytes(fdstat_out, fdstat_size_bytes));
    WSB_TRY_ASSIGN(const uint32_t flags, handle->descriptor->flags());
    std::memset(record.data(), 0, record.size());
    GuestMemory::put(record, 0, handle->type);
    GuestMemory::put(record, 2, static_cast<uint16_t>(flags));
    GuestMemory::put(record, 8, handle->base);
    GuestMemory::put(record, 16, handle->inheriting);
    return {};
}

Outcome<void> fd_fdstat_set_flags(Call& call, uint32_t fd, uint32_t flags) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_fdstat_set_flags));
    if ((flags & ~fdflag::all) != 0)
        return refuse(Errno::inval);
    WSB_TRY_ASSIGN(const uint32_t current, handle->descriptor->flags());
    // The host cannot change these of an open file.
    constexpr uint32_t synchronous = fdflag::dsync | fdflag::sync;
    if ((flags & synchronous) != (current & synchronous))
        return refuse(Errno::notsup);
    if (handle->only_appends && (flags & fdflag::append) == 0)
        return refuse(Errno::notcapable);
    return handle->descriptor->set_flags(flags);
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
    WSB_TRY_ASSIGN(const std::span<uint8_t> record,
                   call.memory.bytes(filestat_out, call.layout.filestat_size_bytes));
    WSB_TRY_ASSIGN(const FileStatus status, handle->descriptor->status());
    put_filestat(record, status, call.layout);
    return {};
}

Outcome<void> fd_filestat_set_size(Call& call, uint32_t fd, uint64_t size) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_filestat_set_size));
    if (size > max_offset || size > largest_file(*handle))
        return refuse(Errno::fbig);
    WSB_TRY_ASSIGN(const FileStatus before, handle->descriptor->status());
    const uint64_t added = size > before.size_bytes ? size - before.size_bytes : 0;
    return charged(call, *handle, added, [&] { return handle->descriptor->set_size(size); });
}

Outcome<void> fd_filestat_set_times(Call& call, uint32_t fd, uint64_t access_ns, uint64_t modification_ns,
                                    uint32_t flags) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_filestat_set_times));
    WSB_TRY_ASSIGN(const auto times, times_from_flags(access_ns, modification_ns, flags));
    return handle->descriptor->set_times(times);
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
    WSB_TRY(call.handles().renumber(from, to));
    if (from != to)
        call.policy().refund(Charge::open_descriptors, 1, nullptr);
    return {};
}

}  // namespace wsb::wasi::p1
