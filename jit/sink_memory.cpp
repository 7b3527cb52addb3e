// SPDX-License-Identifier: Apache-2.0
// Loads, stores, globals. Where a 32-bit memory 0 has a guard region, accesses are noted instead of checked:
// index, offset and width never reach beyond it, and what runs into it is a trap (fault_handler.h). Elsewhere
// they are checked against the memory's size in a register, unless one that reaches as far from the same
// local was checked before on the same straight line: memories only grow. Spec:
// exec/instructions#memory-instructions
#include "jit/machine_sink.h"

#include <array>

namespace wsb::jit {

namespace {

/// Of a load or a store.
struct AccessForm {
    uint8_t bytes = 0;
    bool is_signed = false;
    bool is_float = false;
    Width width{};  ///< of the value
    ValType::Kind type{};
};

[[nodiscard]] constexpr AccessForm access_form(Op op) noexcept {
    const uint8_t bytes = op_info(op).width_bytes;
    switch (op) {
        case Op::f32_load:
        case Op::f32_store: return {bytes, false, true, Width::w32, ValType::f32};
        case Op::f64_load:
        case Op::f64_store: return {bytes, false, true, Width::w64, ValType::f64};
        case Op::i32_load8_s:
        case Op::i32_load16_s: return {bytes, true, false, Width::w32, ValType::i32};
        case Op::i32_load:
        case Op::i32_load8_u:
        case Op::i32_load16_u:
        case Op::i32_store:
        case Op::i32_store8:
        case Op::i32_store16: return {bytes, false, false, Width::w32, ValType::i32};
        case Op::i64_load8_s:
        case Op::i64_load16_s:
        case Op::i64_load32_s: return {bytes, true, false, Width::w64, ValType::i64};
        default: return {bytes, false, false, Width::w64, ValType::i64};
    }
}

constexpr size_t first_access = static_cast<size_t>(Op::i32_load);
/// From i32.load on; others are vectors'.
constexpr auto access_forms = [] {
    std::array<AccessForm, static_cast<size_t>(Op::i64_store32) - first_access + 1> forms{};
    for (size_t i = 0; i < forms.size(); ++i)
        forms[i] = access_form(static_cast<Op>(first_access + i));
    return forms;
}();

/// Null: of a vector.
[[nodiscard]] const AccessForm* form_of(Op op) noexcept {
    const size_t i = static_cast<size_t>(op) - first_access;
    return i < access_forms.size() ? &access_forms[i] : nullptr;
}

}  // namespace

Mem MachineSink::checked_here(unsigned width_bytes, const binary::MemArg& arg, Value& address) {
    const uint64_t end = arg.offset_bytes + width_bytes;
    if (address.kind == Value::Kind::constant) {
        const uint64_t sum = address.bits + end;
        if (sum <= INT32_MAX) {
            if (!m_is_guarded) {
                m_code.alu(Width::w64, Alu::cmp, reg::memory_size, static_cast<int32_t>(sum));
                m_code.jump(Condition::below, label(trap(TrapCode::memory_out_of_bounds)));
            }
            return {reg::memory_base, static_cast<int32_t>(sum - width_bytes)};
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

void MachineSink::load(Op op, const binary::MemArg& arg) {
    if (!is_plain(arg))
        return cell_of_load(op, arg);
    const AccessForm* const form = form_of(op);
    if (form == nullptr)
        return vector_load(op, arg);
    Value& address = pop();
    const Mem place = checked(form->bytes, arg, address);
    release(address);
    const Pin* const pin = load_destination();
    if (form->is_float) {
        const Xmm to = pin != nullptr ? pin->xmm : take_xmm();
        note_access();
        m_code.load(form->width == Width::w64 ? FloatWidth::f64 : FloatWidth::f32, to, place);
        return push_xmm(to, form->type);
    }
    const Gpr to = pin != nullptr ? pin->gpr : take_gpr();
    note_access();
    if (form->bytes == 8 || (form->bytes == 4 && !form->is_signed))
        m_code.load(form->bytes == 8 ? Width::w64 : Width::w32, to, place);
    else
        m_code.load_extended(form->width, to, place, form->bytes, form->is_signed);
    push_gpr(to, form->type);
}

/// Always one instruction. One that reaches from the last page into the guard region faults before it has
/// written anything: x86-64 translates both pages first.
void MachineSink::store(Op op, const binary::MemArg& arg) {
    if (!is_plain(arg))
        return cell_of_store(op, arg);
    const AccessForm* const form = form_of(op);
    if (form == nullptr)
        return vector_store(arg);
    Value& value = pop();
    Value& address = pop();
    if (form->is_float) {
        const Xmm from = to_xmm(value);
        const Mem place = checked(form->bytes, arg, address);
        note_access();
        m_code.store(form->width == Width::w64 ? FloatWidth::f64 : FloatWidth::f32, place, from);
    } else if (value.kind == Value::Kind::constant && form->bytes <= 4) {
        const Mem place = checked(form->bytes, arg, address);
        note_access();
        const auto bits = static_cast<uint32_t>(value.bits);
        if (form->bytes == 4)
            m_code.store_immediate(Width::w32, place, static_cast<int32_t>(bits));
        else if (form->bytes == 2)
            m_code.store_immediate16(place, static_cast<uint16_t>(bits));
        else
            m_code.store_immediate8(place, static_cast<uint8_t>(bits));
    } else {
        const Gpr from = to_gpr(value);
        const Mem place = checked(form->bytes, arg, address);
        note_access();
        if (form->bytes >= 4)
            m_code.store(form->bytes == 8 ? Width::w64 : Width::w32, place, from);
        else if (form->bytes == 2)
            m_code.store16(place, from);
        else
            m_code.store8(place, from);
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
    Value& value = pop();
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
