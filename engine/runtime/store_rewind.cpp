// SPDX-License-Identifier: Apache-2.0
// A store back at an earlier point. A member that Store gets must be dealt with here, if a guest or the
// embedder can change it.
#include "engine/runtime/store.h"

namespace wsb::runtime {

namespace {

/// Later ones may refer to earlier ones.
template <class Items>
void shrink(Items& items, size_t size) noexcept {
    while (items.size() > size)
        items.pop_back();
}

}  // namespace

/// With the room they took.
void Store::forget_externrefs() noexcept {
    if (m_externrefs.empty())
        return;
    try {
        std::deque<std::any>().swap(m_externrefs);
    } catch (const std::bad_alloc&) {
        m_externrefs.clear();
    }
}

StoreMark Store::mark() const noexcept {
    return {.modules = m_modules.size(),
            .host_funcs = m_host_funcs.size(),
            .globals = m_globals.size(),
            .tags = m_tags.size(),
            .memories = m_memories.size(),
            .tables = m_tables.size(),
            .instances = m_instances.size(),
            .memory_bytes = m_memory_bytes,
            .table_elements = m_table_elements,
            .memory_count = m_memory_count,
            .table_count = m_table_count,
            .instance_count = m_instance_count};
}

void Store::rewind(const StoreMark& mark, const StoreLimits& limits) noexcept {
    leave_account();
    m_interrupts = {};
    m_interruption = Interruption::none;
    m_host_calls = 0;
    m_pending.reset();
    m_host_roots.clear();
    forget_externrefs();
    shrink(m_instances, mark.instances);
    shrink(m_tables, mark.tables);
    shrink(m_memories, mark.memories);
    shrink(m_globals, mark.globals);
    shrink(m_tags, mark.tags);
    while (m_host_funcs.size() > mark.host_funcs) {
        m_host_funcs_by_environment.erase(m_host_funcs.back().environment.get());
        m_host_funcs.pop_back();
    }
    // What was learnt of cells stays true as long as the cells are there.
    if (m_modules.size() > mark.modules)
        m_root_maps.clear();
    shrink(m_modules, mark.modules);
    m_heap.clear();
    m_heap_statistics = {};

    m_limits = limits;
    m_memory_bytes = m_peak_memory_bytes = mark.memory_bytes;
    m_table_elements = mark.table_elements;
    m_memory_count = mark.memory_count;
    m_table_count = mark.table_count;
    m_instance_count = mark.instance_count;
    m_last_limit.reset();
    m_fuel_granted = fuel_unlimited;
    m_fuel_consumed_before = 0;
    data = nullptr;
    begin();
}

}  // namespace wsb::runtime
