// SPDX-License-Identifier: Apache-2.0
// State of the decoding of one module, shared by decoder.cpp, decode_types.cpp, decode_segments.cpp
// and custom_sections.cpp. Nobody else includes this.
#pragma once

#include "engine/base/cursor.h"
#include "engine/base/deadline.h"
#include "engine/binary/instr_reader.h"
#include "engine/module/module.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace wsb::binary {

/// Fills a Module from its own `bytes`. The cursor covers the whole module, not one section:
/// whatever reads beyond its section is found by the section's size, as the official suite expects.
class SectionDecoder {
public:
    SectionDecoder(Module& module, Deadline deadline) noexcept
        : m_module(module), m_cursor(std::span<const uint8_t>(module.bytes)), m_deadline(deadline) {}

    [[nodiscard]] Result<void> run();

private:
    // decoder.cpp
    [[nodiscard]] Result<void> read_header();
    [[nodiscard]] Result<void> read_section();
    [[nodiscard]] Result<void> read_section_content(uint8_t id, uint64_t end_offset_bytes);
    [[nodiscard]] Result<void> check_counts() const;
    [[nodiscard]] bool has(Feature feature) const noexcept { return m_module.features.has(feature); }
    /// Refuses what is there if the feature is off, saying so. `what` is for people.
    [[nodiscard]] Result<void> require(Feature feature, ErrorCode code, uint64_t at,
                                       std::string_view what) const;
    /// A count of things of which `limit` less `present` are allowed.
    [[nodiscard]] Result<uint32_t> read_count(uint64_t limit, uint64_t present, const char* what);
    [[nodiscard]] Result<std::string> read_name();
    /// Delimits a constant expression by reading its instructions. Spec:
    /// binary/instructions#binary-expr
    [[nodiscard]] Result<ConstExpr> read_const_expr();
    /// Reads instructions to the END that closes the expression at `offset_bytes`.
    /// @return the offset behind that END.
    [[nodiscard]] Result<uint64_t> find_expression_end(uint64_t offset_bytes);

    // decode_types.cpp
    [[nodiscard]] Result<void> read_type_section();
    [[nodiscard]] Result<void> read_rec_group();
    [[nodiscard]] Result<SubType> read_sub_type();
    [[nodiscard]] Result<std::optional<TypeIdx>> read_clause(uint8_t code);
    [[nodiscard]] Result<void> read_composite_type(SubType& type);
    [[nodiscard]] Result<ResultType> read_result_type(uint32_t limit, const char* what);
    [[nodiscard]] Result<FieldType> read_field_type();
    [[nodiscard]] Result<StorageType> read_storage_type();
    [[nodiscard]] Result<bool> read_mutability();
    [[nodiscard]] Result<ValType> read_allowed_val_type();
    [[nodiscard]] Result<ValType> read_allowed_ref_type();
    [[nodiscard]] Result<uint8_t> read_limits_flags(uint8_t allowed);
    [[nodiscard]] Result<Limits> read_limits(uint8_t flags);
    [[nodiscard]] Result<TableType> read_table_type();
    [[nodiscard]] Result<MemoryType> read_memory_type();
    [[nodiscard]] Result<GlobalType> read_global_type();
    [[nodiscard]] Result<TagType> read_tag_type();
    [[nodiscard]] Result<void> read_import_section();
    [[nodiscard]] Result<void> read_import_type(Import& import);
    [[nodiscard]] Result<void> add_import(const Import& import);
    [[nodiscard]] Result<void> read_function_section();
    [[nodiscard]] Result<void> read_table_section();
    [[nodiscard]] Result<void> read_memory_section();
    [[nodiscard]] Result<void> read_tag_section();
    [[nodiscard]] Result<void> read_global_section();
    [[nodiscard]] Result<void> read_export_section();
    [[nodiscard]] Result<void> read_start_section();

    // decode_segments.cpp
    [[nodiscard]] Result<void> read_element_section();
    [[nodiscard]] Result<ElemSegment> read_elem_segment();
    [[nodiscard]] Result<void> read_elem_items(ElemSegment& segment);
    [[nodiscard]] Result<void> read_data_count_section();
    [[nodiscard]] Result<void> read_data_section();
    [[nodiscard]] Result<DataSegment> read_data_segment();
    [[nodiscard]] Result<void> read_code_section();
    [[nodiscard]] Result<FuncBody> read_body();
    [[nodiscard]] Result<std::vector<LocalRun>> read_locals();
    /// Why the body from `expression_offset_bytes` to `end_offset_bytes` does not end with END.
    [[nodiscard]] Error missing_end(uint64_t expression_offset_bytes, uint64_t end_offset_bytes);

    // custom_sections.cpp
    [[nodiscard]] Result<void> read_custom_section(uint64_t end_offset_bytes);
    /// After all sections, because index spaces bound what is kept.
    void read_names();

    Module& m_module;
    Cursor m_cursor;
    Deadline m_deadline;         ///< asked in every loop over what the module counts
    Instr m_instr;               ///< reused by find_expression_end
    uint64_t m_elem_items = 0;   ///< of all element segments together
    uint8_t m_last_section = 0;  ///< id of the last known section
    uint32_t m_group_end = 0;    ///< index behind the types that the current group knows
};

/// Room for `count` elements, as far as a count from outside may be trusted.
template <class T>
void reserve_some(std::vector<T>& vector, size_t count) {
    constexpr size_t trusted_bytes = 1 << 16;
    vector.reserve(vector.size() + std::min(count, trusted_bytes / sizeof(T)));
}

}  // namespace wsb::binary
