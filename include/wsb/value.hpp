// SPDX-License-Identifier: Apache-2.0
// Value: one WebAssembly value with its type. ExternRef: a host object that the guest can hold.
#pragma once

#include "wsb/error.hpp"
#include "wsb/types.hpp"

#include <any>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

namespace wsb {
namespace runtime {
class Store;
struct VmFunc;
}  // namespace runtime

inline namespace v1 {

class Func;
class StoreRef;

/// 128 bits, little-endian lanes.
using V128 = std::array<uint8_t, 16>;

/// A reference to a host object, opaque to the guest. Cheap handle; null by default. The object
/// lives as long as its store.
class ExternRef {
public:
    constexpr ExternRef() noexcept = default;
    /// Enters `object` into the store. @return limit_exceeded or out_of_memory.
    [[nodiscard]] static Result<ExternRef> create(StoreRef store, std::any object);

    [[nodiscard]] constexpr bool is_null() const noexcept { return m_handle == 0; }
    /// The object; null for the null reference, or if the store has no such object.
    [[nodiscard]] const std::any* object(StoreRef store) const noexcept;

    /// The representation in a slot: 0 is null.
    [[nodiscard]] constexpr uint64_t raw() const noexcept { return m_handle; }
    [[nodiscard]] static constexpr ExternRef from_raw(uint64_t handle) noexcept {
        ExternRef ref;
        ref.m_handle = handle;
        return ref;
    }
    constexpr bool operator==(const ExternRef&) const noexcept = default;

private:
    uint64_t m_handle = 0;
};

/// One value and its type. A value type of 24 bytes; references are valid as long as their store, those
/// to objects as long as their RootScope.
/// The constructors' C++ types choose the WebAssembly types.
class Value {
public:
    /// i32 zero.
    constexpr Value() noexcept : Value(int32_t{0}) {}
    constexpr Value(int32_t value) noexcept : m_type(ValType::i32), m_bits{static_cast<uint32_t>(value), 0} {}
    constexpr Value(uint32_t value) noexcept : m_type(ValType::i32), m_bits{value, 0} {}
    constexpr Value(int64_t value) noexcept : m_type(ValType::i64), m_bits{static_cast<uint64_t>(value), 0} {}
    constexpr Value(uint64_t value) noexcept : m_type(ValType::i64), m_bits{value, 0} {}
    constexpr Value(float value) noexcept : m_type(ValType::f32), m_bits{std::bit_cast<uint32_t>(value), 0} {}
    constexpr Value(double value) noexcept
        : m_type(ValType::f64), m_bits{std::bit_cast<uint64_t>(value), 0} {}
    constexpr Value(const V128& value) noexcept
        : m_type(ValType::v128), m_bits(std::bit_cast<std::array<uint64_t, 2>>(value)) {}
    constexpr Value(ExternRef value) noexcept : m_type(ValType::externref()), m_bits{value.raw(), 0} {}
    /// A non-null function reference.
    Value(const Func& func) noexcept;

    /// The null reference of a type.
    [[nodiscard]] static constexpr Value null(ValType type) noexcept { return from_raw(type, 0); }
    /// Any value from its bits: i32 and f32 in the low 32, references as the store holds them.
    [[nodiscard]] static constexpr Value from_raw(ValType type, uint64_t low, uint64_t high = 0) noexcept {
        Value value;
        value.m_type = type;
        value.m_bits = {low, high};
        return value;
    }
    /// Zero, or null.
    [[nodiscard]] static constexpr Value default_of(ValType type) noexcept { return from_raw(type, 0); }

    [[nodiscard]] constexpr ValType type() const noexcept { return m_type; }
    [[nodiscard]] constexpr ValType::Kind kind() const noexcept { return m_type.kind(); }

    // The content. The kind must be the one named; otherwise the bits are read as if it were.
    [[nodiscard]] constexpr int32_t i32() const noexcept { return static_cast<int32_t>(m_bits[0]); }
    [[nodiscard]] constexpr uint32_t u32() const noexcept { return static_cast<uint32_t>(m_bits[0]); }
    [[nodiscard]] constexpr int64_t i64() const noexcept { return static_cast<int64_t>(m_bits[0]); }
    [[nodiscard]] constexpr uint64_t u64() const noexcept { return m_bits[0]; }
    [[nodiscard]] constexpr float f32() const noexcept { return std::bit_cast<float>(u32()); }
    [[nodiscard]] constexpr double f64() const noexcept { return std::bit_cast<double>(m_bits[0]); }
    [[nodiscard]] constexpr V128 v128() const noexcept { return std::bit_cast<V128>(m_bits); }
    [[nodiscard]] constexpr ExternRef externref() const noexcept { return ExternRef::from_raw(m_bits[0]); }
    /// The function of a funcref of this store; nullopt for null and for other kinds.
    [[nodiscard]] std::optional<Func> func(StoreRef store) const noexcept;

    /// Whether it has a type, canonical, by what it refers to: an anyref that refers to an array has the
    /// type arrayref. False for references to what is of another store, or was let go (RootScope).
    [[nodiscard]] bool has_type(StoreRef store, ValType type) const noexcept;

    [[nodiscard]] constexpr bool is_ref() const noexcept { return m_type.is_ref(); }
    [[nodiscard]] constexpr bool is_null() const noexcept { return is_ref() && m_bits[0] == 0; }
    /// The bits, low half first.
    [[nodiscard]] constexpr const std::array<uint64_t, 2>& raw() const noexcept { return m_bits; }

    /// Numbers: equal types and bits (so NaNs of equal bits are equal, and -0.0 is not 0.0).
    /// References: the same object, or both null, whatever their static types.
    constexpr bool operator==(const Value& other) const noexcept {
        return m_bits == other.m_bits && (is_ref() ? other.is_ref() : m_type == other.m_type);
    }

private:
    ValType m_type;
    std::array<uint64_t, 2> m_bits{};
};

}  // namespace v1
}  // namespace wsb
