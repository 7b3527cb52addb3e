// SPDX-License-Identifier: Apache-2.0
// Types, and the sections that are lists of types: imports, functions, tables, memories, tags,
// globals; with them exports and start. Spec: binary/types, binary/modules
#include "engine/binary/section_decoder.h"
#include "engine/binary/type_codes.h"
#include "engine/isa/limits.h"

#include <fmt/format.h>

#include <utility>

namespace wsb::binary {

namespace limits_flags {
constexpr uint8_t has_max = 1;
constexpr uint8_t shared = 2;
constexpr uint8_t address_64 = 4;
constexpr uint8_t page_size = 8;
constexpr std::pair<uint8_t, Feature> features[] = {
    {shared, Feature::threads}, {address_64, Feature::memory64}, {page_size, Feature::custom_page_sizes}};
}  // namespace limits_flags

// Types

/// Spec: binary/modules#binary-typesec
Result<void> SectionDecoder::read_type_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::recursion_groups, 0, "recursion groups"));
    reserve_some(m_module.rec_groups, count);
    reserve_some(m_module.types, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(read_rec_group());
    }
    return {};
}

/// Spec: binary/types#binary-rectype
Result<void> SectionDecoder::read_rec_group() {
    RecGroup group;
    group.first = static_cast<uint32_t>(m_module.types.size());
    const uint64_t at = m_cursor.offset_bytes();
    group.offset_bytes = at;
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.peek_u8());
    if (byte == type_codes::rec) {
        WSB_TRY(require(Feature::gc, ErrorCode::malformed_definition_type, at, "a group of types"));
        m_cursor.skip(1);
        group.is_explicit = true;
        WSB_TRY_ASSIGN(group.count, read_count(limits::types, group.first, "types"));
    } else if (group.first == limits::types) {
        return fail(ErrorCode::limit_exceeded, at, "types");
    }
    m_group_end = group.first + group.count;
    reserve_some(m_module.types, group.is_explicit ? group.count : 0);
    for (uint32_t i = 0; i < group.count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY_ASSIGN(SubType type, read_sub_type());
        m_module.types.push_back(std::move(type));
    }
    m_module.rec_groups.push_back(group);
    return {};
}

/// Spec: binary/types#binary-subtype
Result<SubType> SectionDecoder::read_sub_type() {
    SubType type;
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.peek_u8());
    if (byte == type_codes::sub || byte == type_codes::sub_final) {
        WSB_TRY(require(Feature::gc, ErrorCode::malformed_definition_type, m_cursor.offset_bytes(),
                        "a type with subtypes"));
        m_cursor.skip(1);
        type.is_final = byte == type_codes::sub_final;
        const uint64_t at = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(const uint32_t supers, m_cursor.count());
        // The abstract syntax has a list, of which validation allows at most one.
        if (supers > 1)
            return fail(ErrorCode::malformed_definition_type, at, "more than one supertype");
        if (supers == 1) {
            WSB_TRY_ASSIGN(const uint32_t super, m_cursor.u32());
            type.super = TypeIdx(super);
        }
    }
    WSB_TRY_ASSIGN(type.describes, read_clause(type_codes::describes));
    WSB_TRY_ASSIGN(type.descriptor, read_clause(type_codes::descriptor));
    WSB_TRY(read_composite_type(type));
    return type;
}

/// The type behind `code`, if that comes next.
Result<std::optional<TypeIdx>> SectionDecoder::read_clause(uint8_t code) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.peek_u8());
    if (byte != code)
        return std::nullopt;
    WSB_TRY(require(Feature::custom_descriptors, ErrorCode::malformed_definition_type, at,
                    "a type with a descriptor"));
    m_cursor.skip(1);
    WSB_TRY_ASSIGN(const uint32_t type, m_cursor.u32());
    return TypeIdx(type);
}

/// Spec: binary/types#binary-comptype
Result<void> SectionDecoder::read_composite_type(SubType& type) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.u8());
    if (byte == type_codes::func) {
        FuncType func;
        WSB_TRY_ASSIGN(func.params, read_result_type(limits::parameters, "parameters"));
        WSB_TRY_ASSIGN(func.results, read_result_type(limits::results, "results"));
        type.composite = std::move(func);
        return {};
    }
    if (byte == type_codes::structure || byte == type_codes::array)
        WSB_TRY(require(Feature::gc, ErrorCode::malformed_definition_type, at,
                        byte == type_codes::structure ? "a structure type" : "an array type"));
    if (byte == type_codes::structure) {
        StructType structure;
        WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::structure_fields, 0, "fields"));
        reserve_some(structure.fields, count);
        for (uint32_t i = 0; i < count; ++i) {
            WSB_TRY(m_deadline.check());
            WSB_TRY_ASSIGN(const FieldType field, read_field_type());
            structure.fields.push_back(field);
        }
        type.composite = std::move(structure);
        return {};
    }
    if (byte == type_codes::array) {
        WSB_TRY_ASSIGN(const FieldType field, read_field_type());
        type.composite = ArrayType{field};
        return {};
    }
    // Formally the byte is a 7 bit LEB128 number.
    if (byte >= 0x80)
        return fail(ErrorCode::integer_too_long, at);
    return fail(ErrorCode::malformed_definition_type, at, fmt::format("{:02x}", byte));
}

Result<ResultType> SectionDecoder::read_result_type(uint32_t limit, const char* what) {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limit, 0, what));
    ResultType types;
    types.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY_ASSIGN(const ValType type, read_allowed_val_type());
        types.push_back(type);
    }
    return types;
}

/// Spec: binary/types#binary-fieldtype
Result<FieldType> SectionDecoder::read_field_type() {
    FieldType field;
    WSB_TRY_ASSIGN(field.storage, read_storage_type());
    WSB_TRY_ASSIGN(field.is_mutable, read_mutability());
    return field;
}

Result<StorageType> SectionDecoder::read_storage_type() {
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.peek_u8());
    if (byte == type_codes::i8 || byte == type_codes::i16) {
        m_cursor.skip(1);
        return StorageType{ValType::i32, byte == type_codes::i8 ? StorageType::i8 : StorageType::i16};
    }
    auto type = read_allowed_val_type();
    if (!type && type.error().code == ErrorCode::malformed_value_type)
        type.error().code = ErrorCode::malformed_storage_type;
    WSB_TRY_ASSIGN(const ValType unpacked, std::move(type));
    return StorageType{unpacked, StorageType::unpacked};
}

Result<bool> SectionDecoder::read_mutability() {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.u8());
    if (byte > 1)
        return fail(ErrorCode::malformed_mutability, at);
    return byte == 1;
}

namespace {

/// The proposal without which a type is not known.
[[nodiscard]] Feature feature_of(ValType type) noexcept {
    if (type.kind() == ValType::v128)
        return Feature::simd;
    if (!type.is_ref())
        return Feature::mvp;
    const HeapType heap = type.heap();
    if (heap.is_exact())
        return Feature::custom_descriptors;
    if (heap.is(HeapType::exn) || heap.is(HeapType::noexn))
        return Feature::exceptions;
    if (heap.is(HeapType::func) || heap.is(HeapType::extern_))
        return type.is_nullable() ? Feature::reference_types : Feature::function_references;
    return heap.is_defined() ? Feature::function_references : Feature::gc;
}

}  // namespace

Result<ValType> SectionDecoder::read_allowed_val_type() {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const ValType type, read_val_type(m_cursor));
    WSB_TRY(require(feature_of(type), ErrorCode::malformed_value_type, at, to_string(type)));
    return type;
}

Result<ValType> SectionDecoder::read_allowed_ref_type() {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const ValType type, read_ref_type(m_cursor));
    // Tables of functions are older than reference types.
    const Feature feature = type == ValType::funcref() ? Feature::mvp : feature_of(type);
    WSB_TRY(require(feature, ErrorCode::malformed_reference_type, at, to_string(type)));
    return type;
}

/// Reads the byte before limits, of which only the bits in `allowed` may be set.
Result<uint8_t> SectionDecoder::read_limits_flags(uint8_t allowed) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t flags, m_cursor.u8());
    if ((flags & ~allowed) != 0)
        return fail(ErrorCode::malformed_limits_flags, at, fmt::format("{:02x}", flags));
    for (const auto& [flag, feature] : limits_flags::features) {
        if ((flags & flag) != 0)
            WSB_TRY(require(feature, ErrorCode::malformed_limits_flags, at, fmt::format("{:02x}", flags)));
    }
    return flags;
}

/// Spec: binary/types#binary-limits
Result<Limits> SectionDecoder::read_limits(uint8_t flags) {
    Limits limits;
    WSB_TRY_ASSIGN(limits.min, m_cursor.u64());
    if ((flags & limits_flags::has_max) != 0) {
        WSB_TRY_ASSIGN(limits.max, m_cursor.u64());
    }
    return limits;
}

namespace {

[[nodiscard]] constexpr AddressType address_type(uint8_t flags) noexcept {
    return (flags & limits_flags::address_64) != 0 ? AddressType::i64 : AddressType::i32;
}

}  // namespace

Result<TableType> SectionDecoder::read_table_type() {
    TableType type;
    WSB_TRY_ASSIGN(type.element, read_allowed_ref_type());
    WSB_TRY_ASSIGN(const uint8_t flags, read_limits_flags(limits_flags::has_max | limits_flags::address_64));
    type.address = address_type(flags);
    WSB_TRY_ASSIGN(type.limits_elements, read_limits(flags));
    return type;
}

Result<MemoryType> SectionDecoder::read_memory_type() {
    MemoryType type;
    WSB_TRY_ASSIGN(const uint8_t flags, read_limits_flags(limits_flags::has_max | limits_flags::address_64 |
                                                          limits_flags::shared | limits_flags::page_size));
    type.address = address_type(flags);
    type.is_shared = (flags & limits_flags::shared) != 0;
    WSB_TRY_ASSIGN(type.limits_pages, read_limits(flags));
    if ((flags & limits_flags::page_size) != 0) {
        const uint64_t at = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(const uint32_t log2, m_cursor.u32());
        if (log2 >= 64)
            return fail(ErrorCode::malformed_page_size, at, fmt::format("2^{}", log2));
        type.page_size_log2 = static_cast<uint8_t>(log2);
    }
    return type;
}

Result<GlobalType> SectionDecoder::read_global_type() {
    GlobalType type;
    WSB_TRY_ASSIGN(type.type, read_allowed_val_type());
    WSB_TRY_ASSIGN(type.is_mutable, read_mutability());
    return type;
}

/// Spec: binary/types#binary-tagtype
Result<TagType> SectionDecoder::read_tag_type() {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t attribute, m_cursor.u8());
    if (attribute != 0)
        return fail(ErrorCode::malformed_tag_attribute, at);
    WSB_TRY_ASSIGN(const uint32_t type, m_cursor.u32());
    return TagType{.type = TypeIdx(type), .offset_bytes = at};
}

// Imports

/// Spec: binary/modules#binary-importsec
Result<void> SectionDecoder::read_import_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::imports, 0, "imports"));
    reserve_some(m_module.imports, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        Import import;
        import.offset_bytes = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(import.module, read_name());
        WSB_TRY_ASSIGN(import.name, read_name());
        WSB_TRY(read_import_type(import));
        WSB_TRY(add_import(import));
        m_module.imports.push_back(std::move(import));
    }
    return {};
}

Result<void> SectionDecoder::read_import_type(Import& import) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(uint8_t kind, m_cursor.u8());
    import.is_exact = kind == type_codes::exact_func;
    if (import.is_exact) {
        WSB_TRY(require(Feature::custom_descriptors, ErrorCode::malformed_import_kind, at,
                        "a function of an exact type"));
        kind = static_cast<uint8_t>(ExternKind::func);
    }
    if (kind > static_cast<uint8_t>(ExternKind::tag))
        return fail(ErrorCode::malformed_import_kind, at, fmt::format("{:02x}", kind));
    if (kind == static_cast<uint8_t>(ExternKind::tag))
        WSB_TRY(require(Feature::exceptions, ErrorCode::malformed_import_kind, at, "a tag"));
    switch (static_cast<ExternKind>(kind)) {
        case ExternKind::func: {
            WSB_TRY_ASSIGN(const uint32_t type, m_cursor.u32());
            import.type = TypeIdx(type);
            return {};
        }
        case ExternKind::table: {
            WSB_TRY_ASSIGN(import.type, read_table_type());
            return {};
        }
        case ExternKind::memory: {
            WSB_TRY_ASSIGN(import.type, read_memory_type());
            return {};
        }
        case ExternKind::global: {
            WSB_TRY_ASSIGN(import.type, read_global_type());
            return {};
        }
        case ExternKind::tag: {
            WSB_TRY_ASSIGN(import.type, read_tag_type());
            return {};
        }
    }
    return fail(ErrorCode::malformed_import_kind, at);
}

/// Enters an import into its index space. All imports together are few enough for most spaces.
Result<void> SectionDecoder::add_import(const Import& import) {
    const auto limited = [&](uint32_t& imported, uint32_t limit) -> Result<void> {
        if (++imported > limit)
            return fail(ErrorCode::limit_exceeded, import.offset_bytes, "imports of one kind");
        return {};
    };
    switch (import.kind()) {
        case ExternKind::func:
            WSB_TRY(limited(m_module.imported_funcs, limits::functions));
            m_module.funcs.push_back(std::get<TypeIdx>(import.type));
            m_module.exact_func_imports.push_back(import.is_exact);
            return {};
        case ExternKind::table:
            WSB_TRY(limited(m_module.imported_tables, limits::tables));
            m_module.tables.push_back({std::get<TableType>(import.type), {}, import.offset_bytes});
            return {};
        case ExternKind::memory:
            WSB_TRY(limited(m_module.imported_memories, limits::memories));
            m_module.memories.push_back({std::get<MemoryType>(import.type), import.offset_bytes});
            return {};
        case ExternKind::global:
            WSB_TRY(limited(m_module.imported_globals, limits::globals));
            m_module.globals.push_back({std::get<GlobalType>(import.type), {}});
            return {};
        case ExternKind::tag:
            WSB_TRY(limited(m_module.imported_tags, limits::tags));
            m_module.tags.push_back(std::get<TagType>(import.type));
            return {};
    }
    return {};
}

// Definitions

/// Spec: binary/modules#binary-funcsec
Result<void> SectionDecoder::read_function_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::functions, m_module.imported_funcs, "functions"));
    reserve_some(m_module.funcs, count);
    m_module.funcs_offset_bytes = m_cursor.offset_bytes();
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY_ASSIGN(const uint32_t type, m_cursor.u32());
        m_module.funcs.push_back(TypeIdx(type));
    }
    return {};
}

/// Spec: binary/modules#binary-tablesec
Result<void> SectionDecoder::read_table_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::tables, m_module.imported_tables, "tables"));
    reserve_some(m_module.tables, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        Table table;
        table.offset_bytes = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.peek_u8());
        const bool has_init = byte == type_codes::table_with_init;
        if (has_init) {
            WSB_TRY(require(Feature::function_references, ErrorCode::malformed_reference_type,
                            table.offset_bytes, "a table with an initial value"));
            m_cursor.skip(1);
            WSB_TRY_ASSIGN(const uint8_t reserved, m_cursor.u8());
            if (reserved != 0)
                return fail(ErrorCode::malformed_table, table.offset_bytes);
        }
        WSB_TRY_ASSIGN(table.type, read_table_type());
        if (has_init) {
            WSB_TRY_ASSIGN(table.init, read_const_expr());
        }
        m_module.tables.push_back(table);
    }
    return {};
}

/// Spec: binary/modules#binary-memsec
Result<void> SectionDecoder::read_memory_section() {
    WSB_TRY_ASSIGN(const uint32_t count,
                   read_count(limits::memories, m_module.imported_memories, "memories"));
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        Memory memory;
        memory.offset_bytes = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(memory.type, read_memory_type());
        m_module.memories.push_back(memory);
    }
    return {};
}

/// Spec: binary/modules#binary-tagsec
Result<void> SectionDecoder::read_tag_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::tags, m_module.imported_tags, "tags"));
    reserve_some(m_module.tags, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY_ASSIGN(const TagType tag, read_tag_type());
        m_module.tags.push_back(tag);
    }
    return {};
}

/// Spec: binary/modules#binary-globalsec
Result<void> SectionDecoder::read_global_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::globals, m_module.imported_globals, "globals"));
    reserve_some(m_module.globals, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        Global global;
        WSB_TRY_ASSIGN(global.type, read_global_type());
        WSB_TRY_ASSIGN(global.init, read_const_expr());
        m_module.globals.push_back(global);
    }
    return {};
}

/// Spec: binary/modules#binary-exportsec
Result<void> SectionDecoder::read_export_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::exports, 0, "exports"));
    reserve_some(m_module.exports, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        Export item;
        item.offset_bytes = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(item.name, read_name());
        const uint64_t kind_at = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(const uint8_t kind, m_cursor.u8());
        if (kind > static_cast<uint8_t>(ExternKind::tag))
            return fail(ErrorCode::malformed_export_kind, kind_at, fmt::format("{:02x}", kind));
        if (kind == static_cast<uint8_t>(ExternKind::tag))
            WSB_TRY(require(Feature::exceptions, ErrorCode::malformed_export_kind, kind_at, "a tag"));
        item.kind = static_cast<ExternKind>(kind);
        WSB_TRY_ASSIGN(item.index, m_cursor.u32());
        m_module.exports.push_back(std::move(item));
    }
    return {};
}

/// Spec: binary/modules#binary-startsec
Result<void> SectionDecoder::read_start_section() {
    m_module.start_offset_bytes = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t func, m_cursor.u32());
    m_module.start = FuncIdx(func);
    return {};
}

}  // namespace wsb::binary
