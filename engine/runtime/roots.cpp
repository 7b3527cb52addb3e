// SPDX-License-Identifier: Apache-2.0
// Collections of a store's heap: when they come, and from where objects are reached.
#include "engine/runtime/operations.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <chrono>

namespace wsb::runtime {

namespace {

void mark_table(const TypeRegistry& registry, const Table& table, Heap& heap) noexcept {
    if (!is_traced(registry, table.type().element))
        return;
    for (uint64_t i = 0; i < table.size && !heap.is_time_over(); ++i)
        heap.mark(table.elements[i]);
}

}  // namespace

Object* Store::new_object(const TypeInfo& type, uint64_t size_bytes) noexcept {
    if (m_heap.is_due())
        collect();
    if (Object* object = m_heap.allocate(type, size_bytes))
        return object;
    collect();
    if (m_heap.is_nearly_full()) {
        static_cast<void>(refuse(LimitKind::memory_bytes));
        return nullptr;
    }
    return m_heap.allocate(type, size_bytes);
}

void Store::collect() noexcept {
    if (is_interrupted())
        return;
    const auto begin = std::chrono::steady_clock::now();
    if (m_root_maps.are_many())
        m_root_maps.clear();
    m_heap.begin_marking();
    if (m_engine->tier->mark_roots(m_context, m_root_maps, m_heap)) {
        mark_items();
        m_heap.finish_marking();
    } else {
        m_heap.give_up_marking();
    }
    const std::chrono::nanoseconds pause = std::chrono::steady_clock::now() - begin;
    const auto pause_ns = static_cast<uint64_t>(pause.count());
    HeapStatistics& statistics = m_heap_statistics;
    ++statistics.collections;
    statistics.pause_ns += pause_ns;
    statistics.longest_pause_ns = std::max(statistics.longest_pause_ns, pause_ns);
}

HeapStatistics Store::heap_statistics() const noexcept {
    HeapStatistics statistics = m_heap_statistics;
    statistics.live_bytes = m_heap.live_bytes();
    statistics.capacity_bytes = m_heap.capacity_bytes();
    return statistics;
}

void Store::mark_items() noexcept {
    for (const Global& global : m_globals)
        if (is_traced(registry(), global.type().type))
            m_heap.mark(global.value[0]);
    for (const auto& table : m_tables)
        mark_table(registry(), *table, m_heap);
    for (const auto& instance : m_instances)
        instance->mark_roots(m_heap);
    for (const Slot root : m_host_roots.all())
        m_heap.mark(root);
}

void Instance::mark_roots(Heap& heap) const noexcept {
    const TypeRegistry& registry = m_store->registry();
    for (const auto& global : m_own_globals)
        if (is_traced(registry, global.type().type))
            heap.mark(global.value[0]);
    for (const auto& table : m_own_tables)
        mark_table(registry, *table, heap);
    for (size_t i = 0; i < m_elems.size(); ++i) {
        if (!is_traced(registry, to_canonical(module().elems[i].type, module().canonical_types)))
            continue;
        for (const Slot slot : m_elems[i])
            heap.mark(slot);
    }
}

void Store::hand_to_host(Slot slot, ValType canonical_type) {
    if (is_traced(registry(), canonical_type) && is_object(slot))
        m_host_roots.add(slot);
}

}  // namespace wsb::runtime
