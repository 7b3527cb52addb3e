// SPDX-License-Identifier: Apache-2.0
// The register-form instruction set: which handlers exist and how their cells are laid out. The lowering
// only needs the addresses, which the interpreter fills in.
//
// A cell is one handler word followed by operand words. The first operand word packs up to four 16-bit
// fields, lowest first; field 0 is the destination wherever there is one, so that it can be redirected.
// Slots are indices from the frame's first slot. Wide immediates, targets and deltas follow.
#pragma once

#include "engine/isa/opcode.h"
#include "engine/lower/code.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <span>

namespace wsb::lower {

/// Where the operands of a two-operand instruction are: slot, accumulator or immediate.
enum class Operands : uint8_t { ss, as, sa, si, ai, is, ia };
inline constexpr size_t operand_shapes = 7;

/// Where a single operand is.
enum class Source : uint8_t { slot, accumulator };

/// Where the address of a load or store is; a constant one is part of the offset.
enum class Address : uint8_t { slot, accumulator, constant };

/// Where the value of a store is.
enum class StoredValue : uint8_t { slot, accumulator, immediate };

/// Whether a result is written to its slot as well as to the accumulator.
enum class Destination : uint8_t { accumulator, slot };

/// Whether a branch is a check of fuel (backward) or not.
enum class Direction : uint8_t { forward, backward };

/// How a field of an object is read or written: its bytes, its extension, its accumulator.
enum class FieldKind : uint8_t { i8_s, i8_u, i16_s, i16_u, i32, i64, f32, f64, v128 };
inline constexpr size_t field_kinds = 9;

/// Instructions that stand for themselves.
enum class Single : uint8_t {
    // Moves; they leave the accumulators alone.
    copy,
    copy_pair,
    copy_many,
    copy_wide,
    constant,
    constant_short,  ///< of which only the low 32 bits are not zero
    increment,       ///< i32.add of an immediate to a slot, stored; it is in `plain` as well
    constant_wide,
    store_int_accumulator,
    store_float_accumulator,
    // Control
    br,
    br_back,
    br_table_slot,
    br_table_accumulator,
    unreachable,
    fuel_check,
    fuel_step,
    count_execution,
    ret,
    ret_int_slot,
    ret_int_accumulator,
    ret_float_slot,
    ret_float_accumulator,
    ret_many,
    ret_constant,
    // Calls
    call_local,
    call_import,
    call_indirect,
    call_ref,
    return_call,
    return_call_import,
    return_call_indirect,
    return_call_ref,
    throw_,
    throw_ref,
    // Values
    global_get,
    global_set,
    global_get_float,
    global_get_wide,
    global_set_wide,
    select_int_slot,
    select_int_accumulator,
    select_float_slot,
    select_float_accumulator,
    select_wide,
    // Memories, tables, references
    memory_size,
    memory_grow,
    bulk_memory,
    bulk_table,
    bulk_drop,
    table_get,
    table_set,
    table_size,
    ref_func,
    ref_is_null,
    ref_eq,
    ref_as_non_null,
    // Objects
    struct_new,
    struct_new_default,
    struct_new_desc,
    struct_new_default_desc,
    ref_get_desc,
    ref_test_desc,
    ref_cast_desc,
    array_bulk,
    array_len,
    ref_test,
    ref_cast,
    ref_i31,
    i31_get_s,
    i31_get_u,
};
inline constexpr size_t single_count = static_cast<size_t>(Single::i31_get_u) + 1;

/// Instructions that have rows here: those without prefix and with 0xfc (the first rows of the table), but
/// for those of class wide behind them.
inline constexpr size_t core_ops = static_cast<size_t>(Op::table_fill) + 1;

/// The rows of vectors (prefix 0xfd), which follow each other.
inline constexpr Op first_vector_op = Op::v128_load;
inline constexpr size_t vector_ops =
    static_cast<size_t>(Op::i32x4_relaxed_dot_i8x16_i7x16_add_s) - static_cast<size_t>(first_vector_op) + 1;
static_assert(std::ranges::count(op_table, 0xfd, &OpInfo::prefix) == vector_ops);

/// The address of a vector load or store: as Address says, or that of any memory, in its slot; the column
/// behind it is for shared memories.
inline constexpr size_t vector_address_general = 3;

/// Instructions with prefix 0xfe, which have an array of their own.
inline constexpr size_t atomic_ops =
    static_cast<size_t>(Op::i64_atomic_rmw32_cmpxchg_u) - static_cast<size_t>(Op::memory_atomic_notify) + 1;
[[nodiscard]] constexpr size_t atomic_index(Op op) noexcept {
    return static_cast<size_t>(op) - static_cast<size_t>(Op::memory_atomic_notify);
}

/// Instructions of class wide, which have an array of their own.
inline constexpr size_t wide_ops =
    static_cast<size_t>(Op::i64_mul_wide_u) - static_cast<size_t>(Op::i64_add128) + 1;
[[nodiscard]] constexpr size_t wide_index(Op op) noexcept {
    return static_cast<size_t>(op) - static_cast<size_t>(Op::i64_add128);
}

/// Comparisons of i32, which follow each other in the table.
inline constexpr size_t step_comparisons =
    static_cast<size_t>(Op::i32_ge_u) - static_cast<size_t>(Op::i32_eq) + 1;
[[nodiscard]] constexpr size_t step_index(Op comparison) noexcept {
    return static_cast<size_t>(comparison) - static_cast<size_t>(Op::i32_eq);
}

/// The size of the list if the item is not in it.
template <class Item>
[[nodiscard]] constexpr size_t place_of(std::span<const Item> list, Item item) noexcept {
    return static_cast<size_t>(std::ranges::find(list, item) - list.begin());
}

/// Two instructions in one cell: the result of the first is an operand of the second, and of nothing else.
/// Which instructions there are of one type, and where operands may be; the second has the first's result
/// as its accumulator. None of them traps.
struct PairKinds {
    std::span<const Op> firsts, seconds;
    std::span<const Operands> first_shapes, second_shapes;

    [[nodiscard]] constexpr size_t count() const noexcept {
        return firsts.size() * seconds.size() * first_shapes.size() * second_shapes.size();
    }
    /// count() if there is no such pair.
    [[nodiscard]] constexpr size_t index(Op first, Operands first_shape, Op second,
                                         Operands second_shape) const noexcept {
        const size_t a = place_of(firsts, first), b = place_of(seconds, second);
        const size_t x = place_of(first_shapes, first_shape), y = place_of(second_shapes, second_shape);
        if (a == firsts.size() || b == seconds.size() || x == first_shapes.size() ||
            y == second_shapes.size())
            return count();
        return ((a * seconds.size() + b) * first_shapes.size() + x) * second_shapes.size() + y;
    }
    struct Pair {
        Op first, second;
        Operands first_shape, second_shape;
    };
    /// The inverse of `index`.
    [[nodiscard]] constexpr Pair at(size_t index) const noexcept {
        const size_t shapes = index / second_shapes.size();
        const size_t both = shapes / first_shapes.size();
        return {firsts[both / seconds.size()], seconds[both % seconds.size()],
                first_shapes[shapes % first_shapes.size()], second_shapes[index % second_shapes.size()]};
    }
};
inline constexpr Op pair_ops_i32[] = {Op::i32_add, Op::i32_sub, Op::i32_mul,   Op::i32_and,   Op::i32_or,
                                      Op::i32_xor, Op::i32_shl, Op::i32_shr_s, Op::i32_shr_u, Op::i32_rotl};
inline constexpr Op pair_ops_f32[] = {Op::f32_add, Op::f32_sub, Op::f32_mul};
inline constexpr Op pair_ops_f64[] = {Op::f64_add, Op::f64_sub, Op::f64_mul};
inline constexpr Operands int_first_shapes[] = {Operands::ss, Operands::as, Operands::si, Operands::ai};
inline constexpr Operands int_second_shapes[] = {Operands::as, Operands::ai};
inline constexpr Operands float_first_shapes[] = {Operands::ss, Operands::as, Operands::sa};
inline constexpr Operands float_second_shapes[] = {Operands::as, Operands::sa};
inline constexpr PairKinds pairs_i32{pair_ops_i32, pair_ops_i32, int_first_shapes, int_second_shapes};
inline constexpr PairKinds pairs_f32{pair_ops_f32, pair_ops_f32, float_first_shapes, float_second_shapes};
inline constexpr PairKinds pairs_f64{pair_ops_f64, pair_ops_f64, float_first_shapes, float_second_shapes};

/// A load and the instruction that uses what it loaded, in one cell. How the load finds its address:
enum class LoadAddress : uint8_t { slot, accumulator, sum_ss, sum_as, sum_si };
inline constexpr size_t load_addresses = 5;
/// As PairKinds.
struct LoadPairKinds {
    std::span<const Op> loads, ops;
    std::span<const Operands> shapes;

    [[nodiscard]] constexpr size_t count() const noexcept {
        return loads.size() * load_addresses * ops.size() * shapes.size();
    }
    [[nodiscard]] constexpr size_t index(Op load, LoadAddress address, Op second,
                                         Operands shape) const noexcept {
        const size_t a = place_of(loads, load), b = place_of(ops, second), x = place_of(shapes, shape);
        if (a == loads.size() || b == ops.size() || x == shapes.size())
            return count();
        return ((a * load_addresses + static_cast<size_t>(address)) * ops.size() + b) * shapes.size() + x;
    }
    struct Pair {
        Op load, second;
        LoadAddress address;
        Operands shape;
    };
    /// The inverse of `index`.
    [[nodiscard]] constexpr Pair at(size_t index) const noexcept {
        const size_t both = index / shapes.size();
        const size_t places = both / ops.size();
        return {loads[places / load_addresses], ops[both % ops.size()],
                static_cast<LoadAddress>(places % load_addresses), shapes[index % shapes.size()]};
    }
};
inline constexpr Op pair_loads_i32[] = {Op::i32_load, Op::i32_load8_u};
inline constexpr Op pair_loads_f64[] = {Op::f64_load};
inline constexpr LoadPairKinds load_pairs_i32{pair_loads_i32, pair_ops_i32, int_second_shapes};
/// What is compared with, and a branch: the comparison as second instruction.
inline constexpr Op branch_firsts_i32[] = {Op::i32_and, Op::i32_add, Op::i32_sub};
inline constexpr Op compare_ops_i32[] = {Op::i32_eq,   Op::i32_ne,   Op::i32_lt_s, Op::i32_lt_u,
                                         Op::i32_gt_s, Op::i32_gt_u, Op::i32_le_s, Op::i32_le_u,
                                         Op::i32_ge_s, Op::i32_ge_u};
inline constexpr PairKinds branch_pairs_i32{branch_firsts_i32, compare_ops_i32, int_first_shapes,
                                            int_second_shapes};
inline constexpr LoadPairKinds load_branches_i32{pair_loads_i32, compare_ops_i32, int_second_shapes};
inline constexpr LoadPairKinds load_pairs_f64{pair_loads_f64, pair_ops_f64, float_second_shapes};

/// What may share a cell with whatever comes next: the most frequent cells, all with one operand word.
/// [handler][operands of the first][operand words of the second ...]; the second cell, without its handler,
/// begins at the word of the first's operands.
enum class Prefix : uint8_t {
    none,
    increment,  ///< Single::increment
    copy,       ///< Single::copy
    constant,   ///< Single::constant_short
};
inline constexpr size_t prefixes = 4;

/// Addresses of the handlers of a cell, by what comes before it in the same cell. 0 where there is none.
using Entry = std::array<Word, prefixes>;
[[nodiscard]] constexpr Word handler_of(const Entry& entry, Prefix prefix = Prefix::none) noexcept {
    return entry[static_cast<size_t>(prefix)];
}

/// Handlers whose addresses are entered together, when a module first wants one of them: to enter all of them
/// takes longer than a small program runs. Those of `Single` and of objects are there from the start.
enum class Family : uint8_t {
    integers,
    floats,
    accesses,
    sums,
    branches,
    float_branches,
    integer_pairs,
    float_pairs,
    load_pairs,
    branch_pairs,
    load_branches,
    vectors,
    atomics,
};
inline constexpr size_t family_count = static_cast<size_t>(Family::atomics) + 1;

/// Addresses of all handlers; 0 where no such handler exists. Arrays are read through the functions below
/// them, which see to it that they are filled. Threads may read at the same time.
struct HandlerTable {
    template <size_t Count>
    using PerOp = std::array<std::array<Entry, Count>, core_ops>;

    /// binary and compare: [Operands * 2 + Destination]; unary: [Source * 2 + Destination];
    /// load: [Address * 2 + Destination]; store: [Address * 3 + StoredValue].
    PerOp<operand_shapes * 2> plain{};
    /// compare, fused with a branch: [(Operands * 2 + taken_if) * 2 + Direction].
    PerOp<operand_shapes * 4> branch{};
    /// i32.add of an immediate to a slot, an i32 comparison of the sum and a branch back: the end of most
    /// loops. [step_index][the sum is compared with an immediate].
    std::array<std::array<Entry, 2>, step_comparisons> step{};
    /// Pairs: [PairKinds::index][Destination].
    std::array<std::array<Word, 2>, pairs_i32.count()> pair_i32{};
    std::array<std::array<Word, 2>, pairs_f32.count()> pair_f32{};
    std::array<std::array<Word, 2>, pairs_f64.count()> pair_f64{};
    /// Loads and what uses them: [LoadPairKinds::index][Destination].
    std::array<std::array<Entry, 2>, load_pairs_i32.count()> load_pair_i32{};
    std::array<std::array<Entry, 2>, load_pairs_f64.count()> load_pair_f64{};
    /// A numeric instruction or a load, a comparison and a branch: [index][Direction].
    std::array<std::array<Entry, 2>, branch_pairs_i32.count()> branch_pair{};
    std::array<std::array<Entry, 2>, load_branches_i32.count()> load_branch{};
    /// Loads whose address is the sum of two i32: [Operands * 2 + Destination].
    PerOp<operand_shapes * 2> load_sum{};
    /// Stores to such an address, of a slot or an immediate: [Operands * 3 + StoredValue].
    PerOp<operand_shapes * 3> store_sum{};
    /// Loads and stores of other memories than a 32-bit memory 0, operands in slots: [the memory is shared].
    std::array<std::array<Word, 2>, core_ops> general{};
    /// Vectors. Loads and stores: [Address], [vector_address_general + the memory is shared]; of lanes:
    /// [the memory is shared]; all others: [0].
    std::array<std::array<Word, 5>, vector_ops> vector{};
    /// Atomics, operands in slots: [atomic_index].
    std::array<Word, atomic_ops> atomic{};
    /// Pairs of i64, operands in slots: [wide_index].
    std::array<Word, wide_ops> wide{};
    std::array<Entry, single_count> single{};
    /// What machine code jumps to when it calls a function that has none, or that does not fit: its Code is
    /// in the accumulator, its frame will be at sp, the return address is in ip, and the caller's frame is
    /// where the memory's base was. Fuel is settled; nothing else of the call has happened.
    Word enter_code = 0;
    /// By FieldKind; writing knows no signs and no floats.
    std::array<Word, field_kinds> struct_get{}, struct_set{}, array_get{}, array_set{};
    /// What makes NaNs canonical, for 32 and 64 bits: [Source * 2 + Destination]; of vectors.
    std::array<std::array<Word, 4>, 2> canonical_nan{};
    std::array<Word, 2> canonical_nan_lanes{};

    /// Fill the arrays of a family in this table.
    std::array<void (*)(), family_count> fills{};
    mutable std::array<std::atomic<bool>, family_count> is_filled{};
    mutable std::mutex filling;

    [[nodiscard]] const Entry& of(Single which) const noexcept { return single[static_cast<size_t>(which)]; }
    [[nodiscard]] const auto& numbers(Op op) const {
        return filled(takes_floats(op) ? Family::floats : Family::integers, plain)[static_cast<size_t>(op)];
    }
    [[nodiscard]] const auto& wides(Op op) const { return filled(Family::integers, wide)[wide_index(op)]; }
    [[nodiscard]] const auto& accesses(Op op) const {
        return filled(Family::accesses, plain)[static_cast<size_t>(op)];
    }
    [[nodiscard]] const auto& general_accesses(Op op) const {
        return filled(Family::accesses, general)[static_cast<size_t>(op)];
    }
    [[nodiscard]] const auto& sum_loads(Op op) const {
        return filled(Family::sums, load_sum)[static_cast<size_t>(op)];
    }
    [[nodiscard]] const auto& sum_stores(Op op) const {
        return filled(Family::sums, store_sum)[static_cast<size_t>(op)];
    }
    [[nodiscard]] const auto& branches(Op op) const {
        return filled(takes_floats(op) ? Family::float_branches : Family::branches,
                      branch)[static_cast<size_t>(op)];
    }
    [[nodiscard]] const auto& steps(Op op) const { return filled(Family::branches, step)[step_index(op)]; }
    [[nodiscard]] const auto& integer_pairs() const { return filled(Family::integer_pairs, pair_i32); }
    [[nodiscard]] const auto& float_pairs() const { return filled(Family::float_pairs, pair_f32); }
    [[nodiscard]] const auto& double_pairs() const { return filled(Family::float_pairs, pair_f64); }
    [[nodiscard]] const auto& load_pairs() const { return filled(Family::load_pairs, load_pair_i32); }
    [[nodiscard]] const auto& double_load_pairs() const { return filled(Family::float_pairs, load_pair_f64); }
    [[nodiscard]] const auto& branch_pairs() const { return filled(Family::branch_pairs, branch_pair); }
    [[nodiscard]] const auto& load_branches() const { return filled(Family::load_branches, load_branch); }
    [[nodiscard]] const auto& vectors(Op op) const {
        return filled(Family::vectors,
                      vector)[static_cast<size_t>(op) - static_cast<size_t>(first_vector_op)];
    }
    [[nodiscard]] Word atomics(Op op) const { return filled(Family::atomics, atomic)[atomic_index(op)]; }

    [[nodiscard]] constexpr std::array<Word, 5>& vector_row(Op op) noexcept {
        return vector[static_cast<size_t>(op) - static_cast<size_t>(first_vector_op)];
    }

private:
    [[nodiscard]] static bool takes_floats(Op op) noexcept {
        const char letter = op_info(op).params[0];
        return letter == 'f' || letter == 'd';
    }
    template <class Rows>
    [[nodiscard]] const Rows& filled(Family family, const Rows& rows) const {
        if (!is_filled[static_cast<size_t>(family)].load(std::memory_order_acquire)) [[unlikely]]
            fill(family);
        return rows;
    }
    void fill(Family family) const;
};

[[nodiscard]] constexpr size_t shape_index(Operands operands, Destination destination) noexcept {
    return static_cast<size_t>(operands) * 2 + static_cast<size_t>(destination);
}
[[nodiscard]] constexpr size_t shape_index(Source source, Destination destination) noexcept {
    return static_cast<size_t>(source) * 2 + static_cast<size_t>(destination);
}
[[nodiscard]] constexpr size_t shape_index(Address address, Destination destination) noexcept {
    return static_cast<size_t>(address) * 2 + static_cast<size_t>(destination);
}
[[nodiscard]] constexpr size_t shape_index(Address address, StoredValue value) noexcept {
    return static_cast<size_t>(address) * 3 + static_cast<size_t>(value);
}
[[nodiscard]] constexpr size_t branch_index(Operands operands, bool taken_if, Direction direction) noexcept {
    return (static_cast<size_t>(operands) * 2 + (taken_if ? 1 : 0)) * 2 + static_cast<size_t>(direction);
}

[[nodiscard]] constexpr size_t shape_index(Operands operands, StoredValue value) noexcept {
    return static_cast<size_t>(operands) * 3 + static_cast<size_t>(value);
}

/// Four 16-bit fields.
[[nodiscard]] constexpr Word pack(uint32_t f0, uint32_t f1, uint32_t f2 = 0, uint32_t f3 = 0) noexcept {
    return static_cast<Word>(f0 & 0xffff) | static_cast<Word>(f1 & 0xffff) << 16 |
           static_cast<Word>(f2 & 0xffff) << 32 | static_cast<Word>(f3 & 0xffff) << 48;
}
/// Whether an i32 fits a field, as a signed number.
[[nodiscard]] constexpr bool is_short(uint64_t immediate) noexcept {
    const auto value = static_cast<int32_t>(static_cast<uint32_t>(immediate));
    return value >= INT16_MIN && value <= INT16_MAX;
}
/// Two 16-bit fields and a 32-bit one.
[[nodiscard]] constexpr Word pack_wide(uint32_t f0, uint32_t f1, uint32_t high) noexcept {
    return static_cast<Word>(f0 & 0xffff) | static_cast<Word>(f1 & 0xffff) << 16 |
           static_cast<Word>(high) << 32;
}
/// A branch target in words from the cell's first word, and the fuel that the edge takes.
[[nodiscard]] constexpr Word pack_edge(int32_t target_words, int32_t fuel_delta) noexcept {
    return static_cast<Word>(static_cast<uint32_t>(target_words)) |
           static_cast<Word>(static_cast<uint32_t>(fuel_delta)) << 32;
}

}  // namespace wsb::lower
