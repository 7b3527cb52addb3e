// SPDX-License-Identifier: Apache-2.0
// What WASI may do: the mechanism asks, the policy decides and provides. Nothing in wasi/ opens a path,
// reads a clock, draws random bytes or waits other than through this interface.
//
// How a guest is ended from here: every function that returns an Outcome may return `canceled`. The guest
// never sees that number: its call ends with Policy::ending(), by default the trap `interrupted`.
#pragma once

#include "engine/runtime/trap.h"
#include "wasi/abi.h"
#include "wasi/descriptor.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>

namespace wsb::wasi {

/// What may be done beneath a granted directory, or with another granted descriptor. Reading always may.
enum class Access : uint8_t {
    read_only,
    read_write,
    append,  ///< writing at the end of files that exist; nothing is created, removed, renamed or cut
    create,  ///< new files, written through the descriptor that made them, and new directories; what
             ///< exists stays as it is
};

/// Something handed to the guest: most often a directory.
struct Preopen {
    std::string guest_path;  ///< of a directory, as the guest names it
    std::shared_ptr<Descriptor> descriptor;
    Access access = Access::read_write;
    /// Largest size that writing may give a file beneath it.
    uint64_t max_file_bytes = std::numeric_limits<uint64_t>::max();
};

/// What is counted.
enum class Charge : uint8_t {
    host_calls,         ///< functions of WASI that were called
    open_descriptors,   ///< held at once, standard streams and preopens included
    bytes_read,         ///< from files and stdin
    bytes_written,      ///< to files
    output_bytes,       ///< to stdout and stderr
    bytes_received,     ///< from sockets
    bytes_sent,         ///< to sockets
    host_memory_bytes,  ///< held by the host for the guest, beside its linear memory: in-memory files
    random_bytes,
};

enum class PathOperation : uint8_t {
    open,
    open_to_change,  ///< to write, create or truncate
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

/// Implemented by the sandbox. One policy serves one guest, and its calls come from one thread at a time.
class Policy {
public:
    virtual ~Policy() = default;

    [[nodiscard]] virtual std::span<const std::string> args() const noexcept = 0;
    /// "NAME=VALUE" each.
    [[nodiscard]] virtual std::span<const std::string> environment() const noexcept = 0;
    /// They become descriptors 3, 4, …; programs look for directories first. The span stays valid.
    [[nodiscard]] virtual std::span<const Preopen> preopens() const noexcept = 0;
    /// stdin, stdout, stderr; null: the guest's one is closed.
    [[nodiscard]] virtual std::array<std::shared_ptr<Descriptor>, 3> standard_streams() const noexcept = 0;
    /// Descriptors that the guest may hold at once, standard streams and preopens included.
    [[nodiscard]] virtual uint32_t max_open_files() const noexcept = 0;

    /// Nanoseconds. @return `inval` for a clock that does not exist.
    [[nodiscard]] virtual Outcome<uint64_t> clock_resolution_ns(ClockId clock) noexcept = 0;
    [[nodiscard]] virtual Outcome<uint64_t> clock_time_ns(ClockId clock) noexcept = 0;
    /// Waits until a descriptor is ready or the time is over; without a time, for descriptors only.
    /// May return early. Fills `revents`. All waiting of the guest is in here: a deadline or a
    /// cancellation ends it with `canceled`.
    [[nodiscard]] virtual Outcome<void> wait(std::span<pollfd> descriptors,
                                             std::optional<uint64_t> timeout_ns) noexcept = 0;
    /// In pieces of at most 64 KiB.
    [[nodiscard]] virtual Outcome<void> random(std::span<uint8_t> target) noexcept = 0;

    /// Asked before every use of a path.
    [[nodiscard]] virtual Outcome<void> allow(const PathRequest& request) = 0;
    /// Asked before something is taken. Of bytes not more is asked for than available() says (but at
    /// least 1), so that a guest gets exactly what its limit allows. @param grant what it rests on, if
    /// any. @return the guest's errno; or `canceled`, to end it.
    [[nodiscard]] virtual Outcome<void> charge(Charge /*what*/, uint64_t /*amount*/,
                                               const Preopen* /*grant*/) {
        return {};
    }
    /// Gives back what was charged and not used, or is held no longer.
    virtual void refund(Charge /*what*/, uint64_t /*amount*/, const Preopen* /*grant*/) noexcept {}
    /// How much charge() would allow now.
    [[nodiscard]] virtual uint64_t available(Charge /*what*/, const Preopen* /*grant*/) noexcept {
        return std::numeric_limits<uint64_t>::max();
    }
    /// Asked between the pieces of long work.
    [[nodiscard]] virtual Outcome<void> checkpoint() noexcept { return {}; }
    /// Told of functions that were refused for want of rights: `notcapable`, `rofs`.
    virtual void denied(std::string_view /*function*/, Errno /*error*/) noexcept {}
    /// How the guest ends after `canceled`.
    [[nodiscard]] virtual Failure ending() { return Trap{TrapCode::interrupted, {}, {}}; }
};

}  // namespace wsb::wasi
