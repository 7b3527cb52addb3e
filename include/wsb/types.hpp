// SPDX-License-Identifier: Apache-2.0
// Types of WebAssembly as the API shows them: value types, and the types of imports and exports.
#pragma once

#include "engine/isa/features.h"         // IWYU pragma: export
#include "engine/isa/types.h"            // IWYU pragma: export
#include "engine/runtime/extern_type.h"  // IWYU pragma: export
