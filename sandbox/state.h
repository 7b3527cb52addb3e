// SPDX-License-Identifier: Apache-2.0
// A sandbox at work: the module with what it was given, its accounts, and the instance of the moment.
#pragma once

#include "sandbox/account.h"
#include "sandbox/policy.h"
#include "sandbox/spec.h"
#include "wasi/preview1.h"
#include "wsb/sandbox.hpp"

#include <chrono>
#include <ctime>
#include <memory>
#include <optional>

namespace wsb::sandbox {

/// What sandboxes of one description share. Immutable.
struct Loaded {
    Spec spec;
    Engine engine;
    std::optional<v1::Module> module;  ///< always there once loaded
    std::string source;
    std::string sha256;
};

/// Loads the module that a description names. @return also limit errors.
[[nodiscard]] Result<std::shared_ptr<const Loaded>> load(const Spec& spec);

/// One thread at a time.
class SandboxState {
public:
    /// Nothing of the guest has run.
    [[nodiscard]] static Result<std::unique_ptr<SandboxState>> create(std::shared_ptr<const Loaded> loaded);
    ~SandboxState();

    /// Makes the first instance, or another one. @param initializes whether "_initialize" is called.
    [[nodiscard]] std::optional<SandboxFailure> start(bool initializes);
    [[nodiscard]] std::optional<SandboxFailure> restart();
    [[nodiscard]] SandboxResult<uint32_t> run();

    [[nodiscard]] std::optional<SandboxFailure> begin_call();
    [[nodiscard]] std::optional<SandboxFailure> end_call(const Failure* failure);
    /// A failure with the limit it stands for.
    [[nodiscard]] SandboxFailure judge(const Failure& failure) const;

    [[nodiscard]] const std::shared_ptr<const Loaded>& loaded() const noexcept { return m_loaded; }
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

    explicit SandboxState(std::shared_ptr<const Loaded> loaded)
        : m_loaded(std::move(loaded)), m_linker(m_loaded->engine) {}
    [[nodiscard]] Result<void> link();
    [[nodiscard]] HostFunction counted(const HostDefinition& definition);
    [[nodiscard]] CallResult<void> make_first();
    [[nodiscard]] CallResult<void> make_another();
    [[nodiscard]] CallResult<void> initialize();
    void begin_clocks() noexcept;
    void arm(StoreRef store) noexcept;
    [[nodiscard]] std::optional<Ns> left_of(std::optional<Ns> of_call, Resource total) const noexcept;
    [[nodiscard]] std::optional<LimitReached> limit_of(const Trap& trap) const;
    [[nodiscard]] std::optional<LimitReached> limit_of(const Error& error) const;
    [[nodiscard]] std::optional<SandboxFailure> finish(const Failure* failure);

    // In the order of dependence: what comes later goes first.
    std::shared_ptr<const Loaded> m_loaded;
    std::shared_ptr<Account> m_account;
    std::unique_ptr<GrantedPolicy> m_policy;
    std::unique_ptr<wasi::Preview1> m_wasi;
    Linker m_linker;
    std::optional<v1::Store> m_store;  ///< of the first instance
    std::optional<InstancePre> m_pre;  ///< from the first reset on
    std::optional<Pool> m_pool;
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
