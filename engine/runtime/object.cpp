// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/object.h"

namespace wsb::runtime {

bool is_traced(const TypeRegistry& registry, ValType canonical_type) noexcept {
    if (!canonical_type.is_ref())
        return false;
    const HeapType heap = canonical_type.heap();
    if (heap.is_defined())
        return registry.type(heap.type_index().value).func() == nullptr;
    return !heap.is(HeapType::func) && !heap.is(HeapType::nofunc);
}

namespace {

[[nodiscard]] bool defined_matches(const TypeRegistry& registry, Slot reference, HeapType target) noexcept {
    const CanonId wanted = target.type_index().value;
    const auto fits = [&](CanonId type) {
        return target.is_exact() ? type == wanted : registry.is_subtype(type, wanted);
    };
    if (registry.type(wanted).func() != nullptr) {
        // SAFETY: references of the hierarchy of functions are addresses of VmFunc.
        return fits(reinterpret_cast<const VmFunc*>(reference)->type);
    }
    return is_object(reference) && fits(object_at(reference)->type->id);
}

}  // namespace

bool reference_matches(const TypeRegistry& registry, Slot reference, HeapType target) noexcept {
    if (target.is_defined())
        return defined_matches(registry, reference, target);
    const auto is_kind = [&](TypeInfo::Kind kind) {
        return is_object(reference) && object_at(reference)->type->kind == kind;
    };
    switch (target.abstract()) {
        case HeapType::any:
        case HeapType::func:
        case HeapType::extern_:
        case HeapType::exn: return true;
        case HeapType::eq: return is_i31(reference) || is_object(reference);
        case HeapType::i31: return is_i31(reference);
        case HeapType::struct_: return is_kind(TypeInfo::Kind::structure);
        case HeapType::array: return is_kind(TypeInfo::Kind::array);
        case HeapType::none:
        case HeapType::nofunc:
        case HeapType::noextern:
        case HeapType::noexn: return false;
    }
    return false;
}

}  // namespace wsb::runtime
