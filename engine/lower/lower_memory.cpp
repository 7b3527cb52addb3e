// SPDX-License-Identifier: Apache-2.0
// Loads, stores and memories in the folding translator.
#include "engine/lower/lower_sink.h"

#include <array>

namespace wsb::lower {

/// Which of two handlers of the general form: 1 for a shared memory.
size_t LowerSink::shared_column(MemIdx memory) const noexcept {
    return m_info.module->memories[memory.value].type.is_shared ? 1 : 0;
}

/// Memory 0 with 32-bit addresses has handlers of its own, unless other threads may change it. Their cells
/// have the end of the access in 32 bits.
bool LowerSink::is_plain(Op op, const binary::MemArg& arg) const noexcept {
    return arg.memory.value == 0 && address_type(arg.memory) == ValType(ValType::i32) &&
           shared_column(arg.memory) == 0 && arg.offset_bytes <= UINT32_MAX - op_info(op).width_bytes;
}

void LowerSink::load(Op op, const binary::MemArg& arg) {
    const OpInfo& row = op_info(op);
    if (row.prefix != 0)
        return vector_load(op, arg);
    const ValType result = type_of(row.results[0]);
    const Value address = pop();
    if (!is_plain(op, arg)) {
        const uint32_t slot = stored_slot(address);
        begin_cell(m_handlers.general_accesses(op)[shared_column(arg.memory)]);
        word(pack(m_height, slot, arg.memory.value));
        word(arg.offset_bytes);
        push_stored(result);
        return;
    }
    if (load_of_sum(op, address, arg))
        return;
    const PlainAddress place = plain_address(op, address, arg.offset_bytes);
    Fusible fusible = fusible_here(op);
    fusible.a = place.slot;
    fusible.end_bytes = place.end_bytes;
    fusible.address = place.kind == Address::slot ? LoadAddress::slot : LoadAddress::accumulator;
    const auto& handlers = m_handlers.accesses(op);
    const uint32_t cell = begin_cell(handlers[shape_index(place.kind, Destination::slot)]);
    word(pack_wide(m_height, place.slot, place.end_bytes));
    push_produced(result, cell, handlers[shape_index(place.kind, Destination::accumulator)]);
    if (place.kind == Address::constant)
        return;
    fusible.cell = cell;
    m_fusible = fusible;
}

/// Decides where the address of a plain access is, using the value up.
LowerSink::PlainAddress LowerSink::plain_address(Op op, const Value& address, uint64_t offset_bytes) {
    const auto end = static_cast<uint32_t>(offset_bytes + op_info(op).width_bytes);
    if (address.kind == Value::Kind::constant) {
        const uint64_t sum = address.bits + end;
        if (sum <= UINT32_MAX)
            return {Address::constant, 0, static_cast<uint32_t>(sum)};
    }
    const uint32_t slot = stored_slot(address);
    const bool in_register = take(address) == Source::accumulator;
    return {in_register ? Address::accumulator : Address::slot, slot, end};
}

/// Slot plus immediate, in two fields.
bool LowerSink::is_short_sum(const Fusible& sum) noexcept {
    return sum.operands == Operands::si && is_short(sum.immediate);
}

/// Takes back the addition that made the address of a plain access, to do it in the access's cell.
std::optional<LowerSink::SumAddress> LowerSink::take_sum(Op op, const Value& address,
                                                         const binary::MemArg& arg) {
    const bool is_sum = is_last_result(address) && m_fusible.op == Op::i32_add &&
                        (m_fusible.operands < Operands::sa || is_short_sum(m_fusible));
    const uint64_t end = arg.offset_bytes + op_info(op).width_bytes;
    if (!is_sum || end > UINT16_MAX)
        return std::nullopt;
    const auto b =
        m_fusible.operands == Operands::si ? static_cast<uint32_t>(m_fusible.immediate) : m_fusible.b;
    const SumAddress sum{m_fusible.operands, m_fusible.a, b, static_cast<uint32_t>(end)};
    rewind_fusible();
    return sum;
}

/// base + index, or base + a constant that wraps around, then load: one cell.
bool LowerSink::load_of_sum(Op op, const Value& address, const binary::MemArg& arg) {
    const auto sum = take_sum(op, address, arg);
    if (!sum)
        return false;
    Fusible fusible = fusible_here(op);
    fusible.a = sum->a;
    fusible.b = sum->b;
    fusible.end_bytes = sum->end_bytes;
    fusible.address = sum->operands == Operands::ss   ? LoadAddress::sum_ss
                      : sum->operands == Operands::as ? LoadAddress::sum_as
                                                      : LoadAddress::sum_si;
    const auto& handlers = m_handlers.sum_loads(op);
    const uint32_t cell = begin_cell(handlers[shape_index(sum->operands, Destination::slot)]);
    word(pack(m_height, sum->a, sum->b, sum->end_bytes));
    push_produced(type_of(op_info(op).results[0]), cell,
                  handlers[shape_index(sum->operands, Destination::accumulator)]);
    fusible.cell = cell;
    m_fusible = fusible;
    return true;
}

/// One cell for the last one, a load, and the instruction that uses what it loaded. If that cell traps it
/// is the load that does.
bool LowerSink::pair_with_load(Op op, Operands shape, const Value& other, ValType result) {
    const auto find = [&](const LoadPairKinds& kinds, auto handlers) {
        const size_t index = kinds.index(m_fusible.op, m_fusible.address, op, shape);
        return index == kinds.count() ? nullptr : &(m_handlers.*handlers)()[index];
    };
    const std::array<Entry, 2>* const handlers =
        result.kind() == ValType::i32   ? find(load_pairs_i32, &HandlerTable::load_pairs)
        : result.kind() == ValType::f64 ? find(load_pairs_f64, &HandlerTable::double_load_pairs)
                                        : nullptr;
    if (handlers == nullptr)
        return false;
    const Fusible load = m_fusible;
    const CellOrigin origin = last_origin();
    rewind_fusible();
    const uint32_t cell = begin_cell((*handlers)[static_cast<size_t>(Destination::slot)]);
    restore_origin(cell, origin);
    const uint32_t other_slot = other.kind == Value::Kind::local ? local_slot(other.local) : other.slot;
    word(pack(m_height, load.a, load.b, other_slot));
    word(load.end_bytes | (other.kind == Value::Kind::constant ? other.bits << 32 : 0));
    push_produced(result, cell, (*handlers)[static_cast<size_t>(Destination::accumulator)]);
    return true;
}

void LowerSink::store(Op op, const binary::MemArg& arg) {
    if (op_info(op).prefix != 0)
        return vector_store(op, arg);
    const Value value = pop();
    const Value address = pop();
    if (!is_plain(op, arg)) {
        const uint32_t address_slot = stored_slot(address);
        const uint32_t value_slot = stored_slot(value);
        begin_cell(m_handlers.general_accesses(op)[shared_column(arg.memory)]);
        word(pack(value_slot, address_slot, arg.memory.value));
        word(arg.offset_bytes);
        return;
    }
    const bool is_constant = value.kind == Value::Kind::constant;
    if (const auto sum = take_sum(op, address, arg)) {
        const auto& handlers = m_handlers.sum_stores(op);
        const StoredValue stored = is_constant ? StoredValue::immediate : StoredValue::slot;
        const uint32_t slot = is_constant ? 0 : stored_slot(value);
        begin_cell(handlers[shape_index(sum->operands, stored)]);
        word(pack(slot, sum->a, sum->b, sum->end_bytes));
        if (is_constant)
            word(value.bits);
        return;
    }
    // One integer accumulator: where both could be in it, a temporary goes first, since its slot need
    // not be written then.
    const bool value_first =
        !is_constant && in_accumulator(value) &&
        (is_float(value.type) || !in_accumulator(address) || value.kind == Value::Kind::temporary);
    StoredValue stored = is_constant ? StoredValue::immediate : StoredValue::slot;
    const uint32_t value_slot = is_constant ? 0 : stored_slot(value);
    if (value_first && take(value) == Source::accumulator)
        stored = StoredValue::accumulator;
    const PlainAddress place = plain_address(op, address, arg.offset_bytes);
    begin_cell(m_handlers.accesses(op)[shape_index(place.kind, stored)]);
    word(pack_wide(value_slot, place.slot, place.end_bytes));
    if (is_constant)
        word(value.bits);
}

/// Operands in slots, address first; the result, if any, in its slot only.
void LowerSink::atomic(const binary::Instr& instr) {
    const OpInfo& row = op_info(instr.op);
    const Word handler = m_handlers.atomics(instr.op);
    if (row.imm != Imm::memarg) {  // atomic.fence
        begin_cell(handler);
        return;
    }
    std::array<Value, 3> operands;
    const size_t count = row.params.size();
    for (size_t i = count; i-- > 0;)
        operands[i] = pop();
    std::array<uint32_t, 3> slots{};
    for (size_t i = 0; i < count; ++i)
        slots[i] = stored_slot(operands[i]);
    begin_cell(handler);
    word(pack(m_height, slots[0], slots[1], slots[2]));
    word(instr.memarg.offset_bytes);
    word(instr.memarg.memory.value);
    if (!row.results.empty())
        push_stored(type_of(row.results[0]));
}

void LowerSink::memory_size(MemIdx memory) {
    begin_cell(Single::memory_size);
    word(pack(m_height, memory.value, m_info.module->memories[memory.value].type.page_size_log2));
    push_stored(address_type(memory));
}

void LowerSink::memory_grow(MemIdx memory) {
    const uint32_t delta = stored_slot(pop());
    begin_cell(Single::memory_grow);
    word(pack(m_height, delta, memory.value, address_type(memory) == ValType(ValType::i64) ? 1 : 0));
    push_stored(address_type(memory));
    forget_accumulators();
}

}  // namespace wsb::lower
