// SPDX-License-Identifier: Apache-2.0
// Integer instructions in all operand shapes, and those of pairs of i64.
#include "engine/interp/numeric.h"
#include "engine/semantics/wide.h"

namespace wsb::interp {

namespace {

template <Op op>
WSB_HANDLER wide(WSB_STATE) {
    WSB_BODY
    constexpr bool of_pairs = op_info(op).params.size() == 4;
    semantics::Wide result;
    if constexpr (of_pairs)
        result = Operation<op>::apply({sp[field<1>(ip)], sp[field<2>(ip)]}, {sp[field<3>(ip)], sp[ip[2]]});
    else
        result = Operation<op>::apply(sp[field<1>(ip)], sp[field<2>(ip)]);
    Slot* const to = sp + field<0>(ip);
    to[0] = result.low;
    to[1] = result.high;
    WSB_NEXT(of_pairs ? 3 : 2);
}

template <Op op>
void fill_wide(lower::HandlerTable& table) {
    if constexpr (op_info(op).cls == OpClass::wide)
        table.wide[lower::wide_index(op)] = address_of(wide<op>);
}

}  // namespace

void fill_increment(lower::HandlerTable& table) {
    table.single[static_cast<size_t>(lower::Single::increment)] =
        entry_with_prefixes<binary<Op::i32_add, Operands::si, Destination::slot>>();
}

void fill_integers(lower::HandlerTable& table) {
#define WSB_OP(id, ...)             \
    fill_row<Op::id, false>(table); \
    fill_wide<Op::id>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

}  // namespace wsb::interp
