// SPDX-License-Identifier: Apache-2.0
// Judges a decoded module. Spec: valid/modules
#pragma once

#include "engine/base/deadline.h"
#include "engine/base/result.h"
#include "engine/isa/canon.h"
#include "engine/module/module.h"

namespace wsb::validate {

/// Validates everything but function bodies, and fills `canonical_types` and `declared_funcs`.
[[nodiscard]] Result<void> validate_declarations(Module& module, TypeRegistry& registry,
                                                 Deadline deadline = {});

/// Both, all bodies in order; the first error wins.
[[nodiscard]] Result<void> validate(Module& module, TypeRegistry& registry);

}  // namespace wsb::validate
