// SPDX-License-Identifier: Apache-2.0
// The processor to compile for.
#pragma once

#include <cstdint>

namespace wsb::jit {

enum class Processor : uint8_t {
    this_one,
    x86_64_v2,  ///< the oldest that machine code is made for: SSE4.2
    x86_64_v3,  ///< with lzcnt, tzcnt, BMI2 and AVX
};

}  // namespace wsb::jit
