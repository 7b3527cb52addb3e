// SPDX-License-Identifier: Apache-2.0
// Listing directories into the guest's buffer.
#include "wasi/preview1.h"

#include <algorithm>
#include <array>

namespace wsb::wasi::p1 {
namespace {

/// Fills the guest's buffer; the last entry may be cut off, which is how the guest learns of more.
class Target final : public EntrySink {
public:
    Target(Policy& policy, std::span<uint8_t> bytes) noexcept : m_policy(policy), m_bytes(bytes) {}

    Outcome<bool> put(const DirectoryEntry& entry) override {
        if (++m_count % entries_between_checks == 0)
            WSB_TRY(m_policy.checkpoint());
        std::array<uint8_t, dirent_size_bytes> record{};
        GuestMemory::put(record, 0, entry.next);
        GuestMemory::put(record, 8, entry.inode);
        GuestMemory::put(record, 16, static_cast<uint32_t>(entry.name.size()));
        GuestMemory::put(record, 20, entry.type);
        append(record.data(), record.size());
        append(entry.name.data(), entry.name.size());
        return m_used < m_bytes.size();
    }
    [[nodiscard]] uint32_t used() const noexcept { return static_cast<uint32_t>(m_used); }

private:
    static constexpr uint32_t entries_between_checks = 1024;

    void append(const void* source, size_t size_bytes) noexcept {
        const size_t taken = std::min(size_bytes, m_bytes.size() - m_used);
        if (taken > 0)
            std::memcpy(m_bytes.data() + m_used, source, taken);
        m_used += taken;
    }
    Policy& m_policy;
    std::span<uint8_t> m_bytes;
    size_t m_used = 0;
    uint32_t m_count = 0;
};

}  // namespace

Outcome<void> fd_readdir(Call& call, uint32_t fd, uint32_t buffer, uint32_t buffer_length, uint64_t cookie,
                         uint32_t used_out) {
    WSB_TRY_ASSIGN(const Handle* const handle, call.handles().get(fd, right::fd_readdir));
    WSB_TRY_ASSIGN(const std::span<uint8_t> bytes, call.memory.bytes(buffer, buffer_length));
    WSB_TRY(call.memory.bytes(used_out, sizeof(uint32_t)));
    Target target(call.policy(), bytes);
    if (!bytes.empty())
        WSB_TRY(handle->descriptor->list(cookie, target));
    return call.memory.store(used_out, target.used());
}

}  // namespace wsb::wasi::p1
