// SPDX-License-Identifier: Apache-2.0
// Comparisons fused with branches. A backward branch is a check of fuel.
#include "engine/interp/numeric.h"

namespace wsb::interp {

using lower::Direction;

namespace {

/// Words of a branch cell; its edge is the last.
template <class T, Operands shape>
inline constexpr int branch_words = binary_words<T, shape> + 1;

template <Op op, Operands shape, bool taken_if, Direction direction>
WSB_HANDLER branch(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<op>;
    constexpr int words = branch_words<T, shape>;
    const auto [x, y] = operands<T, shape, 0>(ip, sp, acc, facc);
    if (Operation<op>::apply(x, y) == taken_if) {
        constexpr size_t edge_byte = 8 * (words - 1);
        fuel -= field_at<int32_t>(ip, edge_byte + 4);
        ip += field_at<int32_t>(ip, edge_byte);
        if constexpr (direction == Direction::backward) {
            if (fuel < 0) [[unlikely]]
                WSB_CONTINUE(fuel_low);
        }
        WSB_DISPATCH();
    }
    WSB_NEXT(words);
}

/// [to | x | immediate | compared slot] or [to | x | immediate | -][compared immediate], then the edge.
template <Op op, bool compares_immediate>
WSB_HANDLER step(WSB_STATE) {
    WSB_BODY
    constexpr int words = compares_immediate ? 4 : 3;
    const uint32_t sum =
        read_slot<uint32_t>(sp + field<1>(ip)) + static_cast<uint32_t>(int32_t{field_at<int16_t>(ip, 12)});
    acc = sum;
    write_slot(sp + field<0>(ip), acc);
    using T = OperandOf<op>;
    const T other = compares_immediate ? field_at<T>(ip, 16) : read_slot<T>(sp + field<3>(ip));
    if (Operation<op>::apply(static_cast<T>(sum), other)) {
        constexpr size_t edge_byte = 8 * (words - 1);
        fuel -= field_at<int32_t>(ip, edge_byte + 4);
        ip += field_at<int32_t>(ip, edge_byte);
        if (fuel < 0) [[unlikely]]
            WSB_CONTINUE(fuel_low);
        WSB_DISPATCH();
    }
    WSB_NEXT(words);
}

template <Op op>
void fill_steps(lower::HandlerTable& table) {
    table.step[lower::step_index(op)] = {entry_with_prefixes<step<op, false>>(),
                                         entry_with_prefixes<step<op, true>>()};
}

template <Op op, Operands shape, bool taken_if>
void fill_directions(lower::HandlerTable& table) {
    constexpr bool has_prefixes = op_info(op).params[0] == 'i';
    auto& row = table.branch[static_cast<size_t>(op)];
    row[lower::branch_index(shape, taken_if, Direction::forward)] =
        entry_of<branch<op, shape, taken_if, Direction::forward>, has_prefixes>();
    row[lower::branch_index(shape, taken_if, Direction::backward)] =
        entry_of<branch<op, shape, taken_if, Direction::backward>, has_prefixes>();
}

template <Op op, Operands shape>
void fill_senses(lower::HandlerTable& table) {
    fill_directions<op, shape, true>(table);
    if constexpr (is_float_type<OperandOf<op>>)
        fill_directions<op, shape, false>(table);
}

template <Op op, bool floats>
void fill_branch_row(lower::HandlerTable& table) {
    if constexpr (op_info(op).cls == OpClass::compare) {
        if constexpr (is_float_type<OperandOf<op>> == floats) {
            fill_senses<op, Operands::ss>(table);
            fill_senses<op, Operands::as>(table);
            fill_senses<op, Operands::si>(table);
            fill_senses<op, Operands::ai>(table);
        }
    }
    if constexpr (!floats && op >= Op::i32_eq && op <= Op::i32_ge_u)
        fill_steps<op>(table);
}

}  // namespace

void fill_branches(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_branch_row<Op::id, false>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

void fill_float_branches(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_branch_row<Op::id, true>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

}  // namespace wsb::interp
