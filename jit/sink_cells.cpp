// SPDX-License-Identifier: Apache-2.0
// Cells of the interpreter in machine code: for instructions that have no code of their own, for calls that
// leave the module, and as the places that callees return to and that fuel is asked for at. A cell lies in
// the data behind the code and is followed by a word with the address where the code goes on, which is what
// a handler jumps to when it has done its work.
#include "engine/validate/fuel_cost.h"
#include "jit/machine_sink.h"

#include <algorithm>

namespace wsb::jit {

using lower::slot_count;
using lower::slot_width;
using lower::Word;

namespace {

[[nodiscard]] constexpr int32_t bytes_of(size_t slots) noexcept {
    return static_cast<int32_t>(slots * sizeof(runtime::Slot));
}

/// Values that an instruction takes. Those with as many as the module says are told apart.
[[nodiscard]] size_t operands_of_gc(const Module& module, const binary::Instr& instr) noexcept {
    switch (instr.op) {
        case Op::struct_new:
        case Op::struct_new_desc:
        case Op::struct_new_default:
        case Op::struct_new_default_desc: {
            const SubType& type = module.types[instr.index];
            const bool has_values = instr.op == Op::struct_new || instr.op == Op::struct_new_desc;
            return (has_values ? type.structure()->fields.size() : 0) + (type.descriptor ? 1 : 0);
        }
        case Op::array_new_fixed: return instr.index2;
        case Op::array_fill:
        case Op::array_init_data:
        case Op::array_init_elem: return 4;
        case Op::array_copy: return 5;
        case Op::array_set: return 3;
        case Op::struct_set:
        case Op::array_get:
        case Op::array_get_s:
        case Op::array_get_u:
        case Op::array_new:
        case Op::array_new_data:
        case Op::array_new_elem:
        case Op::ref_cast_desc_eq:
        case Op::ref_cast_desc_eq_null: return 2;
        default: return 1;
    }
}

}  // namespace

/// @param continuation label where the code goes on. @return which of m_cells it is.
uint32_t MachineSink::add_cell(std::span<const Word> words, uint32_t continuation) {
    Cell& cell = m_cells.add();
    cell.first_word = static_cast<uint32_t>(m_cell_words.size());
    cell.words = static_cast<uint32_t>(words.size());
    cell.continuation = continuation;
    cell.offset_bytes = instr_offset();
    cell.potential = potential();
    cell.catching = m_inside;
    Word* const room = m_cell_words.room_for(words.size());
    m_cell_words.end_at(std::ranges::copy(words, room).out);
    return static_cast<uint32_t>(m_cells.size() - 1);
}

/// A settlement point whose cell brings pins back and goes to `target`, which an indirect jump arrives at.
/// @return which of m_cells it is.
uint32_t MachineSink::add_point(uint32_t target, uint32_t at_potential) {
    if (m_resume == none)
        m_resume = new_label();
    const uint32_t added = add_cell({}, m_resume);
    Cell& cell = m_cells[added];
    cell.target = target;
    cell.potential = at_potential;
    cell.point = new_point();
    return added;
}

/// Hands over to the interpreter at a cell of this function: registers as its handlers have them.
void MachineSink::jump_to_cell(uint32_t cell) {
    m_code.load(Width::w64, reg::context, {reg::instance, offsetof(runtime::VmInstance, context)});
    m_code.lea(reg::scratch, m_cells[cell].here);
    m_code.jump(Mem{reg::scratch, 0});
}

/// Before a cell: its `operands` topmost values lie in their slots, and nothing is left in registers.
void MachineSink::prepare_cell(size_t operands, bool settles) {
    if (settles)
        settle_stack();
    else
        settle_registers();
    settle_top(operands);
    store_pins();
    forget_pins();
}

/// Before the lowering makes cells of one instruction: it begins a function with the first that needs it.
void MachineSink::isolate(std::span<const ValType> operands, uint32_t first_slot) {
    if (!m_has_begun_lowering)
        m_lowering.begin(m_info);
    m_has_begun_lowering = true;
    m_lowering.isolate(operands, first_slot);
}

/// Runs what the lowering has made, and goes on behind it.
void MachineSink::run_cell(bool settles) {
    const uint32_t continuation = new_label();
    const uint32_t added = add_cell(m_lowering.isolated_words(), continuation);
    if (settles) {
        m_cells[added].point = new_point();
        m_cells[added].potential = 0;  // it settles before it can trap
    }
    jump_to_cell(added);
    m_code.bind(label(continuation));
    m_code.endbr64();
}

/// Has the lowering make the cell of one instruction that takes so many operands, and runs it. Cells that
/// settle are settlement points themselves.
template <class Hook>
void MachineSink::by_cell(size_t operands, Hook hook, bool settles) {
    prepare_cell(operands, settles);
    std::vector<ValType> types;
    types.reserve(operands);
    for (size_t i = m_stack.size() - operands; i < m_stack.size(); ++i)
        types.push_back(m_stack[i].type);
    const uint32_t first_slot = m_height - slot_count(types);
    isolate(types, first_slot);
    hook();
    for (size_t i = 0; i < operands; ++i)
        static_cast<void>(pop());
    if (!m_lowering.isolated_words().empty())
        run_cell(settles);
    for (const ValType type : m_lowering.isolated_results())
        push(Value::Kind::slot, type);
}

void MachineSink::wide(Op op) {
    by_cell(op_info(op).params.size(), [&] { m_lowering.wide(op); });
}
void MachineSink::memory_size(MemIdx memory) {
    const MemoryType& type = m_info.module->memories[memory.value].type;
    if (memory.value == 0 && !type.is_shared) {
        const Gpr to = take_gpr();
        m_code.mov(Width::w64, to, reg::memory_size);
        if (type.page_size_log2 != 0)
            m_code.shift(Width::w64, Shift::shr, to, static_cast<uint8_t>(type.page_size_log2));
        return push_gpr(to, val_type(type.address));
    }
    by_cell(0, [&] { m_lowering.memory_size(memory); });
}
void MachineSink::memory_grow(MemIdx memory) {
    by_cell(1, [&] { m_lowering.memory_grow(memory); });
}
void MachineSink::table_get(TableIdx table, ValType type) {
    by_cell(1, [&] { m_lowering.table_get(table, type); });
}
void MachineSink::table_set(TableIdx table, ValType type) {
    by_cell(2, [&] { m_lowering.table_set(table, type); });
}
void MachineSink::table_size(TableIdx table) {
    by_cell(0, [&] { m_lowering.table_size(table); });
}
void MachineSink::bulk(const binary::Instr& instr) {
    const bool is_drop = instr.op == Op::data_drop || instr.op == Op::elem_drop;
    by_cell(is_drop ? 0 : instr.op == Op::table_grow ? 2 : 3, [&] { m_lowering.bulk(instr); }, true);
}
void MachineSink::atomic(const binary::Instr& instr) {
    by_cell(op_info(instr.op).params.size(), [&] { m_lowering.atomic(instr); });
}
void MachineSink::cell_of_simd(const binary::Instr& instr) {
    by_cell(op_info(instr.op).params.size(), [&] { m_lowering.simd(instr); });
}
void MachineSink::gc(const binary::Instr& instr) {
    by_cell(
        operands_of_gc(*m_info.module, instr), [&] { m_lowering.gc(instr); },
        validate::is_array_bulk(instr.op));
}
void MachineSink::ref_func(FuncIdx func) {
    by_cell(0, [&] { m_lowering.ref_func(func); });
}
void MachineSink::ref_eq() {
    by_cell(2, [&] { m_lowering.ref_eq(); });
}
void MachineSink::throw_(TagIdx tag, const FuncType& type) {
    by_cell(type.params.size(), [&] { m_lowering.throw_(tag, type); });
}
void MachineSink::throw_ref() {
    by_cell(1, [&] { m_lowering.throw_ref(); });
}

/// Tests the reference on top of the stack, and leaves the answer in the flags.
Condition MachineSink::cast_condition(const binary::Instr& instr) {
    by_cell(op_info(instr.op).params.size(), [&] { m_lowering.cast_test(instr); });
    return pop_condition();
}

void MachineSink::ref_is_null() {
    int_is_zero(Width::w64);
}

void MachineSink::ref_as_non_null(ValType) {
    Value x = pop();
    // To the interpreter, whose root maps the collector follows, it is no local any more.
    const Gpr reg = to_owned_gpr(x);
    m_code.test(Width::w64, reg, reg);
    m_code.jump(Condition::equal, label(trap(TrapCode::null_reference)));
    x.type = x.type.as_non_null();
    push(x);
}

/// Before a call: arguments lie in their slots, and everything else where nobody takes it away.
void MachineSink::prepare_call(std::span<const ValType> params) {
    settle_stack();  // what comes back is a settlement point
    settle_top(params.size());
    store_pins();
    forget_pins();
    for (size_t i = 0; i < params.size(); ++i)
        static_cast<void>(pop());
}

/// A single result is in its accumulator as well as in its slot.
void MachineSink::after_call(const FuncType& type) {
    if (type.results.size() != 1 || slot_width(type.results[0]) == 2)
        return push_results(type.results);
    const ValType result = type.results[0];
    if (lower::is_float(result)) {
        m_free_xmms &= ~bit(reg::float_result);
        push_xmm(reg::float_result, result);
    } else {
        m_free_gprs &= ~bit(reg::int_result);
        push_gpr(reg::int_result, result);
    }
}

/// A call in line, with the cell that does it where it cannot: the last one until it is over.
void MachineSink::add_call(const Word (&words)[call_words]) {
    add_cell(words, none);
    m_cells.back().return_point = new_point();
}

/// @return where a call goes that is left to the handler of the cell that was added last.
uint32_t MachineSink::leave_to_handler() {
    const uint32_t by_handler = new_label();
    m_handler_exits.push_back({by_handler, static_cast<uint32_t>(m_cells.size() - 1)});
    return by_handler;
}

/// Calls a function of this module. Whether it fits is for the callee to find out (enter_natively).
void MachineSink::local_call(FuncIdx func, const FuncType& type) {
    const uint32_t body = func.value - m_info.module->imported_funcs;
    const lower::Code& callee = m_options.codes[body];
    prepare_call(type.params);
    const Word words[call_words] = {lower::handler_of(m_options.handlers.of(lower::Single::call_local)),
                                    lower::pack_wide(m_height, 0, potential()),
                                    reinterpret_cast<Word>(&callee)};
    add_call(words);
    m_cells.back().callee = body;
    put_return();
    m_code.call_later();
    m_calls.push_back({m_code.position(), body});
    bind_return();
    after_call(type);
}

void MachineSink::call(FuncIdx func, const FuncType& type, bool is_tail) {
    if (is_tail)
        return by_cell(type.params.size(), [&] { m_lowering.call(func, type, true); });
    if (m_info.module->is_imported(func))
        return import_call(func, type);
    local_call(func, type);
}

void MachineSink::call_indirect(TypeIdx type_index, TableIdx table, const FuncType& type, bool is_tail) {
    if (is_tail)
        return by_cell(type.params.size() + 1,
                       [&] { m_lowering.call_indirect(type_index, table, type, true); });
    const CanonId expected = m_info.module->canonical_types[type_index.value];
    Value index = pop();
    const Gpr held = to_owned_gpr(index);
    store_value(index, index.slot);  // for the handler
    prepare_call(type.params);
    add_call({lower::handler_of(m_options.handlers.of(lower::Single::call_indirect)),
              lower::pack_wide(m_height, index.slot, potential()),
              static_cast<Word>(table.value) | static_cast<Word>(expected) << 32});
    if (held != Gpr::rdi)
        m_code.mov(Width::w64, Gpr::rdi, held);
    release(index);
    const uint32_t by_handler = leave_to_handler();
    find_indirect(table, expected, by_handler);
    enter_found(by_handler);
    after_call(type);
}

/// The function at the index in rdi, to rax; whatever is wrong with it is left to the handler. An index out
/// of bounds is 0 to a processor that guesses on.
void MachineSink::find_indirect(TableIdx table, CanonId expected, uint32_t by_handler) {
    m_code.load(Width::w64, reg::scratch, {reg::instance, offsetof(runtime::VmInstance, tables)});
    m_code.load(Width::w64, reg::scratch,
                {reg::scratch, static_cast<int32_t>(table.value * sizeof(runtime::VmTable*))});
    m_code.mov_immediate(Gpr::rax, 0);
    m_code.alu(Width::w64, Alu::cmp, Gpr::rdi, Mem{reg::scratch, offsetof(runtime::VmTable, size)});
    m_code.cmov(Width::w64, Condition::above_equal, Gpr::rdi, Gpr::rax);
    m_code.jump(Condition::above_equal, label(by_handler));
    m_code.load(Width::w64, reg::scratch, {reg::scratch, offsetof(runtime::VmTable, elements)});
    m_code.load(Width::w64, Gpr::rax, {reg::scratch, Gpr::rdi, 0, 3});
    m_code.test(Width::w64, Gpr::rax, Gpr::rax);
    m_code.jump(Condition::equal, label(by_handler));
    static_assert(sizeof(CanonId) == 4);
    m_code.alu(Width::w32, Alu::cmp, Mem{Gpr::rax, offsetof(runtime::VmFunc, type)},
               static_cast<int32_t>(expected));
    m_code.jump(Condition::not_equal, label(by_handler));
}

/// Calls the function that rax points to, if it is one of this instance. A processor that guessed where the
/// call goes learns from the entry whether it was right: one load less on the way to it is that much less
/// time lost. What may get its machine code later wants its Code in the accumulator. The call leads to a
/// jump: of what is entered by an indirect `call`, not every processor foresees the return (ADR 13).
void MachineSink::enter_found(uint32_t by_handler) {
    m_code.alu(Width::w64, Alu::cmp, reg::instance, Mem{Gpr::rax, offsetof(runtime::VmFunc, instance)});
    m_code.jump(Condition::not_equal, label(by_handler));
    put_return();
    if (!m_options.are_entries_final)
        m_code.load(Width::w64, reg::int_result, {Gpr::rax, offsetof(runtime::VmFunc, code)});
    m_entry_jumps.push_back(new_label());
    m_code.call(label(m_entry_jumps.back()));
    bind_return();
}

/// What a callee gets (registers.h), the fuel that is due, and its frame.
void MachineSink::put_return() {
    m_code.lea(reg::return_cell, m_cells.back().return_word);
    m_code.mov(Width::w64, reg::caller_frame, reg::frame);
    m_code.alu(Width::w64, Alu::add, reg::frame, bytes_of(m_height));
    take_fuel(potential());
}

/// Behind a `call`: machine code returns with its own frame.
void MachineSink::bind_return() {
    Cell& cell = m_cells.back();
    cell.native_back = m_code.position();
    m_code.alu(Width::w64, Alu::sub, reg::frame, bytes_of(m_height));
    cell.back = m_code.position();
    m_code.endbr64();
}

void MachineSink::call_ref(TypeIdx type_index, const FuncType& type, bool is_tail) {
    if (is_tail)
        return by_cell(type.params.size() + 1, [&] { m_lowering.call_ref(type_index, type, true); });
    Value callee = pop();
    const Gpr held = to_owned_gpr(callee);
    store_value(callee, callee.slot);  // for the handler
    prepare_call(type.params);
    add_call({lower::handler_of(m_options.handlers.of(lower::Single::call_ref)),
              lower::pack_wide(m_height, callee.slot, potential()), 0});
    if (held != Gpr::rax)
        m_code.mov(Width::w64, Gpr::rax, held);
    release(callee);
    const uint32_t by_handler = leave_to_handler();
    m_code.test(Width::w64, Gpr::rax, Gpr::rax);
    m_code.jump(Condition::equal, label(by_handler));
    enter_found(by_handler);
    after_call(type);
}

// by_cell is a template of this file; others need these of its forms.
void MachineSink::cell_of_unary(Op op) {
    by_cell(1, [&] { m_lowering.unary(op); });
}
void MachineSink::cell_of_binary(Op op) {
    by_cell(2, [&] { m_lowering.binary(op); });
}
void MachineSink::cell_of_load(Op op, const binary::MemArg& arg) {
    by_cell(1, [&] { m_lowering.load(op, arg); });
}
void MachineSink::cell_of_store(Op op, const binary::MemArg& arg) {
    by_cell(2, [&] { m_lowering.store(op, arg); });
}

}  // namespace wsb::jit
