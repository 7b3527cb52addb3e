// SPDX-License-Identifier: Apache-2.0
// The parser of module fields: collects names first, then writes sections. Spec: text/modules
#pragma once

#include "engine/binary/encoder.h"
#include "engine/binary/section.h"
#include "engine/isa/features.h"
#include "engine/text/literals.h"

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace wsb::text {

/// What the text calls a thing: an identifier, and what `(@name "…")` says in its place.
struct Named {
    std::optional<Token> id;
    std::optional<std::string> name;
};

/// By index.
using GivenNames = std::map<uint32_t, std::string>;

/// The identifiers of one index space.
class NameSpace {
public:
    explicit NameSpace(ErrorCode duplicate) noexcept : m_duplicate(duplicate) {}
    /// Enters the next index, with a name if `id` is one.
    [[nodiscard]] Result<void> add(const std::optional<Token>& id);
    /// The same with another name for debugging; identifiers are not looked up by it.
    [[nodiscard]] Result<void> add(const Named& named);
    void add_unnamed() noexcept { ++m_count; }
    [[nodiscard]] std::optional<uint32_t> find(const std::string& name) const;
    [[nodiscard]] uint32_t count() const noexcept { return m_count; }
    [[nodiscard]] const GivenNames& names() const noexcept { return m_names; }

private:
    ErrorCode m_duplicate;
    uint32_t m_count = 0;
    std::unordered_map<std::string, uint32_t> m_indices;
    GivenNames m_names;
};

/// What a type use says: the type's index, and the names of its parameters.
struct TypeUse {
    uint32_t index = 0;
    std::vector<Named> param_names;
};

/// Parses one module from its source text to bytes. Single use.
class ModuleParser {
public:
    /// `is_quoted`: the text was a string of another module, so that none may be quoted in it.
    ModuleParser(Lexer lexer, Features features, bool is_quoted = false) noexcept
        : m_lexer(lexer), m_features(features), m_is_quoted(is_quoted) {}

    /// `( module id? field* )`, the parenthesis not yet read; or bare fields to the end of the text.
    [[nodiscard]] Result<std::vector<uint8_t>> run();

private:
    /// A vector in the making: its elements and how many.
    struct Section {
        binary::Encoder bytes;
        uint32_t count = 0;
    };

    // Tokens (parser_types.cpp)
    [[nodiscard]] Result<void> advance();
    [[nodiscard]] Result<Token> peek() const;  ///< the token after m_token
    [[nodiscard]] bool at(Token::Kind kind) const noexcept { return m_token.kind == kind; }
    [[nodiscard]] Result<bool> at_form(std::string_view keyword) const;  ///< "(keyword"
    [[nodiscard]] Result<void> enter_form(std::string_view keyword);
    [[nodiscard]] Result<void> expect(Token::Kind kind);
    [[nodiscard]] Result<void> expect_atom(std::string_view atom);
    [[nodiscard]] Result<Token> take();
    [[nodiscard]] Result<std::optional<Token>> take_id();
    [[nodiscard]] Result<Named> take_named();        ///< `id?` and `(@name "…")?`
    [[nodiscard]] Result<std::string> take_name();   ///< a string that is UTF-8
    [[nodiscard]] Result<std::string> take_bytes();  ///< strings, joined
    [[nodiscard]] Result<void> skip_form();          ///< from behind "(" to behind its ")"
    [[nodiscard]] std::unexpected<Error> unexpected() const;

    // Types (parser_types.cpp)
    [[nodiscard]] Result<HeapType> heap_type();
    [[nodiscard]] Result<ValType> ref_type();
    [[nodiscard]] Result<ValType> val_type();
    [[nodiscard]] Result<bool> at_ref_type() const;
    [[nodiscard]] Result<StorageType> storage_type();
    [[nodiscard]] Result<FieldType> field_type();
    [[nodiscard]] Result<SubType> sub_type(uint32_t type);
    [[nodiscard]] Result<std::optional<TypeIdx>> type_clause(std::string_view keyword);
    [[nodiscard]] Result<void> composite_type(SubType& type, uint32_t index);
    [[nodiscard]] Result<void> struct_fields(StructType& type, uint32_t index);
    [[nodiscard]] Result<void> params_and_results(FuncType& type, std::vector<Named>* names);
    [[nodiscard]] Result<Limits> limits();
    [[nodiscard]] Result<AddressType> address_type();
    [[nodiscard]] Result<MemoryType> memory_type();
    [[nodiscard]] Result<MemoryType> memory_type_of(AddressType address);
    [[nodiscard]] Result<std::optional<uint8_t>> page_size();
    [[nodiscard]] Result<TableType> table_type();
    [[nodiscard]] Result<GlobalType> global_type();
    [[nodiscard]] Result<TypeUse> type_use();
    [[nodiscard]] uint32_t implicit_type(const FuncType& type);
    [[nodiscard]] Result<void> block_type(binary::BlockType& block);

    // Indices (parser_types.cpp)
    [[nodiscard]] Result<uint32_t> index(const NameSpace& space, std::string_view what);
    [[nodiscard]] bool at_index() const noexcept { return at(Token::Kind::id) || is_natural(m_token); }
    [[nodiscard]] Result<uint32_t> field_index(uint32_t type);
    [[nodiscard]] Result<uint32_t> label();

    // Fields (parser_module.cpp, parser_fields.cpp)
    [[nodiscard]] Result<void> collect_names();
    [[nodiscard]] Result<void> collect_field();
    [[nodiscard]] Result<void> collect_import();
    [[nodiscard]] Result<void> collect_type();
    [[nodiscard]] Result<void> collect_name(NameSpace& space);
    [[nodiscard]] Result<void> define_types();
    [[nodiscard]] Result<void> define_type();
    [[nodiscard]] Result<void> fields();
    [[nodiscard]] Result<void> field(std::string_view keyword);
    [[nodiscard]] Result<void> import_field();
    [[nodiscard]] Result<void> import_description(std::string_view keyword);
    [[nodiscard]] Result<bool> inline_exports_and_import(ExternKind kind, uint32_t index);
    [[nodiscard]] Result<void> func_field();
    [[nodiscard]] Result<void> func_body(const TypeUse& type);
    [[nodiscard]] Result<void> table_field();
    [[nodiscard]] Result<void> inline_elems(uint32_t table, AddressType address, const TableType& type);
    [[nodiscard]] Result<void> memory_field();
    [[nodiscard]] Result<void> global_field();
    [[nodiscard]] Result<void> tag_field();
    [[nodiscard]] Result<void> export_field();
    [[nodiscard]] Result<void> start_field();
    [[nodiscard]] Result<void> elem_field();
    /// Elements of a segment, encoded.
    struct ElemItems {
        ValType type = ValType::reference(HeapType::func, false);
        bool has_exprs = false;
        uint32_t count = 0;
        binary::Encoder bytes;
    };
    [[nodiscard]] Result<ElemItems> elem_list(bool is_active);
    [[nodiscard]] Result<void> elem_expr(binary::Encoder& out);
    void emit_elems(ElemSegment::Mode mode, uint32_t table, const std::vector<uint8_t>& offset,
                    const ElemItems& items);
    [[nodiscard]] Result<void> data_field();
    [[nodiscard]] Result<std::vector<uint8_t>> offset_expr();
    [[nodiscard]] Result<std::vector<uint8_t>> expr();
    [[nodiscard]] Result<void> single_folded(binary::Encoder& out);
    [[nodiscard]] std::vector<uint8_t> finish();
    [[nodiscard]] Section type_section() const;
    void emit_names(binary::Encoder& out) const;

    // Annotations (parser_annotations.cpp)
    /// A custom section of the text.
    struct Custom {
        static constexpr uint32_t at_end = 1000;
        [[nodiscard]] static constexpr uint32_t before(uint8_t section) noexcept {
            return 2 * binary::section_rank(section);
        }
        [[nodiscard]] static constexpr uint32_t after(uint8_t section) noexcept {
            return before(section) + 1;
        }
        std::string name;
        std::string bytes;
        uint32_t place = at_end;  ///< 0: before all others
    };
    /// What is inside the annotations of this kind before the current token.
    [[nodiscard]] Result<std::vector<std::string_view>> annotations(std::string_view id) const;
    [[nodiscard]] Result<void> refuse_annotations() const;
    [[nodiscard]] Result<void> field_annotations(bool is_first);
    [[nodiscard]] Result<std::string> name_of(std::string_view content) const;
    [[nodiscard]] Result<std::optional<std::string>> take_name_annotation();
    [[nodiscard]] Result<void> custom_annotation(std::string_view content);
    [[nodiscard]] Result<uint32_t> custom_place(Lexer& reader) const;
    void emit_customs(binary::Encoder& out, uint32_t place) const;
    [[nodiscard]] Result<std::optional<uint8_t>> take_branch_hint();
    [[nodiscard]] Result<void> check_branch_hint(std::optional<uint8_t> hint, Op op) const;
    void add_branch_hint(const binary::Encoder& body, std::optional<uint8_t> hint);
    void emit_branch_hints(binary::Encoder& out) const;

    // Instructions (parser_instr.cpp, parser_immediates.cpp)
    struct InstrFrame {
        enum class Kind : uint8_t {
            folded_plain,  ///< `bytes` wait for the operands
            folded_block,
            folded_if,  ///< `bytes` wait for the condition; see `state`
            folded_then,
            folded_else,
            folded_try,  ///< between its forms; see `state`
            folded_do,
            folded_catch,
            folded_delegate,  ///< a try whose delegate was read: it only has to be closed
            flat_block,
            flat_if,
            flat_else,
            flat_try,
            flat_catch,
            flat_catch_all,
        };
        /// folded_try: before `do`, before a `catch`, after `catch_all`.
        enum class State : uint8_t { condition, then_done, else_done };
        Kind kind;
        State state = State::condition;
        std::vector<uint8_t> bytes;
        std::optional<Token> label;
        std::optional<uint8_t> branch_hint;  ///< of the instruction in `bytes`
        bool has_catch = false;              ///< folded_try
    };
    /// Instructions up to a token that cannot begin one. Emits to `out`.
    [[nodiscard]] Result<void> instrs(binary::Encoder& out);
    [[nodiscard]] Result<void> folded_instr(binary::Encoder& out);
    [[nodiscard]] Result<void> folded_branch(binary::Encoder& out);
    [[nodiscard]] Result<void> flat_instr(binary::Encoder& out);
    [[nodiscard]] Result<bool> close_form(binary::Encoder& out);
    [[nodiscard]] Result<void> flat_else(binary::Encoder& out);
    [[nodiscard]] Result<void> flat_end(binary::Encoder& out);
    // Legacy try blocks (parser_legacy.cpp)
    [[nodiscard]] Result<void> folded_handler(binary::Encoder& out);
    [[nodiscard]] Result<void> flat_handler(binary::Encoder& out);
    [[nodiscard]] Result<void> handler_head(binary::Encoder& out);
    [[nodiscard]] Result<void> check_label(const std::optional<Token>& opened);
    [[nodiscard]] Result<binary::Instr> instr_head();
    [[nodiscard]] Result<void> immediates(binary::Instr& instr);
    [[nodiscard]] Result<void> index_immediates(binary::Instr& instr, Imm kind);
    [[nodiscard]] Result<void> index_pair(binary::Instr& instr, const NameSpace& space,
                                          std::string_view what);
    [[nodiscard]] Result<void> segment_indices(binary::Instr& instr, const NameSpace& outer,
                                               std::string_view outer_what, const NameSpace& segments,
                                               std::string_view what);
    [[nodiscard]] Result<void> number_immediates(binary::Instr& instr, Imm kind);
    [[nodiscard]] Result<void> type_immediates(binary::Instr& instr, Imm kind);
    [[nodiscard]] Result<void> memarg(binary::Instr& instr, bool has_lane);
    [[nodiscard]] Result<std::vector<Token>> numbers(size_t count, ErrorCode wrong_count);
    [[nodiscard]] Result<void> v128_immediate(binary::Instr& instr);
    [[nodiscard]] Result<void> select_types(binary::Instr& instr);
    [[nodiscard]] Result<void> catches(binary::Instr& instr);
    void push_label(const std::optional<Token>& id);
    void pop_label();

    Lexer m_lexer;
    Features m_features;
    bool m_is_quoted;
    Token m_token;

    NameSpace m_type_names{ErrorCode::duplicate_type};
    NameSpace m_func_names{ErrorCode::duplicate_func};
    NameSpace m_table_names{ErrorCode::duplicate_table};
    NameSpace m_memory_names{ErrorCode::duplicate_memory};
    NameSpace m_global_names{ErrorCode::duplicate_global};
    NameSpace m_tag_names{ErrorCode::duplicate_tag};
    NameSpace m_elem_names{ErrorCode::duplicate_elem};
    NameSpace m_data_names{ErrorCode::duplicate_data};
    NameSpace m_local_names{ErrorCode::duplicate_local};
    std::map<uint32_t, NameSpace> m_field_names;
    std::map<uint32_t, GivenNames> m_all_local_names;
    std::map<uint32_t, GivenNames> m_all_label_names;
    std::string m_module_name;

    std::vector<SubType> m_types;
    std::vector<RecGroup> m_groups;
    /// Function types that stand alone, by their encoding: the first of each.
    std::map<std::vector<uint8_t>, uint32_t> m_plain_func_types;
    std::vector<std::string> m_labels;  ///< innermost last; empty: no name
    std::unordered_map<std::string, std::vector<uint32_t>> m_label_places;  ///< in m_labels
    uint32_t m_label_count = 0;  ///< in the current function, for the name section
    std::vector<InstrFrame> m_instr_frames;

    // Next index of what is defined, imported ones included.
    uint32_t m_next_func = 0, m_next_table = 0, m_next_memory = 0, m_next_global = 0, m_next_tag = 0;
    uint32_t m_defined_funcs = 0, m_defined_tables = 0, m_defined_memories = 0, m_defined_globals = 0,
             m_defined_tags = 0;
    bool m_needs_data_count = false;
    bool m_check_annotations = false;  ///< in the last pass
    bool m_in_types = false;           ///< whose names are not looked at again in the last pass
    std::vector<Custom> m_customs;
    std::map<uint32_t, std::vector<std::pair<uint32_t, uint8_t>>> m_branch_hints;

    Section m_imports, m_funcs, m_tables, m_memories, m_tags, m_globals, m_exports, m_elems, m_codes, m_datas;
    std::optional<uint32_t> m_start;
};

}  // namespace wsb::text
