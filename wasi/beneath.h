// SPDX-License-Identifier: Apache-2.0
// Opening paths that cannot leave a directory: neither by "..", nor by absolute paths, nor by symbolic
// links of any kind, also while someone else renames things. Knows nothing of rights.
#pragma once

#include "wasi/abi.h"
#include "wasi/host_fd.h"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace wsb::wasi::beneath {

/// Opens `path` beneath `directory_fd` with flags of open(2); O_CLOEXEC and O_NOCTTY are added.
/// With O_NOFOLLOW a symbolic link as the last component is not followed (unless a slash follows it).
/// @return `notcapable` for what would leave the directory, `loop` for magic links, `inval` for NUL
/// bytes, otherwise what open(2) says.
[[nodiscard]] Outcome<HostFd> open(int directory_fd, std::string_view path, int flags, mode_t mode = 0666);

/// The same without openat2(2), for kernels that lack it: one component at a time, links by hand.
[[nodiscard]] Outcome<HostFd> open_by_walking(int directory_fd, std::string_view path, int flags,
                                              mode_t mode = 0666);

/// Where the last component of a path lives. `name` has no slash, is not empty, and is safe to give to
/// an *at() function that does not follow links.
struct Place {
    HostFd directory;  ///< O_PATH
    std::string name;  ///< may be "." or "..", see is_dots
    bool has_trailing_slash = false;

    [[nodiscard]] bool is_dots() const noexcept { return name == "." || name == ".."; }
};

/// Resolves all but the last component. @return as open.
[[nodiscard]] Outcome<Place> locate(int directory_fd, std::string_view path);

/// Whether a link of text `target`, placed at `link_path`, stays beneath, judged by the texts alone.
[[nodiscard]] bool link_stays_beneath(std::string_view link_path, std::string_view target) noexcept;

}  // namespace wsb::wasi::beneath
