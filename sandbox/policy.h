// SPDX-License-Identifier: Apache-2.0
// The grants, as the policy that WASI asks; what is taken is charged to the sandbox's account.
#pragma once

#include "engine/base/error.h"
#include "sandbox/account.h"
#include "sandbox/memory_dir.h"
#include "wasi/host_fd.h"
#include "wasi/policy.h"
#include "wasi/seeded_random.h"
#include "wasi/virtual_clock.h"
#include "wsb/grants.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace wsb::sandbox {

/// Gives out what the grants say; nothing else.
class GrantedPolicy final : public wasi::Policy {
public:
    /// Opens directories and sockets. The account outlives it. @return io_error naming what cannot be opened.
    [[nodiscard]] static Result<std::unique_ptr<GrantedPolicy>> create(const Grants& grants,
                                                                       uint64_t max_open_files,
                                                                       Account& account);
    ~GrantedPolicy() override;

    /// A new guest: what the old one held is given back, clocks and random bytes begin anew.
    [[nodiscard]] Result<void> restart();
    /// What was written to captured streams since the last time.
    [[nodiscard]] std::string take_output();

    [[nodiscard]] std::span<const std::string> args() const noexcept override { return m_args; }
    [[nodiscard]] std::span<const std::string> environment() const noexcept override { return m_environment; }
    [[nodiscard]] std::span<const wasi::Preopen> preopens() const noexcept override { return m_preopens; }
    [[nodiscard]] std::array<std::shared_ptr<wasi::Descriptor>, 3> standard_streams()
        const noexcept override {
        return m_streams;
    }
    [[nodiscard]] uint32_t max_open_files() const noexcept override { return m_max_open_files; }

    [[nodiscard]] wasi::Outcome<uint64_t> clock_resolution_ns(wasi::ClockId clock) noexcept override;
    [[nodiscard]] wasi::Outcome<uint64_t> clock_time_ns(wasi::ClockId clock) noexcept override;
    [[nodiscard]] wasi::Outcome<void> wait(std::span<pollfd> descriptors,
                                           std::optional<uint64_t> timeout_ns) noexcept override;
    [[nodiscard]] wasi::Outcome<void> random(std::span<uint8_t> target) noexcept override;

    [[nodiscard]] wasi::Outcome<void> allow(const wasi::PathRequest& request) override;
    [[nodiscard]] wasi::Outcome<void> charge(wasi::Charge what, uint64_t amount,
                                             const wasi::Preopen* grant) override;
    void refund(wasi::Charge what, uint64_t amount, const wasi::Preopen* grant) noexcept override;
    [[nodiscard]] uint64_t available(wasi::Charge what, const wasi::Preopen* grant) noexcept override;
    [[nodiscard]] wasi::Outcome<void> checkpoint() noexcept override;
    void denied(std::string_view function, wasi::Errno error) noexcept override;
    [[nodiscard]] Failure ending() override;

private:
    using Clock = std::chrono::steady_clock;
    /// How much may still be written beneath a grant.
    struct GrantAccount {
        std::optional<uint64_t> max_bytes;
        uint64_t written_bytes = 0;
        bool is_used = false;
        std::string name;
    };

    explicit GrantedPolicy(Account& account) noexcept : m_account(account) {}
    /// Gives back what was charged and is held.
    void release() noexcept;
    [[nodiscard]] Result<void> open_dirs(const Grants& grants);
    [[nodiscard]] Result<std::shared_ptr<wasi::Descriptor>> open_dir(const DirGrant& grant);
    [[nodiscard]] Result<void> open_sockets(const Grants& grants);
    [[nodiscard]] Result<void> add_socket(std::string_view what, const std::string& address,
                                          wasi::Outcome<wasi::HostFd> opened);
    [[nodiscard]] Result<void> open_streams(const Grants& grants);
    [[nodiscard]] GrantAccount* account_of(const wasi::Preopen* grant) noexcept;
    void use(const wasi::Preopen* grant) noexcept;
    void use(std::string_view grant) noexcept {
        if (m_account.audit().is_on()) [[unlikely]]
            note_use(grant);
    }
    void note_use(std::string_view grant) noexcept;
    [[nodiscard]] wasi::Outcome<void> interrupted_if(Interruption reason) noexcept;
    [[nodiscard]] wasi::Outcome<void> pace(Resource resource, uint64_t amount) noexcept;

    Account& m_account;
    std::vector<std::string> m_args;
    std::vector<std::string> m_environment;
    std::vector<wasi::Preopen> m_preopens;
    std::vector<GrantAccount> m_grant_accounts;  ///< by preopen
    std::array<std::shared_ptr<wasi::Descriptor>, 3> m_streams;
    std::optional<std::string> m_input;     ///< standard input, if it is a text
    std::shared_ptr<std::string> m_output;  ///< of captured streams
    uint32_t m_max_open_files = 0;
    ClockMode m_clock = ClockMode::none;
    wasi::VirtualClock::Options m_virtual_options;
    std::optional<wasi::VirtualClock> m_virtual;  ///< what the guest sees instead of the host's clocks
    RandomMode m_random = RandomMode::none;
    uint64_t m_seed = 0;
    wasi::SeededRandom m_seeded{0};
    uint64_t m_open_files = 0;    ///< charged and not given back
    uint64_t m_memory_bytes = 0;  ///< the same of the host's memory
    Interruption m_reason = Interruption::none;
    std::set<std::string, std::less<>> m_used;  ///< grants without a preopen
    struct PlacedDir {
        size_t preopen;
        MemoryDir dir;
    };
    std::vector<PlacedDir> m_memory_dirs;
};

}  // namespace wsb::sandbox
