// SPDX-License-Identifier: Apache-2.0
// Fields of a module. Spec: text/modules
#include "engine/binary/type_codes.h"
#include "engine/text/parser.h"

namespace wsb::text {

using binary::Encoder;
using binary::Instr;

namespace {

struct ExternKeyword {
    std::string_view name;
    ExternKind kind;
};
constexpr ExternKeyword extern_keywords[] = {{"func", ExternKind::func},
                                             {"table", ExternKind::table},
                                             {"memory", ExternKind::memory},
                                             {"global", ExternKind::global},
                                             {"tag", ExternKind::tag}};

constexpr uint8_t end_opcode = 0x0b;

}  // namespace

// Imports and exports

Result<void> ModuleParser::import_field() {
    WSB_TRY_ASSIGN(const std::string module, take_name());
    WSB_TRY_ASSIGN(const std::string name, take_name());
    m_imports.bytes.name(module);
    m_imports.bytes.name(name);
    ++m_imports.count;
    WSB_TRY(expect(Token::Kind::left));
    WSB_TRY_ASSIGN(const Token keyword, take());
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    WSB_TRY(import_description(keyword.text));
    WSB_TRY(expect(Token::Kind::right));
    return expect(Token::Kind::right);
}

/// What is imported, behind its keyword and identifier; imports come before all definitions.
Result<void> ModuleParser::import_description(std::string_view keyword) {
    Encoder& out = m_imports.bytes;
    if (m_defined_funcs != 0)
        return fail_at(m_token, ErrorCode::import_after_function);
    if (m_defined_tables != 0)
        return fail_at(m_token, ErrorCode::import_after_table);
    if (m_defined_memories != 0)
        return fail_at(m_token, ErrorCode::import_after_memory);
    if (m_defined_globals != 0)
        return fail_at(m_token, ErrorCode::import_after_global);
    if (m_defined_tags != 0)
        return fail_at(m_token, ErrorCode::import_after_tag);
    if (keyword == "func" || keyword == "tag") {
        const bool is_func = keyword == "func";
        WSB_TRY_ASSIGN(bool is_exact, at_form("exact"));
        is_exact = is_exact && is_func;
        if (is_exact)
            WSB_TRY(enter_form("exact"));
        WSB_TRY_ASSIGN(const TypeUse use, type_use());
        if (is_exact)
            WSB_TRY(expect(Token::Kind::right));
        const auto kind = static_cast<uint8_t>(is_func ? ExternKind::func : ExternKind::tag);
        out.u8(is_exact ? binary::type_codes::exact_func : kind);
        if (!is_func)
            out.u8(0);
        out.u32(use.index);
        ++(is_func ? m_next_func : m_next_tag);
        return {};
    }
    if (keyword == "table") {
        WSB_TRY_ASSIGN(const TableType type, table_type());
        out.u8(static_cast<uint8_t>(ExternKind::table));
        out.table_type(type);
        ++m_next_table;
        return {};
    }
    if (keyword == "memory") {
        WSB_TRY_ASSIGN(const MemoryType type, memory_type());
        out.u8(static_cast<uint8_t>(ExternKind::memory));
        out.memory_type(type);
        ++m_next_memory;
        return {};
    }
    if (keyword != "global")
        return unexpected();
    WSB_TRY_ASSIGN(const GlobalType type, global_type());
    out.u8(static_cast<uint8_t>(ExternKind::global));
    out.global_type(type);
    ++m_next_global;
    return {};
}

/// `( export "name" )*` and then perhaps `( import "m" "n" )`. @return whether the field is an import;
/// then only its type and the closing parenthesis are left, and the import's names are written.
Result<bool> ModuleParser::inline_exports_and_import(ExternKind kind, uint32_t index) {
    while (true) {
        WSB_TRY_ASSIGN(const bool is_export, at_form("export"));
        if (!is_export)
            break;
        WSB_TRY(enter_form("export"));
        WSB_TRY_ASSIGN(const std::string name, take_name());
        m_exports.bytes.name(name);
        m_exports.bytes.u8(static_cast<uint8_t>(kind));
        m_exports.bytes.u32(index);
        ++m_exports.count;
        WSB_TRY(expect(Token::Kind::right));
    }
    WSB_TRY_ASSIGN(const bool is_import, at_form("import"));
    if (!is_import)
        return false;
    WSB_TRY(enter_form("import"));
    WSB_TRY_ASSIGN(const std::string module, take_name());
    WSB_TRY_ASSIGN(const std::string name, take_name());
    WSB_TRY(expect(Token::Kind::right));
    m_imports.bytes.name(module);
    m_imports.bytes.name(name);
    ++m_imports.count;
    WSB_TRY(import_description(extern_keywords[static_cast<size_t>(kind)].name));
    WSB_TRY(expect(Token::Kind::right));
    return true;
}

Result<void> ModuleParser::export_field() {
    WSB_TRY_ASSIGN(const std::string name, take_name());
    WSB_TRY(expect(Token::Kind::left));
    WSB_TRY_ASSIGN(const Token keyword, take());
    const std::pair<std::string_view, const NameSpace*> spaces[] = {{"func", &m_func_names},
                                                                    {"table", &m_table_names},
                                                                    {"memory", &m_memory_names},
                                                                    {"global", &m_global_names},
                                                                    {"tag", &m_tag_names}};
    for (size_t kind = 0; kind < std::size(spaces); ++kind) {
        if (!keyword.is(spaces[kind].first))
            continue;
        WSB_TRY_ASSIGN(const uint32_t item, index(*spaces[kind].second, spaces[kind].first));
        m_exports.bytes.name(name);
        m_exports.bytes.u8(static_cast<uint8_t>(kind));
        m_exports.bytes.u32(item);
        ++m_exports.count;
        WSB_TRY(expect(Token::Kind::right));
        return expect(Token::Kind::right);
    }
    return fail_at(keyword, ErrorCode::unexpected_token, std::string(keyword.text));
}

Result<void> ModuleParser::start_field() {
    if (m_start)
        return fail_at(m_token, ErrorCode::multiple_start_sections);
    WSB_TRY_ASSIGN(const uint32_t func, index(m_func_names, "function"));
    m_start = func;
    return expect(Token::Kind::right);
}

// Functions

Result<void> ModuleParser::func_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    WSB_TRY_ASSIGN(const bool is_import, inline_exports_and_import(ExternKind::func, m_next_func));
    if (is_import)
        return {};
    WSB_TRY_ASSIGN(const TypeUse use, type_use());
    m_funcs.bytes.u32(use.index);
    ++m_funcs.count;
    WSB_TRY(func_body(use));
    ++m_next_func;
    ++m_defined_funcs;
    return expect(Token::Kind::right);
}

Result<void> ModuleParser::func_body(const TypeUse& type) {
    m_local_names = NameSpace(ErrorCode::duplicate_local);
    m_label_count = 0;
    m_all_label_names.erase(m_next_func);
    for (const Named& named : type.param_names)
        WSB_TRY(m_local_names.add(named));
    std::vector<LocalRun> runs;
    const auto declare = [&](ValType local) {
        if (!runs.empty() && runs.back().type == local)
            ++runs.back().count;
        else
            runs.push_back({1, local});
    };
    while (true) {
        WSB_TRY_ASSIGN(const bool more, at_form("local"));
        if (!more)
            break;
        WSB_TRY(enter_form("local"));
        WSB_TRY_ASSIGN(const Named named, take_named());
        const bool is_single = named.id || named.name;
        while (is_single || !at(Token::Kind::right)) {
            WSB_TRY(m_local_names.add(named));
            WSB_TRY_ASSIGN(const ValType local, val_type());
            declare(local);
            if (is_single)
                break;
        }
        WSB_TRY(expect(Token::Kind::right));
    }
    Encoder body;
    body.u32(static_cast<uint32_t>(runs.size()));
    for (const LocalRun& run : runs) {
        body.u32(run.count);
        body.val_type(run.type);
    }
    WSB_TRY(instrs(body));
    body.u8(end_opcode);
    m_codes.bytes.u32(static_cast<uint32_t>(body.size()));
    m_codes.bytes.raw(body.bytes());
    ++m_codes.count;
    if (!m_local_names.names().empty())
        m_all_local_names.emplace(m_next_func, m_local_names.names());
    m_local_names = NameSpace(ErrorCode::duplicate_local);
    return {};
}

// Tables, memories, globals, tags

Result<void> ModuleParser::table_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    const uint32_t table = m_next_table;
    WSB_TRY_ASSIGN(const bool is_import, inline_exports_and_import(ExternKind::table, table));
    if (is_import)
        return {};
    ++m_next_table;
    ++m_defined_tables;
    ++m_tables.count;
    TableType type;
    WSB_TRY_ASSIGN(type.address, address_type());
    WSB_TRY_ASSIGN(const bool is_inline, at_ref_type());
    if (is_inline) {
        WSB_TRY_ASSIGN(type.element, ref_type());
        WSB_TRY(inline_elems(table, type.address, type));
        return expect(Token::Kind::right);
    }
    WSB_TRY_ASSIGN(type.limits_elements, limits());
    WSB_TRY_ASSIGN(type.element, ref_type());
    if (at(Token::Kind::right)) {
        m_tables.bytes.table_type(type);
        return advance();
    }
    WSB_TRY_ASSIGN(const auto init, expr());
    m_tables.bytes.u8(0x40);
    m_tables.bytes.u8(0x00);
    m_tables.bytes.table_type(type);
    m_tables.bytes.raw(init);
    return expect(Token::Kind::right);
}

namespace {

/// The constant 0 as an address.
[[nodiscard]] std::vector<uint8_t> zero_address(AddressType address) {
    return {static_cast<uint8_t>(address == AddressType::i64 ? 0x42 : 0x41), 0x00, end_opcode};
}

}  // namespace

/// `( elem … )` inside a table, whose size is the number of elements.
Result<void> ModuleParser::inline_elems(uint32_t table, AddressType address, const TableType& type) {
    WSB_TRY(enter_form("elem"));
    ElemItems items;
    items.type = type.element;
    const bool are_funcs = at_index();
    items.has_exprs = !are_funcs || type.element != ValType::funcref();
    for (; !at(Token::Kind::right); ++items.count) {
        if (!are_funcs) {
            WSB_TRY(elem_expr(items.bytes));
            continue;
        }
        WSB_TRY_ASSIGN(const uint32_t func, index(m_func_names, "function"));
        if (!items.has_exprs) {
            items.bytes.u32(func);
            continue;
        }
        Instr instr;
        instr.op = Op::ref_func;
        instr.index = func;
        items.bytes.instr(instr);
        items.bytes.u8(end_opcode);
    }
    WSB_TRY(expect(Token::Kind::right));
    TableType sized = type;
    sized.limits_elements.min = items.count;
    sized.limits_elements.max = items.count;
    m_tables.bytes.table_type(sized);
    emit_elems(ElemSegment::Mode::active, table, zero_address(address), items);
    return {};
}

Result<void> ModuleParser::memory_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    const uint32_t memory = m_next_memory;
    WSB_TRY_ASSIGN(const bool is_import, inline_exports_and_import(ExternKind::memory, memory));
    if (is_import)
        return {};
    ++m_next_memory;
    ++m_defined_memories;
    ++m_memories.count;
    WSB_TRY_ASSIGN(const AddressType address, address_type());
    WSB_TRY_ASSIGN(const auto page_size_log2, page_size());
    WSB_TRY_ASSIGN(const bool is_inline, at_form("data"));
    if (!is_inline) {
        if (page_size_log2)
            return fail_at(m_token, ErrorCode::unexpected_token, "pagesize belongs behind the limits");
        WSB_TRY_ASSIGN(const MemoryType type, memory_type_of(address));
        m_memories.bytes.memory_type(type);
        return expect(Token::Kind::right);
    }
    WSB_TRY(enter_form("data"));
    WSB_TRY_ASSIGN(const std::string bytes, take_bytes());
    WSB_TRY(expect(Token::Kind::right));
    MemoryType type;
    type.address = address;
    type.page_size_log2 = page_size_log2.value_or(type.page_size_log2);
    const bool is_uneven = bytes.size() % type.page_size_bytes() != 0;
    type.limits_pages.min = bytes.size() / type.page_size_bytes() + (is_uneven ? 1 : 0);
    type.limits_pages.max = type.limits_pages.min;
    m_memories.bytes.memory_type(type);
    m_datas.bytes.u8(memory == 0 ? 0 : 2);
    if (memory != 0)
        m_datas.bytes.u32(memory);
    m_datas.bytes.raw(zero_address(address));
    m_datas.bytes.name(bytes);
    ++m_datas.count;
    return expect(Token::Kind::right);
}

Result<void> ModuleParser::global_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    WSB_TRY_ASSIGN(const bool is_import, inline_exports_and_import(ExternKind::global, m_next_global));
    if (is_import)
        return {};
    ++m_next_global;
    ++m_defined_globals;
    WSB_TRY_ASSIGN(const GlobalType type, global_type());
    WSB_TRY_ASSIGN(const auto init, expr());
    m_globals.bytes.global_type(type);
    m_globals.bytes.raw(init);
    ++m_globals.count;
    return expect(Token::Kind::right);
}

Result<void> ModuleParser::tag_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    WSB_TRY_ASSIGN(const bool is_import, inline_exports_and_import(ExternKind::tag, m_next_tag));
    if (is_import)
        return {};
    ++m_next_tag;
    ++m_defined_tags;
    WSB_TRY_ASSIGN(const TypeUse use, type_use());
    m_tags.bytes.u8(0);
    m_tags.bytes.u32(use.index);
    ++m_tags.count;
    return expect(Token::Kind::right);
}

// Segments

/// Instructions and an END.
Result<std::vector<uint8_t>> ModuleParser::expr() {
    Encoder out;
    WSB_TRY(instrs(out));
    out.u8(end_opcode);
    return out.take();
}

/// One folded instruction, whole.
Result<void> ModuleParser::single_folded(Encoder& out) {
    const size_t outer = m_instr_frames.size();
    WSB_TRY(folded_instr(out));
    while (m_instr_frames.size() > outer) {
        if (at(Token::Kind::left)) {
            WSB_TRY(folded_instr(out));
        } else if (at(Token::Kind::right)) {
            WSB_TRY_ASSIGN(const bool closed, close_form(out));
            if (!closed)
                return unexpected();
        } else {
            WSB_TRY(flat_instr(out));
        }
    }
    return {};
}

/// `( offset expr )`, or one folded instruction that stands for it.
Result<std::vector<uint8_t>> ModuleParser::offset_expr() {
    WSB_TRY_ASSIGN(const bool is_long, at_form("offset"));
    if (is_long) {
        WSB_TRY(enter_form("offset"));
        WSB_TRY_ASSIGN(auto bytes, expr());
        WSB_TRY(expect(Token::Kind::right));
        return bytes;
    }
    Encoder out;
    WSB_TRY(single_folded(out));
    out.u8(end_opcode);
    return out.take();
}

Result<void> ModuleParser::elem_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    const bool is_declared = m_token.is("declare");
    if (is_declared)
        WSB_TRY(advance());
    uint32_t table = 0;
    std::vector<uint8_t> offset;
    WSB_TRY_ASSIGN(const bool has_table, at_form("table"));
    if (has_table) {
        WSB_TRY(enter_form("table"));
        WSB_TRY_ASSIGN(table, index(m_table_names, "table"));
        WSB_TRY(expect(Token::Kind::right));
    } else if (at_index()) {  // the table alone: an older abbreviation
        WSB_TRY_ASSIGN(table, index(m_table_names, "table"));
    }
    WSB_TRY_ASSIGN(const bool is_ref_type, at_ref_type());
    const bool is_active = !is_declared && at(Token::Kind::left) && !is_ref_type;
    if (has_table && !is_active)
        return unexpected();
    if (is_active) {
        WSB_TRY_ASSIGN(offset, offset_expr());
    }
    WSB_TRY_ASSIGN(const ElemItems items, elem_list(is_active));
    using Mode = ElemSegment::Mode;
    emit_elems(is_active     ? Mode::active
               : is_declared ? Mode::declarative
                             : Mode::passive,
               table, offset, items);
    return expect(Token::Kind::right);
}

/// The elements: their type and expressions, or function indices.
Result<ModuleParser::ElemItems> ModuleParser::elem_list(bool is_active) {
    ElemItems items;
    WSB_TRY_ASSIGN(items.has_exprs, at_ref_type());
    if (items.has_exprs) {
        WSB_TRY_ASSIGN(items.type, ref_type());
    } else if (m_token.is("func")) {
        WSB_TRY(advance());
    } else if (!is_active) {
        return unexpected();
    }
    for (; !at(Token::Kind::right); ++items.count) {
        if (items.has_exprs) {
            WSB_TRY(elem_expr(items.bytes));
            continue;
        }
        WSB_TRY_ASSIGN(const uint32_t func, index(m_func_names, "function"));
        items.bytes.u32(func);
    }
    return items;
}

/// `( item expr )`, or one folded instruction that stands for it.
Result<void> ModuleParser::elem_expr(Encoder& out) {
    WSB_TRY_ASSIGN(const bool is_item, at_form("item"));
    if (is_item) {
        WSB_TRY(enter_form("item"));
        WSB_TRY(instrs(out));
        WSB_TRY(expect(Token::Kind::right));
    } else {
        if (!at(Token::Kind::left))
            return unexpected();
        WSB_TRY(single_folded(out));
    }
    out.u8(end_opcode);
    return {};
}

/// In the shortest of the binary forms. Spec: binary/modules#element-section
void ModuleParser::emit_elems(ElemSegment::Mode mode, uint32_t table, const std::vector<uint8_t>& offset,
                              const ElemItems& items) {
    const bool is_active = mode == ElemSegment::Mode::active;
    const bool is_short = is_active && table == 0 && (!items.has_exprs || items.type == ValType::funcref());
    uint8_t flags = items.has_exprs ? 4 : 0;
    if (mode == ElemSegment::Mode::passive)
        flags |= 1;
    else if (mode == ElemSegment::Mode::declarative)
        flags |= 3;
    else if (!is_short)
        flags |= 2;
    Encoder& out = m_elems.bytes;
    out.u8(flags);
    if (is_active && !is_short)
        out.u32(table);
    if (is_active)
        out.raw(offset);
    if (!is_short && items.has_exprs)
        out.val_type(items.type);
    else if (!is_short)
        out.u8(0);
    out.u32(items.count);
    out.raw(items.bytes.bytes());
    ++m_elems.count;
}

Result<void> ModuleParser::data_field() {
    WSB_TRY_ASSIGN(const auto id, take_id());
    static_cast<void>(id);
    Encoder& out = m_datas.bytes;
    uint32_t memory = 0;
    WSB_TRY_ASSIGN(const bool has_memory, at_form("memory"));
    if (has_memory) {
        WSB_TRY(enter_form("memory"));
        WSB_TRY_ASSIGN(memory, index(m_memory_names, "memory"));
        WSB_TRY(expect(Token::Kind::right));
    } else if (at_index()) {
        WSB_TRY_ASSIGN(memory, index(m_memory_names, "memory"));
    }
    if (at(Token::Kind::left)) {
        WSB_TRY_ASSIGN(const auto offset, offset_expr());
        out.u8(memory == 0 ? 0 : 2);
        if (memory != 0)
            out.u32(memory);
        out.raw(offset);
    } else {
        out.u8(1);
    }
    WSB_TRY_ASSIGN(const std::string bytes, take_bytes());
    out.name(bytes);
    ++m_datas.count;
    return expect(Token::Kind::right);
}

}  // namespace wsb::text
