// SPDX-License-Identifier: Apache-2.0
// Types of WebAssembly 3.0. Spec: syntax/types. Type indices are those of the module, unless said to be
// canonical (see canon.h).
#pragma once

#include "engine/base/index.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace wsb {

/// A heap type: an abstract one, or the index of a defined type; that alone if exact, else with the types
/// declared below it. Spec: syntax/types#heap-types
class HeapType {
public:
    enum Abstract : uint32_t {
        func,
        nofunc,
        extern_,
        noextern,
        any,
        eq,
        i31,
        struct_,
        array,
        none,
        exn,
        noexn
    };

    constexpr HeapType() noexcept = default;
    constexpr HeapType(Abstract abstract) noexcept : m_bits(abstract_base + abstract) {}
    constexpr explicit HeapType(TypeIdx type) noexcept : m_bits(type.value) {}
    [[nodiscard]] static constexpr HeapType exact(TypeIdx type) noexcept {
        return from_bits(type.value | exact_bit);
    }
    [[nodiscard]] static constexpr HeapType from_bits(uint32_t bits) noexcept {
        HeapType type;
        type.m_bits = bits;
        return type;
    }

    [[nodiscard]] constexpr bool is_defined() const noexcept { return (m_bits & ~exact_bit) < abstract_base; }
    [[nodiscard]] constexpr bool is_exact() const noexcept { return (m_bits & exact_bit) != 0; }
    [[nodiscard]] constexpr HeapType as_inexact() const noexcept { return from_bits(m_bits & ~exact_bit); }
    [[nodiscard]] constexpr TypeIdx type_index() const noexcept { return TypeIdx(m_bits & ~exact_bit); }
    /// Another defined type, exact if this one is.
    [[nodiscard]] constexpr HeapType with_index(TypeIdx type) const noexcept {
        return from_bits(type.value | (m_bits & exact_bit));
    }
    [[nodiscard]] constexpr Abstract abstract() const noexcept {
        return static_cast<Abstract>(m_bits - abstract_base);
    }
    [[nodiscard]] constexpr bool is(Abstract other) const noexcept { return m_bits == abstract_base + other; }
    /// 23 bits.
    [[nodiscard]] constexpr uint32_t bits() const noexcept { return m_bits; }
    constexpr bool operator==(const HeapType&) const noexcept = default;

private:
    /// Above every legal type index (limits::types) and below 2^22.
    static constexpr uint32_t abstract_base = 0x3f0000;
    static constexpr uint32_t exact_bit = uint32_t{1} << 22;  ///< of defined types only
    uint32_t m_bits = abstract_base;
};

/// A value type in 32 bits. `bottom` is the type of operands in unreachable code: it matches every type.
class ValType {
public:
    enum Kind : uint8_t { bottom, i32, i64, f32, f64, v128, ref };

    constexpr ValType() noexcept = default;
    constexpr ValType(Kind kind) noexcept : m_bits(kind) {}
    [[nodiscard]] static constexpr ValType reference(HeapType heap, bool nullable) noexcept {
        ValType type;
        type.m_bits = ref | (nullable ? nullable_bit : 0) | (heap.bits() << heap_shift);
        return type;
    }
    [[nodiscard]] static constexpr ValType funcref() noexcept { return reference(HeapType::func, true); }
    [[nodiscard]] static constexpr ValType externref() noexcept { return reference(HeapType::extern_, true); }

    [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(m_bits & 0xff); }
    [[nodiscard]] constexpr bool is_ref() const noexcept { return kind() == ref; }
    [[nodiscard]] constexpr bool is_bottom() const noexcept { return kind() == bottom; }
    [[nodiscard]] constexpr bool is_numeric() const noexcept { return kind() >= i32 && kind() <= f64; }
    [[nodiscard]] constexpr bool is_nullable() const noexcept { return (m_bits & nullable_bit) != 0; }
    [[nodiscard]] constexpr HeapType heap() const noexcept {
        return HeapType::from_bits(m_bits >> heap_shift);
    }
    [[nodiscard]] constexpr ValType as_non_null() const noexcept {
        return is_ref() ? reference(heap(), false) : *this;
    }
    /// Whether a local of this type starts with a value. Spec: valid/types#defaultable-types
    [[nodiscard]] constexpr bool is_defaultable() const noexcept { return !is_ref() || is_nullable(); }
    constexpr bool operator==(const ValType&) const noexcept = default;

private:
    static constexpr uint32_t nullable_bit = 0x100;
    static constexpr unsigned heap_shift = 9;
    uint32_t m_bits = bottom;
};

/// A field's type: a value type, or a packed 8 or 16 bit integer. Spec: syntax/types#storage-types
struct StorageType {
    enum Packing : uint8_t { unpacked, i8, i16 };
    ValType type = ValType::i32;  ///< i32 when packed
    Packing packing = unpacked;
    bool operator==(const StorageType&) const noexcept = default;
};

struct FieldType {
    StorageType storage;
    bool is_mutable = false;
    bool operator==(const FieldType&) const noexcept = default;
};

using ResultType = std::vector<ValType>;

struct FuncType {
    ResultType params;
    ResultType results;
    bool operator==(const FuncType&) const noexcept = default;
};

struct StructType {
    std::vector<FieldType> fields;
    bool operator==(const StructType&) const noexcept = default;
};

struct ArrayType {
    FieldType field;
    bool operator==(const ArrayType&) const noexcept = default;
};

/// One type of a recursion group. Spec: syntax/types#sub-types
struct SubType {
    bool is_final = true;
    std::optional<TypeIdx> super;
    std::optional<TypeIdx> descriptor = std::nullopt;  ///< what instances carry
    std::optional<TypeIdx> describes = std::nullopt;   ///< whose descriptor this is
    std::variant<FuncType, StructType, ArrayType> composite;
    bool operator==(const SubType&) const noexcept = default;

    [[nodiscard]] const FuncType* func() const noexcept { return std::get_if<FuncType>(&composite); }
    [[nodiscard]] const StructType* structure() const noexcept { return std::get_if<StructType>(&composite); }
    [[nodiscard]] const ArrayType* array() const noexcept { return std::get_if<ArrayType>(&composite); }
};

/// Kinds of imports and exports, numbered as in the binary format.
enum class ExternKind : uint8_t { func = 0, table = 1, memory = 2, global = 3, tag = 4 };

enum class AddressType : uint8_t { i32, i64 };

[[nodiscard]] constexpr ValType val_type(AddressType type) noexcept {
    return type == AddressType::i64 ? ValType::i64 : ValType::i32;
}

/// Limits of a memory in pages or of a table in elements.
struct Limits {
    uint64_t min = 0;
    std::optional<uint64_t> max;
    bool operator==(const Limits&) const noexcept = default;
};

struct MemoryType {
    AddressType address = AddressType::i32;
    bool is_shared = false;
    Limits limits_pages;
    uint8_t page_size_log2 = 16;  ///< 0 or 16: pages of a byte or of 64 KiB
    [[nodiscard]] constexpr uint64_t page_size_bytes() const noexcept {
        return uint64_t{1} << page_size_log2;
    }
    bool operator==(const MemoryType&) const noexcept = default;
};

struct TableType {
    AddressType address = AddressType::i32;
    ValType element = ValType::funcref();
    Limits limits_elements;
    bool operator==(const TableType&) const noexcept = default;
};

struct GlobalType {
    ValType type;
    bool is_mutable = false;
    bool operator==(const GlobalType&) const noexcept = default;
};

/// Text form, e.g. "i32", "(ref null 3)", "externref".
[[nodiscard]] std::string to_string(ValType type);
[[nodiscard]] std::string to_string(HeapType type);

}  // namespace wsb
