// SPDX-License-Identifier: Apache-2.0
// SandboxLimits of a sandbox, and the ledger in which all of them are kept.
#pragma once

#include "wsb/config.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace wsb {
inline namespace v1 {

/// What a ledger counts.
enum class Resource : uint8_t {
#define WSB_RESOURCE(id, unit, text, is_held) id,
#include "wsb/resources.def"
#undef WSB_RESOURCE
};
#define WSB_RESOURCE(id, unit, text, is_held) +1
inline constexpr size_t resource_count = 0
#include "wsb/resources.def"
    ;
#undef WSB_RESOURCE

/// "memory", "open_files", …: as in manifests and audit records.
[[nodiscard]] std::string_view resource_name(Resource resource) noexcept;

/// A limit that ended a call or refused something.
struct LimitReached {
    Resource resource{};
    uint64_t limit = 0;      ///< what is allowed, in the resource's unit
    uint64_t asked = 0;      ///< what it would have come to; of a module neither is said here
    bool is_shared = false;  ///< of the ledger above the sandbox's own

    /// "limit reached: memory: 67108864 bytes allowed, 71303168 asked for".
    [[nodiscard]] std::string message() const;
};

/// All of them are unlimited where nothing else is said. Value type.
struct SandboxLimits {
    // Of each call, and of building and resetting with what runs in it.
    std::optional<uint64_t> fuel = {};
    /// Linear memories, tables, objects, and what the host holds on the guest's behalf, at once.
    std::optional<uint64_t> memory_bytes = {};
    std::optional<std::chrono::nanoseconds> timeout = {};   ///< wall time, host functions and sleep included
    std::optional<std::chrono::nanoseconds> cpu_time = {};  ///< of the thread that calls
    // Of all calls together, beyond resets.
    std::optional<uint64_t> total_fuel = {};
    std::optional<std::chrono::nanoseconds> total_time = {};
    std::optional<std::chrono::nanoseconds> total_cpu_time = {};
    // Held at once.
    uint64_t stack_bytes = uint64_t{1} << 20;  ///< for calls of the guest; 64 KiB … 1 GiB
    std::optional<uint64_t> table_elements = {};
    std::optional<uint64_t> instances = {};
    uint64_t open_files = 1024;  ///< standard streams and granted directories included
    // Altogether.
    std::optional<uint64_t> read_bytes = {};      ///< from files and standard input
    std::optional<uint64_t> write_bytes = {};     ///< to files
    std::optional<uint64_t> sent_bytes = {};      ///< to sockets
    std::optional<uint64_t> received_bytes = {};  ///< from sockets
    std::optional<uint64_t> network_bytes = {};   ///< both
    std::optional<uint64_t> output_bytes = {};    ///< to standard output and error
    std::optional<uint64_t> random_bytes = {};
    std::optional<uint64_t> host_calls = {};
    // Bytes per second; the guest waits where it would be faster.
    std::optional<uint64_t> read_rate = {};
    std::optional<uint64_t> write_rate = {};
    std::optional<uint64_t> send_rate = {};
    std::optional<uint64_t> receive_rate = {};
    std::optional<uint64_t> output_rate = {};
    ModuleLimits module = {};  ///< checked when it is loaded
};

/// Accounts of one sandbox, or of all sandboxes of a tenant together: what is charged to a ledger is charged
/// to the one above it too. Safe to use from any thread.
class Ledger {
public:
    /// Of `limits` those that are counted: the ones of each call, of the stack and of modules are the
    /// sandbox's own business. A ledger above must have been made before, so there are no rings.
    [[nodiscard]] static std::shared_ptr<Ledger> create(const SandboxLimits& limits,
                                                        std::shared_ptr<Ledger> above = nullptr);
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    /// Takes `amount` here and above, or nothing. @return the limit that refuses.
    [[nodiscard]] std::optional<LimitReached> charge(Resource resource, uint64_t amount) noexcept;
    /// Gives back what is held no longer or was not used.
    void release(Resource resource, uint64_t amount) noexcept;
    /// Takes as much of `most` as there is.
    [[nodiscard]] uint64_t draw(Resource resource, uint64_t most) noexcept;
    /// Counts what cannot be refused any more, such as time that has passed.
    void add(Resource resource, uint64_t amount) noexcept;

    /// What `charge` would still give.
    [[nodiscard]] uint64_t available(Resource resource) const noexcept;
    /// The limit that leaves so little; nullopt if there is none.
    [[nodiscard]] std::optional<LimitReached> tightest(Resource resource, uint64_t asked) const noexcept;
    /// Held now, or used so far.
    [[nodiscard]] uint64_t used(Resource resource) const noexcept { return at(resource).used.load(); }
    /// The most that was held at once.
    [[nodiscard]] uint64_t peak(Resource resource) const noexcept {
        return std::max(at(resource).peak.load(), used(resource));
    }

    /// Enters `amount` into the rates. @return how long to wait before it is used.
    [[nodiscard]] std::chrono::nanoseconds pace(Resource resource, uint64_t amount) noexcept {
        return m_has_rates ? wait_for(resource, amount) : std::chrono::nanoseconds(0);
    }

private:
    static constexpr uint64_t no_limit = UINT64_MAX;
    struct Item {
        uint64_t limit = no_limit;
        std::atomic<uint64_t> used = 0;
        std::atomic<uint64_t> peak = 0;  ///< of what goes down again; of the others it is what is used
        uint64_t rate = 0;               ///< per second; 0: any
        /// When what was entered so far is paid off, in ns of the steady clock.
        std::atomic<int64_t> paid_off = 0;
    };

    Ledger(const SandboxLimits& limits, std::shared_ptr<Ledger> above) noexcept;
    [[nodiscard]] Item& at(Resource resource) noexcept { return m_items[static_cast<size_t>(resource)]; }
    [[nodiscard]] const Item& at(Resource resource) const noexcept {
        return m_items[static_cast<size_t>(resource)];
    }
    /// @return what is used then; nullopt if the limit refuses.
    [[nodiscard]] static std::optional<uint64_t> take(Item& item, uint64_t amount) noexcept;
    [[nodiscard]] std::chrono::nanoseconds wait_for(Resource resource, uint64_t amount) noexcept;

    std::array<Item, resource_count> m_items;
    std::shared_ptr<Ledger> m_above;
    bool m_has_rates = false;  ///< here or above
};

inline namespace literals {
[[nodiscard]] consteval uint64_t operator""_KiB(unsigned long long count) {
    return uint64_t{count} << 10;
}
[[nodiscard]] consteval uint64_t operator""_MiB(unsigned long long count) {
    return uint64_t{count} << 20;
}
[[nodiscard]] consteval uint64_t operator""_GiB(unsigned long long count) {
    return uint64_t{count} << 30;
}
}  // namespace literals

}  // namespace v1
}  // namespace wsb
