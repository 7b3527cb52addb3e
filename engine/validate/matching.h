// SPDX-License-Identifier: Apache-2.0
// Subtyping by the indices of one module. Takes no lock. Spec: valid/matching
#pragma once

#include "engine/module/module.h"

#include <span>

namespace wsb::validate {

/// The types that indices refer to. `canonical_types` must cover every index that occurs.
[[nodiscard]] bool matches(const Module& module, HeapType sub, HeapType super) noexcept;
[[nodiscard]] bool matches_reference(const Module& module, ValType sub, ValType super) noexcept;

/// Equal bits are by far the most frequent case.
[[nodiscard]] inline bool matches(const Module& module, ValType sub, ValType super) noexcept {
    return sub == super || sub.is_bottom() || matches_reference(module, sub, super);
}
[[nodiscard]] bool matches(const Module& module, std::span<const ValType> sub,
                           std::span<const ValType> super) noexcept;
[[nodiscard]] bool matches(const Module& module, const FieldType& sub, const FieldType& super) noexcept;
[[nodiscard]] bool matches(const Module& module, const StorageType& sub, const StorageType& super) noexcept;

/// The topmost heap type above `type`: any, func, extern or exn.
[[nodiscard]] HeapType top_of(const Module& module, HeapType type) noexcept;

}  // namespace wsb::validate
