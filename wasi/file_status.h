// SPDX-License-Identifier: Apache-2.0
// File status between the host's terms, ours and the guest's.
#pragma once

#include "wasi/abi.h"
#include "wasi/descriptor.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <span>
#include <sys/stat.h>

namespace wsb::wasi {

[[nodiscard]] FileType file_type_of_mode(mode_t mode) noexcept;
/// From d_type of a directory entry.
[[nodiscard]] FileType file_type_of_entry(unsigned char type) noexcept;
[[nodiscard]] FileStatus status_of_host(const struct stat& status) noexcept;
/// Of an open host descriptor.
[[nodiscard]] Outcome<FileStatus> status_of_host(int fd) noexcept;

/// Writes the filestat record.
void put_filestat(std::span<uint8_t> record, const FileStatus& status, const Layout& layout) noexcept;

/// @return `inval` for contradictory or unknown flags.
[[nodiscard]] Outcome<TimeChanges> times_from_flags(uint64_t access_ns, uint64_t modification_ns,
                                                    uint32_t flags) noexcept;
/// For utimensat(2).
[[nodiscard]] std::array<timespec, 2> host_times(const TimeChanges& times) noexcept;

/// fdflags of an open host descriptor.
[[nodiscard]] Outcome<uint32_t> fdflags_of_host(int fd) noexcept;
/// Changes O_APPEND and O_NONBLOCK of an open host descriptor to these fdflags.
[[nodiscard]] Outcome<void> set_host_fdflags(int fd, uint32_t flags) noexcept;

/// What a call of the host's that returns 0 or -1 says.
[[nodiscard]] Outcome<void> from_host(int result) noexcept;

}  // namespace wsb::wasi
