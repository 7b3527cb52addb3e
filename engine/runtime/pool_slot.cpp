// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/pool_slot.h"

#include "engine/base/check.h"
#include "engine/runtime/engine_state.h"

#include <algorithm>

namespace wsb::runtime {

namespace {

/// Asking about the pages of as much costs more than asking for the thread's faults once more.
constexpr uint64_t large_bytes = uint64_t{1} << 20;

void count(PoolStatistics& statistics, ResetKind kind) noexcept {
    switch (kind) {
        case ResetKind::known: ++statistics.ranges_known; return;
        case ResetKind::scanned: ++statistics.ranges_scanned; return;
        case ResetKind::discarded: ++statistics.ranges_discarded; return;
    }
}

}  // namespace

bool PoolSlot::reserve() noexcept {
    const uint64_t memory_bytes = m_options.memory_reservation_bytes;
    uint64_t guard_bytes = m_options.guard_bytes;
    if (m_engine->has_guard_regions)
        guard_bytes = std::max(guard_bytes, guarded_bytes - std::min(memory_bytes, guarded_bytes));
    return m_space.is_reserved() || m_space.reserve(memory_bytes, guard_bytes, Store::stack_bytes(*m_engine));
}

CallResult<void> PoolSlot::build(std::shared_ptr<const Prepared> prepared) {
    WSB_CHECK(m_store == nullptr);
    m_prepared = std::move(prepared);
    if (!reserve())
        return fail(ErrorCode::out_of_memory, "address space of a slot of the pool");
    m_store = Store::create_on(m_engine, m_options.limits, m_space.stack().range());
    WSB_TRY_ASSIGN(m_instance, populate(*m_store, *m_prepared, m_space.memory()));
    // Objects that constant expressions made are made anew each time.
    m_is_resettable = m_prepared->is_resettable() && m_store->heap().capacity_bytes() == 0;
    m_mark = m_store->mark();
    m_state = m_instance->state();
    return {};
}

CallResult<void> PoolSlot::begin(const TakeOptions& options) {
    uint64_t size_bytes = 0;
    for (const auto& memory : m_instance->own_memories())
        size_bytes += memory->size_bytes;
    // An older reading serves as well, as long as the thread touches no other new pages in between.
    m_faults = size_bytes < large_bytes ? last_faults() : read_faults();
    m_store->watch_thread();
    m_store->set_fuel(options.fuel);
    m_store->data = options.data;
    m_store->set_deadline(options.deadline);
    m_store->set_cpu_time(options.cpu_time);
    m_store->set_cancel(options.cancellation);
    if (options.account != nullptr && !m_store->set_account(options.account))
        return fail(ErrorCode::limit_exceeded, "the account that the instance is charged to");
    return run_start(*m_instance);
}

bool PoolSlot::reset(PoolStatistics& statistics) noexcept {
    if (!m_is_resettable)
        return false;
    m_store->rewind(m_mark, m_options.limits);
    m_instance->restore(m_state);
    const ResetPolicy how = policy();
    const bool is_watched = how.may_watch && m_store->is_on_one_thread() && read_faults() == m_faults;
    count(statistics, m_space.stack().reset(is_watched, how));
    for (const auto& memory : m_instance->own_memories()) {
        const auto kind = memory->reset(is_watched, how);
        if (!kind)
            return false;
        count(statistics, *kind);
    }
    return true;
}

bool PoolSlot::clear(PoolStatistics& statistics) noexcept {
    m_is_resettable = false;
    m_instance = nullptr;
    m_state = {};
    m_store.reset();
    m_prepared.reset();
    if (!m_space.is_reserved())
        return true;
    count(statistics, m_space.stack().reset(false, policy()));
    return m_space.clear_memory();
}

}  // namespace wsb::runtime
