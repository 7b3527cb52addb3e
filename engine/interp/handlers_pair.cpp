// SPDX-License-Identifier: Apache-2.0
// Two numeric instructions in one cell, the second using the result of the first:
// [to | x | y | other operand of the second][immediate of the first | of the second], the second word only
// if there is an immediate. Or a load and the instruction that uses what it loaded:
// [to | x | y of the address | other operand][end | immediate].
#include "engine/interp/pair_operands.h"

#include <utility>

namespace wsb::interp {

namespace {

template <Op first, Operands first_shape, Op second, Operands second_shape, Destination destination>
WSB_HANDLER pair(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<first>;
    const T between = first_result<first, first_shape>(ip, sp, acc, facc);
    constexpr bool first_has_immediate = has_immediate<first_shape>;
    constexpr bool second_has_immediate = has_immediate<second_shape>;
    const T other = second_operand<T, second_shape>(ip, sp);
    WSB_PRODUCE(T, destination,
                second_shape == Operands::sa ? Operation<second>::apply(other, between)
                                             : Operation<second>::apply(between, other));
    WSB_NEXT(first_has_immediate || second_has_immediate ? 3 : 2);
}

template <const lower::PairKinds& kinds, size_t index>
std::array<Word, 2> columns() {
    constexpr auto p = kinds.at(index);
    static_assert(kinds.index(p.first, p.first_shape, p.second, p.second_shape) == index);
    return {address_of(pair<p.first, p.first_shape, p.second, p.second_shape, Destination::accumulator>),
            address_of(pair<p.first, p.first_shape, p.second, p.second_shape, Destination::slot>)};
}

template <const lower::PairKinds& kinds, size_t... indices>
void fill(std::array<std::array<Word, 2>, kinds.count()>& pairs, std::index_sequence<indices...>) {
    pairs = {columns<kinds, indices>()...};
}

template <Op load, lower::LoadAddress address, Op second, Operands shape, Destination destination>
WSB_HANDLER load_pair(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<second>;
    const uint64_t end = load_end<address>(ip, sp, acc);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    const T loaded = read_memory<load>(memory + end - width<load>);
    const T other = second_operand<T, shape>(ip, sp);
    WSB_PRODUCE(T, destination,
                shape == Operands::sa ? Operation<second>::apply(other, loaded)
                                      : Operation<second>::apply(loaded, other));
    WSB_NEXT(3);
}

template <const lower::LoadPairKinds& kinds, size_t index>
std::array<lower::Entry, 2> load_columns() {
    constexpr auto p = kinds.at(index);
    static_assert(kinds.index(p.load, p.address, p.second, p.shape) == index);
    return {entry_with_prefixes<load_pair<p.load, p.address, p.second, p.shape, Destination::accumulator>>(),
            entry_with_prefixes<load_pair<p.load, p.address, p.second, p.shape, Destination::slot>>()};
}

template <const lower::LoadPairKinds& kinds, size_t... indices>
void fill(std::array<std::array<lower::Entry, 2>, kinds.count()>& pairs, std::index_sequence<indices...>) {
    pairs = {load_columns<kinds, indices>()...};
}

}  // namespace

void fill_load_pairs(lower::HandlerTable& table) {
    fill<lower::load_pairs_i32>(table.load_pair_i32,
                                std::make_index_sequence<lower::load_pairs_i32.count()>());
}

void fill_integer_pairs(lower::HandlerTable& table) {
    fill<lower::pairs_i32>(table.pair_i32, std::make_index_sequence<lower::pairs_i32.count()>());
}

void fill_float_pairs(lower::HandlerTable& table) {
    fill<lower::load_pairs_f64>(table.load_pair_f64,
                                std::make_index_sequence<lower::load_pairs_f64.count()>());
    fill<lower::pairs_f32>(table.pair_f32, std::make_index_sequence<lower::pairs_f32.count()>());
    fill<lower::pairs_f64>(table.pair_f64, std::make_index_sequence<lower::pairs_f64.count()>());
}

}  // namespace wsb::interp
