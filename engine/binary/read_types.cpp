// SPDX-License-Identifier: Apache-2.0
// Value, reference and heap types. Spec: binary/types
#include "engine/binary/instr_reader.h"
#include "engine/binary/type_codes.h"

#include <algorithm>

namespace wsb::binary {

namespace {

/// The forms of reference types; `otherwise` when the byte begins none of them.
[[nodiscard]] Result<ValType> read_reference(Cursor& cursor, ErrorCode otherwise) {
    const uint64_t at = cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t byte, cursor.peek_u8());
    if (byte == type_codes::ref || byte == type_codes::ref_null) {
        cursor.skip(1);
        WSB_TRY_ASSIGN(const HeapType heap, read_heap_type(cursor));
        return ValType::reference(heap, byte == type_codes::ref_null);
    }
    if (const auto heap = abstract_heap(byte)) {
        cursor.skip(1);
        return ValType::reference(*heap, true);
    }
    return fail(otherwise, at);
}

}  // namespace

Result<ValType> read_val_type(Cursor& cursor) {
    WSB_TRY_ASSIGN(const uint8_t byte, cursor.peek_u8());
    ValType::Kind kind = ValType::bottom;
    switch (byte) {
        case type_codes::i32: kind = ValType::i32; break;
        case type_codes::i64: kind = ValType::i64; break;
        case type_codes::f32: kind = ValType::f32; break;
        case type_codes::f64: kind = ValType::f64; break;
        case type_codes::v128: kind = ValType::v128; break;
        default: return read_reference(cursor, ErrorCode::malformed_value_type);
    }
    cursor.skip(1);
    return ValType(kind);
}

Result<ValType> read_ref_type(Cursor& cursor) {
    return read_reference(cursor, ErrorCode::malformed_reference_type);
}

Result<HeapType> read_heap_type(Cursor& cursor) {
    const uint64_t at = cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint8_t byte, cursor.peek_u8());
    if (byte == type_codes::exact) {
        cursor.skip(1);
        WSB_TRY_ASSIGN(const uint32_t index, cursor.u32());
        return HeapType::exact(TypeIdx(std::min(index, index_out_of_range.value)));
    }
    // The one-byte negative numbers are abstract types, longer ones are nothing.
    if ((byte & 0xc0) == 0x40) {
        const auto heap = abstract_heap(byte);
        if (!heap)
            return fail(ErrorCode::malformed_heap_type, at);
        cursor.skip(1);
        return *heap;
    }
    WSB_TRY_ASSIGN(const int64_t index, cursor.s33());
    if (index < 0)
        return fail(ErrorCode::malformed_heap_type, at);
    return HeapType(TypeIdx(static_cast<uint32_t>(std::min<int64_t>(index, index_out_of_range.value))));
}

}  // namespace wsb::binary
