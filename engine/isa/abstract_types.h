// SPDX-License-Identifier: Apache-2.0
// Subtyping between abstract heap types, and where defined types hang below them.
// Spec: valid/matching#match-heaptype
#pragma once

#include "engine/isa/types.h"

namespace wsb {

[[nodiscard]] constexpr bool abstract_matches(HeapType::Abstract sub, HeapType::Abstract super) noexcept {
    if (sub == super)
        return true;
    switch (super) {
        case HeapType::any:
            return sub == HeapType::eq || sub == HeapType::i31 || sub == HeapType::struct_ ||
                   sub == HeapType::array || sub == HeapType::none;
        case HeapType::eq:
            return sub == HeapType::i31 || sub == HeapType::struct_ || sub == HeapType::array ||
                   sub == HeapType::none;
        case HeapType::i31:
        case HeapType::struct_:
        case HeapType::array: return sub == HeapType::none;
        case HeapType::func: return sub == HeapType::nofunc;
        case HeapType::extern_: return sub == HeapType::noextern;
        case HeapType::exn: return sub == HeapType::noexn;
        case HeapType::nofunc:
        case HeapType::noextern:
        case HeapType::none:
        case HeapType::noexn: return false;
    }
    return false;
}

/// The abstract heap type right above a defined type.
[[nodiscard]] inline HeapType::Abstract abstract_above(const SubType& type) noexcept {
    if (type.func() != nullptr)
        return HeapType::func;
    return type.structure() != nullptr ? HeapType::struct_ : HeapType::array;
}

}  // namespace wsb
