// SPDX-License-Identifier: Apache-2.0
// Annotations that say something about the binary: custom sections, names, branch hints. All others
// are blanks. Spec: appendix/custom
#include "engine/base/utf8.h"
#include "engine/binary/section.h"
#include "engine/text/parser.h"

namespace wsb::text {

using binary::Encoder;

namespace {

namespace section_ids = binary::section_ids;

struct NamedSection {
    std::string_view name;
    uint8_t id;
};
constexpr NamedSection sections[] = {
    {"type", section_ids::type},
    {"import", section_ids::import},
    {"func", section_ids::function},
    {"table", section_ids::table},
    {"memory", section_ids::memory},
    {"tag", section_ids::tag},
    {"global", section_ids::global},
    {"export", section_ids::export_},
    {"start", section_ids::start},
    {"elem", section_ids::element},
    {"code", section_ids::code},
    {"data", section_ids::data},
    {"datacount", section_ids::data_count},
};

constexpr std::string_view branch_hint_id = "metadata.code.branch_hint";

/// The identifier behind "(@".
[[nodiscard]] std::string_view annotation_id(std::string_view annotation) noexcept {
    size_t end = 2;
    while (end < annotation.size() && is_id_char(annotation[end]))
        ++end;
    return annotation.substr(2, end - 2);
}

}  // namespace

Result<std::vector<std::string_view>> ModuleParser::annotations(std::string_view id) const {
    std::vector<std::string_view> found;
    Lexer reader(m_token.annotations);
    while (true) {
        WSB_TRY_ASSIGN(const std::string_view annotation, reader.next_annotation());
        if (annotation.empty())
            return found;
        if (annotation_id(annotation) == id)
            found.push_back(annotation.substr(2 + id.size(), annotation.size() - id.size() - 3));
    }
}

/// What nobody asked for before the parser moves on is in a wrong place.
Result<void> ModuleParser::refuse_annotations() const {
    WSB_TRY_ASSIGN(const auto customs, annotations("custom"));
    if (!customs.empty())
        return fail_at(m_token, ErrorCode::misplaced_custom);
    WSB_TRY_ASSIGN(const auto names, annotations("name"));
    if (!names.empty() && !m_in_types)
        return fail_at(m_token, ErrorCode::misplaced_name);
    return {};
}

/// The annotations between fields, before the current token.
Result<void> ModuleParser::field_annotations(bool is_first) {
    if (m_token.annotations.empty())
        return {};
    WSB_TRY_ASSIGN(const auto hints, annotations(branch_hint_id));
    if (!hints.empty())
        return fail_at(m_token, ErrorCode::malformed_branch_hint, "not in a function");
    WSB_TRY_ASSIGN(const auto names, annotations("name"));
    if (!names.empty() && !is_first)
        return fail_at(m_token, ErrorCode::misplaced_name);
    if (names.size() > 1)
        return fail_at(m_token, ErrorCode::malformed_name, "multiple module");
    if (!names.empty()) {
        WSB_TRY_ASSIGN(m_module_name, name_of(names[0]));
    }
    WSB_TRY_ASSIGN(const auto customs, annotations("custom"));
    for (const std::string_view custom : customs)
        WSB_TRY(custom_annotation(custom));
    m_token.annotations = {};
    return {};
}

/// The string of `(@name "…")`.
Result<std::string> ModuleParser::name_of(std::string_view content) const {
    Lexer reader(content);
    WSB_TRY_ASSIGN(const Token token, reader.next());
    WSB_TRY_ASSIGN(const Token after, reader.next());
    if (token.kind != Token::Kind::string || after.kind != Token::Kind::end)
        return fail_at(m_token, ErrorCode::malformed_name, "string expected");
    WSB_TRY_ASSIGN(std::string name, parse_string(token));
    if (!is_utf8(name))
        return fail_at(m_token, ErrorCode::malformed_name, "malformed UTF-8 encoding");
    return name;
}

/// `(@name "…")` behind an identifier or in its place.
Result<std::optional<std::string>> ModuleParser::take_name_annotation() {
    if (m_token.annotations.empty())
        return std::nullopt;
    WSB_TRY_ASSIGN(const auto names, annotations("name"));
    if (names.size() > 1)
        return fail_at(m_token, ErrorCode::malformed_name, "multiple names");
    WSB_TRY_ASSIGN(const auto customs, annotations("custom"));
    if (!customs.empty() && m_check_annotations)
        return fail_at(m_token, ErrorCode::misplaced_custom);
    if (names.empty())
        return std::nullopt;
    WSB_TRY_ASSIGN(std::string name, name_of(names[0]));
    m_token.annotations = {};
    return name;
}

/// `(@custom "name" (before|after section)? "bytes"*)`. Spec: appendix/custom#custom-annotations
Result<void> ModuleParser::custom_annotation(std::string_view content) {
    const auto malformed = [&](const char* why) {
        return fail_at(m_token, ErrorCode::malformed_custom, why);
    };
    Lexer reader(content);
    WSB_TRY_ASSIGN(Token token, reader.next());
    if (token.kind != Token::Kind::string)
        return malformed("missing section name");
    Custom custom;
    WSB_TRY_ASSIGN(custom.name, parse_string(token));
    if (!is_utf8(custom.name))
        return malformed("malformed UTF-8 encoding");
    WSB_TRY_ASSIGN(token, reader.next());
    if (token.kind == Token::Kind::left) {
        WSB_TRY_ASSIGN(custom.place, custom_place(reader));
        WSB_TRY_ASSIGN(token, reader.next());
    }
    while (token.kind == Token::Kind::string) {
        WSB_TRY_ASSIGN(const std::string part, parse_string(token));
        custom.bytes += part;
        WSB_TRY_ASSIGN(token, reader.next());
    }
    if (token.kind != Token::Kind::end)
        return malformed("unexpected token");
    m_customs.push_back(std::move(custom));
    return {};
}

/// Behind the parenthesis of `(before first)`, `(after last)`, `(before section)`, `(after section)`.
Result<uint32_t> ModuleParser::custom_place(Lexer& reader) const {
    const auto malformed = [&](const char* why) {
        return fail_at(m_token, ErrorCode::malformed_custom, why);
    };
    WSB_TRY_ASSIGN(const Token side, reader.next());
    const bool is_before = side.is("before");
    if (!is_before && !side.is("after"))
        return malformed("malformed placement");
    WSB_TRY_ASSIGN(const Token kind, reader.next());
    std::optional<uint32_t> place;
    if (is_before && kind.is("first"))
        place = 0;
    else if (!is_before && kind.is("last"))
        place = Custom::at_end;
    for (const auto& [name, id] : sections)
        if (kind.is(name))
            place = is_before ? Custom::before(id) : Custom::after(id);
    if (!place)
        return malformed("malformed section kind");
    WSB_TRY_ASSIGN(const Token close, reader.next());
    if (close.kind != Token::Kind::right)
        return malformed("unexpected token");
    return *place;
}

void ModuleParser::emit_customs(Encoder& out, uint32_t place) const {
    for (const Custom& custom : m_customs) {
        if (custom.place != place)
            continue;
        Encoder content;
        content.name(custom.name);
        content.raw({reinterpret_cast<const uint8_t*>(custom.bytes.data()), custom.bytes.size()});
        out.section(section_ids::custom, content.bytes());
    }
}

/// The hint before the current token, which begins an instruction.
Result<std::optional<uint8_t>> ModuleParser::take_branch_hint() {
    if (m_token.annotations.empty())
        return std::nullopt;
    WSB_TRY_ASSIGN(const auto hints, annotations(branch_hint_id));
    if (hints.empty())
        return std::nullopt;
    if (hints.size() > 1)
        return fail_at(m_token, ErrorCode::malformed_branch_hint, "duplicate annotation");
    Lexer reader(hints[0]);
    WSB_TRY_ASSIGN(const Token token, reader.next());
    WSB_TRY_ASSIGN(const Token after, reader.next());
    if (token.kind != Token::Kind::string || after.kind != Token::Kind::end)
        return fail_at(m_token, ErrorCode::malformed_branch_hint, "unexpected token");
    WSB_TRY_ASSIGN(const std::string bytes, parse_string(token));
    if (bytes != std::string_view("\0", 1) && bytes != "\1")
        return fail_at(m_token, ErrorCode::malformed_branch_hint, "hint value must be 0 or 1");
    return static_cast<uint8_t>(bytes[0]);
}

/// Hints belong to `if` and `br_if`.
Result<void> ModuleParser::check_branch_hint(std::optional<uint8_t> hint, Op op) const {
    if (hint && op != Op::if_ && op != Op::br_if)
        return fail_at(m_token, ErrorCode::invalid_branch_hint, "invalid target");
    return {};
}

void ModuleParser::add_branch_hint(const Encoder& body, std::optional<uint8_t> hint) {
    if (hint)
        m_branch_hints[m_next_func].emplace_back(static_cast<uint32_t>(body.size()), *hint);
}

/// Spec: https://webassembly.github.io/branch-hinting/ (before the code section)
void ModuleParser::emit_branch_hints(Encoder& out) const {
    if (m_branch_hints.empty())
        return;
    Encoder content;
    content.name(branch_hint_id);
    content.u32(static_cast<uint32_t>(m_branch_hints.size()));
    for (const auto& [func, hints] : m_branch_hints) {
        content.u32(func);
        content.u32(static_cast<uint32_t>(hints.size()));
        for (const auto& [offset, hint] : hints) {
            content.u32(offset);
            content.u32(1);
            content.u8(hint);
        }
    }
    out.section(section_ids::custom, content.bytes());
}

}  // namespace wsb::text
