// SPDX-License-Identifier: Apache-2.0
// The printer of modules behind text::print: identifiers, types (printer.cpp), fields
// (printer_module.cpp), instructions (printer_instr.cpp). Nobody else includes this.
#pragma once

#include "engine/binary/instr_reader.h"
#include "engine/text/wat.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace wsb::text {

/// A string token: everything but printable ASCII is escaped, so that no text of a module can steer a
/// terminal or an editor.
[[nodiscard]] std::string quoted(std::string_view bytes);

/// The identifier of a name that is not empty: `$name`, or `$"na me"` where the plain form is not possible.
[[nodiscard]] std::string identifier(std::string_view name);

/// The identifiers of one index space: names, made unique.
class Identifiers {
public:
    Identifiers() = default;
    explicit Identifiers(const NameMap& names);
    /// With `$`; empty if the index has no name.
    [[nodiscard]] std::string_view find(uint32_t index) const noexcept;
    /// The name itself where the identifier had to be another one; empty elsewhere.
    [[nodiscard]] std::string_view renamed(uint32_t index) const noexcept;

private:
    std::unordered_map<uint32_t, std::string> m_ids;
    std::unordered_map<uint32_t, std::string> m_renamed;
};

/// The labels that are open at a place in a body. Names may repeat: the innermost one hides the others.
class Labels {
public:
    Labels() = default;
    explicit Labels(const NameMap* names) noexcept : m_names(names) {}
    /// The identifier of the label that the next block opens, empty if it has none.
    [[nodiscard]] std::string next_id() const;
    void open();
    void close();
    [[nodiscard]] size_t size() const noexcept { return m_open.size(); }
    /// The label `depth` blocks outwards, by its identifier if no other hides it, else by number.
    [[nodiscard]] std::string reference(uint32_t depth) const;

private:
    const NameMap* m_names = nullptr;
    uint32_t m_opened = 0;                                          ///< so far: the next index in the names
    std::vector<std::string> m_open;                                ///< innermost last; empty: no name
    std::unordered_map<std::string, std::vector<size_t>> m_places;  ///< of a name in m_open
};

/// Prints one module, once, or some of its functions. Also modules that were not validated can be printed:
/// wrong indices stay numbers, and where a body cannot be read its text ends with a comment.
class Printer {
public:
    Printer(const Module& module, const PrintOptions& options);
    [[nodiscard]] std::string run();
    /// Instead, as often as wanted: the instructions of one function.
    [[nodiscard]] std::vector<InstrText> body(FuncIdx func);

private:
    /// What the instructions of one body refer to.
    struct Body {
        Identifiers locals;
        Labels labels;
    };

    // Pieces (printer.cpp)
    [[nodiscard]] bool is_full() const noexcept { return m_out.size() >= m_size_limit_bytes; }
    void line(size_t depth);
    void word(std::string_view text);  ///< after a blank
    void reference(const Identifiers& space, uint32_t index);
    void id_and_name(const Identifiers& space, uint32_t index);
    void definition(const Identifiers& space, uint32_t index);
    void type_use(TypeIdx type);
    [[nodiscard]] std::string text_of(HeapType type) const;
    [[nodiscard]] std::string text_of(ValType type) const;
    [[nodiscard]] std::string text_of(const FieldType& field) const;
    void val_types(std::string_view keyword, const ResultType& types);
    void limits(AddressType address, const Limits& limits);
    void table_type(const TableType& type);
    void memory_type(const MemoryType& type);
    void global_type(const GlobalType& type);

    // Fields (printer_module.cpp)
    void types();
    void sub_type(uint32_t index, size_t depth);
    void composite(uint32_t index, const SubType& type);
    void imports();
    void tables();
    void memories();
    void tags();
    void globals();
    void exports();
    void elems();
    void elem_items(const ElemSegment& segment);
    void funcs();
    void func(uint32_t index);
    void params(const FuncType& type, const Identifiers& names);
    void locals(const FuncBody& body, uint32_t first, const Identifiers& names);
    void datas();
    void customs();
    void data_bytes(std::span<const uint8_t> bytes);

    // Instructions (printer_instr.cpp)
    [[nodiscard]] Body body_of(uint32_t func) const;
    template <class Before>
    std::optional<uint64_t> instrs(const FuncBody& code, Body& body, Before before);
    void instrs(const FuncBody& code, Body& body);
    /// On one line. `keyword`: of the form around it, needed unless there is exactly one instruction;
    /// empty if nothing is needed.
    void const_expr(const ConstExpr& expr, std::string_view keyword);
    void instr(const binary::Instr& instr, const Body& body);
    void index_immediates(const binary::Instr& instr, Imm kind, const Body& body);
    void type_immediates(const binary::Instr& instr, Imm kind, const Body& body);
    void number_immediates(const binary::Instr& instr, Imm kind);
    void block_header(const binary::Instr& instr, const Body& body);
    void memarg(const binary::Instr& instr);
    void unreadable(const Error& error);

    const Module& m_module;
    const Names& m_names;  ///< none at all if they are not wanted
    Identifiers m_type_ids, m_func_ids, m_table_ids, m_memory_ids, m_global_ids, m_tag_ids, m_elem_ids,
        m_data_ids;
    std::unordered_map<uint32_t, Identifiers> m_field_ids;  ///< by type
    size_t m_size_limit_bytes;
    std::string m_out;
};

}  // namespace wsb::text
