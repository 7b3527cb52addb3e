// SPDX-License-Identifier: Apache-2.0
// What a guest is given, as plain data, and the texts that name it on the command line.
#pragma once

#include "engine/base/error.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::sandbox {

/// A directory of the host under a name of the guest's.
struct DirGrant {
    std::string host;
    std::string guest;
    bool is_read_only = false;
};

struct EnvGrant {
    std::string name;
    std::string value;
};

/// Everything that the guest can reach. The default is nothing but the standard streams.
struct Grants {
    std::vector<std::string> args;  ///< the first is the program's name
    std::vector<EnvGrant> env;
    std::vector<DirGrant> dirs;
    /// "ADDRESS:PORT" each; numeric addresses or "localhost". The guest's descriptors of them come after
    /// those of directories, first the listening ones.
    std::vector<std::string> listen;
    std::vector<std::string> connect;
    std::array<int, 3> streams{0, 1, 2};  ///< host descriptors; -1 closes the guest's one
    uint32_t max_open_files = 1024;       ///< streams and directories included
};

/// "HOST[::GUEST][:ro]"; without GUEST the guest sees the directory under its name on the host.
/// @return bad_usage.
[[nodiscard]] Result<DirGrant> parse_dir_grant(std::string_view text);

/// "NAME=VALUE", or "NAME" for the value it has in this process. @return bad_usage, also if that variable
/// is not set.
[[nodiscard]] Result<EnvGrant> parse_env_grant(std::string_view text);

/// "65536", "64KiB", "64MiB", "2GiB", also with decimal units: kB, MB, GB. @return bad_usage.
[[nodiscard]] Result<uint64_t> parse_size_bytes(std::string_view text);

}  // namespace wsb::sandbox
