// SPDX-License-Identifier: Apache-2.0
// Host file status in the guest's terms; shared by the functions on descriptors and on paths.
#pragma once

#include "wasi/abi.h"
#include "wasi/handle_table.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <span>
#include <sys/stat.h>

namespace wsb::wasi {

[[nodiscard]] FileType file_type_of_mode(mode_t mode) noexcept;
/// From d_type of a directory entry.
[[nodiscard]] FileType file_type_of_entry(unsigned char type) noexcept;

/// Writes the filestat record (64 bytes).
void put_filestat(std::span<uint8_t> record, const struct stat& status) noexcept;

/// The two times for utimensat(2). @return `inval` for contradictory or unknown flags, or a time that
/// does not fit.
[[nodiscard]] Outcome<std::array<timespec, 2>> times_from_flags(uint64_t access_ns, uint64_t modification_ns,
                                                                uint32_t flags) noexcept;

/// fdflags of an open host descriptor.
[[nodiscard]] Outcome<uint32_t> fdflags_of_host(int fd) noexcept;

/// All rights that make sense for a type of file.
[[nodiscard]] Rights rights_for(FileType type) noexcept;

}  // namespace wsb::wasi
