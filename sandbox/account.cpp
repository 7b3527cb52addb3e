// SPDX-License-Identifier: Apache-2.0
#include "sandbox/account.h"

namespace wsb::sandbox {

bool Account::charge(Resource resource, uint64_t amount) noexcept {
    const auto refused = m_ledger->charge(resource, amount);
    if (refused)
        refuse(*refused);
    return !refused;
}

/// A guest that tries again and again does not fill the log.
void Account::refuse(const LimitReached& limit) noexcept {
    const bool is_news = !m_last_limit || m_last_limit->resource != limit.resource;
    m_last_limit = limit;
    if (is_news)
        m_audit.limit_reached(limit);
}

uint64_t Account::draw_fuel(uint64_t units) noexcept {
    const uint64_t drawn = m_ledger->draw(Resource::fuel, units);
    if (drawn < units && drawn == 0) {
        if (const auto limit = m_ledger->tightest(Resource::fuel, units))
            refuse(*limit);
    }
    return drawn;
}

}  // namespace wsb::sandbox
