// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/layout.h"

#include <algorithm>

namespace wsb {

uint32_t storage_bytes(const StorageType& storage) noexcept {
    if (storage.packing == StorageType::i8)
        return 1;
    if (storage.packing == StorageType::i16)
        return 2;
    switch (storage.type.kind()) {
        case ValType::i32:
        case ValType::f32: return 4;
        case ValType::v128: return 16;
        default: return 8;
    }
}

namespace {

/// @return the offset of what comes next.
uint32_t place(StructLayout& layout, uint32_t width_bytes) noexcept {
    const uint32_t alignment = std::min(width_bytes, 8u);
    const uint32_t offset_bytes = (layout.size_bytes + alignment - 1) / alignment * alignment;
    layout.size_bytes = offset_bytes + width_bytes;
    return offset_bytes;
}

}  // namespace

StructLayout struct_layout(const StructType& type, std::optional<size_t> before_descriptor) {
    StructLayout layout;
    layout.offsets_bytes.reserve(type.fields.size());
    for (size_t i = 0; i <= type.fields.size(); ++i) {
        if (before_descriptor == i)
            layout.descriptor_offset_bytes = place(layout, sizeof(uint64_t));
        if (i < type.fields.size())
            layout.offsets_bytes.push_back(place(layout, storage_bytes(type.fields[i].storage)));
    }
    return layout;
}

}  // namespace wsb
