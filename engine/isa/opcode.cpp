// SPDX-License-Identifier: Apache-2.0
// Lookup by encoding and by text, and the compile-time checks of the table.
#include "engine/isa/opcode.h"

#include <algorithm>

namespace wsb {

namespace {

constexpr int prefix_rank(uint8_t prefix) {
    constexpr std::array<uint8_t, 5> order{0x00, 0xfc, 0xfb, 0xfd, 0xfe};
    return static_cast<int>(std::ranges::find(order, prefix) - order.begin());
}

consteval bool sorted_and_unique() {
    for (size_t i = 1; i < op_count; ++i) {
        const auto& low = op_table[i - 1];
        const auto& high = op_table[i];
        const int low_rank = prefix_rank(low.prefix);
        const int high_rank = prefix_rank(high.prefix);
        if (low_rank > high_rank || (low_rank == high_rank && low.code >= high.code))
            return false;
    }
    return true;
}

consteval bool classes_agree_with_types() {
    for (const auto& row : op_table) {
        const bool memory_access = row.cls == OpClass::load || row.cls == OpClass::store;
        if (memory_access && (row.imm != Imm::memarg || row.width_bytes == 0 || row.params[0] != 'a'))
            return false;
        if (row.cls == OpClass::unary && (row.params.size() != 1 || row.results.size() != 1))
            return false;
        if (row.cls == OpClass::binary && (row.params.size() != 2 || row.results.size() != 1))
            return false;
        if (row.cls == OpClass::wide && (row.params.size() > 4 || row.results != "ll"))
            return false;
        if (row.cls == OpClass::compare && (row.params.size() != 2 || row.results != "i"))
            return false;
        if (row.cls == OpClass::constant && (!row.params.empty() || row.flags != OpFlags::const_ok))
            return false;
    }
    return true;
}

consteval bool texts_are_spelled() {
    for (const auto& row : op_table)
        for (const char c : row.text)
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
                return false;
    return true;
}

static_assert(sorted_and_unique());
static_assert(classes_agree_with_types());
static_assert(texts_are_spelled());

constexpr uint16_t absent = 0xffff;
constexpr size_t codes_per_prefix = 0x120;  // relaxed SIMD ends at 0x113

/// Dense tables from code to row, one per prefix.
consteval auto make_decode_tables() {
    std::array<std::array<uint16_t, codes_per_prefix>, 5> tables{};
    for (auto& table : tables)
        table.fill(absent);
    for (size_t i = 0; i < op_count; ++i)
        tables[static_cast<size_t>(prefix_rank(op_table[i].prefix))][op_table[i].code] =
            static_cast<uint16_t>(i);
    return tables;
}

constexpr auto decode_tables = make_decode_tables();

/// Rows by text; equal texts stay in table order.
constexpr auto make_text_order() {
    std::array<uint16_t, op_count> order{};
    for (size_t i = 0; i < op_count; ++i)
        order[i] = static_cast<uint16_t>(i);
    std::ranges::sort(order, [](uint16_t a, uint16_t b) {
        const auto compared = op_table[a].text.view() <=> op_table[b].text.view();
        return compared == 0 ? a < b : compared < 0;
    });
    return order;
}

}  // namespace

std::optional<Op> find_op(uint8_t prefix, uint32_t code) noexcept {
    const auto rank = static_cast<size_t>(prefix_rank(prefix));
    if (rank >= decode_tables.size() || code >= codes_per_prefix)
        return std::nullopt;
    const uint16_t row = decode_tables[rank][code];
    return row == absent ? std::nullopt : std::optional{static_cast<Op>(row)};
}

std::optional<Op> find_op(std::string_view text) noexcept {
    static const auto order = make_text_order();
    const auto found =
        std::ranges::lower_bound(order, text, {}, [](uint16_t row) { return op_table[row].text.view(); });
    if (found == order.end() || op_table[*found].text != text)
        return std::nullopt;
    return static_cast<Op>(*found);
}

}  // namespace wsb
