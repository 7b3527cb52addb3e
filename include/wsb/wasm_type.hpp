// SPDX-License-Identifier: Apache-2.0
// Which C++ types stand for which WebAssembly types, and how they travel in slots.
#pragma once

#include "wsb/store.hpp"
#include "wsb/types.hpp"
#include "wsb/value.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wsb {
inline namespace v1 {

/// The WebAssembly type of a C++ type: int32_t, uint32_t → i32; int64_t, uint64_t → i64; float →
/// f32; double → f64; V128 → v128; ExternRef → externref; std::optional<Func> → funcref. Others do
/// not compile. `type`, `slots` (64-bit words), `store(slot, value)`, `load(slot, store)`; for references
/// `fits(value, store)`, whether the store may have it.
template <class T>
struct WasmType;

namespace detail {
/// An externref that the host gets: it may be an object of the guest's, converted. Throws std::bad_alloc.
void hand_to_host(StoreRef store, uint64_t slot);

template <class T, ValType::Kind Kind>
struct NumberType {
    static constexpr ValType type = Kind;
    static constexpr size_t slots = 1;
    static void store(uint64_t* slot, T value) noexcept {
        if constexpr (sizeof(T) == 4)
            *slot = std::bit_cast<uint32_t>(value);
        else
            *slot = std::bit_cast<uint64_t>(value);
    }
    static T load(const uint64_t* slot, StoreRef) noexcept {
        if constexpr (sizeof(T) == 4)
            return std::bit_cast<T>(static_cast<uint32_t>(*slot));
        else
            return std::bit_cast<T>(*slot);
    }
};
}  // namespace detail

template <>
struct WasmType<int32_t> : detail::NumberType<int32_t, ValType::i32> {};
template <>
struct WasmType<uint32_t> : detail::NumberType<uint32_t, ValType::i32> {};
template <>
struct WasmType<int64_t> : detail::NumberType<int64_t, ValType::i64> {};
template <>
struct WasmType<uint64_t> : detail::NumberType<uint64_t, ValType::i64> {};
template <>
struct WasmType<float> : detail::NumberType<float, ValType::f32> {};
template <>
struct WasmType<double> : detail::NumberType<double, ValType::f64> {};

template <>
struct WasmType<V128> {
    static constexpr ValType type = ValType::v128;
    static constexpr size_t slots = 2;
    static void store(uint64_t* slot, const V128& value) noexcept { std::memcpy(slot, value.data(), 16); }
    static V128 load(const uint64_t* slot, StoreRef) noexcept {
        V128 value;
        std::memcpy(value.data(), slot, 16);
        return value;
    }
};

template <>
struct WasmType<ExternRef> {
    static constexpr ValType type = ValType::externref();
    static constexpr size_t slots = 1;
    static bool fits(ExternRef value, StoreRef store) noexcept { return Value(value).has_type(store, type); }
    static void store(uint64_t* slot, ExternRef value) noexcept { *slot = value.raw(); }
    static ExternRef load(const uint64_t* slot, StoreRef store) {
        detail::hand_to_host(store, *slot);
        return ExternRef::from_raw(*slot);
    }
};

namespace detail {
/// Whether a value may go to the guest: numbers always, references if they are live ones of the store.
template <class T>
bool fits(const T& value, StoreRef store) noexcept {
    if constexpr (requires { WasmType<T>::fits(value, store); })
        return WasmType<T>::fits(value, store);
    else
        return true;
}
template <class... T>
bool fits(const std::tuple<T...>& values, StoreRef store) noexcept {
    return std::apply([&](const T&... value) { return (fits(value, store) && ...); }, values);
}
inline constexpr const char* does_not_fit = "a reference of another store, or one that was let go";

template <class... T>
constexpr size_t slots_of() noexcept {
    return (WasmType<T>::slots + ... + size_t{0});
}

/// The value types of a list of C++ types; static storage.
template <class... T>
std::span<const ValType> val_types() noexcept {
    static constexpr std::array<ValType, sizeof...(T)> types{WasmType<T>::type...};
    return types;
}

/// Results: void, one type, or a tuple.
template <class R>
struct ResultTraits {
    static constexpr size_t slots = WasmType<R>::slots;
    static std::span<const ValType> types() noexcept { return val_types<R>(); }
    static void store(uint64_t* slot, const R& value) noexcept { WasmType<R>::store(slot, value); }
    static R load(const uint64_t* slot, StoreRef store) { return WasmType<R>::load(slot, store); }
};

template <>
struct ResultTraits<void> {
    static constexpr size_t slots = 0;
    static std::span<const ValType> types() noexcept { return {}; }
};

template <class... T>
struct ResultTraits<std::tuple<T...>> {
    static constexpr size_t slots = slots_of<T...>();
    static std::span<const ValType> types() noexcept { return val_types<T...>(); }
    static void store(uint64_t* slot, const std::tuple<T...>& values) noexcept {
        std::apply(
            [&](const T&... value) { ((WasmType<T>::store(slot, value), slot += WasmType<T>::slots), ...); },
            values);
    }
    static std::tuple<T...> load(const uint64_t* slot, StoreRef store) {
        [[maybe_unused]] size_t at = 0;
        // Braces evaluate from left to right.
        return std::tuple<T...>{
            WasmType<T>::load(slot + std::exchange(at, at + WasmType<T>::slots), store)...};
    }
};
}  // namespace detail

}  // namespace v1
}  // namespace wsb
