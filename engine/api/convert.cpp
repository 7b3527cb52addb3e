// SPDX-License-Identifier: Apache-2.0
#include "engine/api/convert.h"

namespace wsb::api {

namespace {

bool is_function_type(const TypeRegistry& registry, HeapType heap) noexcept {
    return heap.is_defined() ? registry.type(heap.type_index().value).func() != nullptr
                             : heap.is(HeapType::func);
}

/// The top of the hierarchy that a heap type is in. Spec: valid/matching#match-heaptype
HeapType::Abstract top_of(const TypeRegistry& registry, HeapType heap) noexcept {
    if (heap.is_defined())
        return is_function_type(registry, heap) ? HeapType::func : HeapType::any;
    switch (heap.abstract()) {
        case HeapType::func:
        case HeapType::nofunc: return HeapType::func;
        case HeapType::extern_:
        case HeapType::noextern: return HeapType::extern_;
        case HeapType::exn:
        case HeapType::noexn: return HeapType::exn;
        case HeapType::any:
        case HeapType::eq:
        case HeapType::i31:
        case HeapType::struct_:
        case HeapType::array:
        case HeapType::none: break;
    }
    return HeapType::any;
}

/// Whether a reference that is not null names something that is there.
bool is_live(runtime::Store& store, runtime::Slot reference, HeapType::Abstract top) noexcept {
    if (top == HeapType::func) {
        // SAFETY: a function reference is the address of its VmFunc; Values of function types are
        // made from functions only, or by from_raw, whose caller answers for the bits.
        return &runtime::store_of(*reinterpret_cast<const runtime::VmFunc*>(reference)) == &store;
    }
    if (runtime::is_i31(reference))
        return top != HeapType::exn;
    if (runtime::is_host_reference(reference))
        return top != HeapType::exn && store.externref(reference) != nullptr;
    if (!store.host_roots().has(reference))
        return false;
    const bool is_exception = runtime::object_at(reference)->type->kind == runtime::TypeInfo::Kind::exception;
    return is_exception == (top == HeapType::exn);
}

struct ToItem {
    runtime::ExternItem operator()(const Func& func) const noexcept { return &func.impl(); }
    runtime::ExternItem operator()(const Table& table) const noexcept { return &table.impl(); }
    runtime::ExternItem operator()(const Memory& memory) const noexcept { return &memory.impl(); }
    runtime::ExternItem operator()(const Global& global) const noexcept { return &global.impl(); }
    runtime::ExternItem operator()(const Tag& tag) const noexcept { return &tag.impl(); }
};

struct ToExtern {
    StoreRef store;
    Extern operator()(runtime::VmFunc* func) const noexcept { return Func(store, *func); }
    Extern operator()(runtime::Table* table) const noexcept { return Table(store, *table); }
    Extern operator()(runtime::Memory* memory) const noexcept { return Memory(store, *memory); }
    Extern operator()(runtime::Global* global) const noexcept { return Global(store, *global); }
    Extern operator()(runtime::Tag* tag) const noexcept { return Tag(store, *tag); }
};

}  // namespace

bool value_fits(runtime::Store& store, const Value& value, ValType type) noexcept {
    if (!type.is_ref() || !value.is_ref())
        return value.kind() == type.kind();
    const TypeRegistry& registry = store.registry();
    const HeapType::Abstract top = top_of(registry, value.type().heap());
    if (top != top_of(registry, type.heap()))
        return false;
    if (value.is_null())
        return type.is_nullable();
    return is_live(store, value.u64(), top) && runtime::reference_matches(registry, value.u64(), type.heap());
}

std::string value_mismatch(const Value& value, ValType expected) {
    std::string text = "expected " + to_string(expected) + ", found ";
    text += value.is_null() ? "null " : "";
    return text + to_string(value.type());
}

Extern to_extern(StoreRef store, const runtime::ExternItem& item) noexcept {
    return std::visit(ToExtern{store}, item);
}

runtime::ExternItem to_item(const Extern& item) noexcept {
    return std::visit(ToItem{}, item);
}

}  // namespace wsb::api
