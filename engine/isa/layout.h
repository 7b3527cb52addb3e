// SPDX-License-Identifier: Apache-2.0
// How the fields of structures and arrays lie in memory. A subtype's fields begin with those of its
// supertype, so a field has one offset in a type and in all types below it; so has the descriptor.
#pragma once

#include "engine/isa/types.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace wsb {

/// Where the fields of an object begin: behind its header.
inline constexpr uint32_t struct_header_bytes = 8;
inline constexpr uint32_t array_header_bytes = 16;

/// Bytes that a field takes: 1, 2, 4, 8 or 16.
[[nodiscard]] uint32_t storage_bytes(const StorageType& storage) noexcept;

struct StructLayout {
    uint32_t size_bytes = struct_header_bytes;
    uint32_t descriptor_offset_bytes = 0;  ///< 0: there is none
    std::vector<uint32_t> offsets_bytes;   ///< from the object's first byte; multiples of min(width, 8)
};

/// Fields that lie before the descriptor: those of the supertype of the topmost type that has one. `type_at`
/// gives the type of an index. @return nullopt if the type has none.
template <class TypeAt>
[[nodiscard]] std::optional<size_t> fields_before_descriptor(const SubType& type, TypeAt type_at) {
    if (!type.descriptor)
        return std::nullopt;
    const SubType* first = &type;
    while (first->super) {
        const SubType& above = type_at(*first->super);
        if (!above.descriptor)
            return above.structure()->fields.size();
        first = &above;
    }
    return 0;
}

[[nodiscard]] StructLayout struct_layout(const StructType& type,
                                         std::optional<size_t> before_descriptor = {});

}  // namespace wsb
