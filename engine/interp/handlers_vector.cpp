// SPDX-License-Identifier: Apache-2.0
// Vector instructions without memory, one handler each, made from the semantics by the types on the row.
// Cells: [result | operands ...]; shuffles have their 16 indices behind that.
#include "engine/interp/vector_slots.h"

namespace wsb::interp {

namespace {

/// Operand `number` of a cell, counted from 1 as its fields are.
template <Op op, int number>
[[nodiscard, gnu::always_inline]] inline auto operand(const Word* ip, const Slot* sp) noexcept {
    return read_operand<op_info(op).params[number - 1]>(sp + field<number>(ip));
}

/// What the instruction at ip computes. A lane index stands in field 3.
template <Op op>
[[nodiscard, gnu::always_inline]] inline auto compute(const Word* ip, const Slot* sp) noexcept {
    constexpr const OpInfo& row = op_info(op);
    constexpr size_t count = row.params.size();
    if constexpr (row.imm == Imm::lanes)
        return Operation<op>::apply(operand<op, 1>(ip, sp), operand<op, 2>(ip, sp), read_vector(ip + 2));
    else if constexpr (row.imm == Imm::lane && count == 1)
        return Operation<op>::apply(operand<op, 1>(ip, sp), field<3>(ip));
    else if constexpr (row.imm == Imm::lane)
        return Operation<op>::apply(operand<op, 1>(ip, sp), operand<op, 2>(ip, sp), field<3>(ip));
    else if constexpr (count == 1)
        return Operation<op>::apply(operand<op, 1>(ip, sp));
    else if constexpr (count == 2)
        return Operation<op>::apply(operand<op, 1>(ip, sp), operand<op, 2>(ip, sp));
    else
        return Operation<op>::apply(operand<op, 1>(ip, sp), operand<op, 2>(ip, sp), operand<op, 3>(ip, sp));
}

template <Op op>
WSB_HANDLER vector(WSB_STATE) {
    WSB_BODY
    write_vector(sp + field<0>(ip), compute<op>(ip, sp));
    WSB_NEXT(op_info(op).imm == Imm::lanes ? 4 : 2);
}

/// A vector becomes a number, which is left in its accumulator as well.
template <Op op>
WSB_HANDLER vector_to_number(WSB_STATE) {
    WSB_BODY
    using Result = decltype(compute<op>(ip, sp));
    WSB_PRODUCE(Result, Destination::slot, compute<op>(ip, sp));
    WSB_NEXT(2);
}

template <Op op>
void fill_row(lower::HandlerTable& table) {
    constexpr const OpInfo& row = op_info(op);
    if constexpr ((row.cls == OpClass::simd || row.cls == OpClass::simd_lane) &&
                  row.imm != Imm::memarg_lane) {
        if constexpr (row.results == "v")
            table.vector_row(op)[0] = address_of(vector<op>);
        else
            table.vector_row(op)[0] = address_of(vector_to_number<op>);
    }
}

}  // namespace

void fill_vectors(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_row<Op::id>(table);
#include "engine/isa/ops_simd.def"
#undef WSB_OP
}

}  // namespace wsb::interp
