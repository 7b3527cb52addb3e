// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/instance.h"

#include "engine/base/check.h"
#include "engine/runtime/store.h"

#include <algorithm>

namespace wsb::runtime {

Instance::Instance(Store& store, std::shared_ptr<const CompiledModule> compiled)
    : m_store(&store), m_compiled(std::move(compiled)) {
    m_vm.context = &store.context();
    m_vm.owner = this;
}

Instance::~Instance() {
    if (m_is_charged)
        m_store->release_instance();
}

const Export* Instance::find_export(std::string_view name) {
    const std::vector<Export>& exports = module().exports;
    if (m_export_index.empty()) {
        m_export_index.reserve(exports.size());
        for (uint32_t i = 0; i < exports.size(); ++i)
            m_export_index.emplace(exports[i].name, i);
    }
    const auto found = m_export_index.find(name);
    return found == m_export_index.end() ? nullptr : &exports[found->second];
}

Memory* Instance::find_memory(std::string_view name) {
    if (m_last_memory == nullptr || m_last_memory->name != name) {
        const Export* const found = find_export(name);
        if (found == nullptr || found->kind != ExternKind::memory)
            return nullptr;
        m_last_memory = found;
    }
    return static_cast<Memory*>(m_memories[m_last_memory->index]);
}

InstanceState Instance::state() {
    InstanceState state;
    for (uint32_t i = 0; i < m_own_globals.size(); ++i)
        if (m_own_globals[i].type().is_mutable)
            state.globals.push_back({i, {m_own_globals[i].value[0], m_own_globals[i].value[1]}});
    for (const auto& table : m_own_tables)
        state.tables.emplace_back(table->elements, table->elements + table->size);
    state.elems = m_elems;
    state.datas = m_datas;
    m_has_dropped = false;
    return state;
}

void Instance::restore(const InstanceState& state) noexcept {
    for (const auto& [index, value] : state.globals)
        std::ranges::copy(value, m_own_globals[index].value);
    for (size_t i = 0; i < state.tables.size(); ++i)
        m_own_tables[i]->restore(state.tables[i]);
    if (m_has_dropped) {
        std::ranges::copy(state.elems, m_elems.begin());
        std::ranges::copy(state.datas, m_datas.begin());
        m_has_dropped = false;
    }
}

ExternItem Instance::item(ExternKind kind, uint32_t index) const noexcept {
    switch (kind) {
        case ExternKind::func: return m_funcs[index];
        case ExternKind::table: return static_cast<Table*>(m_tables[index]);
        case ExternKind::memory: return static_cast<Memory*>(m_memories[index]);
        case ExternKind::global: return static_cast<Global*>(m_globals[index]);
        case ExternKind::tag: return m_tags[index];
    }
    WSB_UNREACHABLE();
}

}  // namespace wsb::runtime
