// SPDX-License-Identifier: Apache-2.0
// A numeric instruction or a load, a comparison of its result and a branch, in one cell:
// [- | x | y | other operand of the comparison][two numbers, see pair_operands.h][edge]. The accumulators
// stay as they are.
#include "engine/interp/pair_operands.h"

#include <utility>

namespace wsb::interp {

using lower::Direction;

namespace {

/// Goes on at the edge, the third word after the handler, or behind it.
#define WSB_BRANCH_IF(condition, direction)                     \
    do {                                                        \
        if (condition) {                                        \
            fuel -= field_at<int32_t>(ip, 28);                  \
            ip += field_at<int32_t>(ip, 24);                    \
            if constexpr ((direction) == Direction::backward) { \
                if (fuel < 0) [[unlikely]]                      \
                    WSB_CONTINUE(fuel_low);                     \
            }                                                   \
            WSB_DISPATCH();                                     \
        }                                                       \
        WSB_NEXT(4);                                            \
    } while (false)

template <Op first, Operands first_shape, Op compare, Operands shape, Direction direction>
WSB_HANDLER branch_pair(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<compare>;
    const T x = first_result<first, first_shape>(ip, sp, acc, facc);
    const T y = second_operand<T, shape>(ip, sp);
    WSB_BRANCH_IF(Operation<compare>::apply(x, y), direction);
}

template <Op load, lower::LoadAddress address, Op compare, Operands shape, Direction direction>
WSB_HANDLER load_branch(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<compare>;
    const uint64_t end = load_end<address>(ip, sp, acc);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    const T x = read_memory<load>(memory + end - width<load>);
    const T y = second_operand<T, shape>(ip, sp);
    WSB_BRANCH_IF(Operation<compare>::apply(x, y), direction);
}

template <size_t index>
std::array<lower::Entry, 2> pair_columns() {
    constexpr auto p = lower::branch_pairs_i32.at(index);
    return {entry_with_prefixes<
                branch_pair<p.first, p.first_shape, p.second, p.second_shape, Direction::forward>>(),
            entry_with_prefixes<
                branch_pair<p.first, p.first_shape, p.second, p.second_shape, Direction::backward>>()};
}

template <size_t index>
std::array<lower::Entry, 2> load_columns() {
    constexpr auto p = lower::load_branches_i32.at(index);
    return {entry_with_prefixes<load_branch<p.load, p.address, p.second, p.shape, Direction::forward>>(),
            entry_with_prefixes<load_branch<p.load, p.address, p.second, p.shape, Direction::backward>>()};
}

}  // namespace

void fill_branch_pairs(lower::HandlerTable& table) {
    [&]<size_t... indices>(std::index_sequence<indices...>) {
        table.branch_pair = {pair_columns<indices>()...};
    }(std::make_index_sequence<lower::branch_pairs_i32.count()>());
}

void fill_load_branches(lower::HandlerTable& table) {
    [&]<size_t... indices>(std::index_sequence<indices...>) {
        table.load_branch = {load_columns<indices>()...};
    }(std::make_index_sequence<lower::load_branches_i32.count()>());
}

}  // namespace wsb::interp
