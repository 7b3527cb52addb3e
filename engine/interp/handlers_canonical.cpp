// SPDX-License-Identifier: Apache-2.0
// NaNs become the canonical one. Where that is asked for, a cell of these follows each instruction that may
// make a NaN: [to | from].
#include "engine/interp/vector_slots.h"

namespace wsb::interp {

namespace {

template <class Float, Source source, Destination destination>
WSB_HANDLER canonical_nan(WSB_STATE) {
    WSB_BODY
    const Float x = source == Source::accumulator ? from_accumulator<Float>(acc, facc)
                                                  : read_slot<Float>(sp + field<1>(ip));
    WSB_PRODUCE(Float, destination, semantics::with_canonical_nan(x));
    WSB_NEXT(2);
}

template <class Float>
WSB_HANDLER canonical_nan_lanes(WSB_STATE) {
    WSB_BODY
    write_vector(sp + field<0>(ip), semantics::with_canonical_nans<Float>(read_vector(sp + field<1>(ip))));
    WSB_NEXT(2);
}

template <class Float>
void fill_width(lower::HandlerTable& table, size_t width) {
    auto& row = table.canonical_nan[width];
    const auto enter = [&]<Source source>() {
        row[lower::shape_index(source, Destination::slot)] =
            address_of(canonical_nan<Float, source, Destination::slot>);
        row[lower::shape_index(source, Destination::accumulator)] =
            address_of(canonical_nan<Float, source, Destination::accumulator>);
    };
    enter.template operator()<Source::slot>();
    enter.template operator()<Source::accumulator>();
    table.canonical_nan_lanes[width] = address_of(canonical_nan_lanes<Float>);
}

}  // namespace

void fill_canonical(lower::HandlerTable& table) {
    fill_width<float>(table, 0);
    fill_width<double>(table, 1);
}

}  // namespace wsb::interp
