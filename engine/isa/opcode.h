// SPDX-License-Identifier: Apache-2.0
// The one table of instructions. Every decoder, printer, validator and tier derives from these rows.
#pragma once

#include "engine/base/short_text.h"
#include "engine/isa/features.h"
#include "engine/isa/traps.h"

#include <array>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace wsb {

/// Every instruction, in the order of the binary encoding. Names are the text names with `.` as `_`;
/// a trailing `_` where C++ owns the word.
enum class Op : uint16_t {
#define WSB_OP(id, ...) id,
#include "engine/isa/ops_all.def"
#undef WSB_OP
};

/// Which hook of a body sink an instruction goes to.
enum class OpClass : uint8_t {
    control,
    exception,
    call,
    parametric,
    local,
    global,
    table,
    load,
    store,
    memory,
    constant,
    unary,
    compare,
    binary,
    wide,  // 128-bit integers as pairs of i64, low half first
    reference,
    bulk,
    gc,
    simd,
    simd_lane,
    atomic,
};

/// The immediates that follow the opcode, in binary order.
enum class Imm : uint8_t {
    none,
    zero_byte,
    block_type,
    label,
    label_table,
    try_table,  // control
    func,
    type,
    type_table,
    tag,
    local,
    global,
    table,
    table_table,
    mem,
    mem_mem,
    elem,
    data,
    data_mem,
    elem_table,  // data/elem index first, then memory/table
    memarg,
    memarg_lane,
    lane,
    lanes,
    i32,
    i64,
    f32,
    f64,
    v128,
    val_types,
    heap_type,
    type_field,
    type_count,
    type_data,
    type_elem,
    type_type,
    cast,
};

/// Properties of an instruction beside its types.
enum class OpFlags : uint8_t { none, const_ok, ends_block };

/// The traps an instruction can raise, as a set of TrapCode bits.
using TrapSet = uint32_t;
namespace trap_sets {
constexpr TrapSet of(std::same_as<TrapCode> auto... codes) noexcept {
    return ((TrapSet{1} << static_cast<unsigned>(codes)) | ... | TrapSet{0});
}
inline constexpr TrapSet none = 0;
inline constexpr TrapSet unreachable = of(TrapCode::unreachable);
inline constexpr TrapSet memory = of(TrapCode::memory_out_of_bounds);
inline constexpr TrapSet table = of(TrapCode::table_out_of_bounds);
inline constexpr TrapSet divide = of(TrapCode::integer_divide_by_zero, TrapCode::integer_overflow);
inline constexpr TrapSet divide_by_zero = of(TrapCode::integer_divide_by_zero);
inline constexpr TrapSet truncate = of(TrapCode::invalid_conversion, TrapCode::integer_overflow);
inline constexpr TrapSet call = of(TrapCode::stack_overflow, TrapCode::host_error);
inline constexpr TrapSet call_indirect =
    call | of(TrapCode::undefined_element, TrapCode::uninitialized_element, TrapCode::indirect_call_mismatch);
inline constexpr TrapSet call_ref = call | of(TrapCode::null_function_reference);
inline constexpr TrapSet null_reference = of(TrapCode::null_reference);
inline constexpr TrapSet null_struct = of(TrapCode::null_structure_reference);
inline constexpr TrapSet null_array = of(TrapCode::null_array_reference);
inline constexpr TrapSet null_i31 = of(TrapCode::null_i31_reference);
inline constexpr TrapSet array = null_array | of(TrapCode::array_out_of_bounds);
inline constexpr TrapSet array_memory = array | memory;
inline constexpr TrapSet array_table = array | table;
inline constexpr TrapSet allocate = of(TrapCode::allocation_failure);
inline constexpr TrapSet allocate_memory = allocate | memory;
inline constexpr TrapSet allocate_table = allocate | table;
inline constexpr TrapSet cast = of(TrapCode::cast_failure);
inline constexpr TrapSet null_descriptor = of(TrapCode::null_descriptor);
inline constexpr TrapSet allocate_described = allocate | null_descriptor;
inline constexpr TrapSet descriptor_cast = null_descriptor | of(TrapCode::descriptor_cast_failure);
inline constexpr TrapSet exception = of(TrapCode::uncaught_exception, TrapCode::null_exception_reference);
inline constexpr TrapSet atomic = memory | of(TrapCode::unaligned_atomic, TrapCode::expected_shared_memory);
}  // namespace trap_sets

/// One row. Type letters: i l f d v = i32 i64 f32 f64 v128; r = any reference; a / t = the address type of
/// the memory / table named by the immediate; * = decided by code.
struct OpInfo {
    uint8_t prefix;      ///< 0, 0xfb, 0xfc, 0xfd or 0xfe
    uint16_t code;       ///< opcode byte, or LEB128 number after the prefix
    ShortText<35> text;  ///< keyword of the text format
    OpClass cls;
    Imm imm;
    ShortText<5> params;  ///< operand types, bottom to top
    ShortText<2> results;
    uint8_t width_bytes;  ///< memory access width (lane width for lane instructions); 0 if none
    TrapSet traps;        ///< nothing else may be raised
    uint8_t fuel;         ///< static cost in fuel units
    OpFlags flags;
    Feature feature;
};

inline constexpr OpInfo op_table[] = {
#define WSB_OP(id, prefix, code, text, cls, imm, params, results, width, traps, fuel, flags, feature) \
    OpInfo{prefix,           code, text,           OpClass::cls,    Imm::imm, params, results, width, \
           trap_sets::traps, fuel, OpFlags::flags, Feature::feature},
#include "engine/isa/ops_all.def"
#undef WSB_OP
};

inline constexpr size_t op_count = std::size(op_table);

[[nodiscard]] constexpr const OpInfo& op_info(Op op) noexcept {
    return op_table[static_cast<size_t>(op)];
}

/// The instruction of an encoding; nullopt if there is none. `prefix` 0 for single-byte opcodes.
[[nodiscard]] std::optional<Op> find_op(uint8_t prefix, uint32_t code) noexcept;

/// The first instruction with this keyword (`select`, `ref.test`, `ref.cast` and `ref.cast_desc_eq` have two
/// encodings, which follow each other in the table); nullopt if there is none.
[[nodiscard]] std::optional<Op> find_op(std::string_view text) noexcept;

/// The encoding of a test or cast that lets null pass, of the one that does not.
[[nodiscard]] constexpr Op null_form(Op op) noexcept {
    switch (op) {
        case Op::ref_test: return Op::ref_test_null;
        case Op::ref_cast: return Op::ref_cast_null;
        case Op::ref_cast_desc_eq: return Op::ref_cast_desc_eq_null;
        default: return op;
    }
}
/// Whether null passes a test or cast that has one encoding for each answer.
[[nodiscard]] constexpr bool takes_null(Op op) noexcept {
    return op == Op::ref_test_null || op == Op::ref_cast_null || op == Op::ref_cast_desc_eq_null;
}

[[nodiscard]] constexpr bool is_prefix_byte(uint8_t byte) noexcept {
    return byte >= 0xfb && byte <= 0xfe;
}

}  // namespace wsb
