// SPDX-License-Identifier: Apache-2.0
// Types of imports and exports, and which items may serve which imports. Spec: valid/matching
#include "engine/base/check.h"
#include "engine/runtime/instance.h"

#include <fmt/format.h>

namespace wsb::runtime {

namespace {

/// Spec: valid/matching#match-limits
bool limits_match(const Limits& actual, const Limits& expected) noexcept {
    if (actual.min < expected.min)
        return false;
    return !expected.max || (actual.max && *actual.max <= *expected.max);
}

struct Matcher {
    const TypeRegistry& registry;
    const Module& module;
    const Import& import;

    [[nodiscard]] ValType canonical(ValType type) const noexcept {
        return to_canonical(type, module.canonical_types);
    }
    [[nodiscard]] bool same(ValType a, ValType b) const noexcept {
        return registry.matches(a, b) && registry.matches(b, a);
    }
    [[nodiscard]] CanonId canonical(TypeIdx type) const noexcept {
        return module.canonical_types[type.value];
    }

    bool operator()(const VmFunc* func) const noexcept {
        const auto* expected = std::get_if<TypeIdx>(&import.type);
        if (expected == nullptr)
            return false;
        const CanonId wanted = canonical(*expected);
        return import.is_exact ? func->type == wanted : registry.is_subtype(func->type, wanted);
    }
    bool operator()(const Table* table) const noexcept {
        const auto* expected = std::get_if<TableType>(&import.type);
        const TableType actual = table->current_type();
        return expected != nullptr && actual.address == expected->address &&
               limits_match(actual.limits_elements, expected->limits_elements) &&
               same(actual.element, canonical(expected->element));
    }
    bool operator()(const Memory* memory) const noexcept { return (*this)(memory->current_type()); }
    bool operator()(const MemoryType& actual) const noexcept {
        const auto* expected = std::get_if<MemoryType>(&import.type);
        return expected != nullptr && actual.address == expected->address &&
               actual.is_shared == expected->is_shared && actual.page_size_log2 == expected->page_size_log2 &&
               limits_match(actual.limits_pages, expected->limits_pages);
    }
    bool operator()(const Global* global) const noexcept {
        const auto* expected = std::get_if<GlobalType>(&import.type);
        if (expected == nullptr || global->type().is_mutable != expected->is_mutable)
            return false;
        const ValType type = canonical(expected->type);
        return expected->is_mutable ? same(global->type().type, type)
                                    : registry.matches(global->type().type, type);
    }
    bool operator()(const Tag* tag) const noexcept {
        const auto* expected = std::get_if<TagType>(&import.type);
        return expected != nullptr && tag->type() == canonical(expected->type);
    }
};

const FuncType& signature(const Module& module, TypeIdx type) noexcept {
    return *module.types[type.value].func();
}

struct Describe {
    const TypeRegistry& registry;

    ExternType operator()(const VmFunc* func) const { return {*registry.type(func->type).func()}; }
    ExternType operator()(const Table* table) const { return {table->current_type()}; }
    ExternType operator()(const Memory* memory) const { return {memory->current_type()}; }
    ExternType operator()(const Global* global) const { return {global->type()}; }
    ExternType operator()(const Tag* tag) const { return {TagSignature{*registry.type(tag->type()).func()}}; }
};

std::unexpected<Error> mismatch(const Module& module, const Import& import, const ExternType& found) {
    return fail(ErrorCode::incompatible_import,
                fmt::format("{}.{}: expected {}, found {}", import.module, import.name,
                            to_string(import_type(module, import)), to_string(found)));
}

}  // namespace

Result<void> check_import(const TypeRegistry& registry, const Module& module, const Import& import,
                          const ExternItem& item) {
    if (!std::visit(Matcher{registry, module, import}, item))
        return mismatch(module, import, item_type(registry, item));
    return {};
}

Result<void> check_import(const TypeRegistry& registry, const Module& module, const Import& import,
                          const MemoryType& memory) {
    if (!Matcher{registry, module, import}(memory))
        return mismatch(module, import, {memory});
    return {};
}

ExternType item_type(const TypeRegistry& registry, const ExternItem& item) {
    return std::visit(Describe{registry}, item);
}

ExternType import_type(const Module& module, const Import& import) {
    if (const auto* func = std::get_if<TypeIdx>(&import.type))
        return {signature(module, *func)};
    if (const auto* table = std::get_if<TableType>(&import.type))
        return {*table};
    if (const auto* memory = std::get_if<MemoryType>(&import.type))
        return {*memory};
    if (const auto* global = std::get_if<GlobalType>(&import.type))
        return {*global};
    return {TagSignature{signature(module, std::get_if<TagType>(&import.type)->type)}};
}

ExternType export_type(const Module& module, const Export& item) {
    switch (item.kind) {
        case ExternKind::func: return {module.func_type(FuncIdx(item.index))};
        case ExternKind::table: return {module.tables[item.index].type};
        case ExternKind::memory: return {module.memories[item.index].type};
        case ExternKind::global: return {module.globals[item.index].type};
        case ExternKind::tag: return {TagSignature{signature(module, module.tags[item.index].type)}};
    }
    WSB_UNREACHABLE();
}

Error unknown_import(const Module& module, const Import& import) {
    Error error;
    error.code = ErrorCode::unknown_import;
    error.detail =
        fmt::format("{}.{} ({})", import.module, import.name, to_string(import_type(module, import)));
    return error;
}

}  // namespace wsb::runtime
