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
    constexpr Rights position = right::fd_seek | right::fd_tell;
    if (type != FileType::regular_file && (missing & position) != 0)
        return refuse(Errno::spipe);
    if ((missing & (right::fd_read | right::fd_write)) != 0)
        return refuse(Errno::badf);
    if (preopen != nullptr && preopen->is_read_only && (missing & right::change) != 0)
        return refuse(Errno::rofs);
    return refuse(Errno::notcapable);
}

Outcome<uint32_t> HandleTable::insert(Handle handle) {
    if (!has_room())
        return refuse(Errno::mfile);
    const auto free = std::ranges::find_if(m_handles, [](const auto& slot) { return !slot; });
    const auto fd = static_cast<uint32_t>(free - m_handles.begin());
    if (free == m_handles.end())
        m_handles.emplace_back(std::move(handle));
    else
        *free = std::move(handle);
    ++m_count;
    return fd;
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
    --m_count;
    return {};
}

}  // namespace wsb::wasi
