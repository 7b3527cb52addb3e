// SPDX-License-Identifier: Apache-2.0
// The guest's descriptors by number: what each stands for, and what may be done with it.
#pragma once

#include "wasi/abi.h"
#include "wasi/descriptor.h"
#include "wasi/policy.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace wsb::wasi {

/// One descriptor of the guest.
struct Handle {
    std::shared_ptr<Descriptor> descriptor;
    FileType type = FileType::unknown;
    Rights base = 0;                   ///< for itself
    Rights inheriting = 0;             ///< upper bound for what is opened beneath it
    const Preopen* preopen = nullptr;  ///< the grant it rests on; null for standard streams
    bool is_preopen = false;           ///< is the grant's directory itself
    bool only_appends = false;         ///< `append` cannot be taken off
    Charge on_read = Charge::bytes_read;
    Charge on_write = Charge::bytes_written;

    [[nodiscard]] bool is_directory() const noexcept { return type == FileType::directory; }
    [[nodiscard]] bool is_socket() const noexcept {
        return type == FileType::socket_stream || type == FileType::socket_dgram;
    }
    /// Whether all of `needed` is there. @return why not, as POSIX would put it: `isdir`, `notdir`,
    /// `notsock`, `spipe`, `badf` (reading or writing), `rofs` (a read-only grant), otherwise `notcapable`.
    [[nodiscard]] Outcome<void> check(Rights needed) const noexcept;
};

/// For what a grant hands out: its rights and those of what is beneath.
[[nodiscard]] Handle handle_of(const Preopen& preopen) noexcept;

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
    size_t m_first_free = 0;  ///< none is free below
    std::vector<std::optional<Handle>> m_handles;
};

}  // namespace wsb::wasi
