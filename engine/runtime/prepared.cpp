// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/prepared.h"

#include "engine/base/check.h"
#include "engine/runtime/const_eval.h"
#include "engine/runtime/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::runtime {

Result<std::shared_ptr<const Prepared>> Prepared::create(std::shared_ptr<const CompiledModule> compiled,
                                                         std::vector<PreparedImport> imports) {
    std::shared_ptr<Prepared> prepared(new Prepared(std::move(compiled), std::move(imports)));
    WSB_TRY(prepared->match());
    prepared->m_funcs = own_funcs(*prepared->m_compiled);
    prepared->evaluate_offsets();
    return std::shared_ptr<const Prepared>(std::move(prepared));
}

Result<void> Prepared::match() const {
    const Module& module = m_compiled->module;
    for (size_t i = 0; i < m_imports.size(); ++i) {
        const Import& import = module.imports[i];
        if (const auto* host = std::get_if<HostImport>(&m_imports[i])) {
            VmFunc func;
            func.type = host->type;
            WSB_TRY(check_import(*m_compiled->registry, module, import, &func));
        } else {
            const SharedMemory& memory = **std::get_if<std::shared_ptr<SharedMemory>>(&m_imports[i]);
            WSB_TRY(check_import(*m_compiled->registry, module, import, memory.current_type()));
        }
    }
    return {};
}

/// Offsets are numbers, and so is all that they depend on: no global is imported, and no store is needed.
void Prepared::evaluate_offsets() {
    const Module& module = m_compiled->module;
    std::vector<VmGlobal> values(module.globals.size());
    std::vector<VmGlobal*> globals;
    for (VmGlobal& value : values)
        globals.push_back(&value);
    const ConstScope scope{nullptr, module, globals, {}, nullptr};
    const auto number = [&](const ConstExpr& expression) {
        const auto value = evaluate(scope, expression);
        WSB_CHECK(value.has_value());
        return *value;
    };
    for (size_t i = 0; i < values.size(); ++i)
        if (!module.globals[i].type.type.is_ref())
            std::ranges::copy(number(module.globals[i].init), values[i].value);
    m_elem_offsets.resize(module.elems.size());
    for (size_t i = 0; i < module.elems.size(); ++i)
        if (module.elems[i].mode == ElemSegment::Mode::active)
            m_elem_offsets[i] = number(module.elems[i].offset)[0];
    m_data_offsets.resize(module.datas.size());
    for (size_t i = 0; i < module.datas.size(); ++i)
        if (module.datas[i].mode == DataSegment::Mode::active)
            m_data_offsets[i] = number(module.datas[i].offset)[0];
}

Result<std::vector<ExternItem>> Prepared::enter(Store& store) const {
    std::vector<ExternItem> items;
    items.reserve(m_imports.size());
    for (const PreparedImport& import : m_imports) {
        if (const auto* host = std::get_if<HostImport>(&import)) {
            items.emplace_back(store.host_func(host->type, host->entry, host->environment));
        } else {
            const auto memory = store.attach(*std::get_if<std::shared_ptr<SharedMemory>>(&import));
            if (!memory) {
                const Import& named = m_compiled->module.imports[items.size()];
                return fail(memory.error().code,
                            fmt::format("{}.{}: {}", named.module, named.name, memory.error().detail));
            }
            items.emplace_back(*memory);
        }
    }
    return items;
}

const std::deque<MemoryImage>& Prepared::images() const {
    const Module& module = m_compiled->module;
    const std::scoped_lock lock(m_mutex);
    for (size_t i = module.imported_memories + m_images.size(); i < module.memories.size(); ++i)
        m_images.emplace_back(module, static_cast<uint32_t>(i), m_data_offsets);
    return m_images;
}

bool Prepared::is_resettable() const {
    return m_compiled->module.imported_memories == 0 &&
           std::ranges::all_of(images(), [](const MemoryImage& image) { return image.is_complete(); });
}

}  // namespace wsb::runtime
