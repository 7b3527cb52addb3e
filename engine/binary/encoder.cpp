// SPDX-License-Identifier: Apache-2.0
// Values, types and instructions to bytes. Spec: binary
#include "engine/binary/encoder.h"

#include "engine/base/check.h"
#include "engine/binary/type_codes.h"

namespace wsb::binary {

void Encoder::u64(uint64_t value) {
    while (value >= 0x80) {
        u8(static_cast<uint8_t>(value | 0x80));
        value >>= 7;
    }
    u8(static_cast<uint8_t>(value));
}

void Encoder::s64(int64_t value) {
    // The last byte's bit 6 is the sign.
    while (value < -0x40 || value >= 0x40) {
        u8(static_cast<uint8_t>(value | 0x80));
        value >>= 7;
    }
    u8(static_cast<uint8_t>(value & 0x7f));
}

void Encoder::fixed32(uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8)
        u8(static_cast<uint8_t>(value >> shift));
}

void Encoder::fixed64(uint64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8)
        u8(static_cast<uint8_t>(value >> shift));
}

void Encoder::name(std::string_view text) {
    u64(text.size());
    m_bytes.insert(m_bytes.end(), text.begin(), text.end());
}

void Encoder::section(uint8_t id, std::span<const uint8_t> content) {
    u8(id);
    u64(content.size());
    raw(content);
}

// Types

void Encoder::heap_type(HeapType type) {
    if (type.is_exact()) {
        u8(type_codes::exact);
        u32(type.type_index().value);
    } else if (type.is_defined()) {
        s64(type.type_index().value);
    } else {
        u8(type_codes::heaps[type.abstract()]);
    }
}

void Encoder::val_type(ValType type) {
    switch (type.kind()) {
        case ValType::i32: return u8(type_codes::i32);
        case ValType::i64: return u8(type_codes::i64);
        case ValType::f32: return u8(type_codes::f32);
        case ValType::f64: return u8(type_codes::f64);
        case ValType::v128: return u8(type_codes::v128);
        case ValType::ref: {
            const bool has_short_form = type.is_nullable() && !type.heap().is_defined();
            if (!has_short_form)
                u8(type.is_nullable() ? type_codes::ref_null : type_codes::ref);
            return heap_type(type.heap());
        }
        case ValType::bottom: break;
    }
    WSB_UNREACHABLE();
}

void Encoder::storage_type(StorageType type) {
    switch (type.packing) {
        case StorageType::unpacked: return val_type(type.type);
        case StorageType::i8: return u8(type_codes::i8);
        case StorageType::i16: return u8(type_codes::i16);
    }
}

void Encoder::field_type(FieldType type) {
    storage_type(type.storage);
    u8(type.is_mutable ? 1 : 0);
}

void Encoder::sub_type(const SubType& type) {
    if (!type.is_final || type.super) {
        u8(type.is_final ? type_codes::sub_final : type_codes::sub);
        u32(type.super ? 1 : 0);
        if (type.super)
            u32(type.super->value);
    }
    const std::pair<uint8_t, const std::optional<TypeIdx>&> clauses[] = {
        {type_codes::describes, type.describes}, {type_codes::descriptor, type.descriptor}};
    for (const auto& [code, other] : clauses) {
        if (!other)
            continue;
        u8(code);
        u32(other->value);
    }
    if (const FuncType* func = type.func()) {
        u8(type_codes::func);
        u64(func->params.size());
        for (const ValType param : func->params)
            val_type(param);
        u64(func->results.size());
        for (const ValType result : func->results)
            val_type(result);
    } else if (const StructType* structure = type.structure()) {
        u8(type_codes::structure);
        u64(structure->fields.size());
        for (const FieldType& field : structure->fields)
            field_type(field);
    } else if (const ArrayType* array = type.array()) {
        u8(type_codes::array);
        field_type(array->field);
    }
}

namespace {

void encode_limits(Encoder& out, const Limits& limits, AddressType address, unsigned flags) {
    flags |= limits.max ? 1U : 0U;
    flags |= address == AddressType::i64 ? 4U : 0U;
    out.u8(static_cast<uint8_t>(flags));
    out.u64(limits.min);
    if (limits.max)
        out.u64(*limits.max);
}

}  // namespace

void Encoder::table_type(const TableType& type) {
    val_type(type.element);
    encode_limits(*this, type.limits_elements, type.address, 0);
}

void Encoder::memory_type(const MemoryType& type) {
    const bool is_usual = type.page_size_log2 == MemoryType().page_size_log2;
    encode_limits(*this, type.limits_pages, type.address, (type.is_shared ? 2U : 0U) | (is_usual ? 0U : 8U));
    if (!is_usual)
        u32(type.page_size_log2);
}

void Encoder::global_type(const GlobalType& type) {
    val_type(type.type);
    u8(type.is_mutable ? 1 : 0);
}

void Encoder::block_type(const BlockType& type) {
    switch (type.kind) {
        case BlockType::Kind::empty: return u8(type_codes::empty);
        case BlockType::Kind::value: return val_type(type.value);
        case BlockType::Kind::type: return s64(type.type.value);
    }
}

void Encoder::memarg(const MemArg& arg) {
    constexpr uint32_t has_memory_index = 0x40;
    const bool has_index = arg.memory != MemIdx{};
    u32(arg.align_log2 | (has_index ? has_memory_index : 0));
    if (has_index)
        u32(arg.memory.value);
    u64(arg.offset_bytes);
}

// Instructions

namespace {

void encode_try_table(Encoder& out, const Instr& instr) {
    out.block_type(instr.block);
    out.u64(instr.catches.size());
    for (const CatchClause& clause : instr.catches) {
        out.u8(static_cast<uint8_t>(clause.kind));
        if (clause.kind == CatchClause::Kind::catch_ || clause.kind == CatchClause::Kind::catch_ref)
            out.u32(clause.tag.value);
        out.u32(clause.label);
    }
}

void encode_label_table(Encoder& out, const Instr& instr) {
    out.u64(instr.labels.size());
    for (const uint32_t label : instr.labels)
        out.u32(label);
    out.u32(instr.index);
}

void encode_val_types(Encoder& out, const Instr& instr) {
    out.u64(instr.val_types.size());
    for (const ValType type : instr.val_types)
        out.val_type(type);
}

void encode_cast(Encoder& out, const Instr& instr) {
    out.u8(instr.cast_flags);
    out.u32(instr.index);
    out.heap_type(instr.heap);
    out.heap_type(instr.heap2);
}

void encode_immediates(Encoder& out, const Instr& instr, Imm imm) {
    switch (imm) {
        case Imm::none: return;
        case Imm::zero_byte: return out.u8(0);
        case Imm::label:
        case Imm::func:
        case Imm::type:
        case Imm::tag:
        case Imm::local:
        case Imm::global:
        case Imm::table:
        case Imm::mem:
        case Imm::elem:
        case Imm::data: return out.u32(instr.index);
        case Imm::type_table:
        case Imm::table_table:
        case Imm::mem_mem:
        case Imm::data_mem:
        case Imm::elem_table:
        case Imm::type_field:
        case Imm::type_count:
        case Imm::type_data:
        case Imm::type_elem:
        case Imm::type_type: out.u32(instr.index); return out.u32(instr.index2);
        case Imm::memarg: return out.memarg(instr.memarg);
        case Imm::memarg_lane: out.memarg(instr.memarg); return out.u8(static_cast<uint8_t>(instr.index));
        case Imm::lane: return out.u8(static_cast<uint8_t>(instr.index));
        case Imm::lanes:
        case Imm::v128: return out.raw(instr.lanes);
        case Imm::i32: return out.s32(static_cast<int32_t>(static_cast<uint32_t>(instr.bits)));
        case Imm::i64: return out.s64(static_cast<int64_t>(instr.bits));
        case Imm::f32: return out.fixed32(static_cast<uint32_t>(instr.bits));
        case Imm::f64: return out.fixed64(instr.bits);
        case Imm::block_type: return out.block_type(instr.block);
        case Imm::label_table: return encode_label_table(out, instr);
        case Imm::try_table: return encode_try_table(out, instr);
        case Imm::val_types: return encode_val_types(out, instr);
        case Imm::heap_type: return out.heap_type(instr.heap);
        case Imm::cast: return encode_cast(out, instr);
    }
}

}  // namespace

void Encoder::instr(const Instr& instr) {
    const OpInfo& row = op_info(instr.op);
    if (row.prefix != 0) {
        u8(row.prefix);
        u32(row.code);
    } else {
        u8(static_cast<uint8_t>(row.code));
    }
    encode_immediates(*this, instr, row.imm);
}

}  // namespace wsb::binary
