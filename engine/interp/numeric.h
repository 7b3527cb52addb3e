// SPDX-License-Identifier: Apache-2.0
// Handlers of numeric instructions, made from the semantics by operand shape. Included by the files that
// instantiate them for integers and for floats.
#pragma once

#include "engine/interp/dispatch.h"
#include "engine/semantics/convert.h"
#include "engine/semantics/floating.h"

namespace wsb::interp {

using lower::Destination;
using lower::Operands;
using lower::Source;
using semantics::Operation;

template <Op op>
using OperandOf = typename Operation<op>::Operand;
template <Op op>
using ResultOf = typename Operation<op>::Result;

/// Words of a binary cell: 64-bit immediates take one more.
template <class T, Operands shape>
inline constexpr int binary_words = shape >= Operands::si && sizeof(T) == 8 ? 3 : 2;

/// The immediate of a binary cell, or of a branch cell.
template <class T>
[[nodiscard, gnu::always_inline]] inline T immediate(const Word* ip) noexcept {
    return field_at<T>(ip, sizeof(T) == 8 ? 16 : 12);
}

/// The operands of a two-operand cell whose slots are in fields `first` and `first + 1`.
template <class T, Operands shape, int first>
[[nodiscard, gnu::always_inline]] inline std::pair<T, T> operands(const Word* ip, const Slot* sp,
                                                                  uint64_t acc,
                                                                  FloatAccumulator facc) noexcept {
    const auto slot = [&]<int number>() { return read_slot<T>(sp + field<number>(ip)); };
    const T accumulator = from_accumulator<T>(acc, facc);
    if constexpr (shape == Operands::ss)
        return { slot.template operator()<first>(), slot.template operator()<first + 1>() };
    else if constexpr (shape == Operands::as)
        return { accumulator, slot.template operator()<first + 1>() };
    else if constexpr (shape == Operands::sa)
        return { slot.template operator()<first>(), accumulator };
    else if constexpr (shape == Operands::si)
        return { slot.template operator()<first>(), immediate<T>(ip) };
    else if constexpr (shape == Operands::ai)
        return {accumulator, immediate<T>(ip)};
    else if constexpr (shape == Operands::is)
        return { immediate<T>(ip), slot.template operator()<first>() };
    else
        return {immediate<T>(ip), accumulator};
}

/// Leaves a result in its accumulator, and in its slot if it is wanted there.
#define WSB_PRODUCE(Type, destination, value)                 \
    do {                                                      \
        if constexpr (is_float_type<Type>) {                  \
            facc = to_accumulator(value);                     \
            if constexpr ((destination) == Destination::slot) \
                write_slot(sp + field<0>(ip), facc);          \
        } else {                                              \
            acc = (value);                                    \
            if constexpr ((destination) == Destination::slot) \
                write_slot(sp + field<0>(ip), acc);           \
        }                                                     \
    } while (false)

template <Op op, Operands shape, Destination destination>
WSB_HANDLER binary(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<op>;
    const auto [x, y] = operands<T, shape, 1>(ip, sp, acc, facc);
    if constexpr (semantics::CanTrap<op>) {
        if (const TrapCode trap = Operation<op>::check(x, y); trap != TrapCode::none) [[unlikely]]
            WSB_TRAP_WITH(trap);
    }
    WSB_PRODUCE(ResultOf<op>, destination, Operation<op>::apply(x, y));
    WSB_NEXT((binary_words<T, shape>));
}

template <Op op, Source source, Destination destination>
WSB_HANDLER unary(WSB_STATE) {
    WSB_BODY
    using T = OperandOf<op>;
    const T x = source == Source::slot ? read_slot<T>(sp + field<1>(ip)) : from_accumulator<T>(acc, facc);
    if constexpr (semantics::CanTrap<op>) {
        if (const TrapCode trap = Operation<op>::check(x); trap != TrapCode::none) [[unlikely]]
            WSB_TRAP_WITH(trap);
    }
    WSB_PRODUCE(ResultOf<op>, destination, Operation<op>::apply(x));
    WSB_NEXT(2);
}

/// Enters one shape, stored and unstored.
template <Op op, Operands shape>
void fill_shape(lower::HandlerTable& table) {
    auto& row = table.plain[static_cast<size_t>(op)];
    // i32 instructions follow them often, and those that trap seldom do.
    constexpr bool has_prefixes = op_info(op).params[0] == 'i' && !semantics::CanTrap<op>;
    row[lower::shape_index(shape, Destination::slot)] =
        entry_of<binary<op, shape, Destination::slot>, has_prefixes>();
    row[lower::shape_index(shape, Destination::accumulator)] =
        entry_of<binary<op, shape, Destination::accumulator>, has_prefixes>();
}

/// Comparisons and commutative operations come with the better operand first (lower_ops.cpp).
template <Op op>
inline constexpr bool is_exchanged =
    op_info(op).cls == OpClass::compare || op == Op::i32_add || op == Op::i32_mul || op == Op::i32_and ||
    op == Op::i32_or || op == Op::i32_xor || op == Op::i64_add || op == Op::i64_mul || op == Op::i64_and ||
    op == Op::i64_or || op == Op::i64_xor;

template <Op op>
void fill_binary(lower::HandlerTable& table) {
    fill_shape<op, Operands::ss>(table);
    fill_shape<op, Operands::as>(table);
    fill_shape<op, Operands::si>(table);
    fill_shape<op, Operands::ai>(table);
    if constexpr (!is_exchanged<op>) {
        fill_shape<op, Operands::sa>(table);
        fill_shape<op, Operands::is>(table);
        fill_shape<op, Operands::ia>(table);
    }
}

template <Op op>
void fill_unary(lower::HandlerTable& table) {
    auto& row = table.plain[static_cast<size_t>(op)];
    row[lower::shape_index(Source::slot, Destination::slot)] =
        entry_alone<unary<op, Source::slot, Destination::slot>>();
    row[lower::shape_index(Source::slot, Destination::accumulator)] =
        entry_alone<unary<op, Source::slot, Destination::accumulator>>();
    row[lower::shape_index(Source::accumulator, Destination::slot)] =
        entry_alone<unary<op, Source::accumulator, Destination::slot>>();
    row[lower::shape_index(Source::accumulator, Destination::accumulator)] =
        entry_alone<unary<op, Source::accumulator, Destination::accumulator>>();
}

/// Fills the row of an instruction if its operands are of the wanted sort.
template <Op op, bool floats>
void fill_row(lower::HandlerTable& table) {
    constexpr const OpInfo& row = op_info(op);
    constexpr bool is_float_row = !row.params.empty() && (row.params[0] == 'f' || row.params[0] == 'd');
    if constexpr (is_float_row == floats) {
        if constexpr (row.cls == OpClass::binary || row.cls == OpClass::compare)
            fill_binary<op>(table);
        else if constexpr (row.cls == OpClass::unary && op != Op::i32_eqz && op != Op::i64_eqz)
            fill_unary<op>(table);
    }
}

}  // namespace wsb::interp
