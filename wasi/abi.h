// SPDX-License-Identifier: Apache-2.0
// The vocabulary of WASI preview 1: error numbers, rights, flags and sizes of structures in guest memory.
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
#pragma once

#include "engine/base/result.h"  // IWYU pragma: export

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

namespace wsb::wasi {

/// What preview 1 functions return to the guest.
enum class Errno : uint16_t {
#define WSB_WASI_ERRNO(id, number) id = number,
#define WSB_WASI_ERRNO_HOST(id, number, host) id = number,
#include "wasi/errno.def"
#undef WSB_WASI_ERRNO
#undef WSB_WASI_ERRNO_HOST
};

/// A value, or the error number that the guest shall see.
template <class T>
using Outcome = std::expected<T, Errno>;

[[nodiscard]] inline std::unexpected<Errno> refuse(Errno error) noexcept {
    return std::unexpected(error);
}
/// The guest's number for a value of the host's `errno`; `io` for those without a counterpart.
[[nodiscard]] Errno errno_from_host(int host_errno) noexcept;
/// The same for the current `errno`.
[[nodiscard]] std::unexpected<Errno> refuse_with_host_errno() noexcept;
/// "noent".
[[nodiscard]] std::string_view errno_name(Errno error) noexcept;

/// What may be done with a descriptor; bits of preview 1.
using Rights = uint64_t;
namespace right {
inline constexpr Rights fd_datasync = 1ULL << 0, fd_read = 1ULL << 1, fd_seek = 1ULL << 2,
                        fd_fdstat_set_flags = 1ULL << 3, fd_sync = 1ULL << 4, fd_tell = 1ULL << 5,
                        fd_write = 1ULL << 6, fd_advise = 1ULL << 7, fd_allocate = 1ULL << 8,
                        path_create_directory = 1ULL << 9, path_create_file = 1ULL << 10,
                        path_link_source = 1ULL << 11, path_link_target = 1ULL << 12, path_open = 1ULL << 13,
                        fd_readdir = 1ULL << 14, path_readlink = 1ULL << 15, path_rename_source = 1ULL << 16,
                        path_rename_target = 1ULL << 17, path_filestat_get = 1ULL << 18,
                        path_filestat_set_size = 1ULL << 19, path_filestat_set_times = 1ULL << 20,
                        fd_filestat_get = 1ULL << 21, fd_filestat_set_size = 1ULL << 22,
                        fd_filestat_set_times = 1ULL << 23, path_symlink = 1ULL << 24,
                        path_remove_directory = 1ULL << 25, path_unlink_file = 1ULL << 26,
                        poll_fd_readwrite = 1ULL << 27, sock_shutdown = 1ULL << 28, sock_accept = 1ULL << 29;

/// All that makes sense for a file.
inline constexpr Rights file = fd_datasync | fd_read | fd_seek | fd_fdstat_set_flags | fd_sync | fd_tell |
                               fd_write | fd_advise | fd_allocate | fd_filestat_get | fd_filestat_set_size |
                               fd_filestat_set_times | poll_fd_readwrite;
/// All that makes sense for a directory itself.
inline constexpr Rights directory =
    path_create_directory | path_create_file | path_link_source | path_link_target | path_open | fd_readdir |
    path_readlink | path_rename_source | path_rename_target | path_filestat_get | path_filestat_set_size |
    path_filestat_set_times | fd_filestat_get | fd_filestat_set_times | path_symlink | path_remove_directory |
    path_unlink_file | fd_fdstat_set_flags | fd_sync | fd_datasync;
/// Rights that only directories have.
inline constexpr Rights only_directory = directory & ~file;
/// Rights that only files have.
inline constexpr Rights only_file = file & ~directory;
/// Whatever changes something: a read-only grant has none of these, nor has anything opened beneath it.
inline constexpr Rights change = fd_write | fd_allocate | fd_filestat_set_size | fd_filestat_set_times |
                                 path_create_directory | path_create_file | path_link_source |
                                 path_link_target | path_rename_source | path_rename_target |
                                 path_filestat_set_size | path_filestat_set_times | path_symlink |
                                 path_remove_directory | path_unlink_file;
}  // namespace right

enum class FileType : uint8_t {
    unknown,
    block_device,
    character_device,
    directory,
    regular_file,
    socket_dgram,
    socket_stream,
    symbolic_link,
};

enum class ClockId : uint32_t { realtime, monotonic, process_cpu, thread_cpu };

namespace fdflag {
inline constexpr uint32_t append = 1, dsync = 2, nonblock = 4, rsync = 8, sync = 16, all = 31;
}
namespace oflag {
inline constexpr uint32_t creat = 1, directory = 2, excl = 4, trunc = 8, all = 15;
}
namespace fstflag {
inline constexpr uint32_t atim = 1, atim_now = 2, mtim = 4, mtim_now = 8, all = 15;
}
namespace lookupflag {
inline constexpr uint32_t symlink_follow = 1, all = 1;
}
enum class Whence : uint8_t { set, cur, end };
enum class EventType : uint8_t { clock, fd_read, fd_write };
inline constexpr uint16_t event_hangup = 1;
namespace riflag {
inline constexpr uint32_t peek = 1, waitall = 2, all = 3;
}
inline constexpr uint16_t roflag_truncated = 1;
namespace sdflag {
inline constexpr uint32_t rd = 1, wr = 2, all = 3;
}
inline constexpr uint16_t clock_is_absolute = 1;

// Sizes in guest memory, in bytes.
inline constexpr uint32_t iovec_size_bytes = 8, fdstat_size_bytes = 24, dirent_size_bytes = 24,
                          event_size_bytes = 32, prestat_size_bytes = 8;

/// Where preview 1 and the draft before it (module "wasi_unstable") differ; they share their functions.
struct Layout {
    uint32_t filestat_size_bytes;
    uint32_t link_count_size_bytes;  ///< of the field after the file's type, aligned to its own size
    uint32_t subscription_size_bytes;
    uint32_t clock_offset_bytes;   ///< in a subscription: where the clock's number is
    std::array<Whence, 3> whence;  ///< by the guest's numbers
};
inline constexpr Layout preview1_layout{64, 8, 48, 16, {Whence::set, Whence::cur, Whence::end}};
/// Spec: https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview0/witx/typenames.witx
inline constexpr Layout unstable_layout{56, 4, 56, 24, {Whence::cur, Whence::end, Whence::set}};

/// Longest path accepted from the guest, without a terminator.
inline constexpr uint32_t max_path_bytes = 4095;

}  // namespace wsb::wasi
