// SPDX-License-Identifier: Apache-2.0
// Sockets that were granted: accepting, receiving, sending, shutting down.
#include "wasi/io_vectors.h"
#include "wasi/preview1.h"
#include "wasi/transfer.h"

#include <poll.h>

namespace wsb::wasi::p1 {
namespace {

Outcome<const Handle*> socket_of(Call& call, uint32_t fd, Rights needed) noexcept {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd));
    if (!handle->is_socket())
        return refuse(Errno::notsock);
    WSB_TRY(handle->check(needed));
    return handle;
}

/// Waits for a connection unless the socket shall not.
Outcome<std::shared_ptr<Descriptor>> accept_from(const Call& call, Descriptor& listener) {
    while (true) {
        auto accepted = listener.accept();
        if (accepted || accepted.error() != Errno::again)
            return accepted;
        WSB_TRY_ASSIGN(const uint32_t flags, listener.flags());
        if ((flags & fdflag::nonblock) != 0)
            return refuse(Errno::again);
        WSB_TRY(call.wait_for(listener, POLLIN));
    }
}

}  // namespace

Outcome<void> sock_accept(Call& call, uint32_t fd, uint32_t flags, uint32_t opened_out) {
    WSB_TRY_ASSIGN(const Handle* const listener, socket_of(call, fd, right::sock_accept));
    if ((flags & ~fdflag::nonblock) != 0)
        return refuse(Errno::inval);
    WSB_TRY(call.memory.bytes(opened_out, sizeof(uint32_t)));
    if (!call.handles().has_room())
        return refuse(Errno::mfile);
    WSB_TRY_ASSIGN(auto accepted, accept_from(call, *listener->descriptor));
    WSB_TRY(accepted->set_flags(flags));
    Handle handle;
    handle.type = accepted->type();
    handle.base = accepted->possible_rights();
    handle.preopen = listener->preopen;
    handle.on_read = Charge::bytes_received;
    handle.on_write = Charge::bytes_sent;
    handle.descriptor = std::move(accepted);
    WSB_TRY_ASSIGN(const uint32_t number, call.add(std::move(handle)));
    return call.memory.store(opened_out, number);
}

Outcome<void> sock_recv(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint32_t flags,
                        uint32_t read_out, uint32_t flags_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, socket_of(call, fd, right::fd_read));
    if ((flags & ~riflag::all) != 0)
        return refuse(Errno::inval);
    WSB_TRY(call.memory.bytes(read_out, sizeof(uint32_t)));
    WSB_TRY(call.memory.bytes(flags_out, sizeof(uint16_t)));
    IoVectors vectors;
    WSB_TRY(vectors.read(call, iovecs, iovec_count));
    bool is_truncated = false;
    Descriptor& socket = *handle->descriptor;
    const Transfer transfer(socket, handle->on_read, handle->preopen, POLLIN);
    const auto receive = [&](std::span<const iovec> piece, uint64_t) -> Outcome<size_t> {
        WSB_TRY_ASSIGN(const Received received, socket.receive(piece, flags));
        is_truncated |= received.is_truncated;
        return received.size_bytes;
    };
    // A look changes nothing, so that a second piece would be the first again.
    const uint64_t wanted = vectors.left_bytes();
    const bool wants_all = (flags & riflag::waitall) != 0 && (flags & riflag::peek) == 0;
    uint32_t count = 0;
    do {
        const auto more = transfer.run(call, vectors, receive);
        if (!more && (count == 0 || more.error() == Errno::canceled))
            return refuse(more.error());
        if (!more || *more == 0)
            break;
        count += *more;
    } while (wants_all && count < wanted);
    WSB_TRY(call.memory.store(flags_out, is_truncated ? roflag_truncated : uint16_t{0}));
    return call.memory.store(read_out, count);
}

Outcome<void> sock_send(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint32_t flags,
                        uint32_t written_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, socket_of(call, fd, right::fd_write));
    if (flags != 0)
        return refuse(Errno::inval);
    WSB_TRY(call.memory.bytes(written_out, sizeof(uint32_t)));
    IoVectors vectors;
    WSB_TRY(vectors.read(call, iovecs, iovec_count));
    Descriptor& socket = *handle->descriptor;
    const Transfer transfer(socket, handle->on_write, handle->preopen, POLLOUT);
    WSB_TRY_ASSIGN(const uint32_t count,
                   transfer.run(call, vectors,
                                [&](std::span<const iovec> piece, uint64_t) { return socket.send(piece); }));
    return call.memory.store(written_out, count);
}

Outcome<void> sock_shutdown(Call& call, uint32_t fd, uint32_t how) {
    WSB_TRY_ASSIGN(const Handle* const handle, socket_of(call, fd, right::sock_shutdown));
    if (how == 0 || (how & ~sdflag::all) != 0)
        return refuse(Errno::inval);
    return handle->descriptor->shutdown(how);
}

}  // namespace wsb::wasi::p1
