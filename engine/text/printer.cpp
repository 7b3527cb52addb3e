// SPDX-License-Identifier: Apache-2.0
#include "engine/text/printer.h"

#include "engine/text/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>

namespace wsb::text {

std::string quoted(std::string_view bytes) {
    constexpr std::string_view escaped = "\t\n\r\"\\";
    constexpr std::string_view letters = "tnr\"\\";
    std::string text = "\"";
    text.reserve(bytes.size() + 2);
    for (const char c : bytes) {
        if (const size_t found = escaped.find(c); found != std::string_view::npos) {
            text += '\\';
            text += letters[found];
        } else if (c >= 0x20 && c < 0x7f) {
            text += c;
        } else {
            fmt::format_to(std::back_inserter(text), "\\{:02x}", static_cast<uint8_t>(c));
        }
    }
    text += '"';
    return text;
}

std::string identifier(std::string_view name) {
    return "$" + (std::ranges::all_of(name, is_id_char) ? std::string(name) : quoted(name));
}

// Identifiers

Identifiers::Identifiers(const NameMap& names) {
    std::unordered_set<std::string> taken;
    for (const auto& [index, name] : names)
        taken.emplace(name);
    std::unordered_set<std::string_view> seen;
    for (const auto& [index, name] : names) {
        if (name.empty())
            continue;
        if (seen.insert(name).second) {
            m_ids.emplace(index, identifier(name));
            continue;
        }
        std::string unique = fmt::format("{}.{}", name, index);
        while (!taken.insert(unique).second)
            unique += '_';
        m_ids.emplace(index, identifier(unique));
        m_renamed.emplace(index, name);
    }
}

std::string_view Identifiers::find(uint32_t index) const noexcept {
    const auto found = m_ids.find(index);
    return found == m_ids.end() ? std::string_view() : found->second;
}

std::string_view Identifiers::renamed(uint32_t index) const noexcept {
    const auto found = m_renamed.find(index);
    return found == m_renamed.end() ? std::string_view() : found->second;
}

// Labels

std::string Labels::next_id() const {
    if (m_names == nullptr)
        return {};
    const auto found = m_names->find(m_opened);
    return found == m_names->end() || found->second.empty() ? std::string() : identifier(found->second);
}

void Labels::open() {
    std::string id = next_id();
    ++m_opened;
    if (!id.empty())
        m_places[id].push_back(m_open.size());
    m_open.push_back(std::move(id));
}

void Labels::close() {
    if (!m_open.back().empty())
        m_places[m_open.back()].pop_back();
    m_open.pop_back();
}

std::string Labels::reference(uint32_t depth) const {
    if (depth < m_open.size()) {
        const size_t place = m_open.size() - 1 - depth;
        const std::string& id = m_open[place];
        if (!id.empty() && m_places.at(id).back() == place)
            return id;
    }
    return std::to_string(depth);
}

// Printer

namespace {

const Names no_names;

}  // namespace

Printer::Printer(const Module& module, const PrintOptions& options)
    : m_module(module),
      m_names(options.use_names ? module.names : no_names),
      m_type_ids(m_names.types),
      m_func_ids(m_names.funcs),
      m_table_ids(m_names.tables),
      m_memory_ids(m_names.memories),
      m_global_ids(m_names.globals),
      m_tag_ids(m_names.tags),
      m_elem_ids(m_names.elems),
      m_data_ids(m_names.datas),
      m_size_limit_bytes(options.size_limit_bytes) {
    for (const auto& [type, names] : m_names.fields)
        m_field_ids.emplace(type, Identifiers(names));
}

std::string Printer::run() {
    m_out = "(module";
    if (!m_names.module.empty())
        word(identifier(m_names.module));
    types();
    imports();
    tables();
    memories();
    tags();
    globals();
    exports();
    if (m_module.start) {
        line(1);
        m_out += "(start";
        reference(m_func_ids, m_module.start->value);
        m_out += ')';
    }
    elems();
    funcs();
    datas();
    customs();
    m_out += ")\n";
    if (is_full())
        m_out += "(; cut off: the text is too long\n";
    return std::move(m_out);
}

/// Begins a line. The indentation is bounded: else deep nesting would make the text grow with its square.
void Printer::line(size_t depth) {
    if (is_full())
        return;
    constexpr size_t deepest = 40;
    m_out += '\n';
    m_out.append(2 * std::min(depth, deepest), ' ');
}

void Printer::word(std::string_view text) {
    if (is_full())
        return;
    m_out += ' ';
    m_out += text;
}

void Printer::reference(const Identifiers& space, uint32_t index) {
    const std::string_view id = space.find(index);
    word(id.empty() ? std::to_string(index) : std::string(id));
}

/// The identifier of what is defined, if it has one, and its name if that is another.
void Printer::id_and_name(const Identifiers& space, uint32_t index) {
    if (const std::string_view id = space.find(index); !id.empty())
        word(id);
    if (const std::string_view name = space.renamed(index); !name.empty())
        word("(@name " + quoted(name) + ")");
}

/// The same, and the index as a comment.
void Printer::definition(const Identifiers& space, uint32_t index) {
    id_and_name(space, index);
    fmt::format_to(std::back_inserter(m_out), " (;{};)", index);
}

void Printer::type_use(TypeIdx type) {
    m_out += " (type";
    reference(m_type_ids, type.value);
    m_out += ')';
}

// Types

std::string Printer::text_of(HeapType type) const {
    const std::string_view id = type.is_defined() ? m_type_ids.find(type.type_index().value) : "";
    if (id.empty())
        return to_string(type);
    return type.is_exact() ? fmt::format("(exact {})", id) : std::string(id);
}

std::string Printer::text_of(ValType type) const {
    if (!type.is_ref() || !type.heap().is_defined())
        return to_string(type);
    return fmt::format("(ref {}{})", type.is_nullable() ? "null " : "", text_of(type.heap()));
}

std::string Printer::text_of(const FieldType& field) const {
    const StorageType& storage = field.storage;
    std::string text = storage.packing == StorageType::i8    ? "i8"
                       : storage.packing == StorageType::i16 ? "i16"
                                                             : text_of(storage.type);
    return field.is_mutable ? "(mut " + text + ")" : text;
}

/// `(keyword type …)`, or nothing if there are no types.
void Printer::val_types(std::string_view keyword, const ResultType& types) {
    if (types.empty())
        return;
    m_out += " (";
    m_out += keyword;
    for (const ValType type : types)
        word(text_of(type));
    m_out += ')';
}

void Printer::limits(AddressType address, const Limits& limits) {
    if (address == AddressType::i64)
        m_out += " i64";
    word(std::to_string(limits.min));
    if (limits.max)
        word(std::to_string(*limits.max));
}

void Printer::table_type(const TableType& type) {
    limits(type.address, type.limits_elements);
    word(text_of(type.element));
}

void Printer::memory_type(const MemoryType& type) {
    limits(type.address, type.limits_pages);
    if (type.is_shared)
        m_out += " shared";
    if (type.page_size_log2 != MemoryType().page_size_log2)
        m_out += " (pagesize " + std::to_string(type.page_size_bytes()) + ")";
}

void Printer::global_type(const GlobalType& type) {
    const std::string text = text_of(type.type);
    word(type.is_mutable ? "(mut " + text + ")" : text);
}

std::string print(const Module& module, const PrintOptions& options) {
    return Printer(module, options).run();
}

BodyPrinter::BodyPrinter(const Module& module, const PrintOptions& options)
    : m_printer(std::make_unique<Printer>(module, options)) {}

BodyPrinter::~BodyPrinter() = default;

std::vector<InstrText> BodyPrinter::print(FuncIdx func) {
    return m_printer->body(func);
}

}  // namespace wsb::text
