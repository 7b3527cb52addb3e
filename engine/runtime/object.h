// SPDX-License-Identifier: Apache-2.0
// Objects that references point at: exceptions, and the structures and arrays that constant expressions
// make. They live as long as their store and are charged to its memory limit.
#pragma once

#include "engine/isa/canon.h"
#include "engine/runtime/global.h"

#include <cstdint>
#include <vector>

namespace wsb::runtime {

/// A thrown exception; an exnref is its address. Spec: exec/runtime#exception-instances
struct Exception {
    const Tag* tag = nullptr;
    std::vector<Slot> values;
};

/// A structure or array; a reference is its address, which is even (i31 references are odd).
struct Object {
    CanonId type = 0;
    std::vector<Slot> fields;  ///< v128 takes two; packed fields one each
};

/// An unboxed i31 reference. Spec: exec/runtime#values
[[nodiscard]] constexpr Slot i31_reference(uint64_t value) noexcept {
    return (value & 0x7fffffff) << 1 | 1;
}

}  // namespace wsb::runtime
