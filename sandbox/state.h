// SPDX-License-Identifier: Apache-2.0
// A sandbox at work: the module with what it was given, its accounts, and the instance of the moment.
#pragma once

#include "sandbox/account.h"
#include "sandbox/policy.h"
#include "sandbox/template.h"
#include "wasi/preview1.h"
#include "wsb/sandbox.hpp"

#include <chrono>
#include <ctime>
#include <memory>
#include <optional>

namespace wsb::sandbox {

/// One thread at a time.
class SandboxState {
public:
    /// Nothing of the guest has run.
    [[nodiscard]] static Result<std::unique_ptr<SandboxState>> create(std::shared_ptr<const Loaded> loaded);
    /// Another one of the same template.
    [[nodiscard]] static Result<std::unique_ptr<SandboxState>> create_like(const SandboxState& other);
    ~SandboxState();

    /// Makes the first instance, in a store of its own or a slot of the template's.
    /// @param initializes whether "_initialize" is called.
    enum class Place : uint8_t { own_store, slot };
    [[nodiscard]] std::optional<SandboxFailure> start(bool initializes, Place place = Place::own_store);
    /// Makes another one. @return bad_usage while its code runs.
    [[nodiscard]] std::optional<SandboxFailure> restart();
    [[nodiscard]] SandboxResult<uint32_t> run();

    [[nodiscard]] std::optional<SandboxFailure> begin_call();
    [[nodiscard]] std::optional<SandboxFailure> end_call(const Failure* failure);
    /// A failure with the limit it stands for.
    [[nodiscard]] SandboxFailure judge(const Failure& failure) const;

    [[nodiscard]] const Loaded& loaded() const noexcept { return *m_loaded; }
    [[nodiscard]] const CallReport& last_call() const noexcept { return m_report; }
    [[nodiscard]] uint64_t generation() const noexcept { return m_generation; }
    [[nodiscard]] Instance instance() const noexcept { return *m_instance; }
    [[nodiscard]] bool has_instance() const noexcept { return m_instance.has_value(); }
    [[nodiscard]] StoreRef store() const noexcept { return m_instance->store(); }
    /// Also that of an instance that could not be made.
    [[nodiscard]] std::optional<StoreRef> last_store() const noexcept {
        if (m_instance)
            return m_instance->store();
        return m_store ? std::optional<StoreRef>(*m_store) : std::nullopt;
    }
    [[nodiscard]] const std::shared_ptr<Ledger>& ledger() const noexcept {
        return m_account->shared_ledger();
    }
    [[nodiscard]] std::string take_output() { return m_policy->take_output(); }
    /// See Sandbox::confine_thread.
    [[nodiscard]] Result<void> confine_thread() const;

private:
    using Clock = std::chrono::steady_clock;
    using Ns = std::chrono::nanoseconds;

    explicit SandboxState(std::shared_ptr<const Loaded> loaded);
    [[nodiscard]] Result<void> take_grants();
    [[nodiscard]] CallResult<void> make_in_store();
    [[nodiscard]] CallResult<void> make_in_slot();
    [[nodiscard]] CallResult<void> initialize();
    void begin_clocks() noexcept;
    [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept;
    void arm(StoreRef store) noexcept;
    [[nodiscard]] std::optional<Ns> left_of(std::optional<Ns> of_call, Resource total) const noexcept;
    [[nodiscard]] std::optional<LimitReached> limit_of(const Trap& trap) const;
    [[nodiscard]] std::optional<LimitReached> limit_of(const Error& error) const;
    [[nodiscard]] std::optional<SandboxFailure> finish(const Failure* failure);

    // In the order of dependence: what comes later goes first.
    std::shared_ptr<const Loaded> m_loaded;
    std::shared_ptr<const Template> m_template;  ///< null until it is linked
    std::shared_ptr<Account> m_account;
    std::unique_ptr<GrantedPolicy> m_policy;
    std::unique_ptr<wasi::Preview1> m_wasi;
    std::optional<v1::Store> m_store;  ///< one of the two
    std::optional<PooledInstance> m_pooled;
    std::optional<Instance> m_instance;

    CallReport m_report;
    uint64_t m_generation = 0;
    uint32_t m_depth = 0;  ///< calls under way
    uint64_t m_fuel_before = 0;
    Clock::time_point m_wall_before;
    Ns m_cpu_before{};
};

}  // namespace wsb::sandbox
