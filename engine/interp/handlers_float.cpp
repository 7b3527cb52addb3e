// SPDX-License-Identifier: Apache-2.0
// Floating point instructions and conversions from floats in all operand shapes.
#include "engine/interp/numeric.h"

namespace wsb::interp {

void fill_floats(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_row<Op::id, true>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

}  // namespace wsb::interp
