// SPDX-License-Identifier: Apache-2.0
// Custom sections, and the one that gives names. Spec: binary/modules#custom-section,
// appendix/custom
#include "engine/base/utf8.h"
#include "engine/binary/section_decoder.h"
#include "engine/isa/limits.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace wsb::binary {

namespace {

/// Reads the content of a name section. Whatever is malformed is dropped in silence; an index
/// beyond its space names nothing and is dropped too, which bounds the memory that names can take.
class NameReader {
public:
    NameReader(const Module& module, Names& names, Deadline& deadline) noexcept
        : m_module(module), m_names(names), m_deadline(deadline) {}

    void read(std::span<const uint8_t> content) {
        Cursor cursor(content);
        while (!cursor.at_end()) {
            const auto id = cursor.u8();
            const auto size_bytes = cursor.u32();
            if (!id || !size_bytes)
                return;
            const auto subsection = cursor.bytes(*size_bytes);
            if (!subsection)
                return;
            Cursor inner(*subsection);
            read_subsection(*id, inner);
        }
    }

private:
    void read_subsection(uint8_t id, Cursor& cursor) {
        const size_t func_count = m_module.funcs.size();
        switch (id) {
            case 0: static_cast<void>(read_name(cursor, m_names.module)); break;
            case 1: read_map(cursor, m_names.funcs, func_count); break;
            case 2: read_indirect_map(cursor, m_names.locals, func_count, limits::locals); break;
            case 3: read_indirect_map(cursor, m_names.labels, func_count, limits::function_size_bytes); break;
            case 4: read_map(cursor, m_names.types, m_module.types.size()); break;
            case 5: read_map(cursor, m_names.tables, m_module.tables.size()); break;
            case 6: read_map(cursor, m_names.memories, m_module.memories.size()); break;
            case 7: read_map(cursor, m_names.globals, m_module.globals.size()); break;
            case 8: read_map(cursor, m_names.elems, m_module.elems.size()); break;
            case 9: read_map(cursor, m_names.datas, m_module.datas.size()); break;
            case 10:
                read_indirect_map(cursor, m_names.fields, m_module.types.size(), limits::structure_fields);
                break;
            case 11: read_map(cursor, m_names.tags, m_module.tags.size()); break;
            default: break;
        }
    }

    /// False if the bytes cannot be delimited; a name that is not UTF-8 is left empty.
    template <class Text>
    [[nodiscard]] static bool read_name(Cursor& cursor, Text& name) {
        const auto size_bytes = cursor.u32();
        if (!size_bytes)
            return false;
        const auto bytes = cursor.bytes(*size_bytes);
        if (!bytes)
            return false;
        if (is_utf8(*bytes))
            name = std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        return true;
    }

    /// False if the map cannot be read to its end. A space that has names already keeps those.
    bool read_map(Cursor& cursor, NameMap& map, size_t space) {
        const auto count = cursor.u32();
        if (!count)
            return false;
        std::vector<NameMap::Entry> entries;
        const bool is_whole = read_entries(cursor, *count, space, entries);
        if (map.empty())
            map = NameMap(std::move(entries));
        return is_whole;
    }

    bool read_entries(Cursor& cursor, uint32_t count, size_t space, std::vector<NameMap::Entry>& entries) {
        constexpr size_t least_bytes = 3;
        entries.reserve(std::min({size_t{count}, space, cursor.bytes_left() / least_bytes}));
        for (uint32_t i = 0; i < count; ++i) {
            const auto index = cursor.u32();
            std::string_view name;
            if (m_deadline.has_passed() || !index || !read_name(cursor, name))
                return false;
            if (*index >= space || name.empty() || m_kept >= limits::names)
                continue;
            entries.emplace_back(*index, name);
            ++m_kept;
        }
        return true;
    }

    void read_indirect_map(Cursor& cursor, std::map<uint32_t, NameMap>& maps, size_t outer_space,
                           size_t inner_space) {
        const auto count = cursor.u32();
        if (!count)
            return;
        for (uint32_t i = 0; i < *count; ++i) {
            const auto index = cursor.u32();
            if (!index)
                return;
            NameMap map;
            const bool is_whole = read_map(cursor, map, inner_space);
            if (*index < outer_space && !map.empty())
                maps.try_emplace(*index, std::move(map));
            if (!is_whole)
                return;
        }
    }

    const Module& m_module;
    Names& m_names;
    Deadline& m_deadline;  ///< when it has passed, names are no longer of interest
    size_t m_kept = 0;
};

}  // namespace

/// Spec: binary/modules#binary-customsec
Result<void> SectionDecoder::read_custom_section(uint64_t end_offset_bytes) {
    if (m_module.customs.size() == limits::custom_sections)
        return fail(ErrorCode::limit_exceeded, m_cursor.offset_bytes(), "custom sections");
    CustomSection custom;
    custom.after_section = m_last_section;
    WSB_TRY_ASSIGN(custom.name, read_name());
    const uint64_t start = m_cursor.offset_bytes();
    if (start > end_offset_bytes)
        return fail(ErrorCode::unexpected_end_section, end_offset_bytes, "name of a custom section");
    custom.content = {.offset_bytes = start, .size_bytes = end_offset_bytes - start};
    WSB_TRY(m_cursor.bytes(custom.content.size_bytes));
    m_module.customs.push_back(std::move(custom));
    return {};
}

void SectionDecoder::read_names() {
    const auto section = std::ranges::find(m_module.customs, "name", &CustomSection::name);
    if (section == m_module.customs.end())
        return;
    NameReader reader(m_module, m_module.names, m_deadline);
    reader.read(m_module.view(section->content));
}

}  // namespace wsb::binary
