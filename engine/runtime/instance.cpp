// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/instance.h"

#include "engine/base/check.h"
#include "engine/runtime/store.h"

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
