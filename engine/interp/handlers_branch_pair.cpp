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

/// The handlers of number `index`, by the inverse of PairKinds::index.
template <size_t index>
std::array<lower::Entry, 2> pair_columns() {
    constexpr const lower::PairKinds& kinds = lower::branch_pairs_i32;
    constexpr Operands shape = kinds.second_shapes[index % kinds.second_shapes.size()];
    constexpr size_t above = index / kinds.second_shapes.size();
    constexpr Operands first_shape = kinds.first_shapes[above % kinds.first_shapes.size()];
    constexpr size_t both = above / kinds.first_shapes.size();
    constexpr Op compare = kinds.seconds[both % kinds.seconds.size()];
    constexpr Op first = kinds.firsts[both / kinds.seconds.size()];
    static_assert(kinds.index(first, first_shape, compare, shape) == index);
    return {entry_of<branch_pair<first, first_shape, compare, shape, Direction::forward>, true>(),
            entry_of<branch_pair<first, first_shape, compare, shape, Direction::backward>, true>()};
}

/// By the inverse of LoadPairKinds::index.
template <size_t index>
std::array<lower::Entry, 2> load_columns() {
    constexpr const lower::LoadPairKinds& kinds = lower::load_branches_i32;
    constexpr Operands shape = kinds.shapes[index % kinds.shapes.size()];
    constexpr size_t above = index / kinds.shapes.size();
    constexpr Op compare = kinds.ops[above % kinds.ops.size()];
    constexpr size_t above_ops = above / kinds.ops.size();
    constexpr auto address = static_cast<lower::LoadAddress>(above_ops % lower::load_addresses);
    constexpr Op load = kinds.loads[above_ops / lower::load_addresses];
    static_assert(kinds.index(load, address, compare, shape) == index);
    return {entry_of<load_branch<load, address, compare, shape, Direction::forward>, true>(),
            entry_of<load_branch<load, address, compare, shape, Direction::backward>, true>()};
}

}  // namespace

void fill_branch_pairs(lower::HandlerTable& table) {
    [&]<size_t... indices>(std::index_sequence<indices...>) {
        table.branch_pair = {pair_columns<indices>()...};
    }(std::make_index_sequence<lower::branch_pairs_i32.count()>());
    [&]<size_t... indices>(std::index_sequence<indices...>) {
        table.load_branch = {load_columns<indices>()...};
    }(std::make_index_sequence<lower::load_branches_i32.count()>());
}

}  // namespace wsb::interp
