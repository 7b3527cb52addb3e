// SPDX-License-Identifier: Apache-2.0
#include "engine/validate/module_validator.h"

#include "engine/base/cursor.h"
#include "engine/isa/limits.h"
#include "engine/validate/body_reader.h"
#include "engine/validate/const_expr.h"

#include <fmt/format.h>

#include <unordered_set>

namespace wsb::validate {

namespace {

/// Validates the declarations of one module, section by section.
class Declarations {
public:
    Declarations(Module& module, TypeRegistry& registry, Deadline deadline) noexcept
        : m_module(module), m_registry(registry), m_deadline(deadline) {}

    [[nodiscard]] Result<void> run() {
        WSB_TRY(check_types());
        WSB_TRY(check_imports());
        WSB_TRY(check_funcs());
        m_module.declared_funcs.assign(m_module.funcs.size(), false);
        WSB_TRY(check_tables());
        WSB_TRY(check_memories());
        WSB_TRY(check_tags());
        WSB_TRY(check_globals());
        WSB_TRY(check_exports());
        WSB_TRY(check_start());
        WSB_TRY(check_elems());
        return check_datas();
    }

private:
    // Types
    [[nodiscard]] Result<void> check_types();
    [[nodiscard]] Result<void> check_rec_group(const RecGroup& group);
    [[nodiscard]] Result<void> check_clauses(uint32_t index, const RecGroup& group) const;
    [[nodiscard]] Result<void> check_sub_type(uint32_t index);
    [[nodiscard]] Result<void> check_sub_clauses(const SubType& type, const SubType& super) const;
    [[nodiscard]] Result<void> check_composite(const SubType& type, uint32_t type_count);
    [[nodiscard]] bool extends(const SubType& type, const SubType& super) const noexcept;
    [[nodiscard]] Result<void> check_val_type(ValType type, uint32_t type_count, uint64_t offset_bytes) const;
    // Declarations
    [[nodiscard]] Result<void> check_imports();
    [[nodiscard]] Result<void> check_funcs();
    [[nodiscard]] Result<void> check_table_type(const TableType& type, uint64_t offset_bytes);
    [[nodiscard]] Result<void> check_tables();
    [[nodiscard]] Result<void> check_memory_type(const MemoryType& type, uint64_t offset_bytes);
    [[nodiscard]] Result<void> check_memories();
    [[nodiscard]] Result<void> check_tags();
    [[nodiscard]] Result<void> check_globals();
    [[nodiscard]] Result<void> check_exports();
    [[nodiscard]] Result<void> check_start();
    [[nodiscard]] Result<void> check_elems();
    [[nodiscard]] Result<void> check_datas();
    [[nodiscard]] Result<void> check_func_type(TypeIdx type, uint64_t offset_bytes) const;
    [[nodiscard]] Result<void> check_expr(const ConstExpr& expr, ValType expected, size_t visible_globals) {
        WSB_TRY(m_deadline.check());
        return m_const_reader.run(expr, expected, static_cast<uint32_t>(visible_globals));
    }

    Module& m_module;
    TypeRegistry& m_registry;
    Deadline m_deadline;  ///< asked in every loop over what the module counts
    ConstReader m_const_reader{m_module, m_module.declared_funcs};
};

Result<void> Declarations::check_val_type(ValType type, uint32_t type_count, uint64_t offset_bytes) const {
    if (type.is_ref() && type.heap().is_defined() && type.heap().type_index().value >= type_count)
        return fail(ErrorCode::unknown_type, offset_bytes, std::to_string(type.heap().type_index().value));
    return {};
}

/// Spec: valid/types#recursive-types
Result<void> Declarations::check_types() {
    for (const RecGroup& group : m_module.rec_groups) {
        WSB_TRY(m_deadline.check());
        if (auto checked = check_rec_group(group); !checked) {
            checked.error().offset_bytes = group.offset_bytes;
            return checked;
        }
    }
    for (const SubType& type : m_module.types) {
        WSB_TRY(m_deadline.check());
        const StructType* structure = type.structure();
        const auto type_at = [&](TypeIdx index) -> const SubType& { return m_module.types[index.value]; };
        m_module.struct_layouts.push_back(
            structure != nullptr ? struct_layout(*structure, fields_before_descriptor(type, type_at))
                                 : StructLayout{});
    }
    return {};
}

/// Errors have no offset yet.
Result<void> Declarations::check_rec_group(const RecGroup& group) {
    const uint32_t end = group.first + group.count;
    for (uint32_t i = group.first; i < end; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(check_clauses(i, group));
    }
    for (uint32_t i = group.first; i < end; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(check_composite(m_module.types[i], end));
        const auto& super = m_module.types[i].super;
        if (super && super->value >= i)
            return fail(ErrorCode::unknown_type, fmt::format("supertype {} of type {}", super->value, i));
    }
    WSB_TRY(m_registry.intern(std::span(m_module.types).subspan(group.first, group.count),
                              m_module.canonical_types, m_deadline));
    for (uint32_t i = group.first; i < end; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(check_sub_type(i));
    }
    return {};
}

/// A descriptor and what it describes are members of one group, and both say so.
Result<void> Declarations::check_clauses(uint32_t index, const RecGroup& group) const {
    const SubType& type = m_module.types[index];
    const auto is_member = [&](TypeIdx other) {
        return other.value >= group.first && other.value - group.first < group.count;
    };
    if (type.describes) {
        if (!is_member(*type.describes))
            return fail(ErrorCode::described_type, "is outside rec group");
        if (m_module.types[type.describes->value].descriptor != TypeIdx(index))
            return fail(ErrorCode::described_type, fmt::format("is not described by descriptor {}", index));
        // Else chains of descriptors could have no end.
        if (type.describes->value >= index)
            return fail(ErrorCode::forward_described_type,
                        fmt::format("{} in type {}", type.describes->value, index));
    }
    if (type.descriptor) {
        if (!is_member(*type.descriptor))
            return fail(ErrorCode::descriptor_type, "is outside rec group");
        if (m_module.types[type.descriptor->value].describes != TypeIdx(index))
            return fail(ErrorCode::type_not_described, std::to_string(index));
    }
    if (type.structure() == nullptr && (type.descriptor || type.describes))
        return fail(type.descriptor ? ErrorCode::descriptor_type : ErrorCode::described_type,
                    "must be a struct");
    return {};
}

Result<void> Declarations::check_composite(const SubType& type, uint32_t type_count) {
    const auto check_all = [&](const ResultType& types) -> Result<void> {
        for (const ValType each : types)
            WSB_TRY(check_val_type(each, type_count, no_offset));
        return {};
    };
    if (const FuncType* func = type.func()) {
        if (func->results.size() > 1 && !m_module.features.has(Feature::multi_value))
            return fail(ErrorCode::feature_disabled, "several results need the feature multi-value");
        WSB_TRY(check_all(func->params));
        return check_all(func->results);
    }
    if (const StructType* structure = type.structure()) {
        for (const FieldType& field : structure->fields)
            WSB_TRY(check_val_type(field.storage.type, type_count, no_offset));
        return {};
    }
    return check_val_type(type.array()->field.storage.type, type_count, no_offset);
}

/// Spec: valid/types#sub-types
Result<void> Declarations::check_sub_type(uint32_t index) {
    const SubType& type = m_module.types[index];
    if (!type.super)
        return {};
    const SubType& super = m_module.types[type.super->value];
    const auto what = [&] { return fmt::format("type {} cannot extend type {}", index, type.super->value); };
    const bool loses_descriptor = super.descriptor && !type.descriptor;
    const bool changes_role = super.describes.has_value() != type.describes.has_value();
    if (super.is_final || loses_descriptor || changes_role)
        return fail(ErrorCode::sub_type, what());
    WSB_TRY(check_sub_clauses(type, super));
    if (!extends(type, super))
        return fail(ErrorCode::sub_type, what());
    uint32_t depth = 0;
    for (auto above = type.super; above; above = m_module.types[above->value].super)
        if (++depth > limits::subtype_depth)
            return fail(ErrorCode::limit_exceeded,
                        fmt::format("more than {} supertypes", limits::subtype_depth));
    return {};
}

/// What both have is below in the subtype.
Result<void> Declarations::check_sub_clauses(const SubType& type, const SubType& super) const {
    const auto check = [&](const std::optional<TypeIdx>& sub, const std::optional<TypeIdx>& above,
                           ErrorCode code) -> Result<void> {
        if (!above || matches(m_module, HeapType(*sub), HeapType(*above)))
            return {};
        return fail(code, fmt::format("{} does not match {}", sub->value, above->value));
    };
    WSB_TRY(check(type.describes, super.describes, ErrorCode::described_type));
    return check(type.descriptor, super.descriptor, ErrorCode::descriptor_type);
}

bool Declarations::extends(const SubType& type, const SubType& super) const noexcept {
    if (type.composite.index() != super.composite.index())
        return false;
    if (const FuncType* func = type.func())
        return matches(m_module, super.func()->params, func->params) &&
               matches(m_module, func->results, super.func()->results);
    if (const ArrayType* array = type.array())
        return matches(m_module, array->field, super.array()->field);
    const auto& fields = type.structure()->fields;
    const auto& super_fields = super.structure()->fields;
    if (fields.size() < super_fields.size())
        return false;
    for (size_t i = 0; i < super_fields.size(); ++i)
        if (!matches(m_module, fields[i], super_fields[i]))
            return false;
    return true;
}

Result<void> Declarations::check_func_type(TypeIdx type, uint64_t offset_bytes) const {
    if (type.value >= m_module.types.size())
        return fail(ErrorCode::unknown_type, offset_bytes, std::to_string(type.value));
    if (m_module.types[type.value].func() == nullptr)
        return fail(ErrorCode::type_mismatch, offset_bytes,
                    fmt::format("type {} is not a function type", type.value));
    return {};
}

Result<void> Declarations::check_imports() {
    for (const Import& import : m_module.imports) {
        WSB_TRY(m_deadline.check());
        const uint64_t at = import.offset_bytes;
        switch (import.kind()) {
            case ExternKind::func: WSB_TRY(check_func_type(std::get<TypeIdx>(import.type), at)); break;
            case ExternKind::table: WSB_TRY(check_table_type(std::get<TableType>(import.type), at)); break;
            case ExternKind::memory: WSB_TRY(check_memory_type(std::get<MemoryType>(import.type), at)); break;
            case ExternKind::global: {
                const auto& global = std::get<GlobalType>(import.type);
                WSB_TRY(check_val_type(global.type, static_cast<uint32_t>(m_module.types.size()), at));
                break;
            }
            case ExternKind::tag: break;  // with the other tags
        }
    }
    return {};
}

Result<void> Declarations::check_funcs() {
    Cursor indices(m_module.bytes);
    indices.seek(m_module.funcs_offset_bytes);
    for (size_t i = m_module.imported_funcs; i < m_module.funcs.size(); ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(check_func_type(m_module.funcs[i], indices.offset_bytes()));
        WSB_TRY(indices.u32());
    }
    return {};
}

Result<void> Declarations::check_table_type(const TableType& type, uint64_t offset_bytes) {
    WSB_TRY(check_val_type(type.element, static_cast<uint32_t>(m_module.types.size()), offset_bytes));
    const Limits& limits = type.limits_elements;
    const uint64_t largest = type.address == AddressType::i32 ? UINT32_MAX : UINT64_MAX;
    if (limits.min > largest || (limits.max && *limits.max > largest))
        return fail(ErrorCode::table_size, offset_bytes, "must be at most 2^32-1");
    if (limits.max && limits.min > *limits.max)
        return fail(ErrorCode::size_minimum_greater, offset_bytes);
    return {};
}

Result<void> Declarations::check_tables() {
    if (m_module.tables.size() > 1 && !m_module.features.has(Feature::reference_types))
        return fail(ErrorCode::multiple_tables, m_module.tables[1].offset_bytes,
                    "need the feature reference-types");
    for (size_t i = m_module.imported_tables; i < m_module.tables.size(); ++i) {
        WSB_TRY(m_deadline.check());
        const Table& table = m_module.tables[i];
        WSB_TRY(check_table_type(table.type, table.offset_bytes));
        if (table.init)
            WSB_TRY(check_expr(*table.init, table.type.element, m_module.imported_globals));
        else if (!table.type.element.is_defaultable())
            return fail(ErrorCode::type_mismatch, table.offset_bytes,
                        "a table of non-null references needs an initial value");
    }
    return {};
}

Result<void> Declarations::check_memory_type(const MemoryType& type, uint64_t offset_bytes) {
    const Limits& limits = type.limits_pages;
    if (type.page_size_log2 != 0 && type.page_size_log2 != MemoryType().page_size_log2)
        return fail(ErrorCode::invalid_page_size, offset_bytes, "must be 1 or 65536");
    const bool is_64 = type.address == AddressType::i64;
    const uint64_t largest = limits::memory_pages(is_64, type.page_size_log2);
    if (limits.min > largest || (limits.max && *limits.max > largest)) {
        const bool is_usual = type.page_size_log2 != 0;
        return fail(ErrorCode::memory_size, offset_bytes,
                    !is_usual ? "must be at most 2^32-1 bytes"
                    : is_64   ? "must be at most 2^48 pages"
                              : "must be at most 65536 pages (4GiB)");
    }
    if (limits.max && limits.min > *limits.max)
        return fail(ErrorCode::size_minimum_greater, offset_bytes);
    if (type.is_shared && !limits.max)
        return fail(ErrorCode::shared_memory_without_max, offset_bytes);
    return {};
}

Result<void> Declarations::check_memories() {
    if (m_module.memories.size() > 1 && !m_module.features.has(Feature::multi_memory))
        return fail(ErrorCode::multiple_memories, m_module.memories[1].offset_bytes,
                    "need the feature multi-memory");
    for (size_t i = m_module.imported_memories; i < m_module.memories.size(); ++i)
        WSB_TRY(check_memory_type(m_module.memories[i].type, m_module.memories[i].offset_bytes));
    return {};
}

Result<void> Declarations::check_tags() {
    for (const TagType& tag : m_module.tags) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(check_func_type(tag.type, tag.offset_bytes));
        if (!m_module.types[tag.type.value].func()->results.empty())
            return fail(ErrorCode::non_empty_tag_result, tag.offset_bytes);
    }
    return {};
}

Result<void> Declarations::check_globals() {
    for (size_t i = m_module.imported_globals; i < m_module.globals.size(); ++i) {
        const Global& global = m_module.globals[i];
        WSB_TRY(check_val_type(global.type.type, static_cast<uint32_t>(m_module.types.size()),
                               global.init.range.offset_bytes));
        WSB_TRY(check_expr(global.init, global.type.type, i));
    }
    return {};
}

Result<void> Declarations::check_exports() {
    std::unordered_set<std::string_view> names;
    for (const Export& item : m_module.exports) {
        WSB_TRY(m_deadline.check());
        const auto within = [&](size_t count, ErrorCode code) -> Result<void> {
            if (item.index < count)
                return {};
            return fail(code, item.offset_bytes, std::to_string(item.index));
        };
        switch (item.kind) {
            case ExternKind::func:
                WSB_TRY(within(m_module.funcs.size(), ErrorCode::unknown_func));
                m_module.declared_funcs[item.index] = true;
                break;
            case ExternKind::table: WSB_TRY(within(m_module.tables.size(), ErrorCode::unknown_table)); break;
            case ExternKind::memory:
                WSB_TRY(within(m_module.memories.size(), ErrorCode::unknown_memory));
                break;
            case ExternKind::global:
                WSB_TRY(within(m_module.globals.size(), ErrorCode::unknown_global));
                break;
            case ExternKind::tag: WSB_TRY(within(m_module.tags.size(), ErrorCode::unknown_tag)); break;
        }
        if (!names.insert(item.name).second)
            return fail(ErrorCode::duplicate_export_name, item.offset_bytes, item.name);
    }
    return {};
}

Result<void> Declarations::check_start() {
    if (!m_module.start)
        return {};
    if (m_module.start->value >= m_module.funcs.size())
        return fail(ErrorCode::unknown_func, m_module.start_offset_bytes,
                    std::to_string(m_module.start->value));
    const FuncType& type = m_module.func_type(*m_module.start);
    if (!type.params.empty() || !type.results.empty())
        return fail(ErrorCode::start_function, m_module.start_offset_bytes,
                    "must have no parameters and no results");
    return {};
}

Result<void> Declarations::check_elems() {
    for (const ElemSegment& elem : m_module.elems) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(check_val_type(elem.type, static_cast<uint32_t>(m_module.types.size()), elem.offset_bytes));
        for (const FuncIdx func : elem.funcs) {
            WSB_TRY(m_deadline.check());
            if (func.value >= m_module.funcs.size())
                return fail(ErrorCode::unknown_func, elem.offset_bytes, std::to_string(func.value));
            m_module.declared_funcs[func.value] = true;
        }
        for (const ConstExpr& expr : elem.exprs)
            WSB_TRY(check_expr(expr, elem.type, m_module.globals.size()));
        if (elem.mode != ElemSegment::Mode::active)
            continue;
        if (elem.table.value >= m_module.tables.size())
            return fail(ErrorCode::unknown_table, elem.offset_bytes, std::to_string(elem.table.value));
        const TableType& table = m_module.tables[elem.table.value].type;
        if (!matches(m_module, elem.type, table.element))
            return fail(
                ErrorCode::type_mismatch, elem.offset_bytes,
                fmt::format("expected {}, found {} (elem)", to_string(table.element), to_string(elem.type)));
        WSB_TRY(check_expr(elem.offset, val_type(table.address), m_module.globals.size()));
    }
    return {};
}

Result<void> Declarations::check_datas() {
    for (const DataSegment& data : m_module.datas) {
        if (data.mode != DataSegment::Mode::active)
            continue;
        if (data.memory.value >= m_module.memories.size())
            return fail(ErrorCode::unknown_memory, data.offset_bytes, std::to_string(data.memory.value));
        const AddressType address = m_module.memories[data.memory.value].type.address;
        WSB_TRY(check_expr(data.offset, val_type(address), m_module.globals.size()));
    }
    return {};
}

}  // namespace

Result<void> validate_declarations(Module& module, TypeRegistry& registry, Deadline deadline) {
    return Declarations(module, registry, deadline).run();
}

Result<void> validate(Module& module, TypeRegistry& registry) {
    WSB_TRY(validate_declarations(module, registry));
    NullSink sink;
    BodyReader<NullSink> reader(module, sink);
    for (size_t i = module.imported_funcs; i < module.funcs.size(); ++i)
        WSB_TRY(reader.run(FuncIdx(i)));
    return {};
}

}  // namespace wsb::validate
