// SPDX-License-Identifier: Apache-2.0
// Landlock by its system calls. Numbers that the header of an old kernel lacks are given here.
#include "wasi/landlock.h"

#include "wasi/file_status.h"
#include "wasi/host_directory.h"

#include <cstddef>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace wsb::wasi {
namespace {

constexpr uint64_t access_refer = 1ULL << 13, access_truncate = 1ULL << 14, access_ioctl_device = 1ULL << 15;
constexpr uint64_t net_bind_tcp = 1ULL << 0, net_connect_tcp = 1ULL << 1;

/// As of version 4; older kernels take the front of it.
struct RulesetAttributes {
    uint64_t files = 0;
    uint64_t network = 0;
};

/// All that this version can refuse.
RulesetAttributes all_of(int version) noexcept {
    // Version 1 knows what lies below the first of those.
    RulesetAttributes all{access_refer - 1, 0};
    if (version >= 2)
        all.files |= access_refer;
    if (version >= 3)
        all.files |= access_truncate;
    if (version >= 5)
        all.files |= access_ioctl_device;
    if (version >= 4)
        all.network = net_bind_tcp | net_connect_tcp;
    return all;
}

uint64_t allowed(Access access) noexcept {
    constexpr uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    constexpr uint64_t creating = reading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | access_truncate;
    switch (access) {
        case Access::read_only: break;
        case Access::append: return reading | LANDLOCK_ACCESS_FS_WRITE_FILE;
        case Access::create: return creating;
        case Access::read_write:
            return creating | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                   LANDLOCK_ACCESS_FS_MAKE_SYM | access_refer;
    }
    return reading;
}

}  // namespace

int landlock_version() noexcept {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : static_cast<int>(version);
}

std::vector<LandlockRule> landlock_rules(std::span<const Preopen> preopens) {
    std::vector<LandlockRule> rules;
    for (const Preopen& preopen : preopens) {
        if (const auto* const directory = dynamic_cast<const HostDirectory*>(preopen.descriptor.get()))
            rules.push_back({directory->host_fd(), preopen.access});
    }
    return rules;
}

Outcome<void> confine_thread(std::span<const LandlockRule> rules) {
    const int version = landlock_version();
    if (version == 0)
        return refuse(Errno::nosys);
    const RulesetAttributes all = all_of(version);
    const size_t size_bytes = version >= 4 ? sizeof all : sizeof all.files;
    const HostFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, size_bytes, 0U)));
    if (!ruleset.is_valid())
        return refuse_with_host_errno();
    for (const LandlockRule& rule : rules) {
        landlock_path_beneath_attr beneath{};
        beneath.allowed_access = allowed(rule.access) & all.files;
        beneath.parent_fd = rule.directory_fd;
        WSB_TRY(from_host(static_cast<int>(
            ::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0U))));
    }
    // Without it only privileged threads may: programs with set-user-id bits could be fooled.
    WSB_TRY(from_host(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));
    return from_host(static_cast<int>(::syscall(SYS_landlock_restrict_self, ruleset.get(), 0U)));
}

}  // namespace wsb::wasi
