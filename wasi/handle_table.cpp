// SPDX-License-Identifier: Apache-2.0
// The guest's descriptors.
#include "wasi/handle_table.h"

#include <algorithm>
#include <utility>

namespace wsb::wasi {

Outcome<void> Handle::check(Rights needed) const noexcept {
    const Rights missing = needed & ~base;
    if (missing == 0) [[likely]]
        return {};
    if (is_directory() && (missing & right::only_file) != 0)
        return refuse(Errno::isdir);
    if (!is_directory() && (missing & right::only_directory) != 0)
        return refuse(Errno::notdir);
    constexpr Rights sockets = right::sock_accept | right::sock_shutdown;
    if (!is_socket() && (missing & sockets) != 0)
        return refuse(Errno::notsock);
    constexpr Rights position = right::fd_seek | right::fd_tell;
    if (type != FileType::regular_file && (missing & position) != 0)
        return refuse(Errno::spipe);
    if ((missing & (right::fd_read | right::fd_write)) != 0)
        return refuse(Errno::badf);
    if (preopen != nullptr && preopen->access != Access::read_write && (missing & right::change) != 0)
        return refuse(Errno::rofs);
    return refuse(Errno::notcapable);
}

Handle handle_of(const Preopen& preopen) noexcept {
    Handle handle;
    handle.descriptor = preopen.descriptor;
    handle.type = preopen.descriptor->type();
    handle.preopen = &preopen;
    handle.is_preopen = handle.is_directory();
    const Rights own = preopen.descriptor->possible_rights();
    const Rights beneath = handle.is_directory() ? right::directory | right::file : 0;
    Rights denied = 0;  // of the descriptor itself and of all beneath
    switch (preopen.access) {
        case Access::read_write: break;
        case Access::read_only: denied = right::change; break;
        case Access::append: denied = right::change & ~right::fd_write; break;
        case Access::create:
            denied =
                right::change & ~(right::fd_write | right::path_create_file | right::path_create_directory);
            break;
    }
    handle.only_appends = preopen.access == Access::append && !handle.is_directory();
    handle.base = own & ~denied;
    handle.inheriting = beneath & ~denied;
    // Only what is open for writing gets these (path_open), and that is new.
    if (preopen.access == Access::create && handle.is_directory())
        handle.inheriting |= right::fd_allocate | right::fd_filestat_set_size;
    if (handle.is_socket()) {
        handle.on_read = Charge::bytes_received;
        handle.on_write = Charge::bytes_sent;
    }
    return handle;
}

Outcome<uint32_t> HandleTable::insert(Handle handle) {
    if (!has_room())
        return refuse(Errno::mfile);
    while (m_first_free < m_handles.size() && m_handles[m_first_free])
        ++m_first_free;
    if (m_first_free == m_handles.size())
        m_handles.emplace_back();
    m_handles[m_first_free] = std::move(handle);
    ++m_count;
    return static_cast<uint32_t>(m_first_free++);
}

Outcome<void> HandleTable::insert_at(uint32_t fd, Handle handle) {
    if (fd >= m_max_handles)
        return refuse(Errno::mfile);
    if (fd >= m_handles.size())
        m_handles.resize(fd + size_t{1});
    if (m_handles[fd])
        return refuse(Errno::exist);
    m_handles[fd] = std::move(handle);
    ++m_count;
    return {};
}

Outcome<Handle*> HandleTable::get(uint32_t fd, Rights needed) noexcept {
    if (fd >= m_handles.size() || !m_handles[fd])
        return refuse(Errno::badf);
    Handle& handle = *m_handles[fd];
    if (const auto allowed = handle.check(needed); !allowed)
        return refuse(allowed.error());
    return &handle;
}

Outcome<void> HandleTable::close(uint32_t fd) noexcept {
    if (fd >= m_handles.size() || !m_handles[fd])
        return refuse(Errno::badf);
    m_handles[fd].reset();
    m_first_free = std::min<size_t>(m_first_free, fd);
    --m_count;
    return {};
}

Outcome<void> HandleTable::renumber(uint32_t from, uint32_t to) noexcept {
    if (!get(from) || !get(to))
        return refuse(Errno::badf);
    if (from == to)
        return {};
    m_handles[to] = std::move(m_handles[from]);
    m_handles[from].reset();
    m_first_free = std::min<size_t>(m_first_free, from);
    --m_count;
    return {};
}

}  // namespace wsb::wasi
