// SPDX-License-Identifier: Apache-2.0
// Tokens, types and indices of the text parser. Spec: text/types
#include "engine/base/utf8.h"
#include "engine/text/keywords.h"
#include "engine/text/parser.h"

#include <algorithm>

namespace wsb::text {

Result<void> NameSpace::add(const std::optional<Token>& id) {
    if (id) {
        WSB_TRY_ASSIGN(std::string name, parse_id(*id));
        if (!m_indices.emplace(name, m_count).second)
            return fail_at(*id, m_duplicate, "$" + name);
        m_names.emplace(m_count, std::move(name));
    }
    ++m_count;
    return {};
}

Result<void> NameSpace::add(const Named& named) {
    WSB_TRY(add(named.id));
    if (named.name)
        m_names.insert_or_assign(m_count - 1, *named.name);
    return {};
}

std::optional<uint32_t> NameSpace::find(const std::string& name) const {
    const auto found = m_indices.find(name);
    return found == m_indices.end() ? std::nullopt : std::optional(found->second);
}

// Tokens

Result<void> ModuleParser::advance() {
    if (!m_token.annotations.empty() && m_check_annotations)
        WSB_TRY(refuse_annotations());
    WSB_TRY_ASSIGN(m_token, m_lexer.next());
    return {};
}

Result<Token> ModuleParser::peek() const {
    Lexer ahead = m_lexer;
    return ahead.next();
}

std::unexpected<Error> ModuleParser::unexpected() const {
    // Behind a parenthesis it is the word that is to blame.
    if (at(Token::Kind::left)) {
        const auto next = peek();
        if (next && next->kind == Token::Kind::atom && !is_keyword(next->text))
            return fail_unexpected(*next);
    }
    return fail_unexpected(m_token);
}

Result<bool> ModuleParser::at_form(std::string_view keyword) const {
    if (!at(Token::Kind::left))
        return false;
    WSB_TRY_ASSIGN(const Token next, peek());
    return next.is(keyword);
}

Result<void> ModuleParser::enter_form(std::string_view keyword) {
    WSB_TRY(expect(Token::Kind::left));
    return expect_atom(keyword);
}

Result<void> ModuleParser::expect(Token::Kind kind) {
    if (!at(kind))
        return unexpected();
    return advance();
}

Result<void> ModuleParser::expect_atom(std::string_view atom) {
    if (!m_token.is(atom))
        return unexpected();
    return advance();
}

Result<Token> ModuleParser::take() {
    const Token token = m_token;
    WSB_TRY(advance());
    return token;
}

Result<std::optional<Token>> ModuleParser::take_id() {
    std::optional<Token> id;
    if (at(Token::Kind::id)) {
        WSB_TRY_ASSIGN(id, take());
    }
    // The last pass has the names already.
    if (m_check_annotations)
        WSB_TRY(take_name_annotation());
    return id;
}

Result<Named> ModuleParser::take_named() {
    Named named;
    if (at(Token::Kind::id)) {
        WSB_TRY_ASSIGN(named.id, take());
    }
    WSB_TRY_ASSIGN(named.name, take_name_annotation());
    return named;
}

Result<std::string> ModuleParser::take_name() {
    const Token token = m_token;
    if (!at(Token::Kind::string))
        return unexpected();
    WSB_TRY_ASSIGN(std::string name, parse_string(token));
    if (!is_utf8(name))
        return fail_at(token, ErrorCode::malformed_utf8);
    WSB_TRY(advance());
    return name;
}

Result<std::string> ModuleParser::take_bytes() {
    std::string bytes;
    while (at(Token::Kind::string)) {
        WSB_TRY_ASSIGN(const std::string part, parse_string(m_token));
        bytes += part;
        WSB_TRY(advance());
    }
    return bytes;
}

Result<void> ModuleParser::skip_form() {
    for (size_t depth = 1; depth != 0;) {
        if (at(Token::Kind::end))
            return unexpected();
        depth += at(Token::Kind::left) ? 1 : 0;
        depth -= at(Token::Kind::right) ? 1 : 0;
        WSB_TRY(advance());
    }
    return {};
}

// Types

namespace {

struct NamedHeapType {
    std::string_view name;
    HeapType::Abstract type;
};
constexpr NamedHeapType heap_types[] = {
    {"func", HeapType::func},         {"nofunc", HeapType::nofunc},  {"extern", HeapType::extern_},
    {"noextern", HeapType::noextern}, {"any", HeapType::any},        {"eq", HeapType::eq},
    {"i31", HeapType::i31},           {"struct", HeapType::struct_}, {"array", HeapType::array},
    {"none", HeapType::none},         {"exn", HeapType::exn},        {"noexn", HeapType::noexn},
};
constexpr NamedHeapType ref_types[] = {
    {"funcref", HeapType::func},      {"nullfuncref", HeapType::nofunc},
    {"externref", HeapType::extern_}, {"nullexternref", HeapType::noextern},
    {"anyref", HeapType::any},        {"eqref", HeapType::eq},
    {"i31ref", HeapType::i31},        {"structref", HeapType::struct_},
    {"arrayref", HeapType::array},    {"nullref", HeapType::none},
    {"exnref", HeapType::exn},        {"nullexnref", HeapType::noexn},
};

struct NamedNumberType {
    std::string_view name;
    ValType::Kind type;
};
constexpr NamedNumberType number_types[] = {
    {"i32", ValType::i32}, {"i64", ValType::i64},   {"f32", ValType::f32},
    {"f64", ValType::f64}, {"v128", ValType::v128},
};

}  // namespace

Result<HeapType> ModuleParser::heap_type() {
    for (const auto& [name, type] : heap_types) {
        if (!m_token.is(name))
            continue;
        WSB_TRY(advance());
        return HeapType(type);
    }
    // Numbers that no module defines would not fit.
    const auto fitting = [](uint32_t type) {
        return TypeIdx(std::min(type, binary::index_out_of_range.value));
    };
    WSB_TRY_ASSIGN(const auto exact, type_clause("exact"));
    if (exact)
        return HeapType::exact(fitting(exact->value));
    WSB_TRY_ASSIGN(const uint32_t type, index(m_type_names, "type"));
    return HeapType(fitting(type));
}

Result<bool> ModuleParser::at_ref_type() const {
    for (const auto& [name, type] : ref_types)
        if (m_token.is(name))
            return true;
    return at_form("ref");
}

Result<ValType> ModuleParser::ref_type() {
    for (const auto& [name, type] : ref_types) {
        if (!m_token.is(name))
            continue;
        WSB_TRY(advance());
        return ValType::reference(type, true);
    }
    WSB_TRY(enter_form("ref"));
    const bool is_nullable = m_token.is("null");
    if (is_nullable)
        WSB_TRY(advance());
    WSB_TRY_ASSIGN(const HeapType heap, heap_type());
    WSB_TRY(expect(Token::Kind::right));
    return ValType::reference(heap, is_nullable);
}

Result<ValType> ModuleParser::val_type() {
    for (const auto& [name, type] : number_types) {
        if (!m_token.is(name))
            continue;
        WSB_TRY(advance());
        return ValType(type);
    }
    return ref_type();
}

Result<StorageType> ModuleParser::storage_type() {
    StorageType storage;
    if (m_token.is("i8") || m_token.is("i16")) {
        storage.packing = m_token.is("i8") ? StorageType::i8 : StorageType::i16;
        WSB_TRY(advance());
        return storage;
    }
    WSB_TRY_ASSIGN(storage.type, val_type());
    return storage;
}

Result<FieldType> ModuleParser::field_type() {
    FieldType field;
    WSB_TRY_ASSIGN(field.is_mutable, at_form("mut"));
    if (field.is_mutable)
        WSB_TRY(enter_form("mut"));
    WSB_TRY_ASSIGN(field.storage, storage_type());
    if (field.is_mutable)
        WSB_TRY(expect(Token::Kind::right));
    return field;
}

Result<void> ModuleParser::params_and_results(FuncType& type, std::vector<Named>* names_of_params) {
    const auto list = [&](std::string_view keyword, ResultType& types,
                          std::vector<Named>* names) -> Result<void> {
        while (true) {
            WSB_TRY_ASSIGN(const bool more, at_form(keyword));
            if (!more)
                return {};
            WSB_TRY(enter_form(keyword));
            Named named;
            if (names != nullptr) {
                WSB_TRY_ASSIGN(named, take_named());
            }
            const bool is_single = named.id || named.name;
            while (is_single || !at(Token::Kind::right)) {
                WSB_TRY_ASSIGN(const ValType one, val_type());
                types.push_back(one);
                if (names != nullptr)
                    names->push_back(named);
                if (is_single)
                    break;
            }
            WSB_TRY(expect(Token::Kind::right));
        }
    };
    WSB_TRY(list("param", type.params, names_of_params));
    WSB_TRY(list("result", type.results, nullptr));
    WSB_TRY_ASSIGN(const bool is_misplaced, at_form("param"));
    if (is_misplaced)
        return unexpected();
    return {};
}

Result<void> ModuleParser::struct_fields(StructType& type, uint32_t index) {
    auto& names = m_field_names.try_emplace(index, ErrorCode::duplicate_field).first->second;
    while (!at(Token::Kind::right)) {
        WSB_TRY(enter_form("field"));
        WSB_TRY_ASSIGN(const Named named, take_named());
        const bool is_single = named.id || named.name;
        while (is_single || !at(Token::Kind::right)) {
            WSB_TRY(names.add(named));
            WSB_TRY_ASSIGN(const FieldType one, field_type());
            type.fields.push_back(one);
            if (is_single)
                break;
        }
        WSB_TRY(expect(Token::Kind::right));
    }
    return {};
}

/// `( keyword x )`, if that comes next.
Result<std::optional<TypeIdx>> ModuleParser::type_clause(std::string_view keyword) {
    WSB_TRY_ASSIGN(const bool is_there, at_form(keyword));
    if (!is_there)
        return std::nullopt;
    WSB_TRY(enter_form(keyword));
    WSB_TRY_ASSIGN(const uint32_t type, index(m_type_names, "type"));
    WSB_TRY(expect(Token::Kind::right));
    return TypeIdx(type);
}

/// `( describes x )? ( descriptor y )?`, then `( func … )`, `( struct … )` or `( array … )`
Result<void> ModuleParser::composite_type(SubType& type, uint32_t index) {
    WSB_TRY_ASSIGN(type.describes, type_clause("describes"));
    WSB_TRY_ASSIGN(type.descriptor, type_clause("descriptor"));
    WSB_TRY(expect(Token::Kind::left));
    if (m_token.is("func")) {
        WSB_TRY(advance());
        FuncType func;
        std::vector<Named> params;
        WSB_TRY(params_and_results(func, &params));
        NameSpace names(ErrorCode::duplicate_local);
        for (const Named& named : params)
            WSB_TRY(names.add(named));
        type.composite = std::move(func);
    } else if (m_token.is("struct")) {
        WSB_TRY(advance());
        StructType structure;
        WSB_TRY(struct_fields(structure, index));
        type.composite = std::move(structure);
    } else {
        WSB_TRY(expect_atom("array"));
        ArrayType array;
        WSB_TRY_ASSIGN(array.field, field_type());
        type.composite = array;
    }
    return expect(Token::Kind::right);
}

/// `( sub final? super? composite )`, or a composite type alone, which is final.
Result<SubType> ModuleParser::sub_type(uint32_t index) {
    SubType type;
    WSB_TRY_ASSIGN(const bool is_sub, at_form("sub"));
    if (!is_sub) {
        WSB_TRY(composite_type(type, index));
        return type;
    }
    WSB_TRY(enter_form("sub"));
    type.is_final = m_token.is("final");
    if (type.is_final)
        WSB_TRY(advance());
    if (at_index()) {
        WSB_TRY_ASSIGN(const uint32_t super, this->index(m_type_names, "type"));
        type.super = TypeIdx(super);
    }
    WSB_TRY(composite_type(type, index));
    WSB_TRY(expect(Token::Kind::right));
    return type;
}

Result<AddressType> ModuleParser::address_type() {
    const bool is_64 = m_token.is("i64");
    if (is_64 || m_token.is("i32"))
        WSB_TRY(advance());
    return is_64 ? AddressType::i64 : AddressType::i32;
}

Result<Limits> ModuleParser::limits() {
    const unsigned bits = m_features.has(Feature::memory64) ? 64 : 32;
    Limits limits;
    WSB_TRY_ASSIGN(limits.min, parse_unsigned(m_token, bits));
    WSB_TRY(advance());
    if (is_natural(m_token)) {
        WSB_TRY_ASSIGN(limits.max, parse_unsigned(m_token, bits));
        WSB_TRY(advance());
    }
    return limits;
}

Result<MemoryType> ModuleParser::memory_type() {
    WSB_TRY_ASSIGN(const AddressType address, address_type());
    return memory_type_of(address);
}

/// Behind the address type.
Result<MemoryType> ModuleParser::memory_type_of(AddressType address) {
    MemoryType type;
    type.address = address;
    WSB_TRY_ASSIGN(type.limits_pages, limits());
    type.is_shared = m_token.is("shared");
    if (type.is_shared)
        WSB_TRY(advance());
    WSB_TRY_ASSIGN(const auto page_size_log2, page_size());
    type.page_size_log2 = page_size_log2.value_or(type.page_size_log2);
    return type;
}

/// The logarithm of `(pagesize n)`; nullopt if there is none.
Result<std::optional<uint8_t>> ModuleParser::page_size() {
    WSB_TRY_ASSIGN(const bool is_custom, at_form("pagesize"));
    if (!is_custom)
        return std::nullopt;
    WSB_TRY(enter_form("pagesize"));
    if (!m_features.has(Feature::custom_page_sizes))
        return fail_at(m_token, ErrorCode::unexpected_token, "pagesize needs the feature custom-page-sizes");
    WSB_TRY_ASSIGN(const uint64_t size_bytes, parse_unsigned(m_token, 64));
    if (!std::has_single_bit(size_bytes))
        return fail_at(m_token, ErrorCode::malformed_page_size, "not a power of two");
    WSB_TRY(advance());
    WSB_TRY(expect(Token::Kind::right));
    return static_cast<uint8_t>(std::countr_zero(size_bytes));
}

Result<TableType> ModuleParser::table_type() {
    TableType type;
    WSB_TRY_ASSIGN(type.address, address_type());
    WSB_TRY_ASSIGN(type.limits_elements, limits());
    WSB_TRY_ASSIGN(type.element, ref_type());
    return type;
}

Result<GlobalType> ModuleParser::global_type() {
    GlobalType type;
    WSB_TRY_ASSIGN(type.is_mutable, at_form("mut"));
    if (type.is_mutable)
        WSB_TRY(enter_form("mut"));
    WSB_TRY_ASSIGN(type.type, val_type());
    if (type.is_mutable)
        WSB_TRY(expect(Token::Kind::right));
    return type;
}

/// The first type that is this function type and stands alone, or a new one behind all others.
uint32_t ModuleParser::implicit_type(const FuncType& type) {
    const SubType wanted{.is_final = true, .super = std::nullopt, .composite = type};
    binary::Encoder key;
    key.sub_type(wanted);
    const auto next = static_cast<uint32_t>(m_types.size());
    const auto [found, is_new] = m_plain_func_types.emplace(key.take(), next);
    if (is_new) {
        m_groups.push_back({next, 1, false});
        m_types.push_back(wanted);
    }
    return found->second;
}

/// `( type x )? param* result*`. Spec: text/modules#type-uses
Result<TypeUse> ModuleParser::type_use() {
    TypeUse use;
    WSB_TRY_ASSIGN(const bool is_explicit, at_form("type"));
    const Token start = m_token;
    if (is_explicit) {
        WSB_TRY(enter_form("type"));
        WSB_TRY_ASSIGN(use.index, index(m_type_names, "type"));
        WSB_TRY(expect(Token::Kind::right));
    }
    FuncType type;
    WSB_TRY(params_and_results(type, &use.param_names));
    if (!is_explicit) {
        use.index = implicit_type(type);
        return use;
    }
    const FuncType* named = use.index < m_types.size() ? m_types[use.index].func() : nullptr;
    const bool is_repeated = !type.params.empty() || !type.results.empty();
    if (is_repeated && use.index >= m_types.size())
        return fail_at(start, ErrorCode::unknown_name, "type " + std::to_string(use.index));
    if (is_repeated && (named == nullptr || *named != type))
        return fail_at(start, ErrorCode::inline_function_type);
    if (named != nullptr && use.param_names.empty())
        use.param_names.resize(named->params.size());
    return use;
}

Result<void> ModuleParser::block_type(binary::BlockType& block) {
    using Kind = binary::BlockType::Kind;
    WSB_TRY_ASSIGN(const bool is_explicit, at_form("type"));
    const Token start = m_token;
    if (!is_explicit) {
        FuncType type;
        std::vector<Named> params;
        WSB_TRY(params_and_results(type, &params));
        for (const Named& named : params)
            if (named.id)
                return fail_at(*named.id, ErrorCode::unexpected_token, "a block's parameters have no names");
        if (type.params.empty() && type.results.size() <= 1) {
            block.kind = type.results.empty() ? Kind::empty : Kind::value;
            if (!type.results.empty())
                block.value = type.results[0];
            return {};
        }
        block.kind = Kind::type;
        block.type = TypeIdx(implicit_type(type));
        return {};
    }
    WSB_TRY_ASSIGN(const TypeUse use, type_use());
    for (const Named& named : use.param_names)
        if (named.id)
            return fail_at(start, ErrorCode::unexpected_token, "a block's parameters have no names");
    block.kind = Kind::type;
    block.type = TypeIdx(use.index);
    return {};
}

// Indices

Result<uint32_t> ModuleParser::index(const NameSpace& space, std::string_view what) {
    const Token token = m_token;
    uint32_t result = 0;
    if (at(Token::Kind::id)) {
        WSB_TRY_ASSIGN(const std::string name, parse_id(token));
        const auto found = space.find(name);
        if (!found)
            return fail_at(token, ErrorCode::unknown_name, std::string(what) + " $" + name);
        result = *found;
    } else {
        WSB_TRY_ASSIGN(const uint64_t number, parse_unsigned(token, 32));
        result = static_cast<uint32_t>(number);
    }
    WSB_TRY(advance());
    return result;
}

Result<uint32_t> ModuleParser::field_index(uint32_t type) {
    static const NameSpace no_names(ErrorCode::duplicate_field);
    const auto found = m_field_names.find(type);
    return index(found == m_field_names.end() ? no_names : found->second, "field");
}

/// A label as its depth.
Result<uint32_t> ModuleParser::label() {
    if (!at(Token::Kind::id)) {
        WSB_TRY_ASSIGN(const uint64_t depth, parse_unsigned(m_token, 32));
        WSB_TRY(advance());
        return static_cast<uint32_t>(depth);
    }
    WSB_TRY_ASSIGN(const std::string name, parse_id(m_token));
    const auto found = m_label_places.find(name);
    if (found != m_label_places.end() && !found->second.empty()) {
        const auto depth = static_cast<uint32_t>(m_labels.size()) - 1 - found->second.back();
        WSB_TRY(advance());
        return depth;
    }
    return fail_at(m_token, ErrorCode::unknown_label_text, "$" + name);
}

}  // namespace wsb::text
