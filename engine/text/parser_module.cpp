// SPDX-License-Identifier: Apache-2.0
// A module as a whole: names first, then types, then the fields in order, then the sections.
#include "engine/binary/type_codes.h"
#include "engine/text/keywords.h"
#include "engine/text/parser.h"
#include "engine/text/wat.h"

#include <algorithm>

namespace wsb::text {

using binary::Encoder;
namespace section_ids = binary::section_ids;

Result<std::vector<uint8_t>> ModuleParser::run() {
    WSB_TRY(advance());
    WSB_TRY_ASSIGN(const bool is_wrapped, at_form("module"));
    if (is_wrapped) {
        WSB_TRY(enter_form("module"));
        if (m_token.is("definition"))  // of scripts
            WSB_TRY(advance());
        WSB_TRY_ASSIGN(const auto id, take_id());
        if (id) {
            WSB_TRY_ASSIGN(m_module_name, parse_id(*id));
        }
        if (m_token.is("binary")) {
            WSB_TRY(advance());
            WSB_TRY_ASSIGN(const std::string bytes, take_bytes());
            WSB_TRY(expect(Token::Kind::right));
            return std::vector<uint8_t>(bytes.begin(), bytes.end());
        }
        if (m_token.is("quote") && !m_is_quoted) {
            WSB_TRY(advance());
            WSB_TRY_ASSIGN(const std::string source, take_bytes());
            WSB_TRY(expect(Token::Kind::right));
            return ModuleParser(Lexer(source), m_features, true).run();
        }
    }
    const Lexer begin_lexer = m_lexer;
    const Token begin_token = m_token;
    WSB_TRY(collect_names());
    m_lexer = begin_lexer;
    m_token = begin_token;
    WSB_TRY(define_types());
    m_lexer = begin_lexer;
    m_token = begin_token;
    m_check_annotations = true;
    WSB_TRY(fields());
    if (is_wrapped)
        WSB_TRY(expect(Token::Kind::right));
    if (!at(Token::Kind::end))
        return unexpected();
    return finish();
}

// First pass: names

Result<void> ModuleParser::collect_names() {
    while (at(Token::Kind::left)) {
        WSB_TRY(advance());
        WSB_TRY(collect_field());
    }
    return {};
}

/// Behind the opening parenthesis of a field; leaves the token behind the closing one.
Result<void> ModuleParser::collect_field() {
    const Token keyword = m_token;
    if (!at(Token::Kind::atom))
        return unexpected();
    WSB_TRY(advance());
    if (keyword.is("rec")) {
        while (at(Token::Kind::left)) {
            WSB_TRY(advance());
            WSB_TRY(expect_atom("type"));
            WSB_TRY(collect_type());
        }
        return expect(Token::Kind::right);
    }
    if (keyword.is("type"))
        return collect_type();
    if (keyword.is("import"))
        return collect_import();
    const std::pair<std::string_view, NameSpace*> spaces[] = {
        {"func", &m_func_names},     {"table", &m_table_names}, {"memory", &m_memory_names},
        {"global", &m_global_names}, {"tag", &m_tag_names},     {"elem", &m_elem_names},
        {"data", &m_data_names},
    };
    for (const auto& [name, space] : spaces) {
        if (!keyword.is(name))
            continue;
        WSB_TRY(collect_name(*space));
        // Inline segments take an index of their own.
        if (keyword.is("table") || keyword.is("memory")) {
            const std::string_view segment = keyword.is("table") ? "elem" : "data";
            NameSpace& segments = keyword.is("table") ? m_elem_names : m_data_names;
            size_t depth = 1;
            while (depth != 0 && !at(Token::Kind::end)) {
                WSB_TRY_ASSIGN(const bool is_segment, at_form(segment));
                if (depth == 1 && is_segment)
                    segments.add_unnamed();
                depth += at(Token::Kind::left) ? 1 : 0;
                depth -= at(Token::Kind::right) ? 1 : 0;
                WSB_TRY(advance());
            }
            return {};
        }
        return skip_form();
    }
    if (keyword.is("export") || keyword.is("start"))
        return skip_form();
    return fail_unexpected(keyword);
}

Result<void> ModuleParser::collect_type() {
    WSB_TRY(collect_name(m_type_names));
    return skip_form();
}

/// `id?` and `(@name "…")?`
Result<void> ModuleParser::collect_name(NameSpace& space) {
    WSB_TRY_ASSIGN(const Named named, take_named());
    return space.add(named);
}

Result<void> ModuleParser::collect_import() {
    WSB_TRY(expect(Token::Kind::string));
    WSB_TRY(expect(Token::Kind::string));
    WSB_TRY(expect(Token::Kind::left));
    const Token kind = m_token;
    WSB_TRY(advance());
    const std::pair<std::string_view, NameSpace*> spaces[] = {{"func", &m_func_names},
                                                              {"table", &m_table_names},
                                                              {"memory", &m_memory_names},
                                                              {"global", &m_global_names},
                                                              {"tag", &m_tag_names}};
    for (const auto& [name, space] : spaces)
        if (kind.is(name))
            WSB_TRY(collect_name(*space));
    WSB_TRY(skip_form());
    return skip_form();
}

// Second pass: explicit types, so that implicit ones can come behind them

Result<void> ModuleParser::define_types() {
    while (at(Token::Kind::left)) {
        WSB_TRY(advance());
        if (m_token.is("type")) {
            m_groups.push_back({static_cast<uint32_t>(m_types.size()), 1, false});
            WSB_TRY(advance());
            WSB_TRY(define_type());
        } else if (m_token.is("rec")) {
            WSB_TRY(advance());
            RecGroup group{static_cast<uint32_t>(m_types.size()), 0, true};
            while (at(Token::Kind::left)) {
                WSB_TRY(enter_form("type"));
                WSB_TRY(define_type());
                ++group.count;
            }
            m_groups.push_back(group);
            WSB_TRY(expect(Token::Kind::right));
        } else {
            WSB_TRY(skip_form());
        }
    }
    for (const RecGroup& group : m_groups) {
        const SubType* const type = group.count == 1 ? &m_types[group.first] : nullptr;
        if (type == nullptr || type->func() == nullptr || !type->is_final || type->super)
            continue;
        Encoder key;
        key.sub_type(*type);
        m_plain_func_types.emplace(key.take(), group.first);
    }
    return {};
}

Result<void> ModuleParser::define_type() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    WSB_TRY_ASSIGN(SubType type, sub_type(static_cast<uint32_t>(m_types.size())));
    m_types.push_back(std::move(type));
    return expect(Token::Kind::right);
}

// Third pass: everything else

Result<void> ModuleParser::fields() {
    WSB_TRY(field_annotations(true));
    while (at(Token::Kind::left)) {
        WSB_TRY(advance());
        const Token keyword = m_token;
        WSB_TRY(advance());
        WSB_TRY(field(keyword.text));
        WSB_TRY(field_annotations(false));
    }
    return {};
}

Result<void> ModuleParser::field(std::string_view keyword) {
    m_in_types = keyword == "type" || keyword == "rec";
    if (m_in_types)
        return skip_form();
    if (keyword == "import")
        return import_field();
    if (keyword == "func")
        return func_field();
    if (keyword == "table")
        return table_field();
    if (keyword == "memory")
        return memory_field();
    if (keyword == "global")
        return global_field();
    if (keyword == "tag")
        return tag_field();
    if (keyword == "export")
        return export_field();
    if (keyword == "start")
        return start_field();
    if (keyword == "elem")
        return elem_field();
    return data_field();
}

// Sections

ModuleParser::Section ModuleParser::type_section() const {
    Section types;
    for (const RecGroup& group : m_groups) {
        if (group.is_explicit) {
            types.bytes.u8(binary::type_codes::rec);
            types.bytes.u32(group.count);
        }
        for (uint32_t i = 0; i < group.count; ++i)
            types.bytes.sub_type(m_types[group.first + i]);
        ++types.count;
    }
    return types;
}

std::vector<uint8_t> ModuleParser::finish() {
    Encoder out;
    out.raw(binary::module_header);
    emit_customs(out, 0);
    // Custom sections have their places even beside sections that are not there.
    const auto raw_section = [&](uint8_t id, bool is_present, const Encoder& body) {
        emit_customs(out, Custom::before(id));
        if (id == section_ids::code)
            emit_branch_hints(out);
        if (is_present)
            out.section(id, body.bytes());
        emit_customs(out, Custom::after(id));
    };
    const auto section = [&](uint8_t id, const Section& content) {
        Encoder body;
        body.u32(content.count);
        body.raw(content.bytes.bytes());
        raw_section(id, content.count != 0, body);
    };
    section(section_ids::type, type_section());
    section(section_ids::import, m_imports);
    section(section_ids::function, m_funcs);
    section(section_ids::table, m_tables);
    section(section_ids::memory, m_memories);
    section(section_ids::tag, m_tags);
    section(section_ids::global, m_globals);
    section(section_ids::export_, m_exports);
    Encoder start;
    start.u32(m_start.value_or(0));
    raw_section(section_ids::start, m_start.has_value(), start);
    section(section_ids::element, m_elems);
    Encoder data_count;
    data_count.u32(m_datas.count);
    raw_section(section_ids::data_count, m_needs_data_count, data_count);
    section(section_ids::code, m_codes);
    section(section_ids::data, m_datas);
    emit_customs(out, Custom::at_end);
    emit_names(out);
    return out.take();
}

namespace {

void name_map(Encoder& out, uint8_t id, const GivenNames& names) {
    if (names.empty())
        return;
    Encoder body;
    body.u32(static_cast<uint32_t>(names.size()));
    for (const auto& [index, name] : names) {
        body.u32(index);
        body.name(name);
    }
    out.section(id, body.bytes());
}

/// Names inside something else: locals, labels, fields. Empty names are places without one.
void indirect_name_map(Encoder& out, uint8_t id, const std::map<uint32_t, GivenNames>& all) {
    Encoder body;
    uint32_t count = 0;
    for (const auto& [outer, names] : all) {
        const auto named = static_cast<uint32_t>(
            std::ranges::count_if(names, [](const auto& entry) { return !entry.second.empty(); }));
        if (named == 0)
            continue;
        body.u32(outer);
        body.u32(named);
        for (const auto& [index, name] : names) {
            if (name.empty())
                continue;
            body.u32(index);
            body.name(name);
        }
        ++count;
    }
    if (count == 0)
        return;
    Encoder map;
    map.u32(count);
    map.raw(body.bytes());
    out.section(id, map.bytes());
}

}  // namespace

/// Spec: appendix/custom#name-section; subsections share the form of sections.
void ModuleParser::emit_names(Encoder& out) const {
    Encoder names;
    if (!m_module_name.empty()) {
        Encoder module;
        module.name(m_module_name);
        names.section(0, module.bytes());
    }
    name_map(names, 1, m_func_names.names());
    indirect_name_map(names, 2, m_all_local_names);
    indirect_name_map(names, 3, m_all_label_names);
    name_map(names, 4, m_type_names.names());
    name_map(names, 5, m_table_names.names());
    name_map(names, 6, m_memory_names.names());
    name_map(names, 7, m_global_names.names());
    name_map(names, 8, m_elem_names.names());
    name_map(names, 9, m_data_names.names());
    std::map<uint32_t, GivenNames> fields;
    for (const auto& [type, space] : m_field_names)
        fields.emplace(type, space.names());
    indirect_name_map(names, 10, fields);
    name_map(names, 11, m_tag_names.names());
    if (names.size() == 0)
        return;
    Encoder custom;
    custom.name("name");
    custom.raw(names.bytes());
    out.section(0, custom.bytes());
}

Result<std::vector<uint8_t>> assemble(std::string_view source, Features features) {
    return ModuleParser(Lexer(source), features).run();
}

}  // namespace wsb::text
