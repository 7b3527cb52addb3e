// SPDX-License-Identifier: Apache-2.0
// Listing directories. Cookies are the host's own directory offsets, so that no state is kept between calls.
#include "wasi/file_status.h"
#include "wasi/preview1.h"

#include <algorithm>
#include <array>
#include <dirent.h>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace wsb::wasi::p1 {
namespace {

/// One entry of the host's.
struct Entry {
    uint64_t inode = 0;
    uint64_t next = 0;
    FileType type = FileType::unknown;
    std::string_view name;
};

/// Fills the guest's buffer; the last entry may be cut off, which is how the guest learns of more.
class Target {
public:
    explicit Target(std::span<uint8_t> bytes) noexcept : m_bytes(bytes) {}

    void put(const Entry& entry) noexcept {
        std::array<uint8_t, dirent_size_bytes> record{};
        GuestMemory::put(record, 0, entry.next);
        GuestMemory::put(record, 8, entry.inode);
        GuestMemory::put(record, 16, static_cast<uint32_t>(entry.name.size()));
        GuestMemory::put(record, 20, entry.type);
        append(record.data(), record.size());
        append(entry.name.data(), entry.name.size());
    }
    [[nodiscard]] bool is_full() const noexcept { return m_used == m_bytes.size(); }
    [[nodiscard]] uint32_t used() const noexcept { return static_cast<uint32_t>(m_used); }

private:
    void append(const void* source, size_t size_bytes) noexcept {
        const size_t taken = std::min(size_bytes, m_bytes.size() - m_used);
        if (taken > 0)
            std::memcpy(m_bytes.data() + m_used, source, taken);
        m_used += taken;
    }
    std::span<uint8_t> m_bytes;
    size_t m_used = 0;
};

FileType type_of(int directory_fd, const dirent64& entry) noexcept {
    if (entry.d_type != DT_UNKNOWN)
        return file_type_of_entry(entry.d_type);
    struct stat status{};
    if (::fstatat(directory_fd, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return FileType::unknown;
    return file_type_of_mode(status.st_mode);
}

}  // namespace

Outcome<void> fd_readdir(Call& call, uint32_t fd, uint32_t buffer, uint32_t buffer_length, uint64_t cookie,
                         uint32_t used_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_readdir));
    WSB_TRY_ASSIGN(const std::span<uint8_t> bytes, call.memory.bytes(buffer, buffer_length));
    WSB_TRY(call.memory.bytes(used_out, sizeof(uint32_t)));
    if (cookie > static_cast<uint64_t>(std::numeric_limits<off_t>::max()))
        return refuse(Errno::inval);
    const int host = handle->host.get();
    if (::lseek(host, static_cast<off_t>(cookie), SEEK_SET) < 0)
        return refuse_with_host_errno();

    Target target(bytes);
    // Not more than the guest can take: the rest would be read again next time.
    alignas(dirent64) std::array<uint8_t, 16384> chunk;
    const size_t chunk_bytes = std::clamp<size_t>(bytes.size(), 2048, chunk.size());
    while (!target.is_full()) {
        const long count = ::syscall(SYS_getdents64, host, chunk.data(), chunk_bytes);
        if (count < 0)
            return refuse_with_host_errno();
        if (count == 0)
            break;
        for (long at = 0; at < count && !target.is_full();) {
            // SAFETY: the kernel fills the buffer with whole, aligned records of this layout.
            const auto& entry = *reinterpret_cast<const dirent64*>(chunk.data() + at);
            const std::string_view name(entry.d_name);
            // What lies above a directory is not the guest's business.
            const uint64_t inode = name == ".." ? 0 : entry.d_ino;
            target.put({inode, static_cast<uint64_t>(entry.d_off), type_of(host, entry), name});
            at += entry.d_reclen;
        }
    }
    return call.memory.store(used_out, target.used());
}

}  // namespace wsb::wasi::p1
