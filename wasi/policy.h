// SPDX-License-Identifier: Apache-2.0
// What WASI may do: the mechanism asks, the policy decides and provides. Nothing in wasi/ opens a path,
// reads a clock or draws random bytes other than through this interface.
#pragma once

#include "wasi/abi.h"
#include "wasi/host_fd.h"

#include <array>
#include <cstdint>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>

namespace wsb::wasi {

/// A directory handed to the guest.
struct Preopen {
    std::string guest_path;  ///< as the guest names it
    int host_fd = -1;        ///< an open directory; the policy keeps it open
    bool is_read_only = false;
};

enum class PathOperation : uint8_t {
    stat,
    set_times,
    read_link,
    create_directory,
    remove_directory,
    unlink_file,
    rename_from,
    rename_to,
    link_from,
    link_to,
    create_symlink,
};

/// Something about to be done with a path. Rights were checked before.
struct PathRequest {
    PathOperation operation{};
    const Preopen* preopen = nullptr;  ///< the grant it rests on
    std::string_view path;             ///< as the guest gave it, relative to a directory under the grant
};

/// A file or directory about to be opened. Rights were checked before.
struct OpenRequest {
    const Preopen* preopen = nullptr;  ///< the grant it rests on
    int directory_fd = -1;             ///< where `path` begins: the grant's directory, or one beneath it
    std::string_view path;             ///< as the guest gave it
    int host_flags = 0;                ///< of open(2)
    bool may_change = false;           ///< creates, truncates or opens for writing
};

/// Implemented by the sandbox. One policy serves one guest, and its calls come from one thread at a time.
class Policy {
public:
    virtual ~Policy() = default;

    [[nodiscard]] virtual std::span<const std::string> args() const noexcept = 0;
    /// "NAME=VALUE" each.
    [[nodiscard]] virtual std::span<const std::string> environment() const noexcept = 0;
    /// They become descriptors 3, 4, … The span stays valid and unchanged.
    [[nodiscard]] virtual std::span<const Preopen> preopens() const noexcept = 0;
    /// Host descriptors for stdin, stdout, stderr; -1: the guest's one is closed.
    [[nodiscard]] virtual std::array<int, 3> standard_streams() const noexcept = 0;
    /// Descriptors that the guest may hold at once, standard streams and preopens included.
    [[nodiscard]] virtual uint32_t max_open_files() const noexcept = 0;

    /// Nanoseconds. @return `inval` for a clock that does not exist.
    [[nodiscard]] virtual Outcome<uint64_t> clock_resolution_ns(ClockId clock) noexcept = 0;
    [[nodiscard]] virtual Outcome<uint64_t> clock_time_ns(ClockId clock) noexcept = 0;
    /// Waits until a descriptor is ready or the time is over; without a time, for descriptors only.
    /// May return early. Fills `revents`.
    [[nodiscard]] virtual Outcome<void> wait(std::span<pollfd> descriptors,
                                             std::optional<uint64_t> timeout_ns) noexcept = 0;
    [[nodiscard]] virtual Outcome<void> random(std::span<uint8_t> target) noexcept = 0;

    /// Opens beneath a directory, never outside of it.
    [[nodiscard]] virtual Outcome<HostFd> open(const OpenRequest& request) = 0;
    /// Asked before every other use of a path.
    [[nodiscard]] virtual Outcome<void> allow(const PathRequest& request) = 0;
};

}  // namespace wsb::wasi
