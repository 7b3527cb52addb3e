// SPDX-License-Identifier: Apache-2.0
// A slot of a pool: address space, and a store in it that serves one module again and again.
#pragma once

#include "engine/runtime/prepared.h"
#include "engine/runtime/slot_space.h"
#include "engine/runtime/store.h"

#include <memory>
#include <optional>

namespace wsb::runtime {

class PoolSlot;
struct PoolGroup;

/// Neighbours in a list.
struct PoolSlotLinks {
    PoolSlot* newer = nullptr;
    PoolSlot* older = nullptr;
};

/// Used by one thread at a time.
class PoolSlot {
public:
    PoolSlot(std::shared_ptr<const EngineState> engine, const PoolOptions& options)
        : m_engine(std::move(engine)), m_options(options) {}

    /// Makes a store with an instance whose start function has not run. It was cleared, or is new; after a
    /// failure it is to be cleared. @return what instantiate does; out_of_memory.
    [[nodiscard]] CallResult<void> build(std::shared_ptr<const Prepared> prepared);
    /// After build or reset: runs the start function.
    [[nodiscard]] CallResult<void> begin(const TakeOptions& options);
    /// As after build. @return false if that is not possible: then it is to be cleared.
    [[nodiscard]] bool reset(PoolStatistics& statistics) noexcept;
    /// As new. @return false if the system refuses: then it must not be used any more.
    [[nodiscard]] bool clear(PoolStatistics& statistics) noexcept;

    [[nodiscard]] Store& store() const noexcept { return *m_store; }
    [[nodiscard]] Instance& instance() const noexcept { return *m_instance; }

    // The pool's.
    PoolGroup* group = nullptr;
    PoolSlotLinks among_all;
    PoolSlotLinks among_same;

private:
    /// Address space, once.
    [[nodiscard]] bool reserve() noexcept;
    [[nodiscard]] ResetPolicy policy() const noexcept {
        return {m_options.resident_bytes, m_options.watches_pages && can_watch_pages()};
    }

    std::shared_ptr<const EngineState> m_engine;
    const PoolOptions& m_options;  ///< the pool's
    SlotSpace m_space;
    std::shared_ptr<const Prepared> m_prepared;
    std::unique_ptr<Store> m_store;
    Instance* m_instance = nullptr;
    bool m_is_resettable = false;
    StoreMark m_mark;
    InstanceState m_state;
    FaultReading m_faults;  ///< at the beginning of the lease, or before
};

}  // namespace wsb::runtime
