// SPDX-License-Identifier: Apache-2.0
// Opcodes and immediates. Spec: binary/instructions
#include "engine/binary/instr_reader.h"

#include "engine/base/check.h"
#include "engine/isa/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::binary {

Result<void> InstrReader::next_with_immediates(Instr& instr) {
    WSB_TRY(read_opcode(instr));
    return read_immediates(instr, op_info(instr.op).imm);
}

Result<void> InstrReader::read_opcode(Instr& instr) {
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.u8());
    const detail::FirstByte& first = detail::first_bytes[byte];
    if (first.kind == detail::FirstByte::Kind::illegal)
        return fail(ErrorCode::illegal_opcode, instr.offset_bytes, fmt::format("{:02x}", byte));
    if (first.kind != detail::FirstByte::Kind::prefix) {
        instr.op = first.op;
        return {};
    }
    WSB_TRY_ASSIGN(const uint32_t code, m_cursor.u32());
    const auto op = find_op(byte, code);
    if (!op)
        return fail(ErrorCode::illegal_opcode, instr.offset_bytes, fmt::format("{:02x} {:02x}", byte, code));
    instr.op = *op;
    return {};
}

Result<void> InstrReader::read_immediates(Instr& instr, Imm imm) {
    switch (imm) {
        case Imm::none: return {};
        case Imm::zero_byte: {
            const uint64_t at = m_cursor.offset_bytes();
            WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.u8());
            if (byte != 0)
                return fail(ErrorCode::zero_byte_expected, at);
            return {};
        }
        case Imm::label:
        case Imm::func:
        case Imm::type:
        case Imm::tag:
        case Imm::local:
        case Imm::global:
        case Imm::table:
        case Imm::mem:
        case Imm::elem:
        case Imm::data: {
            WSB_TRY_ASSIGN(instr.index, m_cursor.u32());
            return {};
        }
        case Imm::type_table:
        case Imm::table_table:
        case Imm::mem_mem:
        case Imm::data_mem:
        case Imm::elem_table:
        case Imm::type_field:
        case Imm::type_count:
        case Imm::type_data:
        case Imm::type_elem:
        case Imm::type_type: return read_indices(instr, imm);
        case Imm::memarg: return read_memarg(instr.memarg);
        case Imm::memarg_lane: {
            WSB_TRY(read_memarg(instr.memarg));
            WSB_TRY_ASSIGN(instr.index, m_cursor.u8());
            return {};
        }
        case Imm::lane: {
            WSB_TRY_ASSIGN(instr.index, m_cursor.u8());
            return {};
        }
        case Imm::i32:
        case Imm::i64:
        case Imm::f32:
        case Imm::f64: return read_constant(instr, imm);
        case Imm::lanes:
        case Imm::v128: return read_lanes(instr.lanes);
        case Imm::block_type: return read_block_type(instr.block);
        case Imm::label_table: return read_label_table(instr);
        case Imm::try_table: return read_try_table(instr);
        case Imm::val_types: return read_val_types(instr.val_types);
        case Imm::heap_type: {
            WSB_TRY_ASSIGN(instr.heap, read_heap_type(m_cursor));
            return {};
        }
        case Imm::cast: return read_cast(instr);
    }
    WSB_UNREACHABLE();
}

Result<void> InstrReader::read_indices(Instr& instr, Imm imm) {
    WSB_TRY_ASSIGN(instr.index, m_cursor.u32());
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(instr.index2, m_cursor.u32());
    if (imm == Imm::type_count && instr.index2 > limits::array_new_fixed_operands)
        return fail(ErrorCode::limit_exceeded, at, "operands of array.new_fixed");
    return {};
}

Result<void> InstrReader::read_constant(Instr& instr, Imm imm) {
    if (imm == Imm::i32) {
        WSB_TRY_ASSIGN(const int32_t value, m_cursor.s32());
        instr.bits = static_cast<uint64_t>(int64_t{value});
    } else if (imm == Imm::i64) {
        WSB_TRY_ASSIGN(const int64_t value, m_cursor.s64());
        instr.bits = static_cast<uint64_t>(value);
    } else if (imm == Imm::f32) {
        WSB_TRY_ASSIGN(instr.bits, m_cursor.fixed<uint32_t>());
    } else {
        WSB_TRY_ASSIGN(instr.bits, m_cursor.fixed<uint64_t>());
    }
    return {};
}

/// Spec: binary/instructions#binary-blocktype
Result<void> InstrReader::read_block_type(BlockType& block) {
    WSB_TRY_ASSIGN(const uint8_t byte, m_cursor.peek_u8());
    if (byte == 0x40) {
        m_cursor.skip(1);
        block = {};
        return {};
    }
    // The one-byte negative numbers are value types.
    if ((byte & 0xc0) == 0x40) {
        block.kind = BlockType::Kind::value;
        WSB_TRY_ASSIGN(block.value, read_val_type(m_cursor));
        return {};
    }
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const int64_t index, m_cursor.s33());
    if (index < 0)
        return fail(ErrorCode::malformed_value_type, at);
    block.kind = BlockType::Kind::type;
    block.type = TypeIdx(static_cast<uint32_t>(index));
    return {};
}

Result<void> InstrReader::read_label_table(Instr& instr) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t count, m_cursor.count());
    if (count > limits::br_table_targets)
        return fail(ErrorCode::limit_exceeded, at, "targets of br_table");
    instr.labels.resize(count);
    for (uint32_t& label : instr.labels) {
        WSB_TRY_ASSIGN(label, m_cursor.u32());
    }
    WSB_TRY_ASSIGN(instr.index, m_cursor.u32());
    return {};
}

/// Spec: binary/instructions#binary-catch
Result<void> InstrReader::read_try_table(Instr& instr) {
    WSB_TRY(read_block_type(instr.block));
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t count, m_cursor.count());
    if (count > limits::catch_clauses)
        return fail(ErrorCode::limit_exceeded, at, "clauses of try_table");
    instr.catches.clear();
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t clause_at = m_cursor.offset_bytes();
        WSB_TRY_ASSIGN(const uint8_t kind, m_cursor.u8());
        if (kind > static_cast<uint8_t>(CatchClause::Kind::catch_all_ref))
            return fail(ErrorCode::malformed_catch_clause, clause_at);
        CatchClause clause;
        clause.kind = static_cast<CatchClause::Kind>(kind);
        if (clause.kind == CatchClause::Kind::catch_ || clause.kind == CatchClause::Kind::catch_ref) {
            WSB_TRY_ASSIGN(const uint32_t tag, m_cursor.u32());
            clause.tag = TagIdx(tag);
        }
        WSB_TRY_ASSIGN(clause.label, m_cursor.u32());
        instr.catches.push_back(clause);
    }
    return {};
}

/// Spec: binary/instructions#binary-memarg
Result<void> InstrReader::read_memarg(MemArg& arg) {
    constexpr uint32_t has_memory_index = 0x40;
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t flags, m_cursor.u32());
    if (flags >= 2 * has_memory_index)
        return fail(ErrorCode::malformed_memop_flags, at);
    arg.align_log2 = flags & (has_memory_index - 1);
    arg.memory = MemIdx{};
    if ((flags & has_memory_index) != 0) {
        WSB_TRY_ASSIGN(const uint32_t memory, m_cursor.u32());
        arg.memory = MemIdx(memory);
    }
    WSB_TRY_ASSIGN(arg.offset_bytes, m_cursor.u64());
    return {};
}

Result<void> InstrReader::read_lanes(std::array<uint8_t, 16>& lanes) {
    WSB_TRY_ASSIGN(const auto bytes, m_cursor.bytes(lanes.size()));
    std::ranges::copy(bytes, lanes.begin());
    return {};
}

Result<void> InstrReader::read_val_types(std::vector<ValType>& types) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(const uint32_t count, m_cursor.count());
    if (count > limits::results)
        return fail(ErrorCode::limit_exceeded, at, "types of select");
    types.clear();
    for (uint32_t i = 0; i < count; ++i) {
        WSB_TRY_ASSIGN(const ValType type, read_val_type(m_cursor));
        types.push_back(type);
    }
    return {};
}

/// Spec: binary/instructions#binary-castop
Result<void> InstrReader::read_cast(Instr& instr) {
    const uint64_t at = m_cursor.offset_bytes();
    WSB_TRY_ASSIGN(instr.cast_flags, m_cursor.u8());
    if (instr.cast_flags > 3)
        return fail(ErrorCode::malformed_cast_flags, at);
    WSB_TRY_ASSIGN(instr.index, m_cursor.u32());
    WSB_TRY_ASSIGN(instr.heap, read_heap_type(m_cursor));
    WSB_TRY_ASSIGN(instr.heap2, read_heap_type(m_cursor));
    return {};
}

}  // namespace wsb::binary
