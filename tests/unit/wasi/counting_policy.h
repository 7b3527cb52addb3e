// SPDX-License-Identifier: Apache-2.0
// A policy over another one, with counts, limits and cancellation, as a ledger with a deadline would be.
#pragma once

#include "wasi/policy.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace wsb::testing {

class CountingPolicy final : public wasi::Policy {
public:
    explicit CountingPolicy(wasi::Policy& inner) : m_inner(inner) {
        grants.assign(inner.preopens().begin(), inner.preopens().end());
        streams = inner.standard_streams();
    }

    // What the guest gets; can be changed before it starts.
    std::vector<wasi::Preopen> grants;
    std::array<std::shared_ptr<wasi::Descriptor>, 3> streams;

    std::map<wasi::Charge, uint64_t> used;
    std::map<wasi::Charge, uint64_t> limits;
    wasi::Errno over_limit = wasi::Errno::canceled;
    int checkpoints = 0;
    int cancel_at_checkpoint = -1;
    /// All waiting ends with `canceled` when it has taken so long.
    std::optional<uint64_t> cancel_after_ns;
    uint64_t waits = 0;
    std::vector<std::string> denials;
    std::vector<wasi::PathOperation> operations;

    [[nodiscard]] std::span<const std::string> args() const noexcept override { return m_inner.args(); }
    [[nodiscard]] std::span<const std::string> environment() const noexcept override {
        return m_inner.environment();
    }
    [[nodiscard]] std::span<const wasi::Preopen> preopens() const noexcept override { return grants; }
    [[nodiscard]] std::array<std::shared_ptr<wasi::Descriptor>, 3> standard_streams()
        const noexcept override {
        return streams;
    }
    [[nodiscard]] uint32_t max_open_files() const noexcept override { return m_inner.max_open_files(); }
    [[nodiscard]] wasi::Outcome<uint64_t> clock_resolution_ns(wasi::ClockId clock) noexcept override {
        return m_inner.clock_resolution_ns(clock);
    }
    [[nodiscard]] wasi::Outcome<uint64_t> clock_time_ns(wasi::ClockId clock) noexcept override {
        return m_inner.clock_time_ns(clock);
    }
    [[nodiscard]] wasi::Outcome<void> wait(std::span<pollfd> descriptors,
                                           std::optional<uint64_t> timeout_ns) noexcept override {
        ++waits;
        if (!cancel_after_ns)
            return m_inner.wait(descriptors, timeout_ns);
        const uint64_t most = std::min(timeout_ns.value_or(*cancel_after_ns), *cancel_after_ns);
        const auto outcome = m_inner.wait(descriptors, most);
        const bool is_ready =
            std::ranges::any_of(descriptors, [](const pollfd& e) { return e.revents != 0; });
        if (outcome && !is_ready && most == *cancel_after_ns)
            return wasi::refuse(wasi::Errno::canceled);
        return outcome;
    }
    [[nodiscard]] wasi::Outcome<void> random(std::span<uint8_t> target) noexcept override {
        return m_inner.random(target);
    }
    [[nodiscard]] wasi::Outcome<void> allow(const wasi::PathRequest& request) override {
        operations.push_back(request.operation);
        return m_inner.allow(request);
    }
    [[nodiscard]] wasi::Outcome<void> charge(wasi::Charge what, uint64_t amount,
                                             const wasi::Preopen*) override {
        if (amount > available(what, nullptr))
            return wasi::refuse(over_limit);
        used[what] += amount;
        return {};
    }
    void refund(wasi::Charge what, uint64_t amount, const wasi::Preopen*) noexcept override {
        used[what] -= amount;
    }
    [[nodiscard]] uint64_t available(wasi::Charge what, const wasi::Preopen*) noexcept override {
        const auto limit = limits.find(what);
        if (limit == limits.end())
            return ~uint64_t{0};
        return limit->second > used[what] ? limit->second - used[what] : 0;
    }
    [[nodiscard]] wasi::Outcome<void> checkpoint() noexcept override {
        if (checkpoints++ == cancel_at_checkpoint)
            return wasi::refuse(wasi::Errno::canceled);
        return {};
    }
    void denied(std::string_view function, wasi::Errno) noexcept override { denials.emplace_back(function); }

private:
    wasi::Policy& m_inner;
};

}  // namespace wsb::testing
