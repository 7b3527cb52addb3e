// SPDX-License-Identifier: Apache-2.0
// Limits of this implementation, each with its unit and source, checked before any allocation.
// "JS API" is the list in https://webassembly.github.io/spec/js-api/#limits, which producers respect.
#pragma once

#include <cstdint>

namespace wsb::limits {

inline constexpr uint64_t module_size_bytes = uint64_t{1} << 30;  ///< JS API: 1 GiB
inline constexpr uint32_t types = 1'000'000;                      ///< JS API
inline constexpr uint32_t recursion_groups = 1'000'000;           ///< JS API
inline constexpr uint32_t subtype_depth = 63;                     ///< JS API
inline constexpr uint32_t functions = 1'000'000;                  ///< JS API
inline constexpr uint32_t imports = 1'000'000;                    ///< JS API (2026: raised from 100,000)
inline constexpr uint32_t exports = 1'000'000;                    ///< JS API
inline constexpr uint32_t globals = 1'000'000;                    ///< JS API
inline constexpr uint32_t tags = 1'000'000;                       ///< JS API
inline constexpr uint32_t data_segments = 100'000;                ///< JS API
inline constexpr uint32_t element_segments = 10'000'000;          ///< JS API
inline constexpr uint32_t tables = 100'000;                       ///< JS API
inline constexpr uint32_t memories = 100;                         ///< JS API
inline constexpr uint32_t parameters = 1'000;                     ///< JS API
inline constexpr uint32_t results = 1'000;                        ///< JS API
inline constexpr uint32_t structure_fields = 10'000;              ///< JS API
inline constexpr uint32_t array_new_fixed_operands = 10'000;      ///< JS API
inline constexpr uint32_t locals = 50'000;                        ///< JS API, parameters included
inline constexpr uint32_t function_size_bytes = 7'654'321;        ///< JS API
inline constexpr uint32_t table_elements = 10'000'000;            ///< JS API, at run time
inline constexpr uint32_t label_depth = 100'000;                  ///< ours: nesting of control frames
inline constexpr uint32_t catch_clauses = 1'000;      ///< ours: of one block, all tried by a throw
inline constexpr uint32_t br_table_targets = 65'520;  ///< as V8 has it
inline constexpr uint32_t custom_sections = 100'000;  ///< ours
inline constexpr uint32_t names = 4'000'000;          ///< ours: entries kept of the name section
/// Ours: slots of one frame are addressed by 16 bits in the register code.
inline constexpr uint32_t frame_slots = 65'000;

/// Where no other is declared. Spec: syntax/types#limits
inline constexpr uint64_t page_size_bytes = 65'536;
/// The most pages, of 2^0 or 2^16 bytes, that a memory can declare: what its addresses reach, and of bytes
/// one less, since memory.size must be able to say it. Spec: valid/types#memory-types
[[nodiscard]] constexpr uint64_t memory_pages(bool is_64_bit, unsigned page_size_log2) noexcept {
    if (page_size_log2 == 0)
        return is_64_bit ? UINT64_MAX : UINT32_MAX;
    return uint64_t{1} << ((is_64_bit ? 64 : 32) - page_size_log2);
}
/// Ours: the largest memory that is ever reserved (16 GiB), whatever its address type.
inline constexpr uint64_t memory_size_bytes = uint64_t{1} << 34;

}  // namespace wsb::limits
