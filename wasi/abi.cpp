// SPDX-License-Identifier: Apache-2.0
// Error numbers: the host's to the guest's, and their names.
#include "wasi/abi.h"

#include <cerrno>

namespace wsb::wasi {

Errno errno_from_host(int host_errno) noexcept {
    switch (host_errno) {
        case 0: return Errno::success;
#define WSB_WASI_ERRNO(id, number)
#define WSB_WASI_ERRNO_HOST(id, number, host) \
    case host: return Errno::id;
#include "wasi/errno.def"
#undef WSB_WASI_ERRNO
#undef WSB_WASI_ERRNO_HOST
        default: return Errno::io;
    }
}

std::unexpected<Errno> refuse_with_host_errno() noexcept {
    return std::unexpected(errno_from_host(errno));
}

std::string_view errno_name(Errno error) noexcept {
    switch (error) {
#define WSB_WASI_ERRNO(id, number) \
    case Errno::id: return #id;
#define WSB_WASI_ERRNO_HOST(id, number, host) WSB_WASI_ERRNO(id, number)
#include "wasi/errno.def"
#undef WSB_WASI_ERRNO
#undef WSB_WASI_ERRNO_HOST
    }
    return "unknown";
}

}  // namespace wsb::wasi
