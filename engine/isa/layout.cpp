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

StructLayout struct_layout(const StructType& type) {
    StructLayout layout;
    layout.offsets_bytes.reserve(type.fields.size());
    for (const FieldType& field : type.fields) {
        const uint32_t width = storage_bytes(field.storage);
        const uint32_t alignment = std::min(width, 8u);
        layout.size_bytes = (layout.size_bytes + alignment - 1) / alignment * alignment;
        layout.offsets_bytes.push_back(layout.size_bytes);
        layout.size_bytes += width;
    }
    return layout;
}

}  // namespace wsb
