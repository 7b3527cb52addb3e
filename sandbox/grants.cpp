// SPDX-License-Identifier: Apache-2.0
// Grants from the texts of the command line.
#include "sandbox/grants.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

namespace wsb::sandbox {
namespace {
std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}
}  // namespace

Result<DirGrant> parse_dir_grant(std::string_view text) {
    DirGrant grant;
    std::string_view rest = text;
    if (rest.ends_with(":ro")) {
        grant.access = DirAccess::read_only;
        rest.remove_suffix(3);
    }
    const size_t separator = rest.find("::");
    grant.host = rest.substr(0, separator);
    grant.guest = separator == std::string_view::npos ? grant.host : rest.substr(separator + 2);
    if (grant.host.empty() || grant.guest.empty())
        return fail(ErrorCode::bad_usage,
                    "directory " + quoted(text) + " must be HOST, HOST::GUEST or either with :ro");
    if (text.find('\0') != std::string_view::npos)
        return fail(ErrorCode::bad_usage, "directory names must not contain NUL");
    return grant;
}

Result<EnvGrant> parse_env_grant(std::string_view text) {
    const size_t equals = text.find('=');
    EnvGrant grant;
    grant.name = text.substr(0, equals);
    if (grant.name.empty())
        return fail(ErrorCode::bad_usage,
                    "environment variable " + quoted(text) + " must be NAME=VALUE or NAME");
    if (equals != std::string_view::npos) {
        grant.value = text.substr(equals + 1);
        return grant;
    }
    const char* const inherited = std::getenv(grant.name.c_str());
    if (inherited == nullptr)
        return fail(ErrorCode::bad_usage, "environment variable " + quoted(text) +
                                              " is not set here; to set it for the guest give " +
                                              std::string(text) + "=VALUE");
    grant.value = inherited;
    return grant;
}

Result<uint64_t> parse_size_bytes(std::string_view text) {
    struct Unit {
        std::string_view name;
        uint64_t bytes;
    };
    constexpr std::array units{
        Unit{"", 1},
        Unit{"B", 1},
        Unit{"KiB", 1ULL << 10},
        Unit{"MiB", 1ULL << 20},
        Unit{"GiB", 1ULL << 30},
        Unit{"TiB", 1ULL << 40},
        Unit{"kB", 1'000},
        Unit{"MB", 1'000'000},
        Unit{"GB", 1'000'000'000},
    };
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
    for (const Unit& unit : units) {
        if (error != std::errc{} || suffix != unit.name)
            continue;
        if (number > std::numeric_limits<uint64_t>::max() / unit.bytes)
            break;
        return number * unit.bytes;
    }
    return fail(ErrorCode::bad_usage,
                "size " + quoted(text) + " must be a number of bytes, or one with a unit as in 64MiB");
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        double ns;
    };
    constexpr std::array units{Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"ms", 1e6},
                               Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"h", 3600e9}};
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
    constexpr double most_ns = 9e18;  // 285 years
    for (const Unit& unit : units) {
        if (error == std::errc{} && suffix == unit.name && number > 0 && number * unit.ns >= 1 &&
            number * unit.ns < most_ns)
            return std::chrono::nanoseconds(static_cast<int64_t>(number * unit.ns));
    }
    return fail(ErrorCode::bad_usage,
                "duration " + quoted(text) + " must be a number with a unit, as in 250ms or 5s");
}

}  // namespace wsb::sandbox
