// SPDX-License-Identifier: Apache-2.0
// The guest's descriptors: what each stands for, and what may be done with it.
#pragma once

#include "wasi/abi.h"
#include "wasi/host_fd.h"
#include "wasi/policy.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace wsb::wasi {

/// One descriptor of the guest.
struct Handle {
    HostFd host;
    FileType type = FileType::unknown;
    Rights base = 0;                   ///< for itself
    Rights inheriting = 0;             ///< upper bound for what is opened beneath it
    const Preopen* preopen = nullptr;  ///< the grant it rests on; null for standard streams
    bool is_preopen = false;           ///< is the grant's directory itself
    /// Kept here and not set on the host's descriptor, which is shared with other processes.
    std::optional<uint32_t> own_flags;

    [[nodiscard]] bool is_directory() const noexcept { return type == FileType::directory; }
    /// Whether all of `needed` is there. @return why not, as POSIX would put it: `isdir`, `notdir`,
    /// `spipe`, `badf` (reading or writing), `rofs` (a read-only grant), otherwise `notcapable`.
    [[nodiscard]] Outcome<void> check(Rights needed) const noexcept;
};

/// Descriptors by number; the lowest free one is given. Pointers into it are invalidated by insert.
class HandleTable {
public:
    explicit HandleTable(uint32_t max_handles) noexcept : m_max_handles(max_handles) {}

    /// @return `mfile` if there are max_handles already.
    [[nodiscard]] Outcome<uint32_t> insert(Handle handle);
    /// At a number, which must be free. For standard streams.
    [[nodiscard]] Outcome<void> insert_at(uint32_t fd, Handle handle);
    /// Whether insert would succeed: asked before a file is created for nothing.
    [[nodiscard]] bool has_room() const noexcept { return m_count < m_max_handles; }
    /// @return `badf` if there is none, or what Handle::check says.
    [[nodiscard]] Outcome<Handle*> get(uint32_t fd, Rights needed = 0) noexcept;
    [[nodiscard]] Outcome<void> close(uint32_t fd) noexcept;
    /// Moves `from` to the number `to`; what was there is closed. Both must exist.
    [[nodiscard]] Outcome<void> renumber(uint32_t from, uint32_t to) noexcept;
    [[nodiscard]] uint32_t count() const noexcept { return m_count; }

private:
    uint32_t m_max_handles;
    uint32_t m_count = 0;
    std::vector<std::optional<Handle>> m_handles;
};

}  // namespace wsb::wasi
