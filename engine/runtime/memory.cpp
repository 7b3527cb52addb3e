// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/memory.h"

#include "engine/runtime/engine_state.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <new>

namespace wsb::runtime {

/// Without bytes. From here on the destructor gives back what was charged.
Result<std::unique_ptr<Memory>> Memory::make(Store& store, const MemoryType& type) {
    if (!store.charge_memory(0, 1))
        return fail(ErrorCode::limit_exceeded, "number of memories of the store");
    std::unique_ptr<Memory> memory(new (std::nothrow) Memory(store, type));
    if (memory == nullptr) {
        store.release_memory(0, 1);
        return fail(ErrorCode::out_of_memory, "linear memory");
    }
    return memory;
}

Result<std::unique_ptr<Memory>> Memory::create(Store& store, const MemoryType& type) {
    const uint64_t min_pages = type.limits_pages.min;
    if (min_pages > possible_pages(type))
        return fail(ErrorCode::limit_exceeded, "memory of more pages than are possible here");
    if (type.is_shared) {
        WSB_TRY_ASSIGN(auto shared, SharedMemory::create(type));
        return attach(store, std::move(shared));
    }
    WSB_TRY_ASSIGN(auto memory, make(store, type));
    WSB_TRY(memory->find_space({}));
    WSB_TRY(memory->charge_and_commit(min_pages << type.page_size_log2));
    return memory;
}

Result<void> Memory::find_space(const MemorySpace& space) {
    const bool is_to_be_guarded = m_store->engine().has_guard_regions && can_be_guarded(m_type);
    const uint64_t reach_bytes = is_to_be_guarded ? guarded_bytes : 0;
    if (m_own.use(space, m_type, reach_bytes) || m_own.reserve(m_type, reach_bytes))
        return {};
    return fail(ErrorCode::out_of_memory, is_to_be_guarded ? "6 GiB of address space of a linear memory"
                                                           : "address space of a linear memory");
}

/// The first bytes, once there is a reservation.
Result<void> Memory::charge_and_commit(uint64_t wanted_bytes) {
    base = m_own.base();
    if (!m_store->charge_memory(wanted_bytes, 0))
        return fail(ErrorCode::limit_exceeded, "memory of the store");
    m_charged_bytes = wanted_bytes;
    if (!m_own.commit(0, wanted_bytes))
        return fail(ErrorCode::out_of_memory, "linear memory");
    size_bytes = wanted_bytes;
    return {};
}

Result<std::unique_ptr<Memory>> Memory::create_resettable(Store& store, const MemoryType& type,
                                                          const MemoryPlace& place) {
    const uint64_t min_pages = type.limits_pages.min;
    const uint64_t most_pages = possible_pages(type);
    if (min_pages > most_pages)
        return fail(ErrorCode::limit_exceeded, "memory of more pages than are possible here");
    WSB_TRY_ASSIGN(auto memory, make(store, type));
    const uint64_t most_bytes = std::min(most_pages << type.page_size_log2, store.limits().memory_bytes);
    const bool has_place = most_bytes <= place.space.pages.size_bytes();
    WSB_TRY(memory->find_space(has_place ? place.space : MemorySpace()));
    memory->m_own.forbid_huge_pages();
    WSB_TRY(memory->charge_and_commit(min_pages << type.page_size_log2));
    memory->m_initial_bytes = memory->size_bytes;
    const PageRange pages = memory->m_own.pages(memory->size_bytes);
    if (place.image == nullptr || place.image->content().bytes.empty()) {
        memory->m_initial.begin(pages, {});
        return memory;
    }
    if (!place.image->put_on(memory->base))
        return fail(ErrorCode::out_of_memory, "image of a linear memory");
    memory->m_initial.begin(pages, place.image->content());
    return memory;
}

Result<std::unique_ptr<Memory>> Memory::attach(Store& store, std::shared_ptr<SharedMemory> shared) {
    WSB_TRY_ASSIGN(auto memory, make(store, shared->type()));
    const uint64_t present_bytes = shared->size_bytes();
    if (!store.charge_memory(present_bytes, 0))
        return fail(ErrorCode::limit_exceeded, "memory of the store");
    memory->m_charged_bytes = present_bytes;
    memory->base = shared->base();
    memory->shared_size_bytes = &shared->size_bytes();
    store.note_shared(*shared, *memory);
    memory->m_shared = std::move(shared);
    return memory;
}

Memory::~Memory() {
    if (m_shared != nullptr)
        m_store->forget_shared(*m_shared);
    m_store->release_memory(m_charged_bytes, 1);
}

int64_t Memory::grow(uint64_t delta_pages) noexcept {
    const uint64_t old_pages = current_size_bytes() >> m_type.page_size_log2;
    // Before anything is multiplied. Of a shared memory the bytes that are added may be others than these.
    if (delta_pages > possible_pages(m_type))
        return -1;
    if (m_shared == nullptr && !m_own.has_room(old_pages, delta_pages))
        return -1;
    const uint64_t delta_bytes = delta_pages << m_type.page_size_log2;
    if (!m_store->charge_memory(delta_bytes, 0))
        return -1;
    int64_t before = -1;
    if (m_shared != nullptr) {
        before = m_shared->grow(delta_pages);
    } else if (m_own.commit(size_bytes, size_bytes + delta_bytes)) {
        size_bytes += delta_bytes;
        before = static_cast<int64_t>(old_pages);
    }
    if (before < 0)
        m_store->release_memory(delta_bytes, 0);
    else
        m_charged_bytes += delta_bytes;
    return before;
}

std::optional<ResetKind> Memory::reset(bool is_watched, const ResetPolicy& policy) noexcept {
    if (size_bytes != m_initial_bytes && !m_own.withdraw(size_bytes, m_initial_bytes))
        return std::nullopt;
    size_bytes = m_charged_bytes = m_initial_bytes;
    const ResetKind kind = m_initial.reset(is_watched && !m_is_exposed, policy);
    m_is_exposed = false;
    return kind;
}

MemoryType Memory::current_type() const noexcept {
    MemoryType type = m_type;
    type.limits_pages.min = current_size_bytes() >> type.page_size_log2;
    return type;
}

}  // namespace wsb::runtime
