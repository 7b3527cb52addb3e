// SPDX-License-Identifier: Apache-2.0
// Two numeric instructions in one cell, the second using the result of the first:
// [to | x | y | other operand of the second][immediate of the first | of the second], the second word only
// if there is an immediate.
#include "engine/interp/numeric.h"

#include <utility>

namespace wsb::interp {

namespace {

template <Op first, Operands first_shape, Op second, Operands second_shape, Destination destination>
WSB_HANDLER pair(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<first>;
    constexpr bool first_has_immediate = first_shape == Operands::si || first_shape == Operands::ai;
    constexpr bool second_has_immediate = second_shape == Operands::ai;
    const auto x = first_shape == Operands::as || first_shape == Operands::ai
                       ? from_accumulator<T>(acc, facc)
                       : read_slot<T>(sp + field<1>(ip));
    T y;
    if constexpr (first_has_immediate)
        y = field_at<T>(ip, 16);
    else if constexpr (first_shape == Operands::sa)
        y = from_accumulator<T>(acc, facc);
    else
        y = read_slot<T>(sp + field<2>(ip));
    const T between = Operation<first>::apply(x, y);
    const T other = second_has_immediate ? field_at<T>(ip, 20) : read_slot<T>(sp + field<3>(ip));
    WSB_PRODUCE(T, destination,
                second_shape == Operands::sa ? Operation<second>::apply(other, between)
                                             : Operation<second>::apply(between, other));
    WSB_NEXT(first_has_immediate || second_has_immediate ? 3 : 2);
}

/// The handlers of pair `index` of a kind, by the inverse of PairKinds::index.
template <const lower::PairKinds& kinds, size_t index>
std::array<Word, 2> columns() {
    constexpr size_t ops = kinds.ops.size();
    constexpr size_t y = index % kinds.second_shapes.size();
    constexpr size_t x = index / kinds.second_shapes.size() % kinds.first_shapes.size();
    constexpr size_t both = index / kinds.second_shapes.size() / kinds.first_shapes.size();
    constexpr Op first = kinds.ops[both / ops], second = kinds.ops[both % ops];
    constexpr Operands first_shape = kinds.first_shapes[x], second_shape = kinds.second_shapes[y];
    static_assert(kinds.index(first, first_shape, second, second_shape) == index);
    return {address_of(pair<first, first_shape, second, second_shape, Destination::accumulator>),
            address_of(pair<first, first_shape, second, second_shape, Destination::slot>)};
}

template <const lower::PairKinds& kinds, size_t... indices>
void fill(std::array<std::array<Word, 2>, kinds.count()>& pairs, std::index_sequence<indices...>) {
    pairs = {columns<kinds, indices>()...};
}

}  // namespace

void fill_pairs(lower::HandlerTable& table) {
    fill<lower::pairs_i32>(table.pair_i32, std::make_index_sequence<lower::pairs_i32.count()>());
    fill<lower::pairs_f32>(table.pair_f32, std::make_index_sequence<lower::pairs_f32.count()>());
    fill<lower::pairs_f64>(table.pair_f64, std::make_index_sequence<lower::pairs_f64.count()>());
}

}  // namespace wsb::interp
