// SPDX-License-Identifier: Apache-2.0
// Func and TypedFunc: functions of a store, called with Values or with C++ types.
#pragma once

#include "wsb/error.hpp"
#include "wsb/store.hpp"
#include "wsb/trap.hpp"
#include "wsb/types.hpp"
#include "wsb/value.hpp"
#include "wsb/wasm_type.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

namespace wsb {
inline namespace v1 {

template <class Signature>
class TypedFunc;

namespace detail {
/// Where parameters of a call lie best: where its frame will begin; null if it has no room there.
[[nodiscard]] uint64_t* call_room(StoreRef store, const runtime::VmFunc& func, size_t slots) noexcept;
/// Runs `func` on untagged slots: parameters in, results out.
/// @return whether it returned; if not, call_failure says why.
[[nodiscard]] bool call_slots(StoreRef store, const runtime::VmFunc& func, uint64_t* slots) noexcept;
[[nodiscard]] Failure call_failure(StoreRef store) noexcept;
/// Whether a C++ signature fits the function: signature_mismatch names expected and found.
[[nodiscard]] Result<void> check_signature(StoreRef store, const runtime::VmFunc& func,
                                           std::span<const ValType> params, std::span<const ValType> results);
}  // namespace detail

/// A function of a store: the guest's or the host's. Cheap handle, valid as long as its store; one
/// thread at a time together with the store.
class Func {
public:
    /// With references to defined types as the engine numbers them.
    [[nodiscard]] FuncType type() const;

    /// Calls with values of exactly the parameter types.
    /// @return the results; or a Trap, an Exit, or an Error (signature_mismatch) before anything
    /// ran.
    [[nodiscard]] CallResult<std::vector<Value>> call(std::span<const Value> args) const;
    [[nodiscard]] CallResult<std::vector<Value>> call(std::initializer_list<Value> args) const {
        return call(std::span(args.begin(), args.size()));
    }

    /// `func.typed<int32_t(int32_t, int32_t)>()`: the signature is checked here once.
    /// @return signature_mismatch.
    template <class Signature>
    [[nodiscard]] Result<TypedFunc<Signature>> typed() const {
        return TypedFunc<Signature>::from(*this);
    }

    [[nodiscard]] StoreRef store() const noexcept { return m_store; }
    /// Equal functions are the same function of the same store.
    bool operator==(const Func& other) const noexcept { return m_func == other.m_func; }

    /// For the library itself.
    Func(StoreRef store, runtime::VmFunc& func) noexcept : m_store(store), m_func(&func) {}
    [[nodiscard]] runtime::VmFunc& impl() const noexcept { return *m_func; }

private:
    StoreRef m_store;
    runtime::VmFunc* m_func;
};

/// A function whose signature was checked: calls convert directly and allocate nothing.
/// R is void, a type with WasmType, or a std::tuple of such types; Args have WasmType.
template <class R, class... Args>
class TypedFunc<R(Args...)> {
public:
    /// @return signature_mismatch if the function has other parameters or results.
    [[nodiscard]] static Result<TypedFunc> from(const Func& func) {
        auto checked = detail::check_signature(func.store(), func.impl(), detail::val_types<Args...>(),
                                               detail::ResultTraits<R>::types());
        if (!checked)
            return std::unexpected(std::move(checked).error());
        return TypedFunc(func);
    }

    /// Calls it. @return the result, or a Trap, an Exit or an Error.
    [[nodiscard]] CallResult<R> operator()(Args... args) const {
        constexpr size_t slot_count =
            std::max({size_t{1}, detail::slots_of<Args...>(), detail::ResultTraits<R>::slots});
        if (!(detail::fits(args, m_func.store()) && ...)) [[unlikely]]
            return fail(ErrorCode::signature_mismatch, detail::does_not_fit);
        uint64_t room[slot_count];
        uint64_t* slots = detail::call_room(m_func.store(), m_func.impl(), slot_count);
        if (slots == nullptr) [[unlikely]]
            slots = room;
        [[maybe_unused]] size_t at = 0;
        ((WasmType<Args>::store(slots + at, args), at += WasmType<Args>::slots), ...);
        if (!detail::call_slots(m_func.store(), m_func.impl(), slots)) [[unlikely]]
            return std::unexpected(detail::call_failure(m_func.store()));
        if constexpr (std::is_void_v<R>)
            return {};
        else
            return detail::ResultTraits<R>::load(slots, m_func.store());
    }

    [[nodiscard]] const Func& func() const noexcept { return m_func; }

private:
    explicit TypedFunc(const Func& func) noexcept : m_func(func) {}
    Func m_func;
};

/// A nullable function reference as a C++ type.
template <>
struct WasmType<std::optional<Func>> {
    static constexpr ValType type = ValType::funcref();
    static constexpr size_t slots = 1;
    static bool fits(const std::optional<Func>& value, StoreRef store) noexcept {
        return !value || &value->store().impl() == &store.impl();
    }
    static void store(uint64_t* slot, const std::optional<Func>& value) noexcept {
        // The address is the representation of a function reference.
        *slot = value ? reinterpret_cast<uintptr_t>(&value->impl()) : 0;
    }
    static std::optional<Func> load(const uint64_t* slot, StoreRef store) noexcept {
        return Value::from_raw(type, *slot).func(store);
    }
};

}  // namespace v1
}  // namespace wsb
