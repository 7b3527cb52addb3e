// SPDX-License-Identifier: Apache-2.0
#include "engine/api/convert.h"

namespace wsb::api {

namespace {

bool is_function_type(const TypeRegistry& registry, HeapType heap) noexcept {
    return heap.is_defined() ? registry.type(heap.type_index().value).func() != nullptr
                             : heap.is(HeapType::func);
}

/// The heap type of a non-null reference, canonical.
HeapType heap_of(const TypeRegistry& registry, const Value& value) noexcept {
    if (is_function_type(registry, value.type().heap())) {
        // SAFETY: a function reference is the address of its VmFunc; Values of function types are
        // made from functions only, or by from_raw, whose caller answers for the bits.
        const auto* func = reinterpret_cast<const runtime::VmFunc*>(value.u64());
        return HeapType(TypeIdx(func->type));
    }
    return value.type().heap();
}

/// Whether two abstract or defined heap types belong to one hierarchy, so that null serves both.
bool null_fits(const TypeRegistry& registry, HeapType from, HeapType to) noexcept {
    const auto top = [&](HeapType heap) -> HeapType {
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
            case HeapType::none: return HeapType::any;
        }
        return HeapType::any;
    };
    return top(from) == top(to);
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
    if (value.is_null())
        return type.is_nullable() && null_fits(registry, value.type().heap(), type.heap());
    if (value.type().heap().is(HeapType::extern_) && store.externref(value.u64()) == nullptr)
        return false;
    if (is_function_type(registry, value.type().heap())) {
        const auto* func = reinterpret_cast<const runtime::VmFunc*>(value.u64());
        if (&runtime::store_of(*func) != &store)
            return false;
    }
    return registry.matches(heap_of(registry, value), type.heap());
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
