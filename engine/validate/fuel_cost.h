// SPDX-License-Identifier: Apache-2.0
// What an instruction costs. Everything that counts fuel asks here (docs/adr: metering).
#pragma once

#include "engine/binary/instr_reader.h"
#include "engine/isa/limits.h"
#include "engine/module/module.h"
#include "engine/validate/body_sink.h"

namespace wsb::validate {

/// Bytes of memory work that one unit of fuel pays for.
inline constexpr uint64_t bytes_per_unit = 64;

/// Whether an instruction of class gc works on as many elements as the guest says: it settles, and
/// charges for them when it runs.
[[nodiscard]] constexpr bool is_array_bulk(Op op) noexcept {
    switch (op) {
        case Op::array_new:
        case Op::array_new_default:
        case Op::array_new_fixed:
        case Op::array_new_data:
        case Op::array_new_elem:
        case Op::array_fill:
        case Op::array_copy:
        case Op::array_init_data:
        case Op::array_init_elem: return true;
        default: return false;
    }
}

[[nodiscard]] constexpr bool is_struct_new(Op op) noexcept {
    return op == Op::struct_new || op == Op::struct_new_default || op == Op::struct_new_desc ||
           op == Op::struct_new_default_desc;
}

/// Of entering a function: its locals behind the parameters are set to zero. At most limits::locals / 64,
/// which is less than a check may be late (fuel_window).
[[nodiscard]] constexpr uint32_t entry_cost(size_t locals) noexcept {
    return static_cast<uint32_t>(locals / 64);
}
static_assert(entry_cost(limits::locals) < fuel_window);

/// The part that is known before execution: the table's, and for new structures one unit for each 64
/// bytes. The instruction need not be valid yet.
[[nodiscard]] inline uint32_t static_cost(const Module& module, const binary::Instr& instr) noexcept {
    const uint32_t cost = op_info(instr.op).fuel;
    if (!is_struct_new(instr.op) || instr.index >= module.struct_layouts.size())
        return cost;
    return cost + module.struct_layouts[instr.index].size_bytes / static_cast<uint32_t>(bytes_per_unit);
}

}  // namespace wsb::validate
