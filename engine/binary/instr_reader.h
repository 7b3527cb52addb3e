// SPDX-License-Identifier: Apache-2.0
// Bytes to instructions: opcode and immediates, no types. Used by the body reader, the printer and
// tools.
#pragma once

#include "engine/base/cursor.h"
#include "engine/base/index.h"
#include "engine/base/short_leb.h"
#include "engine/isa/opcode.h"
#include "engine/isa/types.h"

#include <array>
#include <cstdint>
#include <vector>

namespace wsb::binary {

/// Spec: binary/instructions#binary-blocktype
struct BlockType {
    enum class Kind : uint8_t { empty, value, type };
    Kind kind = Kind::empty;
    ValType value;  ///< Kind::value
    TypeIdx type;   ///< Kind::type
};

struct MemArg {
    uint32_t align_log2 = 0;
    MemIdx memory;
    uint64_t offset_bytes = 0;
};

struct CatchClause {
    enum class Kind : uint8_t { catch_ = 0, catch_ref = 1, catch_all = 2, catch_all_ref = 3 };
    Kind kind = Kind::catch_;
    TagIdx tag;  ///< catch_, catch_ref
    uint32_t label = 0;
};

/// One instruction with its immediates; which fields hold something follows from op_info(op).imm.
/// Reused from one instruction to the next, so that the vectors keep their room.
struct Instr {
    Op op{};
    uint64_t offset_bytes = 0;  ///< of the opcode in the module
    uint32_t index = 0;         ///< label, func, type, tag, local, global, table, mem, elem, data, lane;
                                ///< br_table: default
    uint32_t index2 = 0;        ///< second index: type_table's table, *_mem's memory, field, count, data,
                                ///< elem, type; label of a cast is `index`
    uint64_t bits = 0;          ///< i32 (sign-extended), i64, f32, f64 bits
    std::array<uint8_t, 16> lanes{};  ///< v128 bytes, shuffle lanes
    BlockType block;                  ///< block, loop, if, try_table
    MemArg memarg;
    HeapType heap;                     ///< ref.null, ref.test, ref.cast; the source of a br_on_cast
    HeapType heap2;                    ///< the target of a br_on_cast
    uint8_t cast_flags = 0;            ///< br_on_cast: bit 0 source nullable, bit 1 target nullable
    std::vector<uint32_t> labels;      ///< br_table, without the default
    std::vector<ValType> val_types;    ///< select_t
    std::vector<CatchClause> catches;  ///< try_table
};

namespace detail {

/// What the first byte of an instruction says.
struct FirstByte {
    /// What follows: nothing; an index; an i32; alignment and offset; anything else.
    enum class Kind : uint8_t { illegal, prefix, alone, index, i32, memarg, other };
    Op op{};
    Kind kind = Kind::illegal;
};

[[nodiscard]] constexpr FirstByte::Kind kind_of(Imm imm) noexcept {
    switch (imm) {
        case Imm::none: return FirstByte::Kind::alone;
        case Imm::label:
        case Imm::func:
        case Imm::type:
        case Imm::tag:
        case Imm::local:
        case Imm::global:
        case Imm::table: return FirstByte::Kind::index;
        case Imm::i32: return FirstByte::Kind::i32;
        case Imm::memarg: return FirstByte::Kind::memarg;
        default: return FirstByte::Kind::other;
    }
}

inline constexpr auto first_bytes = [] {
    std::array<FirstByte, 256> table{};
    for (size_t i = 0; i < op_count; ++i) {
        const OpInfo& row = op_table[i];
        if (row.prefix != 0)
            table[row.prefix].kind = FirstByte::Kind::prefix;
        else
            table[row.code] = {static_cast<Op>(i), kind_of(row.imm)};
    }
    return table;
}();

}  // namespace detail

/// Reads instructions one by one from an expression's bytes.
class InstrReader {
public:
    explicit InstrReader(Cursor cursor) noexcept : m_cursor(cursor) {}

    [[nodiscard]] bool at_end() const noexcept { return m_cursor.at_end(); }
    /// Offset in the module of the next instruction.
    [[nodiscard]] uint64_t offset_bytes() const noexcept { return m_cursor.offset_bytes(); }

    /// The bytes of the next instruction, for who reads it itself and then skips it.
    [[nodiscard]] const uint8_t* position() const noexcept { return m_cursor.position(); }
    [[nodiscard]] size_t bytes_left() const noexcept { return m_cursor.bytes_left(); }
    void skip(size_t count) noexcept { m_cursor.skip(count); }

    /// Reads the next instruction into `instr`. @return malformed errors with their offset.
    [[nodiscard]] Result<void> next(Instr& instr) {
        instr.offset_bytes = m_cursor.offset_bytes();
        if (!m_cursor.at_end()) [[likely]] {
            const detail::FirstByte& first = detail::first_bytes[*m_cursor.position()];
            if (first.kind == detail::FirstByte::Kind::alone) {
                m_cursor.skip(1);
                instr.op = first.op;
                return {};
            }
            if (read_short(first, instr))
                return {};
        }
        return next_with_immediates(instr);
    }

private:
    /// Immediates that are short, as most are. @return false if they are not, or there are none such.
    [[nodiscard]] bool read_short(const detail::FirstByte& first, Instr& instr) noexcept {
        using Kind = detail::FirstByte::Kind;
        if (m_cursor.bytes_left() < 2 + ShortLeb::max_bytes)
            return false;
        const uint8_t* const from = m_cursor.position() + 1;
        const bool is_access = first.kind == Kind::memarg;
        const ShortLeb number = ShortLeb::read(is_access ? from + 1 : from);
        if (number.size_bytes == 0)
            return false;
        const size_t size_bytes = 1 + number.size_bytes + (is_access ? 1 : 0);
        if (first.kind == Kind::index)
            instr.index = number.bits;
        else if (first.kind == Kind::i32)
            instr.bits = static_cast<uint64_t>(int64_t{number.as_signed()});
        else if (is_access && *from < 0x40)
            instr.memarg = {.align_log2 = *from, .memory = MemIdx{}, .offset_bytes = number.bits};
        else
            return false;
        instr.op = first.op;
        m_cursor.skip(size_bytes);
        return true;
    }
    [[nodiscard]] Result<void> next_with_immediates(Instr& instr);
    [[nodiscard]] Result<void> read_opcode(Instr& instr);
    [[nodiscard]] Result<void> read_immediates(Instr& instr, Imm imm);
    [[nodiscard]] Result<void> read_indices(Instr& instr, Imm imm);
    [[nodiscard]] Result<void> read_constant(Instr& instr, Imm imm);
    [[nodiscard]] Result<void> read_block_type(BlockType& block);
    [[nodiscard]] Result<void> read_label_table(Instr& instr);
    [[nodiscard]] Result<void> read_try_table(Instr& instr);
    [[nodiscard]] Result<void> read_memarg(MemArg& arg);
    [[nodiscard]] Result<void> read_lanes(std::array<uint8_t, 16>& lanes);
    [[nodiscard]] Result<void> read_val_types(std::vector<ValType>& types);
    [[nodiscard]] Result<void> read_cast(Instr& instr);

    Cursor m_cursor;
};

/// Types, shared with the section decoder. Spec: binary/types
[[nodiscard]] Result<ValType> read_val_type(Cursor& cursor);
[[nodiscard]] Result<ValType> read_ref_type(Cursor& cursor);
/// Indices above any legal one are all read as `index_out_of_range`, which no module defines.
[[nodiscard]] Result<HeapType> read_heap_type(Cursor& cursor);

inline constexpr TypeIdx index_out_of_range{HeapType(HeapType::func).bits() - 1};

}  // namespace wsb::binary
