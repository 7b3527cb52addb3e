// SPDX-License-Identifier: Apache-2.0
// Loads, stores, globals. Where a 32-bit memory 0 has a guard region, accesses are noted instead of checked:
// index, offset and width never reach beyond it, and what runs into it is a trap (fault_handler.h). Elsewhere
// they are checked against the memory's size in a register, unless one that reaches as far from the same
// local was checked before on the same straight line: memories only grow. Spec:
// exec/instructions#memory-instructions
#include "jit/machine_sink.h"

namespace wsb::jit {

namespace {

struct LoadForm {
    unsigned bytes = 0;
    bool is_signed = false;
    Width width{};
    ValType type;
};

[[nodiscard]] LoadForm load_form(Op op) noexcept {
    switch (op) {
        case Op::i32_load: return {4, false, Width::w32, ValType::i32};
        case Op::i32_load8_s: return {1, true, Width::w32, ValType::i32};
        case Op::i32_load8_u: return {1, false, Width::w32, ValType::i32};
        case Op::i32_load16_s: return {2, true, Width::w32, ValType::i32};
        case Op::i32_load16_u: return {2, false, Width::w32, ValType::i32};
        case Op::i64_load: return {8, false, Width::w64, ValType::i64};
        case Op::i64_load8_s: return {1, true, Width::w64, ValType::i64};
        case Op::i64_load8_u: return {1, false, Width::w64, ValType::i64};
        case Op::i64_load16_s: return {2, true, Width::w64, ValType::i64};
        case Op::i64_load16_u: return {2, false, Width::w64, ValType::i64};
        case Op::i64_load32_s: return {4, true, Width::w64, ValType::i64};
        default: return {4, false, Width::w64, ValType::i64};
    }
}

}  // namespace

/// Whether the access is to a 32-bit memory 0 of one thread, with an offset that an instruction can have.
bool MachineSink::is_plain(Op op, const binary::MemArg& arg) const noexcept {
    if (arg.memory.value != 0)
        return false;
    const MemoryType& type = m_info.module->memories[0].type;
    return type.address == AddressType::i32 && !type.is_shared &&
           arg.offset_bytes <= static_cast<uint64_t>(INT32_MAX) - op_info(op).width_bytes;
}

/// The place of an access, checked unless that is left to a guard region: there the register must have a
/// 32-bit value, zero-extended. The address is used up, but its register is not free yet.
Mem MachineSink::checked(Op op, const binary::MemArg& arg, Value& address) {
    const uint64_t end = arg.offset_bytes + op_info(op).width_bytes;
    if (address.kind == Value::Kind::constant) {
        const uint64_t sum = address.bits + end;
        if (sum <= INT32_MAX) {
            if (!m_is_guarded) {
                m_code.alu(Width::w64, Alu::cmp, reg::memory_size, static_cast<int32_t>(sum));
                m_code.jump(Condition::below, label(trap(TrapCode::memory_out_of_bounds)));
            }
            return {reg::memory_base, static_cast<int32_t>(sum - op_info(op).width_bytes)};
        }
    }
    Checked* const known = address.kind == Value::Kind::local ? &m_checked[address.local] : nullptr;
    const Gpr reg = to_gpr(address);
    const Mem place{reg::memory_base, reg, static_cast<int32_t>(arg.offset_bytes)};
    if (m_is_guarded)
        return place;
    if (known != nullptr && known->epoch == m_check_epoch && known->end_bytes >= end)
        return place;
    m_code.lea(Width::w64, reg::scratch, {reg, static_cast<int32_t>(end)});
    m_code.alu(Width::w64, Alu::cmp, reg::scratch, reg::memory_size);
    m_code.jump(Condition::above, label(trap(TrapCode::memory_out_of_bounds)));
    if (known != nullptr)
        *known = {m_check_epoch, end};
    return place;
}

/// See `destination`. Only of the usual encoding, whose alignment is a byte that names no memory.
const MachineSink::Pin* MachineSink::load_destination() const noexcept {
    constexpr uint8_t names_memory = 0x40;
    return m_info.module->bytes[m_info.instr->offset_bytes + 1] < names_memory ? destination(nullptr, 2)
                                                                               : nullptr;
}

void MachineSink::load(Op op, const binary::MemArg& arg) {
    if (!is_plain(op, arg))
        return cell_of_load(op, arg);
    if (op_info(op).prefix != 0)
        return vector_load(op, arg);
    Value address = pop();
    const Mem place = checked(op, arg, address);
    release(address);
    if (op == Op::f32_load || op == Op::f64_load) {
        const Pin* const pin = load_destination();
        const Xmm to = pin != nullptr ? pin->xmm : take_xmm();
        note_access();
        m_code.load(op == Op::f64_load ? FloatWidth::f64 : FloatWidth::f32, to, place);
        return push_xmm(to, op == Op::f64_load ? ValType::f64 : ValType::f32);
    }
    const LoadForm form = load_form(op);
    const Pin* const pin = load_destination();
    const Gpr to = pin != nullptr ? pin->gpr : take_gpr();
    note_access();
    if (form.bytes == 8)
        m_code.load(Width::w64, to, place);
    else
        m_code.load_extended(form.width, to, place, form.bytes, form.is_signed);
    push_gpr(to, form.type);
}

/// Always one instruction. One that reaches from the last page into the guard region faults before it has
/// written anything: x86-64 translates both pages first.
void MachineSink::store(Op op, const binary::MemArg& arg) {
    if (!is_plain(op, arg))
        return cell_of_store(op, arg);
    if (op_info(op).prefix != 0)
        return vector_store(arg);
    Value value = pop();
    Value address = pop();
    const unsigned bytes = op_info(op).width_bytes;
    if (op == Op::f32_store || op == Op::f64_store) {
        const Xmm from = to_xmm(value);
        const Mem place = checked(op, arg, address);
        note_access();
        m_code.store(op == Op::f64_store ? FloatWidth::f64 : FloatWidth::f32, place, from);
    } else if (value.kind == Value::Kind::constant && bytes <= 4) {
        const Mem place = checked(op, arg, address);
        note_access();
        const auto bits = static_cast<uint32_t>(value.bits);
        if (bytes == 4)
            m_code.store_immediate(Width::w32, place, static_cast<int32_t>(bits));
        else if (bytes == 2)
            m_code.store_immediate16(place, static_cast<uint16_t>(bits));
        else
            m_code.store_immediate8(place, static_cast<uint8_t>(bits));
    } else {
        const Gpr from = to_gpr(value);
        const Mem place = checked(op, arg, address);
        note_access();
        if (bytes == 1)
            m_code.store8(place, from);
        else if (bytes == 2)
            m_code.store16(place, from);
        else
            m_code.store(bytes == 8 ? Width::w64 : Width::w32, place, from);
    }
    release(value);
    release(address);
}

/// The value of a global, by the scratch register.
Mem MachineSink::global_at(GlobalIdx global) {
    m_code.load(Width::w64, reg::scratch, {reg::instance, offsetof(runtime::VmInstance, globals)});
    m_code.load(Width::w64, reg::scratch,
                {reg::scratch, static_cast<int32_t>(global.value * sizeof(runtime::VmGlobal*))});
    return {reg::scratch, offsetof(runtime::VmGlobal, value)};
}

void MachineSink::global_get(GlobalIdx global, ValType type) {
    if (is_in_xmm(type)) {
        const Xmm to = take_xmm();
        load_xmm(type, to, global_at(global));
        return push_xmm(to, type);
    }
    const Gpr to = take_gpr();
    m_code.load(width_in_slot(type), to, global_at(global));
    push_gpr(to, type);
}

void MachineSink::global_set(GlobalIdx global, ValType type) {
    Value value = pop();
    if (is_in_xmm(type)) {
        const Xmm from = to_xmm(value);
        store_xmm(type, global_at(global), from);
    } else {
        const Gpr from = to_gpr(value);
        m_code.store(Width::w64, global_at(global), from);
    }
    release(value);
}

}  // namespace wsb::jit
