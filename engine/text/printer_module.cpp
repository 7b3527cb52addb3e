// SPDX-License-Identifier: Apache-2.0
// Fields of a module in the order of the sections. Spec: text/modules
#include "engine/binary/section.h"
#include "engine/text/printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace wsb::text {

namespace {

/// By ExternKind.
constexpr std::array<std::string_view, 5> extern_keywords = {"func", "table", "memory", "global", "tag"};

}  // namespace

// Types

void Printer::types() {
    for (const RecGroup& group : m_module.rec_groups) {
        if (group.is_explicit) {
            line(1);
            m_out += "(rec";
        }
        for (uint32_t i = 0; i < group.count; ++i)
            sub_type(group.first + i, group.is_explicit ? 2 : 1);
        if (group.is_explicit)
            m_out += ')';
    }
}

void Printer::sub_type(uint32_t index, size_t depth) {
    const SubType& type = m_module.types[index];
    line(depth);
    m_out += "(type";
    definition(m_type_ids, index);
    const bool is_plain = type.is_final && !type.super;
    if (!is_plain)
        m_out += " (sub";
    if (!is_plain && type.is_final)
        m_out += " final";
    if (type.super)
        reference(m_type_ids, type.super->value);
    composite(index, type);
    m_out += is_plain ? ")" : "))";
}

void Printer::composite(uint32_t index, const SubType& type) {
    const auto clause = [&](std::string_view keyword, const std::optional<TypeIdx>& other) {
        if (!other)
            return;
        word(fmt::format("({}", keyword));
        reference(m_type_ids, other->value);
        m_out += ')';
    };
    clause("describes", type.describes);
    clause("descriptor", type.descriptor);
    if (const FuncType* func = type.func()) {
        m_out += " (func";
        val_types("param", func->params);
        val_types("result", func->results);
    } else if (const StructType* structure = type.structure()) {
        m_out += " (struct";
        const auto names = m_field_ids.find(index);
        for (uint32_t i = 0; i < structure->fields.size(); ++i) {
            m_out += " (field";
            if (names != m_field_ids.end())
                id_and_name(names->second, i);
            word(text_of(structure->fields[i]));
            m_out += ')';
        }
    } else {
        m_out += " (array";
        word(text_of(type.array()->field));
    }
    m_out += ')';
}

// Imports and exports

void Printer::imports() {
    std::array<uint32_t, 5> next{};
    const std::array<const Identifiers*, 5> spaces = {&m_func_ids, &m_table_ids, &m_memory_ids, &m_global_ids,
                                                      &m_tag_ids};
    for (const Import& import : m_module.imports) {
        const auto kind = static_cast<size_t>(import.kind());
        line(1);
        m_out += fmt::format("(import {} {} ({}", quoted(import.module), quoted(import.name),
                             extern_keywords[kind]);
        definition(*spaces[kind], next[kind]++);
        switch (import.kind()) {
            case ExternKind::func:
                m_out += import.is_exact ? " (exact" : "";
                type_use(std::get<TypeIdx>(import.type));
                m_out += import.is_exact ? ")" : "";
                break;
            case ExternKind::table: table_type(std::get<TableType>(import.type)); break;
            case ExternKind::memory: memory_type(std::get<MemoryType>(import.type)); break;
            case ExternKind::global: global_type(std::get<GlobalType>(import.type)); break;
            case ExternKind::tag: type_use(std::get<TagType>(import.type).type); break;
        }
        m_out += "))";
    }
}

void Printer::exports() {
    const std::array<const Identifiers*, 5> spaces = {&m_func_ids, &m_table_ids, &m_memory_ids, &m_global_ids,
                                                      &m_tag_ids};
    for (const Export& item : m_module.exports) {
        const auto kind = static_cast<size_t>(item.kind);
        line(1);
        m_out += fmt::format("(export {} ({}", quoted(item.name), extern_keywords[kind]);
        reference(*spaces[kind], item.index);
        m_out += "))";
    }
}

// Tables, memories, tags, globals

void Printer::tables() {
    for (uint32_t i = m_module.imported_tables; i < m_module.tables.size(); ++i) {
        const Table& table = m_module.tables[i];
        line(1);
        m_out += "(table";
        definition(m_table_ids, i);
        table_type(table.type);
        if (table.init)
            const_expr(*table.init, "");
        m_out += ')';
    }
}

void Printer::memories() {
    for (uint32_t i = m_module.imported_memories; i < m_module.memories.size(); ++i) {
        line(1);
        m_out += "(memory";
        definition(m_memory_ids, i);
        memory_type(m_module.memories[i].type);
        m_out += ')';
    }
}

void Printer::tags() {
    for (uint32_t i = m_module.imported_tags; i < m_module.tags.size(); ++i) {
        line(1);
        m_out += "(tag";
        definition(m_tag_ids, i);
        type_use(m_module.tags[i].type);
        m_out += ')';
    }
}

void Printer::globals() {
    for (uint32_t i = m_module.imported_globals; i < m_module.globals.size(); ++i) {
        const Global& global = m_module.globals[i];
        line(1);
        m_out += "(global";
        definition(m_global_ids, i);
        global_type(global.type);
        const_expr(global.init, "");
        m_out += ')';
    }
}

// Segments

void Printer::elems() {
    for (uint32_t i = 0; i < m_module.elems.size(); ++i) {
        const ElemSegment& segment = m_module.elems[i];
        line(1);
        m_out += "(elem";
        definition(m_elem_ids, i);
        if (segment.mode == ElemSegment::Mode::declarative)
            m_out += " declare";
        if (segment.mode == ElemSegment::Mode::active) {
            if (segment.table.value != 0) {
                m_out += " (table";
                reference(m_table_ids, segment.table.value);
                m_out += ')';
            }
            const_expr(segment.offset, "offset");
        }
        elem_items(segment);
        m_out += ')';
    }
}

void Printer::elem_items(const ElemSegment& segment) {
    if (!segment.has_exprs()) {
        m_out += " func";
        for (const FuncIdx func : segment.funcs)
            reference(m_func_ids, func.value);
        return;
    }
    word(text_of(segment.type));
    for (const ConstExpr& expr : segment.exprs)
        const_expr(expr, "item");
}

void Printer::datas() {
    for (uint32_t i = 0; i < m_module.datas.size(); ++i) {
        const DataSegment& segment = m_module.datas[i];
        line(1);
        m_out += "(data";
        definition(m_data_ids, i);
        if (segment.mode == DataSegment::Mode::active) {
            if (segment.memory.value != 0) {
                m_out += " (memory";
                reference(m_memory_ids, segment.memory.value);
                m_out += ')';
            }
            const_expr(segment.offset, "offset");
        }
        data_bytes(m_module.view(segment.bytes));
        m_out += ')';
    }
}

/// Long contents are several strings, one to a line.
void Printer::data_bytes(std::span<const uint8_t> bytes) {
    constexpr size_t bytes_per_line = 64;
    const bool is_long = bytes.size() > bytes_per_line;
    do {
        const auto part = bytes.first(std::min(bytes.size(), bytes_per_line));
        if (is_long)
            line(2);
        else
            m_out += ' ';
        m_out += quoted({reinterpret_cast<const char*>(part.data()), part.size()});
        bytes = bytes.subspan(part.size());
    } while (!bytes.empty());
}

// Custom sections

namespace {

/// Whether an instruction refers to a data segment: then the assembler counts the segments before the code.
[[nodiscard]] bool uses_data_segments(const Module& module) {
    binary::Instr next;
    for (const FuncBody& body : module.bodies) {
        binary::InstrReader reader(Cursor(module.view(body.expression), body.expression.offset_bytes));
        while (!reader.at_end() && reader.next(next)) {
            const Imm kind = op_info(next.op).imm;
            if (kind == Imm::data || kind == Imm::data_mem || kind == Imm::type_data)
                return true;
        }
    }
    return false;
}

/// Whether the assembler will write this section; empty ones it leaves out.
[[nodiscard]] bool has_section(const Module& module, uint8_t id) {
    namespace section_ids = binary::section_ids;
    switch (id) {
        case section_ids::type: return !module.rec_groups.empty();
        case section_ids::import: return !module.imports.empty();
        case section_ids::function:
        case section_ids::code: return !module.bodies.empty();
        case section_ids::table: return module.tables.size() > module.imported_tables;
        case section_ids::memory: return module.memories.size() > module.imported_memories;
        case section_ids::tag: return module.tags.size() > module.imported_tags;
        case section_ids::global: return module.globals.size() > module.imported_globals;
        case section_ids::export_: return !module.exports.empty();
        case section_ids::start: return module.start.has_value();
        case section_ids::element: return !module.elems.empty();
        case section_ids::data_count: return module.data_count && uses_data_segments(module);
        case section_ids::data: return !module.datas.empty();
        default: return false;
    }
}

/// By section: the last one up to it that will be written; 0 if there is none.
[[nodiscard]] std::array<uint8_t, binary::section_ids::last + 1> last_sections(const Module& module) {
    std::array<uint8_t, binary::section_ids::last + 1> table{};
    uint8_t last = 0;
    for (const uint8_t each : binary::section_ids::order) {
        if (has_section(module, each))
            last = each;
        table[each] = last;
    }
    return table;
}

}  // namespace

/// As annotations; names of sections by id. The name section comes back by the identifiers.
void Printer::customs() {
    constexpr std::array<std::string_view, 14> sections = {"",       "type",   "import",    "func",  "table",
                                                           "memory", "global", "export",    "start", "elem",
                                                           "code",   "data",   "datacount", "tag"};
    if (m_module.customs.empty())
        return;
    const auto last = last_sections(m_module);
    for (const CustomSection& custom : m_module.customs) {
        if (custom.name == "name")
            continue;
        line(1);
        m_out += "(@custom " + quoted(custom.name);
        const uint8_t after = last[custom.after_section];
        m_out += after == 0 ? std::string(" (before first)") : fmt::format(" (after {})", sections[after]);
        data_bytes(m_module.view(custom.content));
        m_out += ')';
    }
}

// Functions

void Printer::funcs() {
    for (size_t i = 0; i < m_module.bodies.size() && !is_full(); ++i)
        func(m_module.imported_funcs + static_cast<uint32_t>(i));
}

void Printer::func(uint32_t index) {
    const FuncBody& code = m_module.body(FuncIdx(index));
    const TypeIdx type_index = m_module.funcs[index];
    const FuncType* type =
        type_index.value < m_module.types.size() ? m_module.types[type_index.value].func() : nullptr;
    Body body = body_of(index);
    line(1);
    m_out += "(func";
    definition(m_func_ids, index);
    type_use(type_index);
    if (type != nullptr)
        params(*type, body.locals);
    locals(code, type == nullptr ? 0 : static_cast<uint32_t>(type->params.size()), body.locals);
    instrs(code, body);
    m_out += ')';
}

/// Parameters again, with their names, and results.
void Printer::params(const FuncType& type, const Identifiers& names) {
    bool is_open = false;
    for (uint32_t i = 0; i < type.params.size(); ++i) {
        const std::string_view id = names.find(i);
        if (is_open && !id.empty())
            m_out += ')';
        if (!is_open || !id.empty())
            m_out += " (param";
        is_open = id.empty();
        id_and_name(names, i);
        word(text_of(type.params[i]));
        if (!id.empty())
            m_out += ')';
    }
    if (is_open)
        m_out += ')';
    val_types("result", type.results);
}

/// `first`: the index of the first local, behind the parameters.
void Printer::locals(const FuncBody& body, uint32_t first, const Identifiers& names) {
    uint32_t index = first;
    bool is_open = false;
    for (const LocalRun& run : body.locals) {
        const std::string type = text_of(run.type);
        for (uint32_t i = 0; i < run.count && !is_full(); ++i, ++index) {
            const std::string_view id = names.find(index);
            if (is_open && !id.empty())
                m_out += ')';
            if (!is_open || !id.empty()) {
                line(2);
                m_out += "(local";
            }
            is_open = id.empty();
            id_and_name(names, index);
            word(type);
            if (!id.empty())
                m_out += ')';
        }
    }
    if (is_open)
        m_out += ')';
}

}  // namespace wsb::text
