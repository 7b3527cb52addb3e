// SPDX-License-Identifier: Apache-2.0
// The grants, as the policy that WASI asks.
#pragma once

#include "engine/base/error.h"
#include "sandbox/grants.h"
#include "wasi/host_fd.h"
#include "wasi/policy.h"

#include <memory>
#include <string>
#include <vector>

namespace wsb::sandbox {

/// Gives out what the grants say, and the host's clocks and randomness; nothing else.
class GrantedPolicy final : public wasi::Policy {
public:
    /// Opens the directories. @return io_error naming the one that cannot be opened.
    [[nodiscard]] static Result<std::unique_ptr<GrantedPolicy>> create(const Grants& grants);

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

private:
    GrantedPolicy() = default;
    [[nodiscard]] Result<void> add_socket(const char* what, const std::string& address,
                                          wasi::Outcome<wasi::HostFd> opened);

    std::vector<std::string> m_args;
    std::vector<std::string> m_environment;
    std::vector<wasi::Preopen> m_preopens;
    std::array<std::shared_ptr<wasi::Descriptor>, 3> m_streams;
    uint32_t m_max_open_files = 0;
};

}  // namespace wsb::sandbox
