// SPDX-License-Identifier: Apache-2.0
// How the fields of structures and arrays lie in memory. A subtype's fields begin with those of its
// supertype, so a field has one offset in a type and in all types below it.
#pragma once

#include "engine/isa/types.h"

#include <cstdint>
#include <vector>

namespace wsb {

/// Where the fields of an object begin: behind its header.
inline constexpr uint32_t struct_header_bytes = 8;
inline constexpr uint32_t array_header_bytes = 16;

/// Bytes that a field takes: 1, 2, 4, 8 or 16.
[[nodiscard]] uint32_t storage_bytes(const StorageType& storage) noexcept;

struct StructLayout {
    uint32_t size_bytes = struct_header_bytes;
    std::vector<uint32_t> offsets_bytes;  ///< from the object's first byte; multiples of min(width, 8)
};
[[nodiscard]] StructLayout struct_layout(const StructType& type);

}  // namespace wsb
