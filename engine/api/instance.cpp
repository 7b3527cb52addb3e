// SPDX-License-Identifier: Apache-2.0
#include "wsb/instance.hpp"

#include "engine/api/convert.h"
#include "engine/api/guard.h"

#include <fmt/format.h>

namespace wsb {
inline namespace v1 {

namespace {

std::string_view kind_name(ExternKind kind) noexcept {
    switch (kind) {
        case ExternKind::func: return "function";
        case ExternKind::table: return "table";
        case ExternKind::memory: return "memory";
        case ExternKind::global: return "global";
        case ExternKind::tag: return "tag";
    }
    return "";
}

template <class T>
Result<T> find(const Instance& instance, std::string_view name, ExternKind kind) {
    return api::guarded([&]() -> Result<T> {
        const std::optional<Extern> item = instance.get(name);
        if (!item)
            return fail(ErrorCode::unknown_export, std::string(name));
        if (const T* found = std::get_if<T>(&*item))
            return *found;
        return fail(ErrorCode::unknown_export,
                    fmt::format("{} is a {}, not a {}", name, kind_name(wsb::kind(*item)), kind_name(kind)));
    });
}

}  // namespace

std::optional<Extern> Instance::get(std::string_view name) const {
    const syntax::Export* found = m_instance->find_export(name);
    if (found == nullptr)
        return std::nullopt;
    return api::to_extern(m_store, m_instance->item(found->kind, found->index));
}

Result<Func> Instance::func(std::string_view name) const {
    return find<Func>(*this, name, ExternKind::func);
}
Result<Memory> Instance::memory(std::string_view name) const {
    return find<Memory>(*this, name, ExternKind::memory);
}
Result<Table> Instance::table(std::string_view name) const {
    return find<Table>(*this, name, ExternKind::table);
}
Result<Global> Instance::global(std::string_view name) const {
    return find<Global>(*this, name, ExternKind::global);
}

std::vector<std::pair<std::string, Extern>> Instance::exports() const {
    std::vector<std::pair<std::string, Extern>> items;
    items.reserve(m_instance->module().exports.size());
    for (const syntax::Export& item : m_instance->module().exports) {
        items.emplace_back(item.name, api::to_extern(m_store, m_instance->item(item.kind, item.index)));
    }
    return items;
}

Module Instance::module() const {
    return Module(m_instance->compiled());
}

std::optional<Instance> Caller::instance() const noexcept {
    if (m_instance == nullptr)
        return std::nullopt;
    return Instance(m_store, runtime::owner_of(*m_instance));
}

std::optional<Extern> Caller::get(std::string_view name) const {
    const std::optional<Instance> calling = instance();
    return calling ? calling->get(name) : std::nullopt;
}

std::optional<Memory> Caller::memory(std::string_view name) const {
    if (m_instance == nullptr)
        return std::nullopt;
    runtime::Memory* const found = runtime::owner_of(*m_instance).find_memory(name);
    return found != nullptr ? std::optional(Memory(m_store, *found)) : std::nullopt;
}

}  // namespace v1
}  // namespace wsb
