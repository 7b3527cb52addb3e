// SPDX-License-Identifier: Apache-2.0
// What a sandbox may be given. Whatever is not given does not exist for the guest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsb {
inline namespace v1 {

/// What may be done beneath a granted directory. Reading always may.
enum class DirAccess : uint8_t {
    read_only,
    read_write,
    append,  ///< writing at the end of files that exist; nothing is created, removed, renamed or cut
    create,  ///< new files, written through the descriptor that made them, and new directories; what exists
             ///< stays as it is
};

/// What a granted directory is. Those in memory are made anew by each reset, and what they hold is charged to
/// the limit of memory.
enum class DirSource : uint8_t {
    host,     ///< a directory of the host
    memory,   ///< in memory, empty at first
    copy,     ///< in memory, at first what the host's directory has
    overlay,  ///< shows the host's directory, which stays as it is: changes are kept in memory
    archive,  ///< in memory, at first what a tar archive of the host has
};

/// A directory under a name of the guest's.
struct DirGrant {
    std::string host;  ///< directory or archive; without meaning for DirSource::memory
    std::string guest;
    DirAccess access = DirAccess::read_write;
    std::optional<uint64_t> max_file_bytes = {};  ///< that writing may give a file
    std::optional<uint64_t> max_bytes = {};       ///< written beneath it altogether
    DirSource source = DirSource::host;
    uint64_t max_memory_bytes = uint64_t{64} << 20;  ///< of contents and names, for those in memory
    /// Whether devices, FIFOs, sockets and what is in /proc can be opened too, of the host's directory.
    bool has_special_files = false;
};

struct EnvGrant {
    std::string name;
    std::string value;
};

enum class ClockMode : uint8_t {
    none,
    real,
    virtual_,  ///< advances by a microsecond with each look, and by each sleep, which takes no time
    frozen,    ///< the same without the looks: it stands still while nobody sleeps
};

enum class RandomMode : uint8_t {
    none,
    system,
    seeded,  ///< the same bytes for the same seed; not for secrets
};

/// Everything that the guest can reach, beside host functions. The default is nothing.
struct Grants {
    std::vector<std::string> args = {};  ///< the first is the program's name
    std::vector<EnvGrant> env = {};
    std::vector<DirGrant> dirs = {};
    std::vector<std::string> listen = {};   ///< "ADDRESS:PORT", one listening socket each
    std::vector<std::string> connect = {};  ///< "ADDRESS:PORT", one connected socket each
    /// Host descriptors for standard input, output and error, not owned; -1: closed.
    std::array<int, 3> streams{-1, -1, -1};
    /// What the guest reads from standard input instead.
    std::optional<std::string> input = {};
    /// Standard output and error are kept in memory instead, for Sandbox::take_output.
    bool captures_output = false;
    /// Or given to this function, with 1 for standard output and 2 for standard error. Called while the
    /// guest runs, by the thread that runs it.
    std::function<void(int stream, std::string_view text)> on_output = {};
    /// Fills standard input, instead of `input` and `streams`: returns how many bytes it gave, 0 at the end.
    /// Called as on_output is; while it waits, no deadline ends the guest.
    std::function<size_t(std::span<char> target)> on_input = {};
    ClockMode clock = ClockMode::none;
    /// Where the real time of virtual and frozen clocks begins, since 1970: 2000-01-01.
    uint64_t clock_start_ns = 946'684'800'000'000'000;
    RandomMode random = RandomMode::none;
    uint64_t random_seed = 0;
};

}  // namespace v1
}  // namespace wsb
