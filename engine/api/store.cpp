// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/store.h"

#include "engine/api/guard.h"
#include "wsb/store.hpp"
#include "wsb/value.hpp"

namespace wsb {
inline namespace v1 {

void StoreRef::set_fuel(std::optional<uint64_t> units) noexcept {
    m_store->set_fuel(units);
}
std::optional<uint64_t> StoreRef::fuel_left() const noexcept {
    return m_store->fuel_left();
}
uint64_t StoreRef::fuel_consumed() const noexcept {
    return m_store->fuel_consumed();
}
bool StoreRef::consume_fuel(uint64_t units) noexcept {
    return m_store->consume_fuel(units);
}

void StoreRef::set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) noexcept {
    m_store->set_deadline(deadline);
}
void StoreRef::set_cpu_time(std::optional<std::chrono::nanoseconds> most) noexcept {
    m_store->set_cpu_time(most);
}
void StoreRef::set_cancellation(const CancellationToken& token) noexcept {
    m_store->set_cancel(token.impl());
}

void StoreRef::set_limits(const StoreLimits& limits) noexcept {
    m_store->set_limits(limits);
}
const StoreLimits& StoreRef::limits() const noexcept {
    return m_store->limits();
}
std::optional<LimitKind> StoreRef::last_limit_reached() const noexcept {
    return m_store->last_limit_reached();
}
uint64_t StoreRef::memory_bytes() const noexcept {
    return m_store->memory_bytes();
}
uint64_t StoreRef::peak_memory_bytes() const noexcept {
    return m_store->peak_memory_bytes();
}

void StoreRef::collect_garbage() noexcept {
    m_store->collect();
}

HeapStatistics StoreRef::heap_statistics() const noexcept {
    return m_store->heap_statistics();
}

RootScope::RootScope(StoreRef store) noexcept
    : m_store(store), m_size_before(store.impl().host_roots().size()) {}
RootScope::~RootScope() {
    m_store.impl().host_roots().shrink(m_size_before);
}

void StoreRef::set_data(void* data) noexcept {
    m_store->data = data;
}
void* StoreRef::data() const noexcept {
    return m_store->data;
}

Result<Store> Store::create(const Engine& engine, const StoreLimits& limits) {
    return api::guarded([&]() -> Result<Store> {
        WSB_TRY_ASSIGN(auto store, runtime::Store::create(engine.state(), limits));
        return Store(std::move(store));
    });
}

Store::Store(std::unique_ptr<runtime::Store> store) noexcept : StoreRef(*store), m_owned(std::move(store)) {}
Store::Store(Store&& other) noexcept = default;
Store& Store::operator=(Store&& other) noexcept = default;
Store::~Store() = default;

Result<ExternRef> ExternRef::create(StoreRef store, std::any object) {
    return api::guarded([&]() -> Result<ExternRef> {
        WSB_TRY_ASSIGN(const uint64_t handle, store.impl().new_externref(std::move(object)));
        return from_raw(handle);
    });
}

const std::any* ExternRef::object(StoreRef store) const noexcept {
    return store.impl().externref(m_handle);
}

}  // namespace v1
}  // namespace wsb
