// SPDX-License-Identifier: Apache-2.0
// Sections of a module: ids and their order. Spec: binary/modules#sections
#pragma once

#include <array>
#include <cstdint>

namespace wsb::binary {

namespace section_ids {
inline constexpr uint8_t custom = 0;
inline constexpr uint8_t type = 1;
inline constexpr uint8_t import = 2;
inline constexpr uint8_t function = 3;
inline constexpr uint8_t table = 4;
inline constexpr uint8_t memory = 5;
inline constexpr uint8_t global = 6;
inline constexpr uint8_t export_ = 7;
inline constexpr uint8_t start = 8;
inline constexpr uint8_t element = 9;
inline constexpr uint8_t code = 10;
inline constexpr uint8_t data = 11;
inline constexpr uint8_t data_count = 12;
inline constexpr uint8_t tag = 13;
inline constexpr uint8_t last = tag;

/// The order in which known sections must stand.
inline constexpr std::array<uint8_t, 13> order{type,    import, function, table,      memory, tag, global,
                                               export_, start,  element,  data_count, code,   data};
}  // namespace section_ids

/// Place in that order, from 1; 0 for custom sections, which may stand anywhere.
[[nodiscard]] constexpr uint32_t section_rank(uint8_t id) noexcept {
    for (uint32_t i = 0; i < section_ids::order.size(); ++i)
        if (section_ids::order[i] == id)
            return i + 1;
    return 0;
}

inline constexpr std::array<uint8_t, 8> module_header{0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};

}  // namespace wsb::binary
