// SPDX-License-Identifier: Apache-2.0
// Values, memory and tables in the folding translator.
#include "engine/isa/nan_results.h"
#include "engine/lower/lower_sink.h"

#include <array>

namespace wsb::lower {

namespace {

[[nodiscard]] constexpr bool is_64_bit(ValType type) noexcept {
    return type.kind() == ValType::i64 || type.kind() == ValType::f64;
}

/// Integer operations whose operands may change places. Floats stay: which NaN wins would change.
[[nodiscard]] constexpr bool is_commutative(Op op) noexcept {
    switch (op) {
        case Op::i32_add:
        case Op::i32_mul:
        case Op::i32_and:
        case Op::i32_or:
        case Op::i32_xor:
        case Op::i64_add:
        case Op::i64_mul:
        case Op::i64_and:
        case Op::i64_or:
        case Op::i64_xor: return true;
        default: return false;
    }
}

/// The comparison that gives the same answer with its operands exchanged.
[[nodiscard]] constexpr Op exchanged(Op op) noexcept {
    switch (op) {
#define WSB_EXCHANGE(t, s)                    \
    case Op::t##_lt##s: return Op::t##_gt##s; \
    case Op::t##_gt##s: return Op::t##_lt##s; \
    case Op::t##_le##s: return Op::t##_ge##s; \
    case Op::t##_ge##s: return Op::t##_le##s;
        WSB_EXCHANGE(i32, _s)
        WSB_EXCHANGE(i32, _u)
        WSB_EXCHANGE(i64, _s)
        WSB_EXCHANGE(i64, _u)
        WSB_EXCHANGE(f32, )
        WSB_EXCHANGE(f64, )
#undef WSB_EXCHANGE
        default: return op;  // eq, ne
    }
}

}  // namespace

void LowerSink::drop(ValType) {
    pop();
}

void LowerSink::unary(Op op) {
    if (op == Op::i32_eqz || op == Op::i64_eqz) {
        // x == 0, so that branches need to know comparisons only
        push(Value::Kind::constant, op == Op::i32_eqz ? ValType::i32 : ValType::i64);
        compare(op == Op::i32_eqz ? Op::i32_eq : Op::i64_eq);
        return;
    }
    const OpInfo& row = op_info(op);
    const Value x = pop();
    const ValType result = type_of(row.results[0]);
    if (x.kind == Value::Kind::constant)
        emit_constant(x.slot, x.bits);
    const uint32_t slot = x.kind == Value::Kind::local ? local_slot(x.local) : x.slot;
    const Source source = take(x);
    const auto& handlers = m_handlers.numbers(op);
    const uint32_t cell = begin_cell(handlers[shape_index(source, Destination::slot)]);
    word(pack(m_height, slot));
    push_produced(result, cell, handlers[shape_index(source, Destination::accumulator)]);
    if (m_canonical_nans) [[unlikely]]
        canonicalize(op);
}

/// If the instruction may have made a NaN on top of the stack, it becomes the canonical one.
void LowerSink::canonicalize(Op op) {
    const NanResult where = nan_result(op);
    if (where == NanResult::none)
        return;
    const Value x = pop();
    if (slot_width(x.type) == 2) {
        const uint32_t cell = begin_cell(m_handlers.canonical_nan_lanes[where == NanResult::f64x2 ? 1 : 0]);
        word(pack(m_height, x.slot));
        push_stored(x.type);
        m_wide_cell = cell;
        return;
    }
    const auto& handlers = m_handlers.canonical_nan[where == NanResult::f64 ? 1 : 0];
    const Source source = take(x);
    const uint32_t cell = begin_cell(handlers[shape_index(source, Destination::slot)]);
    word(pack(m_height, x.slot));
    push_produced(x.type, cell, handlers[shape_index(source, Destination::accumulator)]);
}

void LowerSink::compare(Op op) {
    Value y = pop();
    Value x = pop();
    if (is_last_result(x) || is_last_result(y))
        m_compared = m_fusible;
    else
        m_compared.cell = none;
    numeric(op, x, y, ValType::i32);
}

void LowerSink::binary(Op op) {
    Value y = pop();
    Value x = pop();
    numeric(op, x, y, x.type);
    if (m_canonical_nans) [[unlikely]]
        canonicalize(op);
}

/// Operands in slots, both results in their slots: [low half][high half].
void LowerSink::wide(Op op) {
    std::array<Value, 4> operands;
    const size_t count = op_info(op).params.size();
    for (size_t i = count; i-- > 0;)
        operands[i] = pop();
    std::array<uint32_t, 4> slots{};
    for (size_t i = 0; i < count; ++i)
        slots[i] = stored_slot(operands[i]);
    begin_cell(m_handlers.wides(op));
    word(pack(m_height, slots[0], slots[1], slots[2]));
    if (count == 4)
        word(slots[3]);
    push_stored(ValType::i64);
    push_stored(ValType::i64);
}

/// Chooses the operand shape; x and y are popped (and may be exchanged), the result goes where x was.
void LowerSink::numeric(Op op, Value& x, Value& y, ValType result) {
    const bool is_compare = op_info(op).cls == OpClass::compare;
    if (x.kind == Value::Kind::constant && y.kind == Value::Kind::constant) {
        emit_constant(x.slot, x.bits);
        x.kind = Value::Kind::temporary;
    }
    const bool y_is_better_first =
        x.kind == Value::Kind::constant || (in_accumulator(y) && !in_accumulator(x));
    if (y_is_better_first && (is_compare || is_commutative(op))) {
        std::swap(x, y);
        if (is_compare)
            op = exchanged(op);
    }
    if (pair_with_last(op, x, y, result))
        return;
    const auto slot_of = [&](const Value& value) {
        return value.kind == Value::Kind::local ? local_slot(value.local) : value.slot;
    };
    const ValType operand = x.type;
    if (y.kind == Value::Kind::constant) {
        const auto shape = take(x) == Source::accumulator ? Operands::ai : Operands::si;
        emit_numeric(op, shape, slot_of(x), 0, y.bits, operand, result);
    } else if (x.kind == Value::Kind::constant) {
        const auto shape = take(y) == Source::accumulator ? Operands::ia : Operands::is;
        emit_numeric(op, shape, slot_of(y), 0, x.bits, operand, result);
    } else if (in_accumulator(x)) {
        take(x);
        emit_numeric(op, Operands::as, 0, slot_of(y), 0, operand, result);
    } else if (in_accumulator(y)) {
        take(y);
        emit_numeric(op, is_compare || is_commutative(op) ? Operands::as : Operands::sa, slot_of(x),
                     slot_of(x), 0, operand, result);
    } else {
        emit_numeric(op, Operands::ss, slot_of(x), slot_of(y), 0, operand, result);
    }
}

/// Whether a popped value is the result of the last cell, a numeric one that may be taken back.
bool LowerSink::is_last_result(const Value& value) const noexcept {
    const Accumulator& accumulator = is_float(value.type) ? m_float : m_int;
    return m_fusible.cell != none && m_fusible.cell == m_last_cell && value.kind == Value::Kind::temporary &&
           m_fusible.result_slot == value.slot && accumulator.cell == m_fusible.cell;
}

/// The handlers for the last cell and a second instruction; null if there are none.
const std::array<Word, 2>* LowerSink::find_pair(Op second, Operands shape) const noexcept {
    const auto find = [&](const PairKinds& kinds, auto handlers) {
        const size_t index = kinds.index(m_fusible.op, m_fusible.operands, second, shape);
        return index == kinds.count() ? nullptr : &(m_handlers.*handlers)()[index];
    };
    switch (op_info(second).params[0]) {
        case 'i': return find(pairs_i32, &HandlerTable::integer_pairs);
        case 'f': return find(pairs_f32, &HandlerTable::float_pairs);
        case 'd': return find(pairs_f64, &HandlerTable::double_pairs);
        default: return nullptr;
    }
}

/// One cell for the last one and this instruction, if that cell's result is an operand of it.
bool LowerSink::pair_with_last(Op op, const Value& x, const Value& y, ValType result) {
    const bool x_is_last = is_last_result(x);
    if (!x_is_last && !is_last_result(y))
        return false;
    const Value& other = x_is_last ? y : x;
    const bool is_immediate = other.kind == Value::Kind::constant;
    const Operands shape =
        is_immediate ? (x_is_last ? Operands::ai : Operands::ia) : (x_is_last ? Operands::as : Operands::sa);
    if (op_info(m_fusible.op).cls == OpClass::load)
        return pair_with_load(op, shape, other, result);
    const auto* const handlers = find_pair(op, shape);
    if (handlers == nullptr)
        return false;
    const Fusible first = m_fusible;
    rewind_fusible();
    const uint32_t cell = begin_cell((*handlers)[static_cast<size_t>(Destination::slot)]);
    const uint32_t other_slot = other.kind == Value::Kind::local ? local_slot(other.local) : other.slot;
    word(pack(m_height, first.a, first.b, other_slot));
    if (is_immediate || first.operands >= Operands::si)
        word(first.immediate | (is_immediate ? other.bits << 32 : 0));
    push_produced(result, cell, (*handlers)[static_cast<size_t>(Destination::accumulator)]);
    return true;
}

/// What must be known to take back the cell that comes next, whose result goes on top of the stack.
LowerSink::Fusible LowerSink::fusible_here(Op op) const noexcept {
    return {.op = op,
            .result_slot = m_height,
            .cell_before = m_last_cell,
            .prefix_before = m_prefix,
            .int_before = m_int,
            .float_before = m_float};
}

void LowerSink::emit_numeric(Op op, Operands operands, uint32_t a, uint32_t b, uint64_t immediate,
                             ValType operand, ValType result) {
    Fusible fusible = fusible_here(op);
    fusible.operands = operands;
    fusible.a = a;
    fusible.b = b;
    fusible.immediate = immediate;
    const auto& handlers = m_handlers.numbers(op);
    const uint32_t cell = begin_cell(handlers[shape_index(operands, Destination::slot)]);
    const bool has_immediate = operands >= Operands::si;
    if (!has_immediate) {
        word(pack(m_height, a, b));
    } else if (is_64_bit(operand)) {
        word(pack(m_height, a));
        word(immediate);
    } else {
        word(pack_wide(m_height, a, static_cast<uint32_t>(immediate)));
    }
    push_produced(result, cell, handlers[shape_index(operands, Destination::accumulator)]);
    fusible.cell = cell;
    m_fusible = fusible;
}

void LowerSink::local_set(LocalIdx local, ValType) {
    assign_local(local.value, pop());
}

void LowerSink::local_tee(LocalIdx local, ValType type) {
    assign_local(local.value, pop());
    local_get(local, type);
}

void LowerSink::global_get(GlobalIdx global, ValType type) {
    if (slot_width(type) == 2) {
        begin_cell(Single::global_get_wide);
        word(pack_wide(m_height, 0, global.value));
        push_stored(type);
        return;
    }
    const uint32_t cell = begin_cell(is_float(type) ? Single::global_get_float : Single::global_get);
    word(pack_wide(m_height, 0, global.value));
    push_produced(type, cell, m_words[cell]);
}

void LowerSink::global_set(GlobalIdx global, ValType type) {
    const uint32_t slot = stored_slot(pop());
    begin_cell(slot_width(type) == 2 ? Single::global_set_wide : Single::global_set);
    word(pack_wide(slot, 0, global.value));
}

void LowerSink::select(ValType type) {
    const Value condition = pop();
    const Value b = pop();
    const Value a = pop();
    const uint32_t a_slot = stored_slot(a);
    const uint32_t b_slot = stored_slot(b);
    const uint32_t condition_slot = stored_slot(condition);
    const bool wide = slot_width(type) == 2;
    const bool accumulator = !wide && take(condition) == Source::accumulator;
    if (wide) {
        begin_cell(Single::select_wide);
        word(pack(m_height, a_slot, b_slot, condition_slot));
        push_stored(type);
        return;
    }
    const Single which = is_float(type)
                             ? (accumulator ? Single::select_float_accumulator : Single::select_float_slot)
                             : (accumulator ? Single::select_int_accumulator : Single::select_int_slot);
    const uint32_t cell = begin_cell(which);
    word(pack(m_height, a_slot, b_slot, condition_slot));
    push_produced(type, cell, m_words[cell]);
}

ValType LowerSink::address_type(MemIdx memory) const noexcept {
    return val_type(m_info.module->memories[memory.value].type.address);
}

ValType LowerSink::address_type(TableIdx table) const noexcept {
    return val_type(m_info.module->tables[table.value].type.address);
}

void LowerSink::table_get(TableIdx table, ValType type) {
    const uint32_t index = stored_slot(pop());
    begin_cell(Single::table_get);
    word(pack_wide(m_height, index, table.value));
    push_stored(type);
}

void LowerSink::table_set(TableIdx table, ValType) {
    const Value value = pop();
    const Value index = pop();
    const uint32_t index_slot = stored_slot(index);
    const uint32_t value_slot = stored_slot(value);
    begin_cell(Single::table_set);
    word(pack_wide(value_slot, index_slot, table.value));
}

void LowerSink::table_size(TableIdx table) {
    begin_cell(Single::table_size);
    word(pack_wide(m_height, 0, table.value));
    push_stored(address_type(table));
}

/// Operands go to their canonical slots; the cell charges the static and the dynamic part together, so
/// that it either runs whole or not at all (docs/adr: metering).
void LowerSink::bulk(const binary::Instr& instr) {
    const bool is_drop = instr.op == Op::data_drop || instr.op == Op::elem_drop;
    const size_t operands = is_drop ? 0 : instr.op == Op::table_grow ? 2 : 3;
    flush_locals();
    flush_constants(operands);
    const uint32_t cost = op_info(instr.op).fuel;
    const uint32_t settle = m_form == Form::stepping ? 0 : *m_info.potential - cost;
    const bool on_table = op_info(instr.op).imm == Imm::elem_table ||
                          op_info(instr.op).imm == Imm::table_table || op_info(instr.op).imm == Imm::table;
    settlement_point();
    begin_cell(is_drop ? Single::bulk_drop : on_table ? Single::bulk_table : Single::bulk_memory);
    if (m_has_origins)
        m_origins.back().potential = 0;  // the cell settles before it can trap
    for (size_t i = 0; i < operands; ++i)
        pop();
    word(pack_wide(m_height, static_cast<uint32_t>(instr.op), settle));
    const bool grows_64_bit =
        instr.op == Op::table_grow && address_type(TableIdx(instr.index)) == ValType(ValType::i64);
    const Word index2 = instr.op == Op::table_grow ? (grows_64_bit ? 1 : 0) : instr.index2;
    word(static_cast<Word>(instr.index) | index2 << 32);
    word(static_cast<Word>(cost) | (m_form == Form::stepping ? Word{1} << 32 : 0));
    if (instr.op == Op::table_grow)
        push_stored(address_type(TableIdx(instr.index)));
    forget_accumulators();
}

void LowerSink::ref_null(ValType type) {
    push(Value::Kind::constant, type);
}

void LowerSink::ref_func(FuncIdx func) {
    begin_cell(Single::ref_func);
    word(pack_wide(m_height, 0, func.value));
    push_stored(ValType::reference(HeapType::func, false));
}

void LowerSink::ref_is_null() {
    const uint32_t slot = stored_slot(pop());
    begin_cell(Single::ref_is_null);
    word(pack(m_height, slot));
    push_stored(ValType::i32);
}

void LowerSink::ref_eq() {
    const Value y = pop();
    const Value x = pop();
    const uint32_t x_slot = stored_slot(x);
    const uint32_t y_slot = stored_slot(y);
    begin_cell(Single::ref_eq);
    word(pack(m_height, x_slot, y_slot));
    push_stored(ValType::i32);
}

void LowerSink::ref_as_non_null(ValType type) {
    const uint32_t slot = stored_slot(pop());
    begin_cell(Single::ref_as_non_null);
    word(pack(m_height, slot));
    push_stored(type.as_non_null());
}

}  // namespace wsb::lower
