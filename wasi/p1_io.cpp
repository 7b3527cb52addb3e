// SPDX-License-Identifier: Apache-2.0
// Reading and writing through descriptors. The host reads and writes in the guest's memory itself, so that
// nothing of the guest's size is ever allocated.
#include "wasi/preview1.h"

#include <array>
#include <cerrno>
#include <limits>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

namespace wsb::wasi::p1 {
namespace {

/// The guest's vectors as the host's. More than fit are left for the guest's next call, as a short count.
class HostVectors {
public:
    /// @return `fault` if the list, or one of those used, is not wholly inside the memory.
    Outcome<void> read(const GuestMemory& memory, uint32_t iovecs, uint32_t count) noexcept {
        WSB_TRY_ASSIGN(const std::span<uint8_t> list, memory.array(iovecs, count, iovec_size_bytes));
        for (size_t at = 0; at < list.size() && m_count < m_vectors.size(); at += iovec_size_bytes) {
            const auto address = GuestMemory::get<uint32_t>(list, at);
            const auto length = GuestMemory::get<uint32_t>(list, at + 4);
            // Empty ones would only take places: and a short count of 0 would look like the end.
            if (length == 0)
                continue;
            WSB_TRY_ASSIGN(const std::span<uint8_t> target, memory.bytes(address, length));
            m_vectors[m_count++] = iovec{target.data(), fit(target.size())};
        }
        return {};
    }

    [[nodiscard]] const iovec* data() const noexcept { return m_vectors.data(); }
    [[nodiscard]] int count() const noexcept { return m_count; }

private:
    /// The sum must not exceed what the host takes at once.
    size_t fit(size_t length) noexcept {
        constexpr size_t most = size_t{1} << 30;
        const size_t taken = std::min(length, most - m_total_bytes);
        m_total_bytes += taken;
        return taken;
    }

    std::array<iovec, 64> m_vectors;
    uint8_t m_count = 0;
    size_t m_total_bytes = 0;
};

/// A standard stream is not put into non-blocking mode, since others share it: looks first instead.
Outcome<void> check_would_block(Call& call, const Handle& handle, short events) noexcept {
    if (!handle.own_flags || (*handle.own_flags & fdflag::nonblock) == 0)
        return {};
    std::array descriptors{pollfd{handle.host.get(), events, 0}};
    WSB_TRY(call.policy().wait(descriptors, 0));
    if (descriptors[0].revents == 0)
        return refuse(Errno::again);
    return {};
}

template <class Operation>
Outcome<uint32_t> repeat_interrupted(Operation operation) noexcept {
    ssize_t count = -1;
    do {
        count = operation();
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return refuse_with_host_errno();
    return static_cast<uint32_t>(count);
}

Outcome<off_t> host_offset(uint64_t offset) noexcept {
    if (offset > static_cast<uint64_t>(std::numeric_limits<off_t>::max()))
        return refuse(Errno::inval);
    return static_cast<off_t>(offset);
}

}  // namespace

Outcome<void> fd_read(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint32_t read_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_read));
    WSB_TRY(call.memory.bytes(read_out, sizeof(uint32_t)));
    HostVectors vectors;
    WSB_TRY(vectors.read(call.memory, iovecs, iovec_count));
    WSB_TRY(check_would_block(call, *handle, POLLIN));
    WSB_TRY_ASSIGN(const uint32_t count, repeat_interrupted([&] {
                       return ::readv(handle->host.get(), vectors.data(), vectors.count());
                   }));
    return call.memory.store(read_out, count);
}

Outcome<void> fd_write(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint32_t written_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_write));
    WSB_TRY(call.memory.bytes(written_out, sizeof(uint32_t)));
    HostVectors vectors;
    WSB_TRY(vectors.read(call.memory, iovecs, iovec_count));
    WSB_TRY(check_would_block(call, *handle, POLLOUT));
    WSB_TRY_ASSIGN(const uint32_t count, repeat_interrupted([&] {
                       return ::writev(handle->host.get(), vectors.data(), vectors.count());
                   }));
    return call.memory.store(written_out, count);
}

Outcome<void> fd_pread(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint64_t offset,
                       uint32_t read_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_read | right::fd_seek));
    WSB_TRY_ASSIGN(const off_t position, host_offset(offset));
    WSB_TRY(call.memory.bytes(read_out, sizeof(uint32_t)));
    HostVectors vectors;
    WSB_TRY(vectors.read(call.memory, iovecs, iovec_count));
    WSB_TRY_ASSIGN(const uint32_t count, repeat_interrupted([&] {
                       return ::preadv(handle->host.get(), vectors.data(), vectors.count(), position);
                   }));
    return call.memory.store(read_out, count);
}

Outcome<void> fd_pwrite(Call& call, uint32_t fd, uint32_t iovecs, uint32_t iovec_count, uint64_t offset,
                        uint32_t written_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_write | right::fd_seek));
    WSB_TRY_ASSIGN(const off_t position, host_offset(offset));
    WSB_TRY(call.memory.bytes(written_out, sizeof(uint32_t)));
    HostVectors vectors;
    WSB_TRY(vectors.read(call.memory, iovecs, iovec_count));
    WSB_TRY_ASSIGN(const uint32_t count, repeat_interrupted([&] {
                       return ::pwritev(handle->host.get(), vectors.data(), vectors.count(), position);
                   }));
    return call.memory.store(written_out, count);
}

Outcome<void> fd_seek(Call& call, uint32_t fd, int64_t offset, uint32_t whence, uint32_t position_out) {
    // Asking for the position takes less than moving it.
    const bool only_tells = offset == 0 && whence == static_cast<uint32_t>(Whence::cur);
    WSB_TRY_ASSIGN(Handle * handle, call.handles().get(fd));
    if (!only_tells || !handle->check(right::fd_tell))
        WSB_TRY(handle->check(right::fd_seek));
    constexpr std::array host_whence{SEEK_SET, SEEK_CUR, SEEK_END};
    if (whence >= host_whence.size())
        return refuse(Errno::inval);
    WSB_TRY(call.memory.bytes(position_out, sizeof(uint64_t)));
    const off_t position = ::lseek(handle->host.get(), offset, host_whence[whence]);
    if (position < 0)
        return refuse_with_host_errno();
    return call.memory.store(position_out, static_cast<uint64_t>(position));
}

Outcome<void> fd_tell(Call& call, uint32_t fd, uint32_t position_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_tell));
    const off_t position = ::lseek(handle->host.get(), 0, SEEK_CUR);
    if (position < 0)
        return refuse_with_host_errno();
    return call.memory.store(position_out, static_cast<uint64_t>(position));
}

}  // namespace wsb::wasi::p1
