// SPDX-License-Identifier: Apache-2.0
#include "engine/validate/matching.h"

#include "engine/isa/abstract_types.h"

#include <algorithm>

namespace wsb::validate {

namespace {

[[nodiscard]] bool defined_matches(const Module& module, TypeIdx sub, TypeIdx super) noexcept {
    const CanonId wanted = module.canonical_types[super.value];
    std::optional<TypeIdx> type = sub;
    while (type) {
        if (module.canonical_types[type->value] == wanted)
            return true;
        type = module.types[type->value].super;
    }
    return false;
}

}  // namespace

bool matches(const Module& module, HeapType sub, HeapType super) noexcept {
    if (sub == super)
        return true;
    if (sub.is_defined() && super.is_exact())
        return sub.is_exact() && module.canonical_types[sub.type_index().value] ==
                                     module.canonical_types[super.type_index().value];
    if (sub.is_defined() && super.is_defined())
        return defined_matches(module, sub.type_index(), super.type_index());
    if (sub.is_defined())
        return abstract_matches(abstract_above(module.types[sub.type_index().value]), super.abstract());
    if (super.is_defined()) {
        const auto above = abstract_above(module.types[super.type_index().value]);
        return sub.is(above == HeapType::func ? HeapType::nofunc : HeapType::none);
    }
    return abstract_matches(sub.abstract(), super.abstract());
}

bool matches_reference(const Module& module, ValType sub, ValType super) noexcept {
    return sub.is_ref() && super.is_ref() && (super.is_nullable() || !sub.is_nullable()) &&
           matches(module, sub.heap(), super.heap());
}

bool matches(const Module& module, std::span<const ValType> sub, std::span<const ValType> super) noexcept {
    return std::ranges::equal(sub, super, [&](ValType a, ValType b) { return matches(module, a, b); });
}

bool matches(const Module& module, const StorageType& sub, const StorageType& super) noexcept {
    if (sub.packing != super.packing)
        return false;
    return sub.packing != StorageType::unpacked || matches(module, sub.type, super.type);
}

bool matches(const Module& module, const FieldType& sub, const FieldType& super) noexcept {
    if (sub.is_mutable != super.is_mutable || !matches(module, sub.storage, super.storage))
        return false;
    return !sub.is_mutable || matches(module, super.storage, sub.storage);
}

HeapType top_of(const Module& module, HeapType type) noexcept {
    for (const auto top : {HeapType::any, HeapType::func, HeapType::extern_, HeapType::exn})
        if (matches(module, type, top))
            return top;
    return HeapType::any;
}

}  // namespace wsb::validate
