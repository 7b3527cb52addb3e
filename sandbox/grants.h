// SPDX-License-Identifier: Apache-2.0
// The texts that name grants and limits on the command line and in manifests.
#pragma once

#include "engine/base/error.h"
#include "wsb/grants.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace wsb::sandbox {

/// "HOST[::GUEST][:ro]"; without GUEST the guest sees the directory under its name on the host.
/// @return bad_usage.
[[nodiscard]] Result<DirGrant> parse_dir_grant(std::string_view text);

/// "NAME=VALUE", or "NAME" for the value it has in this process. @return bad_usage, also if that variable
/// is not set.
[[nodiscard]] Result<EnvGrant> parse_env_grant(std::string_view text);

/// "65536", "64KiB", "64MiB", "2GiB", also with decimal units: kB, MB, GB. @return bad_usage.
[[nodiscard]] Result<uint64_t> parse_size_bytes(std::string_view text);

/// "250ms", "5s", "1.5s", "2m", "1h", also ns and us. @return bad_usage; nothing is 0 or negative.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace wsb::sandbox
