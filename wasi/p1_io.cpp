// SPDX-License-Identifier: Apache-2.0
// Reading and writing through descriptors: in bounded pieces, each charged before it is done, with waiting
// left to the policy.
#include "wasi/io_vectors.h"
#include "wasi/preview1.h"
#include "wasi/transfer.h"

#include <limits>
#include <poll.h>

namespace wsb::wasi::p1 {
namespace {

Outcome<void> check_offset(uint64_t offset) noexcept {
    if (offset > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return refuse(Errno::inval);
    return {};
}

/// Reads or writes all the guest's vectors with `operation`, and stores the count.
template <class Operation>
Outcome<void> transfer_all(Call& call, const Transfer& transfer, uint32_t iovecs, uint32_t iovec_count,
                           uint32_t count_out, Operation operation) {
    WSB_TRY(call.memory.bytes(count_out, sizeof(uint32_t)));
    IoVectors vectors;
    WSB_TRY(vectors.read(call, iovecs, iovec_count));
    WSB_TRY_ASSIGN(const uint32_t count, transfer.run(call, vectors, operation));
    return call.memory.store(count_out, count);
}

/// How many bytes may still be written at this place of a file whose grant bounds its size.
Outcome<uint64_t> room_at(const Handle& handle, std::optional<uint64_t> offset) {
    constexpr uint64_t no_bound = std::numeric_limits<uint64_t>::max();
    if (handle.preopen == nullptr || handle.preopen->max_file_bytes == no_bound ||
        handle.type != FileType::regular_file)
        return no_bound;
    WSB_TRY_ASSIGN(const uint32_t flags, handle.descriptor->flags());
    if ((flags & fdflag::append) != 0) {
        WSB_TRY_ASSIGN(const FileStatus status, handle.descriptor->status());
        offset = status.size_bytes;
    } else if (!offset) {
        WSB_TRY_ASSIGN(offset, handle.descriptor->seek(0, Whence::cur));
    }
    if (*offset >= handle.preopen->max_file_bytes)
        return refuse(Errno::fbig);
    return handle.preopen->max_file_bytes - *offset;
}

}  // namespace

Outcome<void> fd_read(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint32_t read_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_read));
    Descriptor& descriptor = *handle->descriptor;
    return transfer_all(call, {descriptor, handle->on_read, handle->preopen, POLLIN}, iovecs, iovec_count,
                        read_out,
                        [&](std::span<const iovec> piece, uint64_t) { return descriptor.read(piece); });
}

Outcome<void> fd_write(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint32_t written_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_write));
    Descriptor& descriptor = *handle->descriptor;
    WSB_TRY_ASSIGN(const uint64_t room, room_at(*handle, std::nullopt));
    return transfer_all(call, {descriptor, handle->on_write, handle->preopen, POLLOUT, room}, iovecs,
                        iovec_count, written_out,
                        [&](std::span<const iovec> piece, uint64_t) { return descriptor.write(piece); });
}

Outcome<void> fd_pread(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint64_t offset,
                       uint32_t read_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_read | right::fd_seek));
    WSB_TRY(check_offset(offset));
    Descriptor& descriptor = *handle->descriptor;
    return transfer_all(call, {descriptor, handle->on_read, handle->preopen, POLLIN}, iovecs, iovec_count,
                        read_out, [&](std::span<const iovec> piece, uint64_t done) {
                            return descriptor.read_at(piece, offset + done);
                        });
}

Outcome<void> fd_pwrite(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint64_t offset,
                        uint32_t written_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_write | right::fd_seek));
    // It need not be the end.
    if (handle->only_appends)
        return refuse(Errno::notcapable);
    WSB_TRY(check_offset(offset));
    Descriptor& descriptor = *handle->descriptor;
    WSB_TRY_ASSIGN(const uint64_t room, room_at(*handle, offset));
    return transfer_all(call, {descriptor, handle->on_write, handle->preopen, POLLOUT, room}, iovecs,
                        iovec_count, written_out, [&](std::span<const iovec> piece, uint64_t done) {
                            return descriptor.write_at(piece, offset + done);
                        });
}

Outcome<void> fd_seek(Call& call, uint32_t fd, int64_t offset, uint32_t whence, uint32_t position_out) {
    // Asking for the position takes less than moving it.
    const bool only_tells =
        offset == 0 && whence < call.layout.whence.size() && call.layout.whence[whence] == Whence::cur;
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    if (!only_tells || !handle->check(right::fd_tell))
        WSB_TRY(handle->check(right::fd_seek));
    if (whence >= call.layout.whence.size())
        return refuse(Errno::inval);
    WSB_TRY(call.memory.bytes(position_out, sizeof(uint64_t)));
    WSB_TRY_ASSIGN(const uint64_t position, handle->descriptor->seek(offset, call.layout.whence[whence]));
    return call.memory.store(position_out, position);
}

Outcome<void> fd_tell(Call& call, uint32_t fd, uint32_t position_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_tell));
    WSB_TRY(call.memory.bytes(position_out, sizeof(uint64_t)));
    WSB_TRY_ASSIGN(const uint64_t position, handle->descriptor->seek(0, Whence::cur));
    return call.memory.store(position_out, position);
}

}  // namespace wsb::wasi::p1
