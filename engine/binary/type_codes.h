// SPDX-License-Identifier: Apache-2.0
// Bytes of the binary format for types, shared by reader and writer. Spec: binary/types
#pragma once

#include "engine/isa/types.h"

#include <array>
#include <cstdint>
#include <optional>

namespace wsb::binary {

namespace type_codes {
inline constexpr uint8_t i32 = 0x7f;
inline constexpr uint8_t i64 = 0x7e;
inline constexpr uint8_t f32 = 0x7d;
inline constexpr uint8_t f64 = 0x7c;
inline constexpr uint8_t v128 = 0x7b;
inline constexpr uint8_t i8 = 0x78;
inline constexpr uint8_t i16 = 0x77;
inline constexpr uint8_t ref = 0x64;
inline constexpr uint8_t ref_null = 0x63;
inline constexpr uint8_t exact = 0x62;
inline constexpr uint8_t func = 0x60;
inline constexpr uint8_t structure = 0x5f;
inline constexpr uint8_t array = 0x5e;
inline constexpr uint8_t sub = 0x50;
inline constexpr uint8_t sub_final = 0x4f;
inline constexpr uint8_t rec = 0x4e;
inline constexpr uint8_t descriptor = 0x4d;
inline constexpr uint8_t describes = 0x4c;
inline constexpr uint8_t empty = 0x40;
inline constexpr uint8_t table_with_init = 0x40;
/// Kind of an import: a function of exactly the type that follows.
inline constexpr uint8_t exact_func = 0x20;

/// In the order of HeapType::Abstract.
inline constexpr std::array<uint8_t, 12> heaps{0x70, 0x73, 0x6f, 0x72, 0x6e, 0x6d,
                                               0x6c, 0x6b, 0x6a, 0x71, 0x69, 0x74};
static_assert(heaps[HeapType::noexn] == 0x74 && heaps.size() == HeapType::noexn + 1);
}  // namespace type_codes

/// The abstract heap type of a byte; nullopt if there is none. Spec: binary/types#binary-heaptype
[[nodiscard]] constexpr std::optional<HeapType> abstract_heap(uint8_t byte) noexcept {
    for (uint32_t i = 0; i < type_codes::heaps.size(); ++i)
        if (type_codes::heaps[i] == byte)
            return HeapType(static_cast<HeapType::Abstract>(i));
    return std::nullopt;
}

}  // namespace wsb::binary
