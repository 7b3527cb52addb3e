// SPDX-License-Identifier: Apache-2.0
// Element, data and code sections. Spec: binary/modules
#include "engine/binary/section_decoder.h"
#include "engine/isa/limits.h"

#include <fmt/format.h>

namespace wsb::binary {

namespace {

/// Bits of the number before an element segment. Spec: binary/modules#binary-elem
namespace elem_flags {
constexpr uint32_t not_active = 1;
constexpr uint32_t explicit_index = 2;  ///< active: a table index follows; else: declarative
constexpr uint32_t last = 7;            ///< 4 to 7 hold expressions, 0 to 3 function indices
}  // namespace elem_flags

constexpr uint8_t end_byte = 0x0b;

}  // namespace

Result<void> SectionDecoder::read_element_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::element_segments, 0, "element segments"));
    reserve_some(m_module.elems, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY_ASSIGN(ElemSegment segment, read_elem_segment());
        m_module.elems.push_back(std::move(segment));
    }
    return {};
}

Result<ElemSegment> SectionDecoder::read_elem_segment() {
    ElemSegment segment;
    segment.offset_bytes = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t flags, m_cursor.u32());
    if (flags > elem_flags::last)
        return fail(ErrorCode::malformed_elements_flags, segment.offset_bytes);
    if (flags != 0)
        WSB_TRY(require(Feature::bulk_memory, ErrorCode::malformed_elements_flags, segment.offset_bytes,
                        fmt::format("{}", flags)));
    segment.flags = static_cast<uint8_t>(flags);
    const bool is_active = (flags & elem_flags::not_active) == 0;
    const bool has_index = (flags & elem_flags::explicit_index) != 0;
    if (is_active) {
        segment.mode = ElemSegment::Mode::active;
        if (has_index) {
            WSB_TRY_ASSIGN(const uint32_t table, m_cursor.u32());
            segment.table = TableIdx(table);
        }
        WSB_TRY_ASSIGN(segment.offset, read_const_expr());
    } else {
        segment.mode = has_index ? ElemSegment::Mode::declarative : ElemSegment::Mode::passive;
    }
    // Active segments of table 0 have no type of their own.
    const bool has_type = !is_active || has_index;
    if (segment.has_exprs()) {
        segment.type = ValType::funcref();
        if (has_type) {
            WSB_TRY_ASSIGN(segment.type, read_allowed_ref_type());
        }
    } else {
        segment.type = ValType::reference(HeapType::func, false);
        if (has_type) {
            const uint64_t at = m_cursor.offset_bytes();
            WSB_TRY_ASSIGN(const uint8_t kind, m_cursor.u8());
            if (kind != 0)
                return fail(ErrorCode::malformed_element_kind, at);
        }
    }
    WSB_TRY(read_elem_items(segment));
    return segment;
}

Result<void> SectionDecoder::read_elem_items(ElemSegment& segment) {
    WSB_TRY_ASSIGN(const uint32_t count,
                   read_count(limits::table_elements, m_elem_items, "elements of segments"));
    m_elem_items += count;
    if (segment.has_exprs()) {
        reserve_some(segment.exprs, count);
        for (uint32_t i = 0; i < count; ++i) {
            WSB_TRY(m_deadline.check());
            WSB_TRY_ASSIGN(const ConstExpr expr, read_const_expr());
            segment.exprs.push_back(expr);
        }
    } else {
        reserve_some(segment.funcs, count);
        for (uint32_t i = 0; i < count; ++i) {
            WSB_TRY(m_deadline.check());
            WSB_TRY_ASSIGN(const uint32_t func, m_cursor.u32());
            segment.funcs.push_back(FuncIdx(func));
        }
    }
    return {};
}

/// Spec: binary/modules#binary-datacountsec
Result<void> SectionDecoder::read_data_count_section() {
    WSB_TRY_ASSIGN(m_module.data_count, m_cursor.u32());
    return {};
}

Result<void> SectionDecoder::read_data_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::data_segments, 0, "data segments"));
    reserve_some(m_module.datas, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        WSB_TRY_ASSIGN(const DataSegment segment, read_data_segment());
        m_module.datas.push_back(segment);
    }
    return {};
}

/// Spec: binary/modules#binary-data
Result<DataSegment> SectionDecoder::read_data_segment() {
    constexpr uint32_t passive = 1;
    constexpr uint32_t explicit_index = 2;
    DataSegment segment;
    segment.offset_bytes = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t flags, m_cursor.u32());
    if (flags > explicit_index)
        return fail(ErrorCode::malformed_data_flags, segment.offset_bytes);
    if (flags != 0)
        WSB_TRY(require(Feature::bulk_memory, ErrorCode::malformed_data_flags, segment.offset_bytes,
                        fmt::format("{}", flags)));
    segment.flags = static_cast<uint8_t>(flags);
    if (flags != passive) {
        segment.mode = DataSegment::Mode::active;
        if (flags == explicit_index) {
            WSB_TRY_ASSIGN(const uint32_t memory, m_cursor.u32());
            segment.memory = MemIdx(memory);
        }
        WSB_TRY_ASSIGN(segment.offset, read_const_expr());
    }
    WSB_TRY_ASSIGN(const uint32_t size_bytes, m_cursor.count());
    segment.bytes = {.offset_bytes = m_cursor.offset_bytes(), .size_bytes = size_bytes};
    WSB_TRY(m_cursor.bytes(size_bytes));
    return segment;
}

/// Spec: binary/modules#binary-codesec
Result<void> SectionDecoder::read_code_section() {
    WSB_TRY_ASSIGN(const uint32_t count, read_count(limits::functions, 0, "function bodies"));
    reserve_some(m_module.bodies, count);
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY(m_deadline.check());
        auto body = read_body();
        if (!body) {
            body.error().func = m_module.imported_funcs + i;
            return std::unexpected(std::move(body).error());
        }
        m_module.bodies.push_back(*std::move(body));
    }
    return {};
}

Result<FuncBody> SectionDecoder::read_body() {
    const uint64_t size_at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t size_bytes, m_cursor.count());
    if (size_bytes > limits::function_size_bytes)
        return fail(ErrorCode::limit_exceeded, size_at, "size of a function body");
    FuncBody body;
    body.whole = {.offset_bytes = m_cursor.offset_bytes(), .size_bytes = size_bytes};
    const uint64_t end = body.whole.offset_bytes + size_bytes;
    WSB_TRY_ASSIGN(body.locals, read_locals());
    const uint64_t start = m_cursor.offset_bytes();
    if (start >= end || end > m_module.bytes.size() || m_module.bytes[end - 1] != end_byte)
        return std::unexpected(missing_end(start, end));
    body.expression = {.offset_bytes = start, .size_bytes = end - start};
    m_cursor.seek(end);
    return body;
}

Result<std::vector<LocalRun>> SectionDecoder::read_locals() {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t runs, m_cursor.count());
    std::vector<LocalRun> locals;
    reserve_some(locals, runs);
    uint64_t total = 0;
    for (uint32_t i = 0; i < runs; ++i) {
        WSB_TRY(m_deadline.check());
        LocalRun run;
        WSB_TRY_ASSIGN(run.count, m_cursor.u32());
        WSB_TRY_ASSIGN(run.type, read_allowed_val_type());
        total += run.count;
        locals.push_back(run);
    }
    if (total > UINT32_MAX)
        return fail(ErrorCode::too_many_locals, at);
    if (total > limits::locals)
        return fail(ErrorCode::limit_exceeded, at, fmt::format("{} locals", total));
    return locals;
}

Error SectionDecoder::missing_end(uint64_t expression_offset_bytes, uint64_t end_offset_bytes) {
    const auto found = find_expression_end(expression_offset_bytes);
    if (!found)
        return found.error();
    return fail(ErrorCode::section_size_mismatch, *found,
                fmt::format("function body ends at {:#x}", end_offset_bytes))
        .error();
}

}  // namespace wsb::binary
