// SPDX-License-Identifier: Apache-2.0
// Structures, arrays and casts in the folding translator, and where references lie when a collection
// comes.
#include "engine/lower/lower_sink.h"
#include "engine/validate/fuel_cost.h"

#include <algorithm>

namespace wsb::lower {

namespace {

[[nodiscard]] FieldKind field_kind(const StorageType& storage, bool is_signed) noexcept {
    if (storage.packing == StorageType::i8)
        return is_signed ? FieldKind::i8_s : FieldKind::i8_u;
    if (storage.packing == StorageType::i16)
        return is_signed ? FieldKind::i16_s : FieldKind::i16_u;
    switch (storage.type.kind()) {
        case ValType::i32: return FieldKind::i32;
        case ValType::f32: return FieldKind::f32;
        case ValType::f64: return FieldKind::f64;
        case ValType::v128: return FieldKind::v128;
        default: return FieldKind::i64;
    }
}

/// The type on the stack of a field: packed ones are i32.
[[nodiscard]] ValType unpacked(const FieldType& field) noexcept {
    return field.storage.packing == StorageType::unpacked ? field.storage.type : ValType(ValType::i32);
}

[[nodiscard]] ValType defined_reference(uint32_t type) noexcept {
    return ValType::reference(HeapType(TypeIdx(type)), false);
}

/// Values that an instruction on a whole array takes.
[[nodiscard]] size_t array_bulk_operands(const binary::Instr& instr) noexcept {
    switch (instr.op) {
        case Op::array_new_default: return 1;
        case Op::array_new_fixed: return instr.index2;
        case Op::array_fill:
        case Op::array_init_data:
        case Op::array_init_elem: return 4;
        case Op::array_copy: return 5;
        default: return 2;
    }
}

}  // namespace

void LowerSink::gc(const binary::Instr& instr) {
    switch (instr.op) {
        case Op::struct_new:
        case Op::struct_new_default:
        case Op::struct_new_desc:
        case Op::struct_new_default_desc: return struct_new(instr);
        case Op::ref_get_desc: return get_descriptor(instr);
        case Op::ref_cast_desc_eq:
        case Op::ref_cast_desc_eq_null: return descriptor_cast(instr);
        case Op::struct_get:
        case Op::struct_get_s:
        case Op::struct_get_u: return struct_get(instr);
        case Op::struct_set: return struct_set(instr);
        case Op::array_get:
        case Op::array_get_s:
        case Op::array_get_u: return array_get(instr);
        case Op::array_set: return array_set(instr);
        case Op::array_len: return reference_to_number(Single::array_len);
        case Op::i31_get_s: return reference_to_number(Single::i31_get_s);
        case Op::i31_get_u: return reference_to_number(Single::i31_get_u);
        case Op::ref_test:
        case Op::ref_test_null: return ref_test(instr.heap, takes_null(instr.op));
        case Op::ref_cast:
        case Op::ref_cast_null: return ref_cast(instr.heap, takes_null(instr.op));
        case Op::ref_i31: {
            const uint32_t slot = stored_slot(pop());
            begin_cell(Single::ref_i31);
            word(pack(m_height, slot));
            return push_stored(ValType::reference(HeapType::i31, false));
        }
        // Only the type changes: host references and objects look alike in both hierarchies.
        case Op::any_convert_extern: m_stack.back().type = ValType::reference(HeapType::any, true); return;
        case Op::extern_convert_any: m_stack.back().type = ValType::externref(); return;
        default: return array_bulk(instr);
    }
}

/// Fields and then the descriptor go to their canonical slots; the cell may collect before it takes them.
void LowerSink::struct_new(const binary::Instr& instr) {
    const SubType& type = m_info.module->types[instr.index];
    const bool has_values = instr.op == Op::struct_new || instr.op == Op::struct_new_desc;
    const size_t count = (has_values ? type.structure()->fields.size() : 0) + (type.descriptor ? 1 : 0);
    if (count != 0)
        move_values(count, m_stack[m_stack.size() - count].slot);
    const uint32_t descriptor = type.descriptor ? m_stack.back().slot : 0;
    if (type.descriptor)
        begin_cell(has_values ? Single::struct_new_desc : Single::struct_new_default_desc);
    else
        begin_cell(has_values ? Single::struct_new : Single::struct_new_default);
    note_roots();
    for (size_t i = 0; i < count; ++i)
        pop();
    word(pack_wide(m_height, descriptor, instr.index));
    push_stored(defined_reference(instr.index));
    forget_accumulators();
}

void LowerSink::push_field(const FieldType& field, uint32_t cell) {
    const ValType type = unpacked(field);
    if (slot_width(type) == 2)
        push_stored(type);
    else
        push_produced(type, cell, m_words[cell]);
}

void LowerSink::struct_get(const binary::Instr& instr) {
    const FieldType& field = m_info.module->types[instr.index].structure()->fields[instr.index2];
    const FieldKind kind = field_kind(field.storage, instr.op == Op::struct_get_s);
    const uint32_t object = stored_slot(pop());
    const uint32_t cell = begin_cell(m_handlers.struct_get[static_cast<size_t>(kind)]);
    word(pack_wide(m_height, object, m_info.module->struct_layouts[instr.index].offsets_bytes[instr.index2]));
    push_field(field, cell);
}

void LowerSink::struct_set(const binary::Instr& instr) {
    const FieldType& field = m_info.module->types[instr.index].structure()->fields[instr.index2];
    const Value value = pop();
    const uint32_t object = stored_slot(pop());
    const uint32_t value_slot = stored_slot(value);
    begin_cell(m_handlers.struct_set[static_cast<size_t>(field_kind(field.storage, false))]);
    word(pack_wide(value_slot, object,
                   m_info.module->struct_layouts[instr.index].offsets_bytes[instr.index2]));
}

void LowerSink::array_get(const binary::Instr& instr) {
    const FieldType& field = m_info.module->types[instr.index].array()->field;
    const FieldKind kind = field_kind(field.storage, instr.op == Op::array_get_s);
    const uint32_t index = stored_slot(pop());
    const uint32_t object = stored_slot(pop());
    const uint32_t cell = begin_cell(m_handlers.array_get[static_cast<size_t>(kind)]);
    word(pack(m_height, object, index));
    push_field(field, cell);
}

void LowerSink::array_set(const binary::Instr& instr) {
    const FieldType& field = m_info.module->types[instr.index].array()->field;
    const uint32_t value = stored_slot(pop());
    const uint32_t index = stored_slot(pop());
    const uint32_t object = stored_slot(pop());
    begin_cell(m_handlers.array_set[static_cast<size_t>(field_kind(field.storage, false))]);
    word(pack(value, object, index));
}

/// Like LowerSink::bulk: it settles, charges for its elements, and runs whole or not at all.
void LowerSink::array_bulk(const binary::Instr& instr) {
    const size_t operands = array_bulk_operands(instr);
    flush_locals();
    flush_constants(operands);
    const uint32_t cost = validate::static_cost(*m_info.module, instr);
    const uint32_t settle = m_form == Form::stepping ? 0 : *m_info.potential - cost;
    settlement_point();
    begin_cell(Single::array_bulk);
    if (m_has_origins)
        m_origins.back().potential = 0;  // the cell settles before it can trap
    note_roots();
    for (size_t i = 0; i < operands; ++i)
        pop();
    word(pack_wide(m_height, static_cast<uint32_t>(instr.op), settle));
    word(static_cast<Word>(instr.index) | static_cast<Word>(instr.index2) << 32);
    word(static_cast<Word>(cost) | (m_form == Form::stepping ? Word{1} << 32 : 0));
    const bool is_new = instr.op <= Op::array_new_elem;
    if (is_new)
        push_stored(defined_reference(instr.index));
    forget_accumulators();
}

/// array.len, i31.get
void LowerSink::reference_to_number(Single which) {
    const uint32_t slot = stored_slot(pop());
    const uint32_t cell = begin_cell(which);
    word(pack(m_height, slot));
    push_produced(ValType::i32, cell, m_words[cell]);
}

/// The target of a cast: a heap type in the engine's numbers, and whether null passes.
Word LowerSink::cast_target(HeapType heap, bool takes_null) const noexcept {
    const HeapType canonical =
        heap.is_defined() ? heap.with_index(TypeIdx(m_info.module->canonical_types[heap.type_index().value]))
                          : heap;
    return Word{canonical.bits()} | (takes_null ? Word{1} << 32 : 0);
}

/// Tests the reference in `slot` and leaves the answer on top of the stack.
void LowerSink::emit_ref_test(uint32_t slot, HeapType heap, bool takes_null) {
    const uint32_t cell = begin_cell(Single::ref_test);
    word(pack(m_height, slot));
    word(cast_target(heap, takes_null));
    push_produced(ValType::i32, cell, m_words[cell]);
}

void LowerSink::ref_test(HeapType heap, bool takes_null) {
    const uint32_t slot = stored_slot(pop());
    emit_ref_test(slot, heap, takes_null);
}

void LowerSink::ref_cast(HeapType heap, bool takes_null) {
    const uint32_t slot = stored_slot(pop());
    begin_cell(Single::ref_cast);
    word(pack(m_height, slot));
    word(cast_target(heap, takes_null));
    push_stored(ValType::reference(heap, takes_null));
}

void LowerSink::get_descriptor(const binary::Instr& instr) {
    const uint32_t object = stored_slot(pop());
    begin_cell(Single::ref_get_desc);
    word(pack_wide(m_height, object, m_info.module->struct_layouts[instr.index].descriptor_offset_bytes));
    push_stored(defined_reference(m_info.module->types[instr.index].descriptor->value));
}

void LowerSink::descriptor_cast(const binary::Instr& instr) {
    const Value descriptor = pop();
    const uint32_t slot = stored_slot(pop());
    const uint32_t descriptor_slot = stored_slot(descriptor);
    begin_cell(Single::ref_cast_desc);
    word(pack(m_height, slot, descriptor_slot, takes_null(instr.op) ? 1 : 0));
    push_stored(ValType::reference(instr.heap, takes_null(instr.op)));
}

/// Pops a descriptor and leaves whether the reference below it has it.
void LowerSink::emit_descriptor_test(bool takes_null) {
    const uint32_t descriptor = stored_slot(pop());
    const uint32_t slot = stored_slot(m_stack.back());
    const uint32_t cell = begin_cell(Single::ref_test_desc);
    word(pack(m_height, slot, descriptor, takes_null ? 1 : 0));
    push_produced(ValType::i32, cell, m_words[cell]);
}

void LowerSink::cast_test(const binary::Instr& instr) {
    const bool takes_null = (instr.cast_flags & 2) != 0;
    if (op_info(instr.op).params.size() == 2)
        emit_descriptor_test(takes_null);
    else
        emit_ref_test(stored_slot(m_stack.back()), instr.heap2, takes_null);
}

/// The operand stays on the stack: both ways go on with it.
void LowerSink::br_on_cast(const binary::Instr& instr, ValType) {
    cast_test(instr);
    Condition condition = pop_condition();
    if (instr.op == Op::br_on_cast_fail || instr.op == Op::br_on_cast_desc_eq_fail)
        condition = inverse(condition);
    branch_if(instr.index, condition);
}

/// Whether the collector follows references of this type: all but those to functions.
bool LowerSink::is_traced(ValType type) const noexcept {
    if (!type.is_ref())
        return false;
    if (type.heap().is_defined())
        return m_info.module->types[type.heap().type_index().value].func() == nullptr;
    return !type.heap().is(HeapType::func) && !type.heap().is(HeapType::nofunc);
}

/// Where the frame holds references while the last cell runs, if anybody wants to know. Values whose
/// kind is not temporary are locals, which are listed anyway, or null.
void LowerSink::note_roots() {
    if (m_recording == nullptr || !std::ranges::binary_search(m_recording->wanted_roots, m_last_cell))
        return;
    RootSet& roots = m_recording->roots.emplace_back();
    roots.word = m_last_cell;
    for (size_t i = 0; i < m_info.locals.size(); ++i)
        if (is_traced(m_info.locals[i]))
            roots.slots.push_back(local_slot(static_cast<uint32_t>(i)));
    for (const Value& value : m_stack)
        if (value.kind == Value::Kind::temporary && is_traced(value.type))
            roots.slots.push_back(value.slot);
}

}  // namespace wsb::lower
