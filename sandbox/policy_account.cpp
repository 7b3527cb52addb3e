// SPDX-License-Identifier: Apache-2.0
// What the guest takes and what it is refused.
#include "engine/base/result.h"
#include "sandbox/policy.h"

#include <algorithm>
#include <new>

namespace wsb::sandbox {
namespace {

using wasi::Charge;

/// A second line of defence behind the rights of descriptors.
bool is_change(wasi::PathOperation operation) noexcept {
    return operation != wasi::PathOperation::open && operation != wasi::PathOperation::stat &&
           operation != wasi::PathOperation::read_link;
}

Resource resource_of(Charge what) noexcept {
    switch (what) {
        case Charge::host_calls: return Resource::host_calls;
        case Charge::open_descriptors: return Resource::open_files;
        case Charge::bytes_read: return Resource::read;
        case Charge::bytes_written: return Resource::written;
        case Charge::output_bytes: return Resource::output;
        case Charge::bytes_received: return Resource::received;
        case Charge::bytes_sent: return Resource::sent;
        case Charge::host_memory_bytes: return Resource::memory;
        case Charge::random_bytes: return Resource::random;
    }
    return Resource::host_calls;
}

bool is_network(Charge what) noexcept {
    return what == Charge::bytes_received || what == Charge::bytes_sent;
}

}  // namespace

GrantedPolicy::GrantAccount* GrantedPolicy::account_of(const wasi::Preopen* grant) noexcept {
    if (grant == nullptr)
        return nullptr;
    for (size_t i = 0; i < m_preopens.size(); ++i)
        if (grant == &m_preopens[i])
            return &m_grant_accounts[i];
    return nullptr;
}

void GrantedPolicy::use(const wasi::Preopen* grant) noexcept {
    GrantAccount* const account = account_of(grant);
    if (account == nullptr || account->is_used)
        return;
    account->is_used = true;
    m_account.audit().grant_used(account->name);
}

void GrantedPolicy::note_use(std::string_view grant) noexcept {
    if (m_used.contains(grant))
        return;
    try {
        m_used.emplace(grant);
    } catch (const std::bad_alloc&) {
        return;
    }
    m_account.audit().grant_used(grant);
}

wasi::Outcome<void> GrantedPolicy::allow(const wasi::PathRequest& request) {
    if (request.preopen == nullptr)
        return wasi::refuse(wasi::Errno::notcapable);
    use(request.preopen);
    if (request.preopen->access == wasi::Access::read_only && is_change(request.operation))
        return wasi::refuse(wasi::Errno::rofs);
    return {};
}

wasi::Outcome<void> GrantedPolicy::pace(Resource resource, uint64_t amount) noexcept {
    const std::chrono::nanoseconds time = m_account.ledger().pace(resource, amount);
    if (time.count() == 0 || m_account.interrupts() == nullptr)
        return {};
    return interrupted_if(m_account.interrupts()->sleep_until(Clock::now() + time));
}

wasi::Outcome<void> GrantedPolicy::charge(Charge what, uint64_t amount, const wasi::Preopen* grant) {
    const Resource resource = resource_of(what);
    // Of every call: there is nothing else to it.
    if (what == Charge::host_calls)
        return m_account.charge(resource, amount) ? wasi::Outcome<void>()
                                                  : wasi::refuse(wasi::Errno::canceled);
    use(grant);
    if (what == Charge::output_bytes)
        use("stdio");
    GrantAccount* const own = what == Charge::bytes_written ? account_of(grant) : nullptr;
    if (own != nullptr && own->max_bytes && amount > *own->max_bytes - own->written_bytes) {
        m_account.refuse({resource, *own->max_bytes, own->written_bytes + amount, false});
        return wasi::refuse(wasi::Errno::dquot);
    }
    if (!m_account.charge(resource, amount)) {
        // What a program can do without is an error to it; beyond the others it has nothing more to do.
        if (what == Charge::open_descriptors)
            return wasi::refuse(wasi::Errno::mfile);
        if (what == Charge::host_memory_bytes)
            return wasi::refuse(wasi::Errno::nospc);
        return wasi::refuse(wasi::Errno::canceled);
    }
    if (is_network(what) && !m_account.charge(Resource::network, amount)) {
        m_account.ledger().release(resource, amount);
        return wasi::refuse(wasi::Errno::canceled);
    }
    if (what == Charge::output_bytes && m_output != nullptr) {
        if (!m_account.charge(Resource::memory, amount)) {
            m_account.ledger().release(resource, amount);
            return wasi::refuse(wasi::Errno::canceled);
        }
        m_memory_bytes += amount;
    }
    if (what == Charge::open_descriptors)
        m_open_files += amount;
    if (what == Charge::host_memory_bytes)
        m_memory_bytes += amount;
    if (own != nullptr)
        own->written_bytes += amount;
    return pace(resource, amount);
}

void GrantedPolicy::refund(Charge what, uint64_t amount, const wasi::Preopen* grant) noexcept {
    const Resource resource = resource_of(what);
    m_account.ledger().release(resource, amount);
    if (is_network(what))
        m_account.ledger().release(Resource::network, amount);
    if (what == Charge::output_bytes && m_output != nullptr) {
        m_account.ledger().release(Resource::memory, amount);
        m_memory_bytes -= amount;
    }
    if (what == Charge::open_descriptors)
        m_open_files -= amount;
    if (what == Charge::host_memory_bytes)
        m_memory_bytes -= amount;
    if (GrantAccount* const own = what == Charge::bytes_written ? account_of(grant) : nullptr)
        own->written_bytes -= amount;
}

uint64_t GrantedPolicy::available(Charge what, const wasi::Preopen* grant) noexcept {
    uint64_t most = m_account.ledger().available(resource_of(what));
    if (is_network(what))
        most = std::min(most, m_account.ledger().available(Resource::network));
    if (what == Charge::output_bytes && m_output != nullptr)
        most = std::min(most, m_account.ledger().available(Resource::memory));
    if (const GrantAccount* const own = what == Charge::bytes_written ? account_of(grant) : nullptr;
        own != nullptr && own->max_bytes)
        most = std::min(most, *own->max_bytes - own->written_bytes);
    return most;
}

void GrantedPolicy::denied(std::string_view function, wasi::Errno error) noexcept {
    std::string_view why = "no directory with that right was granted (--dir, allow_dir)";
    if (error == wasi::Errno::rofs)
        why = "the directory was granted for reading only (--dir without :ro, DirAccess)";
    else if (function.starts_with("clock"))
        why = "no clock was granted (allow_clock, [clock])";
    else if (function.starts_with("random"))
        why = "no random bytes were granted (allow_random, [random])";
    else if (function.starts_with("sock"))
        why = "no such socket was granted (--listen, --connect)";
    m_account.audit().denied(function, why);
}

Failure GrantedPolicy::ending() {
    if (m_reason != Interruption::none)
        return interrupted_by(std::exchange(m_reason, Interruption::none));
    const auto& limit = m_account.last_limit();
    return Trap{TrapCode::interrupted, limit ? limit->message() : std::string(), {}};
}

}  // namespace wsb::sandbox
