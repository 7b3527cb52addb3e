// SPDX-License-Identifier: Apache-2.0
// The table of handlers, filled by families as they are wanted.
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"

namespace wsb::interp {

namespace {

// Zeroed memory: pages that name no handler are never touched.
constinit lower::HandlerTable table;

template <void (*... functions)(lower::HandlerTable&)>
void fill() {
    (functions(table), ...);
}

/// @return true, so that a static variable can wait for it.
bool prepare_table() {
    const auto enter = [](lower::Family family, void (*function)()) {
        table.fills[static_cast<size_t>(family)] = function;
    };
    using enum lower::Family;
    enter(integers, fill<fill_integers>);
    enter(floats, fill<fill_floats>);
    enter(accesses, fill<fill_accesses>);
    enter(sums, fill<fill_sums>);
    enter(branches, fill<fill_branches>);
    enter(float_branches, fill<fill_float_branches>);
    enter(integer_pairs, fill<fill_integer_pairs>);
    enter(float_pairs, fill<fill_float_pairs>);
    enter(load_pairs, fill<fill_load_pairs>);
    enter(branch_pairs, fill<fill_branch_pairs>);
    enter(load_branches, fill<fill_load_branches>);
    enter(vectors, fill<fill_vectors, fill_vector_memory>);
    enter(atomics, fill<fill_atomics>);
    fill<fill_control, fill_calls, fill_state, fill_increment, fill_memory_size, fill_exceptions,
         fill_objects, fill_canonical>();
    return true;
}

}  // namespace

const lower::HandlerTable& handlers() {
    [[maybe_unused]] static const bool is_prepared = prepare_table();
    return table;
}

}  // namespace wsb::interp
