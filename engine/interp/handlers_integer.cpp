// SPDX-License-Identifier: Apache-2.0
// Integer instructions in all operand shapes.
#include "engine/interp/numeric.h"

namespace wsb::interp {

void fill_numeric(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_row<Op::id, false>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

}  // namespace wsb::interp
