// SPDX-License-Identifier: Apache-2.0
// Pool: instances that are used for a short time each, made and reset in about a microsecond.
#pragma once

#include "wsb/config.hpp"
#include "wsb/error.hpp"
#include "wsb/instance.hpp"
#include "wsb/instance_pre.hpp"
#include "wsb/store.hpp"
#include "wsb/trap.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace wsb {
namespace runtime {
class Pool;
class PoolSlot;
}  // namespace runtime

inline namespace v1 {

/// An instance taken from a pool, in a store of its own. Move-only; may be moved to another thread. When it
/// ends, all of its state is put back to what it was right after instantiation, and what came into the store
/// later is destroyed; handles into the store must not be used any more, those got earlier included. Must not
/// end while its code runs.
class PooledInstance {
public:
    PooledInstance(PooledInstance&& other) noexcept = default;
    PooledInstance& operator=(PooledInstance&& other) noexcept;
    ~PooledInstance();

    [[nodiscard]] StoreRef store() const noexcept;
    [[nodiscard]] Instance instance() const noexcept;

private:
    friend class Pool;
    PooledInstance(std::shared_ptr<runtime::Pool> pool, runtime::PoolSlot& slot) noexcept
        : m_pool(std::move(pool)), m_slot(&slot) {}
    void give_back() noexcept;

    std::shared_ptr<runtime::Pool> m_pool;  ///< null when moved from
    runtime::PoolSlot* m_slot;
};

/// Slots for instances of any modules of an engine. A slot that is free remembers what it served last, and
/// serves the same again without instantiating; if there is no such slot, another one is cleared and built
/// anew, that which was free for the longest time. Cheap handle; copies share the slots, which live until the
/// last handle and the last instance end. Every function may be called from any thread.
class Pool {
public:
    /// Reserves nothing yet. @return bad_usage without slots, out_of_memory.
    [[nodiscard]] static Result<Pool> create(const Engine& engine, const PoolOptions& options = {});

    /// A fresh instance; its start function has run. Fuel counts from here.
    /// @return limit_exceeded if all slots are taken or the module needs more than PoolOptions::limits;
    /// out_of_memory; or the Trap or Exit of a segment or of the start function.
    [[nodiscard]] CallResult<PooledInstance> take(const InstancePre& pre,
                                                  const TakeOptions& options = {}) const;

    /// Lets free slots forget what they served, and with it modules that nothing else uses.
    void trim() const noexcept;
    [[nodiscard]] PoolStatistics statistics() const noexcept;

private:
    explicit Pool(std::shared_ptr<runtime::Pool> pool) noexcept;
    std::shared_ptr<runtime::Pool> m_pool;
};

}  // namespace v1
}  // namespace wsb
