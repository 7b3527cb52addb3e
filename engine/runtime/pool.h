// SPDX-License-Identifier: Apache-2.0
// A pool of instances: slots that are taken, used as a store of their own, and returned as if new.
#pragma once

#include "engine/runtime/pool_slot.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace wsb::runtime {

/// Free slots by the time of their return, linked through places of theirs.
struct FreeList {
    PoolSlot* newest = nullptr;
    PoolSlot* oldest = nullptr;

    void push(PoolSlot& slot, PoolSlotLinks PoolSlot::* links) noexcept;
    void remove(PoolSlot& slot, PoolSlotLinks PoolSlot::* links) noexcept;
};

/// Slots that are built for the same.
struct PoolGroup {
    const Prepared* prepared = nullptr;
    FreeList free;
    size_t slots = 0;  ///< taken ones included
};

/// Every function may be called from any thread. Slots that are out must be given back before its end.
class Pool {
public:
    Pool(std::shared_ptr<const EngineState> engine, const PoolOptions& options);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool();

    /// A slot with a fresh instance, its start function run. Throws std::bad_alloc.
    /// @return limit_exceeded if all slots are out; what instantiate returns.
    [[nodiscard]] CallResult<PoolSlot*> take(const std::shared_ptr<const Prepared>& prepared,
                                             const TakeOptions& options);
    /// Resets a slot that was taken; no code of it runs.
    void give_back(PoolSlot& slot) noexcept;
    /// Lets go of what free slots keep for the modules that they served.
    void trim() noexcept;
    [[nodiscard]] PoolStatistics statistics() const noexcept;

private:
    struct Choice {
        PoolSlot* slot = nullptr;  ///< null: there is none
        bool is_built = false;
    };
    class Taken;
    [[nodiscard]] CallResult<void> build(PoolSlot& slot, const std::shared_ptr<const Prepared>& prepared);
    [[nodiscard]] Choice choose(const Prepared& prepared);
    [[nodiscard]] PoolSlot* choose_other();
    [[nodiscard]] PoolSlot* pop_oldest() noexcept;
    void leave_group(PoolSlot& slot) noexcept;
    void clear(PoolSlot& slot) noexcept;
    void add(const PoolStatistics& done) noexcept;

    std::shared_ptr<const EngineState> m_engine;
    const PoolOptions m_options;
    mutable std::mutex m_mutex;
    // Under the mutex:
    std::vector<std::unique_ptr<PoolSlot>> m_slots;
    std::vector<PoolSlot*> m_blank;  ///< free, and built for nothing; there is room for all slots
    FreeList m_free;                 ///< and built
    std::unordered_map<const Prepared*, PoolGroup> m_groups;
    PoolStatistics m_statistics;
};

}  // namespace wsb::runtime
