// SPDX-License-Identifier: Apache-2.0
// Vectors in the folding translator. Their operands are always in slots: a cell is
// [result | operands ...], then what the instruction has as immediates. Results that are numbers are left
// in their accumulator as well.
#include "engine/lower/lower_sink.h"

#include <bit>

namespace wsb::lower {

namespace {

/// 16 bytes as two words.
[[nodiscard]] std::array<Word, 2> words_of(const std::array<uint8_t, 16>& bytes) noexcept {
    return std::bit_cast<std::array<Word, 2>>(bytes);
}

}  // namespace

/// A result that `cell` wrote to the slots on top of the stack.
void LowerSink::push_vector_result(Op op, uint32_t cell) {
    const ValType type = type_of(op_info(op).results[0]);
    if (slot_width(type) == 1)
        return push_produced(type, cell, m_words[cell]);
    push_stored(type);
    m_wide_cell = cell;
}

/// Lets the last cell write its vector, which was popped, to slot `to` instead.
/// @return false if the vector is not that of the last cell.
bool LowerSink::redirect_vector(const Value& value, uint32_t to) {
    if (slot_width(value.type) != 2 || value.kind != Value::Kind::temporary || m_wide_cell == none ||
        m_wide_cell != m_last_cell)
        return false;
    Word& fields = m_words[m_wide_cell + 1];
    if ((fields & 0xffff) != value.slot)
        return false;
    fields = (fields & ~Word{0xffff}) | to;
    note_write(to);
    note_write(to + 1);
    m_wide_cell = none;
    return true;
}

void LowerSink::v128_constant(const std::array<uint8_t, 16>& bytes) {
    const uint32_t cell = begin_cell(Single::constant_wide);
    word(pack(m_height, 0));
    for (const Word half : words_of(bytes))
        word(half);
    push_vector_result(Op::v128_const, cell);
}

void LowerSink::simd(const binary::Instr& instr) {
    const OpInfo& row = op_info(instr.op);
    if (row.imm == Imm::memarg_lane)
        return vector_lane_access(instr);
    std::array<uint32_t, 3> slots{};
    for (size_t i = row.params.size(); i != 0; --i)
        slots[i - 1] = stored_slot(pop());
    const uint32_t cell = begin_cell(m_handlers.vectors(instr.op)[0]);
    const uint32_t lane = row.imm == Imm::lane ? instr.index : slots[2];
    word(pack(m_height, slots[0], slots[1], lane));
    if (row.imm == Imm::lanes)
        for (const Word half : words_of(instr.lanes))
            word(half);
    push_vector_result(instr.op, cell);
    if (m_canonical_nans) [[unlikely]]
        canonicalize(instr.op);
}

void LowerSink::vector_load(Op op, const binary::MemArg& arg) {
    const auto& handlers = m_handlers.vectors(op);
    const Value address = pop();
    uint32_t cell = none;
    if (is_plain(op, arg)) {
        const PlainAddress place = plain_address(op, address, arg.offset_bytes);
        cell = begin_cell(handlers[static_cast<size_t>(place.kind)]);
        word(pack_wide(m_height, place.slot, place.end_bytes));
    } else {
        const uint32_t slot = stored_slot(address);
        cell = begin_cell(handlers[vector_address_general + shared_column(arg.memory)]);
        word(pack(m_height, slot, arg.memory.value));
        word(arg.offset_bytes);
    }
    push_vector_result(op, cell);
}

void LowerSink::vector_store(Op op, const binary::MemArg& arg) {
    const auto& handlers = m_handlers.vectors(op);
    const uint32_t value_slot = stored_slot(pop());
    const Value address = pop();
    if (is_plain(op, arg)) {
        const PlainAddress place = plain_address(op, address, arg.offset_bytes);
        begin_cell(handlers[static_cast<size_t>(place.kind)]);
        word(pack_wide(value_slot, place.slot, place.end_bytes));
        return;
    }
    const uint32_t slot = stored_slot(address);
    begin_cell(handlers[vector_address_general + shared_column(arg.memory)]);
    word(pack(value_slot, slot, arg.memory.value));
    word(arg.offset_bytes);
}

/// Loads and stores of one lane: [result | address | memory | vector][offset][lane].
void LowerSink::vector_lane_access(const binary::Instr& instr) {
    const uint32_t vector_slot = stored_slot(pop());
    const uint32_t address_slot = stored_slot(pop());
    const uint32_t cell = begin_cell(m_handlers.vectors(instr.op)[shared_column(instr.memarg.memory)]);
    word(pack(m_height, address_slot, instr.memarg.memory.value, vector_slot));
    word(instr.memarg.offset_bytes);
    word(instr.index);
    if (!op_info(instr.op).results.empty())
        push_vector_result(instr.op, cell);
}

}  // namespace wsb::lower
