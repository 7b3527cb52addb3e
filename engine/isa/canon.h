// SPDX-License-Identifier: Apache-2.0
// Canonical types: one number for each distinct defined type of an engine, over all its modules.
// Spec: valid/conventions#rolling-and-unrolling (equality of recursion groups by structure).
#pragma once

#include "engine/base/deadline.h"
#include "engine/base/result.h"
#include "engine/isa/types.h"

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace wsb {

/// Number of a canonical defined type: two types are equal iff their numbers are.
using CanonId = uint32_t;

/// Replaces module type indices by canonical ids. `canonical[i]` is the id of module type i.
[[nodiscard]] ValType to_canonical(ValType type, std::span<const CanonId> canonical) noexcept;

/// All canonical types of one engine. Thread-safe; grows only; lives as long as its engine.
class TypeRegistry {
public:
    TypeRegistry();
    ~TypeRegistry();
    TypeRegistry(const TypeRegistry&) = delete;
    TypeRegistry& operator=(const TypeRegistry&) = delete;

    /// Enters one recursion group and appends the id of each of its types to `canonical`.
    /// `group` uses module type indices: those below `canonical.size()` name earlier types (whose ids are
    /// there), the others members of the group itself. Must be index-valid.
    /// @return limit_exceeded when the engine has no ids left.
    [[nodiscard]] Result<void> intern(std::span<const SubType> group, std::vector<CanonId>& canonical,
                                      Deadline deadline = {});

    /// Enters a function type that stands alone (final, no supertype), given in canonical form.
    [[nodiscard]] Result<CanonId> intern_function(const FuncType& canonical_type);

    /// The definition of an id, its own references canonical. The address is stable.
    [[nodiscard]] const SubType& type(CanonId id) const noexcept;

    /// Whether `sub` is `super` or declared below it; constant time (display of supertypes).
    [[nodiscard]] bool is_subtype(CanonId sub, CanonId super) const noexcept;

    /// Subtyping of canonical value and heap types. Spec: valid/matching
    [[nodiscard]] bool matches(ValType sub, ValType super) const noexcept;
    [[nodiscard]] bool matches(HeapType sub, HeapType super) const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace wsb
