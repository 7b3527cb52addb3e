// SPDX-License-Identifier: Apache-2.0
#include "wsb/func.hpp"

#include "engine/api/convert.h"
#include "engine/api/guard.h"

#include <fmt/format.h>

namespace wsb {
inline namespace v1 {

namespace {

const FuncType& signature(const runtime::Store& store, const runtime::VmFunc& func) noexcept {
    return *store.registry().type(func.type).func();
}

/// Slots for most calls without asking the heap.
constexpr size_t inline_slots = 32;

}  // namespace

namespace detail {

uint64_t* call_room(StoreRef store, const runtime::VmFunc& func, size_t slots) noexcept {
    return store.impl().next_frame(func, slots);
}

bool call_slots(StoreRef store, const runtime::VmFunc& func, uint64_t* slots) noexcept {
    return store.impl().run(func, slots);
}

Failure call_failure(StoreRef store) noexcept {
    return store.impl().take_failure();
}

Result<void> check_signature(StoreRef store, const runtime::VmFunc& func, std::span<const ValType> params,
                             std::span<const ValType> results) {
    const TypeRegistry& registry = store.impl().registry();
    const FuncType& type = signature(store.impl(), func);
    // The C++ types are funcref and externref at the most general, so results may be any subtype;
    // parameters must accept them.
    const auto accepts = [&](ValType given, ValType wanted) { return registry.matches(given, wanted); };
    if (std::ranges::equal(params, type.params, accepts) &&
        std::ranges::equal(type.results, results, accepts))
        return {};
    const FuncType asked{{params.begin(), params.end()}, {results.begin(), results.end()}};
    return fail(ErrorCode::signature_mismatch,
                fmt::format("expected {}, found {}", to_string(asked), to_string(type)));
}

void hand_to_host(StoreRef store, uint64_t slot) {
    store.impl().hand_to_host(slot, ValType::externref());
}

}  // namespace detail

FuncType Func::type() const {
    return signature(m_store.impl(), *m_func);
}

CallResult<std::vector<Value>> Func::call(std::span<const Value> args) const {
    return api::guarded([&]() -> CallResult<std::vector<Value>> {
        runtime::Store& store = m_store.impl();
        const FuncType& type = signature(store, *m_func);
        if (args.size() != type.params.size()) {
            return fail(ErrorCode::signature_mismatch,
                        fmt::format("{} arguments for {}", args.size(), to_string(type)));
        }
        const size_t slot_count = std::max(m_func->param_slots, m_func->result_slots);
        uint64_t room[inline_slots];
        std::vector<uint64_t> more_room(slot_count > inline_slots ? slot_count : 0);
        uint64_t* slots = more_room.empty() ? room : more_room.data();
        uint64_t* slot = slots;
        for (size_t i = 0; i < args.size(); ++i) {
            if (!api::value_fits(store, args[i], type.params[i])) {
                return fail(
                    ErrorCode::signature_mismatch,
                    fmt::format("argument {}: {}", i + 1, api::value_mismatch(args[i], type.params[i])));
            }
            slot = api::put(slot, args[i]);
        }
        WSB_TRY(store.call(*m_func, slots));
        std::vector<Value> results;
        results.reserve(type.results.size());
        const uint64_t* next = slots;
        for (const ValType result : type.results)
            results.push_back(api::take(store, next, result));
        return results;
    });
}

Value::Value(const Func& func) noexcept
    // The address of the VmFunc is the representation of a function reference.
    : m_type(ValType::reference(HeapType(TypeIdx(func.impl().type)), false)),
      m_bits{reinterpret_cast<uintptr_t>(&func.impl()), 0} {}

bool Value::has_type(StoreRef store, ValType type) const noexcept {
    return api::value_fits(store.impl(), *this, type);
}

std::optional<Func> Value::func(StoreRef store) const noexcept {
    if (!is_ref() || is_null() || !api::value_fits(store.impl(), *this, ValType::funcref()))
        return std::nullopt;
    // SAFETY: it fits funcref, so the bits are the address of a VmFunc of this store.
    return Func(store, *reinterpret_cast<runtime::VmFunc*>(u64()));
}

}  // namespace v1
}  // namespace wsb
