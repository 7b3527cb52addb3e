// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/pool.h"

#include "engine/base/check.h"

#include <fmt/format.h>

#include <utility>

namespace wsb::runtime {

void FreeList::push(PoolSlot& slot, PoolSlotLinks PoolSlot::* links) noexcept {
    slot.*links = {nullptr, newest};
    (newest != nullptr ? (newest->*links).newer : oldest) = &slot;
    newest = &slot;
}

void FreeList::remove(PoolSlot& slot, PoolSlotLinks PoolSlot::* links) noexcept {
    const PoolSlotLinks at = slot.*links;
    (at.newer != nullptr ? (at.newer->*links).older : newest) = at.older;
    (at.older != nullptr ? (at.older->*links).newer : oldest) = at.newer;
}

namespace {

/// The store that holds the exception has no owner any more.
Failure without_exception(Failure failure) {
    const Trap* const trap = failure.trap();
    if (trap == nullptr)
        return failure;
    Trap changed = *trap;
    changed.exception = 0;
    return changed;
}

}  // namespace

/// A slot on its way out: given back unless it is kept.
class Pool::Taken {
public:
    Taken(Pool& pool, PoolSlot& slot) noexcept : m_pool(pool), m_slot(&slot) {}
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    ~Taken() {
        if (m_slot != nullptr)
            m_pool.give_back(*m_slot);
    }
    [[nodiscard]] PoolSlot* keep() noexcept { return std::exchange(m_slot, nullptr); }

private:
    Pool& m_pool;
    PoolSlot* m_slot;
};

Pool::Pool(std::shared_ptr<const EngineState> engine, const PoolOptions& options)
    : m_engine(std::move(engine)), m_options(options) {}

Pool::~Pool() {
    WSB_CHECK(m_statistics.slots_taken == 0);
}

CallResult<PoolSlot*> Pool::take(const std::shared_ptr<const Prepared>& prepared,
                                 const TakeOptions& options) {
    if (prepared->compiled()->registry != m_engine->registry)
        return fail(ErrorCode::bad_usage, "module and pool belong to different engines");
    const Choice choice = choose(*prepared);
    if (choice.slot == nullptr)
        return fail(ErrorCode::limit_exceeded,
                    fmt::format("all {} slots of the pool are taken", m_options.slots));
    Taken taken(*this, *choice.slot);
    if (!choice.is_built) {
        if (auto built = build(*choice.slot, prepared); !built)
            return std::unexpected(without_exception(std::move(built).error()));
    }
    if (auto begun = choice.slot->begin(options); !begun)
        return std::unexpected(without_exception(std::move(begun).error()));
    return taken.keep();
}

/// Of a slot that may have served others.
CallResult<void> Pool::build(PoolSlot& slot, const std::shared_ptr<const Prepared>& prepared) {
    PoolStatistics cleared;
    if (!slot.clear(cleared))
        return fail(ErrorCode::out_of_memory, "a slot of the pool cannot be cleared");
    return slot.build(prepared);
}

/// The slot belongs to the group of `prepared` from now on, and is taken.
Pool::Choice Pool::choose(const Prepared& prepared) {
    const std::scoped_lock lock(m_mutex);
    PoolGroup& group = m_groups.try_emplace(&prepared, PoolGroup{&prepared, {}, 0}).first->second;
    PoolSlot* slot = group.free.newest;
    const bool is_built = slot != nullptr;
    if (is_built) {
        m_free.remove(*slot, &PoolSlot::among_all);
        group.free.remove(*slot, &PoolSlot::among_same);
    } else {
        slot = choose_other();
        if (slot == nullptr) {
            if (group.slots == 0)
                m_groups.erase(&prepared);
            return {};
        }
        slot->group = &group;
        ++group.slots;
        ++m_statistics.builds;
    }
    ++m_statistics.slots_taken;
    ++m_statistics.takes;
    return {slot, is_built};
}

/// One of no group: cleared, new, or the one that was free for the longest time.
PoolSlot* Pool::choose_other() {
    if (!m_blank.empty()) {
        PoolSlot* const slot = m_blank.back();
        m_blank.pop_back();
        return slot;
    }
    if (m_slots.size() < m_options.slots) {
        m_blank.reserve(m_slots.size() + 1);
        m_slots.push_back(std::make_unique<PoolSlot>(m_engine, m_options));
        ++m_statistics.slots_made;
        return m_slots.back().get();
    }
    if (m_free.oldest != nullptr)
        ++m_statistics.evictions;
    return pop_oldest();
}

PoolSlot* Pool::pop_oldest() noexcept {
    PoolSlot* const slot = m_free.oldest;
    if (slot != nullptr) {
        m_free.remove(*slot, &PoolSlot::among_all);
        slot->group->free.remove(*slot, &PoolSlot::among_same);
        leave_group(*slot);
    }
    return slot;
}

/// Before what the group is named by can end.
void Pool::leave_group(PoolSlot& slot) noexcept {
    PoolGroup& group = *std::exchange(slot.group, nullptr);
    if (--group.slots == 0)
        m_groups.erase(group.prepared);
}

void Pool::give_back(PoolSlot& slot) noexcept {
    PoolStatistics done;
    if (slot.reset(done)) {
        const std::scoped_lock lock(m_mutex);
        m_free.push(slot, &PoolSlot::among_all);
        slot.group->free.push(slot, &PoolSlot::among_same);
        --m_statistics.slots_taken;
        add(done);
        return;
    }
    {
        const std::scoped_lock lock(m_mutex);
        leave_group(slot);
        --m_statistics.slots_taken;
        add(done);
    }
    clear(slot);
}

/// A slot of no list and no group. What the system refuses to clear is not used any more.
void Pool::clear(PoolSlot& slot) noexcept {
    PoolStatistics done;
    const bool is_clear = slot.clear(done);
    const std::scoped_lock lock(m_mutex);
    if (is_clear)
        m_blank.push_back(&slot);
    add(done);
}

void Pool::trim() noexcept {
    for (;;) {
        PoolSlot* slot = nullptr;
        {
            const std::scoped_lock lock(m_mutex);
            slot = pop_oldest();
        }
        if (slot == nullptr)
            return;
        clear(*slot);
    }
}

void Pool::add(const PoolStatistics& done) noexcept {
    m_statistics.ranges_known += done.ranges_known;
    m_statistics.ranges_scanned += done.ranges_scanned;
    m_statistics.ranges_discarded += done.ranges_discarded;
}

PoolStatistics Pool::statistics() const noexcept {
    const std::scoped_lock lock(m_mutex);
    return m_statistics;
}

}  // namespace wsb::runtime
