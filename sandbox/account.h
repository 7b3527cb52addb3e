// SPDX-License-Identifier: Apache-2.0
// The accounts of one sandbox: what its store and its policy charge goes to its ledger, and the limit that
// refused last is remembered.
#pragma once

#include "engine/runtime/store_account.h"
#include "sandbox/audit.h"
#include "wsb/limits.hpp"

#include <memory>
#include <optional>

namespace wsb::wasi {
class Preview1;
}  // namespace wsb::wasi

namespace wsb::sandbox {

/// Used by the thread that runs the sandbox.
class Account final : public runtime::StoreAccount {
public:
    Account(std::shared_ptr<Ledger> ledger, AuditTrail audit) noexcept
        : m_ledger(std::move(ledger)), m_audit(std::move(audit)) {}

    [[nodiscard]] Ledger& ledger() const noexcept { return *m_ledger; }
    [[nodiscard]] const std::shared_ptr<Ledger>& shared_ledger() const noexcept { return m_ledger; }
    [[nodiscard]] const AuditTrail& audit() const noexcept { return m_audit; }
    /// Of the store that runs; null before there is one.
    [[nodiscard]] runtime::Interrupts* interrupts() const noexcept { return m_interrupts; }
    /// The WASI state of the sandbox, not owned; null if its module uses none.
    [[nodiscard]] wasi::Preview1* guest() const noexcept { return m_guest; }
    void set_guest(wasi::Preview1* guest) noexcept { m_guest = guest; }

    /// @return false if a limit refuses, which is remembered.
    [[nodiscard]] bool charge(Resource resource, uint64_t amount) noexcept;
    void refuse(const LimitReached& limit) noexcept;
    /// The one that refused last since `begin`.
    [[nodiscard]] const std::optional<LimitReached>& last_limit() const noexcept { return m_last_limit; }
    void begin() noexcept { m_last_limit.reset(); }

    void joined(runtime::Interrupts* interrupts) noexcept override { m_interrupts = interrupts; }
    [[nodiscard]] bool charge_memory(uint64_t size_bytes) noexcept override {
        return charge(Resource::memory, size_bytes);
    }
    void release_memory(uint64_t size_bytes) noexcept override {
        m_ledger->release(Resource::memory, size_bytes);
    }
    [[nodiscard]] uint64_t memory_limit_bytes() const noexcept override {
        const auto limit = m_ledger->tightest(Resource::memory, 0);
        return limit ? limit->limit : UINT64_MAX;
    }
    [[nodiscard]] bool charge_instance() noexcept override { return charge(Resource::instances, 1); }
    void release_instance() noexcept override { m_ledger->release(Resource::instances, 1); }
    [[nodiscard]] uint64_t draw_fuel(uint64_t units) noexcept override;
    void return_fuel(uint64_t units) noexcept override { m_ledger->release(Resource::fuel, units); }

private:
    std::shared_ptr<Ledger> m_ledger;
    AuditTrail m_audit;
    runtime::Interrupts* m_interrupts = nullptr;
    wasi::Preview1* m_guest = nullptr;
    std::optional<LimitReached> m_last_limit;
};

}  // namespace wsb::sandbox
