// SPDX-License-Identifier: Apache-2.0
#include "wsb/pool.hpp"

#include "engine/api/guard.h"
#include "engine/runtime/pool.h"

namespace wsb {
inline namespace v1 {

CallResult<Instance> InstancePre::instantiate(StoreRef store) const {
    return api::guarded([&]() -> CallResult<Instance> {
        WSB_TRY_ASSIGN(runtime::Instance* const instance, runtime::instantiate(store.impl(), *m_prepared));
        return Instance(store, *instance);
    });
}

Module InstancePre::module() const {
    return Module(m_prepared->compiled());
}

PooledInstance& PooledInstance::operator=(PooledInstance&& other) noexcept {
    if (this != &other) {
        give_back();
        m_pool = std::move(other.m_pool);
        m_slot = other.m_slot;
    }
    return *this;
}

PooledInstance::~PooledInstance() {
    give_back();
}

void PooledInstance::give_back() noexcept {
    if (m_pool != nullptr)
        m_pool->give_back(*m_slot);
}

StoreRef PooledInstance::store() const noexcept {
    return StoreRef(m_slot->store());
}

Instance PooledInstance::instance() const noexcept {
    return Instance(store(), m_slot->instance());
}

Pool::Pool(std::shared_ptr<runtime::Pool> pool) noexcept : m_pool(std::move(pool)) {}

Result<Pool> Pool::create(const Engine& engine, const PoolOptions& options) {
    return api::guarded([&]() -> Result<Pool> {
        if (options.slots == 0)
            return fail(ErrorCode::bad_usage, "a pool without slots");
        return Pool(std::make_shared<runtime::Pool>(engine.state(), options));
    });
}

CallResult<PooledInstance> Pool::take(const InstancePre& pre, const TakeOptions& options) const {
    return api::guarded([&]() -> CallResult<PooledInstance> {
        WSB_TRY_ASSIGN(runtime::PoolSlot* const slot, m_pool->take(pre.impl(), options));
        return PooledInstance(m_pool, *slot);
    });
}

void Pool::trim() const noexcept {
    m_pool->trim();
}

PoolStatistics Pool::statistics() const noexcept {
    return m_pool->statistics();
}

}  // namespace v1
}  // namespace wsb
