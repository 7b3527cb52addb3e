// SPDX-License-Identifier: Apache-2.0
// The driver: header, sections in their order, agreement of counts. Spec: binary/modules
#include "engine/binary/decoder.h"

#include "engine/base/utf8.h"
#include "engine/binary/section.h"
#include "engine/binary/section_decoder.h"
#include "engine/isa/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::binary {

Result<Module> decode(std::span<const uint8_t> bytes, Features features) {
    return decode(std::vector<uint8_t>(bytes.begin(), bytes.end()), features);
}

Result<Module> decode(std::vector<uint8_t> bytes, Features features, Deadline deadline) {
    if (bytes.size() > limits::module_size_bytes)
        return fail(ErrorCode::limit_exceeded, limits::module_size_bytes, "size of the module");
    Module module;
    module.features = features;
    module.bytes = std::move(bytes);
    SectionDecoder decoder(module, deadline);
    WSB_TRY(decoder.run());
    return module;
}

Result<void> SectionDecoder::run() {
    WSB_TRY(read_header());
    m_cursor.set_end_error(ErrorCode::unexpected_end_section);
    while (!m_cursor.at_end()) {
        WSB_TRY(m_deadline.check());
        WSB_TRY(read_section());
    }
    WSB_TRY(check_counts());
    read_names();
    return m_deadline.check_now();
}

/// Spec: binary/modules#binary-module
Result<void> SectionDecoder::read_header() {
    const auto magic = std::span(module_header).first<4>();
    const auto version = std::span(module_header).last<4>();
    WSB_TRY_ASSIGN(const auto found_magic, m_cursor.bytes(magic.size()));
    if (!std::ranges::equal(found_magic, magic))
        return fail(ErrorCode::magic_not_detected, uint64_t{0});
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const auto found_version, m_cursor.bytes(version.size()));
    if (!std::ranges::equal(found_version, version))
        return fail(ErrorCode::unknown_binary_version, at);
    return {};
}

Result<void> SectionDecoder::require(Feature feature, ErrorCode code, uint64_t at,
                                     std::string_view what) const {
    if (has(feature))
        return {};
    return fail(code, at, fmt::format("{} needs the feature {}", what, feature_name(feature)));
}

Result<void> SectionDecoder::read_section() {
    const uint64_t id_at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t id, m_cursor.u8());
    if (id > section_ids::last)
        return fail(ErrorCode::malformed_section_id, id_at, fmt::format("{}", id));
    if (id == section_ids::tag)
        WSB_TRY(require(Feature::exceptions, ErrorCode::malformed_section_id, id_at, "section 13"));
    if (id == section_ids::data_count)
        WSB_TRY(require(Feature::bulk_memory, ErrorCode::malformed_section_id, id_at, "section 12"));
    if (id != section_ids::custom && section_rank(id) <= section_rank(m_last_section))
        return fail(ErrorCode::junk_after_last_section, id_at,
                    fmt::format("section {} after section {}", id, m_last_section));
    WSB_TRY_ASSIGN(const uint32_t size_bytes, m_cursor.count());
    const uint64_t start = m_cursor.offset_bytes();
    const uint64_t end = start + size_bytes;
    WSB_TRY(read_section_content(id, end));
    if (m_cursor.offset_bytes() != end)
        return fail(ErrorCode::section_size_mismatch, start,
                    fmt::format("section {} of {} bytes", id, size_bytes));
    if (id != section_ids::custom)
        m_last_section = id;
    return {};
}

Result<void> SectionDecoder::read_section_content(uint8_t id, uint64_t end_offset_bytes) {
    switch (id) {
        case section_ids::custom: return read_custom_section(end_offset_bytes);
        case section_ids::type: return read_type_section();
        case section_ids::import: return read_import_section();
        case section_ids::function: return read_function_section();
        case section_ids::table: return read_table_section();
        case section_ids::memory: return read_memory_section();
        case section_ids::tag: return read_tag_section();
        case section_ids::global: return read_global_section();
        case section_ids::export_: return read_export_section();
        case section_ids::start: return read_start_section();
        case section_ids::element: return read_element_section();
        case section_ids::data_count: return read_data_count_section();
        case section_ids::code: return read_code_section();
        case section_ids::data: return read_data_section();
        default: return fail(ErrorCode::malformed_section_id, m_cursor.offset_bytes());
    }
}

Result<void> SectionDecoder::check_counts() const {
    const uint64_t at = m_cursor.offset_bytes();
    const size_t defined_functions = m_module.funcs.size() - m_module.imported_funcs;
    if (defined_functions != m_module.bodies.size())
        return fail(ErrorCode::function_code_mismatch, at,
                    fmt::format("{} and {}", defined_functions, m_module.bodies.size()));
    if (m_module.data_count && *m_module.data_count != m_module.datas.size())
        return fail(ErrorCode::data_count_mismatch, at,
                    fmt::format("{} and {}", *m_module.data_count, m_module.datas.size()));
    return {};
}

Result<uint32_t> SectionDecoder::read_count(uint64_t limit, uint64_t present, const char* what) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t count, m_cursor.count());
    if (present + count > limit)
        return fail(ErrorCode::limit_exceeded, at,
                    fmt::format("{} {}, {} are allowed", present + count, what, limit));
    return count;
}

/// Spec: binary/values#binary-name
Result<std::string> SectionDecoder::read_name() {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t size_bytes, m_cursor.count());
    WSB_TRY_ASSIGN(const auto bytes, m_cursor.bytes(size_bytes));
    if (!is_utf8(bytes))
        return fail(ErrorCode::malformed_utf8, at);
    return std::string(bytes.begin(), bytes.end());
}

Result<ConstExpr> SectionDecoder::read_const_expr() {
    const uint64_t start = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint64_t end, find_expression_end(start));
    if (end - start > limits::function_size_bytes)
        return fail(ErrorCode::limit_exceeded, start, "size of a constant expression");
    m_cursor.seek(end);
    return ConstExpr{{.offset_bytes = start, .size_bytes = end - start}};
}

Result<uint64_t> SectionDecoder::find_expression_end(uint64_t offset_bytes) {
    Cursor cursor = m_cursor;
    cursor.seek(offset_bytes);
    InstrReader reader(cursor);
    uint64_t depth = 0;
    while (true) {
        WSB_TRY(reader.next(m_instr));
        WSB_TRY(m_deadline.check());
        switch (m_instr.op) {
            case Op::block:
            case Op::loop:
            case Op::if_:
            case Op::try_:
            case Op::try_table: ++depth; break;
            case Op::else_:
            case Op::catch_:
            case Op::catch_all:
                if (depth == 0)
                    return fail(ErrorCode::end_opcode_expected, m_instr.offset_bytes);
                break;
            case Op::end:
                if (depth == 0)
                    return reader.offset_bytes();
                --depth;
                break;
            case Op::delegate:
                if (depth == 0)
                    return fail(ErrorCode::end_opcode_expected, m_instr.offset_bytes);
                --depth;
                break;
            default: break;
        }
    }
}

}  // namespace wsb::binary
