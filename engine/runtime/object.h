// SPDX-License-Identifier: Apache-2.0
// Objects of a store's heap, and what a slot of reference type holds.
//
// A reference is 64 bits: 0 is null; an odd one is an i31; one that ends in binary 10 is a handle of a
// host object; every other one is the address of an object. Function references are addresses of VmFunc
// and never meet the others. Spec: exec/runtime#values
#pragma once

#include "engine/isa/canon.h"
#include "engine/isa/layout.h"
#include "engine/runtime/global.h"

#include <cstdint>
#include <cstring>
#include <vector>

namespace wsb::runtime {

/// What the collector, casts and copies need to know of a type. One per type and heap; stable address.
struct TypeInfo {
    enum class Kind : uint8_t { structure, array, exception };
    struct Field {
        uint32_t offset_bytes = 0;
        uint32_t width_bytes = 0;
    };
    Kind kind = Kind::structure;
    uint8_t size_class = 0;                     ///< structure: of the heap's cells; none if large
    bool elements_are_traced = false;           ///< array
    CanonId id = 0;                             ///< structure, array
    uint32_t size_bytes = 0;                    ///< structure, with header
    uint32_t element_bytes = 0;                 ///< array
    uint32_t descriptor_offset_bytes = 0;       ///< structure: of the descriptor, 0 if there is none
    std::vector<Field> fields = {};             ///< structure; the descriptor comes last
    std::vector<uint32_t> traced_offsets = {};  ///< structure: fields that the collector follows

    [[nodiscard]] uint64_t array_size_bytes(uint64_t length) const noexcept {
        return array_header_bytes + length * element_bytes;
    }
};

inline constexpr uint8_t no_size_class = 0xff;

/// Copies a field's or element's value; `width_bytes` is 1, 2, 4, 8 or 16.
inline void copy_value(void* to, const void* from, uint32_t width_bytes) noexcept {
    switch (width_bytes) {
        case 1: std::memcpy(to, from, 1); return;
        case 2: std::memcpy(to, from, 2); return;
        case 4: std::memcpy(to, from, 4); return;
        case 8: std::memcpy(to, from, 8); return;
        default: std::memcpy(to, from, 16); return;
    }
}

/// Header of every object; fields of structures follow.
struct Object {
    const TypeInfo* type = nullptr;
};
static_assert(sizeof(Object) == struct_header_bytes);

/// Elements follow.
struct Array : Object {
    uint32_t length = 0;

    [[nodiscard]] uint8_t* element(uint64_t index) noexcept {
        return reinterpret_cast<uint8_t*>(this) + array_header_bytes + index * type->element_bytes;
    }
};
static_assert(sizeof(Array) == array_header_bytes);

/// A thrown exception; its values follow, as slots. Spec: exec/runtime#exception-instances
struct Exception : Object {
    const Tag* tag = nullptr;
    uint64_t value_slots = 0;

    [[nodiscard]] Slot* values() noexcept { return reinterpret_cast<Slot*>(this + 1); }
    [[nodiscard]] const Slot* values() const noexcept { return reinterpret_cast<const Slot*>(this + 1); }
};

[[nodiscard]] constexpr Slot i31_reference(uint64_t value) noexcept {
    return (value & 0x7fffffff) << 1 | 1;
}
[[nodiscard]] constexpr bool is_i31(Slot reference) noexcept {
    return (reference & 1) != 0;
}
[[nodiscard]] constexpr Slot host_reference(uint64_t number) noexcept {
    return number << 2 | 2;
}
[[nodiscard]] constexpr bool is_host_reference(Slot reference) noexcept {
    return (reference & 3) == 2;
}
/// Of any hierarchy but that of functions.
[[nodiscard]] constexpr bool is_object(Slot reference) noexcept {
    return reference != 0 && (reference & 3) == 0;
}
[[nodiscard]] inline Object* object_at(Slot reference) noexcept {
    // SAFETY: the reference is an object's address (is_object).
    return reinterpret_cast<Object*>(reference);
}
[[nodiscard]] inline Slot reference_to(const Object* object) noexcept {
    return reinterpret_cast<Slot>(object);
}

/// Whether a reference that is not null, of any hierarchy but that of functions, is of an object that has
/// this descriptor. Then its type is what the descriptor's type describes.
[[nodiscard]] inline bool has_descriptor(Slot reference, Slot descriptor) noexcept {
    if (!is_object(reference))
        return false;
    const Object* const object = object_at(reference);
    const uint32_t offset_bytes = object->type->descriptor_offset_bytes;
    if (offset_bytes == 0)
        return false;
    Slot found = 0;
    std::memcpy(&found, reinterpret_cast<const uint8_t*>(object) + offset_bytes, sizeof found);
    return found == descriptor;
}

/// Whether a type's references are followed by the collector: all but those to functions.
[[nodiscard]] bool is_traced(const TypeRegistry& registry, ValType canonical_type) noexcept;

/// Whether a reference that is not null is of a heap type of its own hierarchy, canonical.
/// Spec: exec/instructions#exec-ref-test
[[nodiscard]] bool reference_matches(const TypeRegistry& registry, Slot reference, HeapType target) noexcept;

}  // namespace wsb::runtime
