// SPDX-License-Identifier: Apache-2.0
// Operands, temporaries and pins.
#include "jit/machine_sink.h"

#include <algorithm>
#include <bit>

namespace wsb::jit {

using lower::slot_width;

namespace {

/// Whether an instruction can take its condition from the flags.
[[nodiscard]] constexpr bool takes_flags(Op op) noexcept {
    return op == Op::br_if || op == Op::if_ || op == Op::select || op == Op::select_t || op == Op::i32_eqz;
}

[[nodiscard]] bool fits_sign_extended(uint64_t bits) noexcept {
    return static_cast<int64_t>(bits) == static_cast<int32_t>(bits);
}
[[nodiscard]] FloatWidth float_width(ValType type) noexcept {
    return type.kind() == ValType::f32 ? FloatWidth::f32 : FloatWidth::f64;
}

}  // namespace

Gpr MachineSink::take_gpr() {
    // rcx last, since shifts want it.
    while (m_free_gprs == 0) {
        const auto holder = std::ranges::find_if(unsettled(), [&](const Value& value) {
            return value.kind == Value::Kind::gpr && is_owned(value);
        });
        WSB_CHECK(holder != unsettled().end());  // an instruction takes fewer than there are
        settle_value(*holder);
    }
    const RegisterSet preferred = m_free_gprs & ~bit(Gpr::rcx);
    const auto reg = static_cast<Gpr>(std::countr_zero(preferred != 0 ? preferred : m_free_gprs));
    m_free_gprs &= ~bit(reg);
    return reg;
}

Xmm MachineSink::take_xmm() {
    while (m_free_xmms == 0) {
        const auto holder = std::ranges::find_if(unsettled(), [&](const Value& value) {
            return value.kind == Value::Kind::xmm && is_owned(value);
        });
        WSB_CHECK(holder != unsettled().end());
        settle_value(*holder);
    }
    const auto reg = static_cast<Xmm>(std::countr_zero(m_free_xmms));
    m_free_xmms &= ~bit(reg);
    return reg;
}

/// Takes this very temporary; a value of the stack that has it moves away. No popped value may have it.
void MachineSink::take_this(Gpr reg) {
    if ((m_free_gprs & bit(reg)) == 0) {
        const auto holder = std::ranges::find_if(unsettled(), [&](const Value& value) {
            return value.kind == Value::Kind::gpr && value.gpr == reg;
        });
        WSB_CHECK(holder != unsettled().end());
        if (m_free_gprs != 0) {
            const Gpr other = take_gpr();
            m_code.mov(Width::w64, other, reg);
            holder->gpr = other;
        } else {
            settle_value(*holder);
        }
    }
    m_free_gprs &= ~bit(reg);
}

/// From a slot, which need not be aligned to vectors.
void MachineSink::load_xmm(ValType type, Xmm to, Mem from) {
    if (slot_width(type) == 2)
        m_code.vector(sse::movups, to, from);
    else
        m_code.load(float_width(type), to, from);
}

void MachineSink::store_xmm(ValType type, Mem to, Xmm from) {
    if (slot_width(type) == 2)
        m_code.vector(sse::movups_store, from, to);
    else
        m_code.store(FloatWidth::f64, to, from);
}

void MachineSink::load_pin(uint32_t index) {
    const Pin& pin = m_pins[index];
    const FrameMem slot = slot_at(m_local_slots[pin.local]);
    if (pin.is_xmm)
        load_xmm(pin.type, pin.xmm, slot);
    else
        m_code.load(width_in_slot(pin.type), pin.gpr, slot);
}

void MachineSink::store_pin(uint32_t index) {
    const Pin& pin = m_pins[index];
    const FrameMem slot = slot_at(m_local_slots[pin.local]);
    if (pin.is_xmm)
        store_xmm(pin.type, slot, pin.xmm);
    else
        m_code.store(Width::w64, slot, pin.gpr);
}

/// From here on slots have what pins have.
void MachineSink::store_pins() {
    for (uint32_t left = m_state.dirty; left != 0; left &= left - 1)
        store_pin(static_cast<uint32_t>(std::countr_zero(left)));
    m_state.dirty = 0;
}

/// Somebody else takes all registers: slots have everything.
void MachineSink::forget_pins() {
    WSB_ASSERT(m_state.dirty == 0);
    m_state.valid = 0;
}

/// A temporary that has the value; it is the value's from then on.
Gpr MachineSink::to_owned_gpr(Value& value) {
    if (is_owned(value))
        return value.gpr;
    const Gpr reg = take_gpr();
    if (value.kind == Value::Kind::constant)
        m_code.mov_immediate(reg, value.bits);
    else if (is_in_memory(value))
        m_code.load(width_in_slot(value.type), reg, memory_of(value));
    else
        m_code.mov(Width::w64, reg, to_gpr(value));
    value.kind = Value::Kind::gpr;
    value.gpr = reg;
    return reg;
}

Xmm MachineSink::to_xmm(Value& value) {
    if (value.kind == Value::Kind::xmm)
        return value.xmm;
    if (value.kind == Value::Kind::local && pin_of(value.local) != nullptr)
        return valid_pin(value.local).xmm;
    return to_owned_xmm(value);
}

Xmm MachineSink::to_owned_xmm(Value& value) {
    if (is_owned(value))
        return value.xmm;
    const Xmm reg = take_xmm();
    put_xmm(reg, value);
    value.kind = Value::Kind::xmm;
    value.xmm = reg;
    return reg;
}

/// Copies a value into a register, whoever owns that.
void MachineSink::put_xmm(Xmm to, Value& value) {
    if (value.kind == Value::Kind::constant) {
        if (slot_width(value.type) == 2) {
            put_vector(to, m_vector_constants[value.local]);
        } else if (value.bits == 0) {
            m_code.bitwise(Bitwise::xor_, to, to);
        } else {
            m_code.mov_immediate(reg::scratch, value.bits);
            m_code.move_bits(Width::w64, to, reg::scratch);
        }
    } else if (is_in_memory(value)) {
        load_xmm(value.type, to, memory_of(value));
    } else {
        m_code.move(to, to_xmm(value));
    }
}

void MachineSink::put_gpr(Gpr to, Value& value) {
    if (value.kind == Value::Kind::constant)
        m_code.mov_immediate(to, value.bits);
    else if (is_in_memory(value))
        m_code.load(width_in_slot(value.type), to, memory_of(value));
    else if (const Gpr from = to_gpr(value); from != to)
        m_code.mov(Width::w64, to, from);
}

void MachineSink::store_word(uint64_t bits, uint32_t to) {
    if (fits_sign_extended(bits)) {
        m_code.store_immediate(Width::w64, slot_at(to), static_cast<int32_t>(bits));
        return;
    }
    m_code.mov_immediate(reg::scratch, bits);
    m_code.store(Width::w64, slot_at(to), reg::scratch);
}

/// Writes a value to a slot without using it up. Leaves the flags alone; takes the scratch register.
void MachineSink::store_value(Value& value, uint32_t to) {
    switch (value.kind) {
        case Value::Kind::constant:
            store_word(value.bits, to);
            if (slot_width(value.type) == 2)
                store_word(m_vector_constants[value.local][1], to + 1);
            return;
        case Value::Kind::gpr: m_code.store(Width::w64, slot_at(to), value.gpr); return;
        case Value::Kind::xmm: store_xmm(value.type, slot_at(to), value.xmm); return;
        case Value::Kind::flags:
            m_code.set(value.condition, reg::scratch);
            m_code.extend(Width::w32, reg::scratch, reg::scratch, 1, false);
            m_code.store(Width::w64, slot_at(to), reg::scratch);
            return;
        case Value::Kind::slot:
        case Value::Kind::local: break;
    }
    if (!is_in_memory(value)) {
        const Pin& pin = valid_pin(value.local);
        if (pin.is_xmm)
            store_xmm(pin.type, slot_at(to), pin.xmm);
        else
            m_code.store(Width::w64, slot_at(to), pin.gpr);
        return;
    }
    const uint32_t from = value.kind == Value::Kind::slot ? value.slot : m_local_slots[value.local];
    if (from != to)
        emit_move({to, from, slot_width(value.type)});
}

/// A value of the stack goes to its canonical slot.
void MachineSink::settle_value(Value& value) {
    if (value.kind == Value::Kind::slot)
        return;
    store_value(value, value.slot);
    release(value);
    value.kind = Value::Kind::slot;
}

void MachineSink::settle_flags() {
    if (m_stack.empty() || m_stack.back().kind != Value::Kind::flags)
        return;
    const Gpr reg = take_gpr();
    Value& value = m_stack.back();
    m_code.set(value.condition, reg);
    m_code.extend(Width::w32, reg, reg, 1, false);
    value.kind = Value::Kind::gpr;
    value.gpr = reg;
}

/// Only some instructions can take them.
void MachineSink::settle_flags_before(Op op) {
    if (!takes_flags(op))
        settle_flags();
    m_has_flags = takes_flags(op);
}

/// Before somebody else takes all registers: those of the stack go to their slots.
void MachineSink::settle_registers() {
    for (Value& value : unsettled())
        if (value.kind != Value::Kind::local && value.kind != Value::Kind::constant)
            settle_value(value);
}

/// Before control splits: registers and what locals have go to their slots. Constants stay what they are, but
/// for vectors: the interpreter has those in their slots.
void MachineSink::settle_stack() {
    for (Value& value : unsettled())
        if (value.kind != Value::Kind::constant || slot_width(value.type) == 2)
            settle_value(value);
    m_unsettled = 0;
}

/// The topmost `count` values go to their slots, constants too.
void MachineSink::settle_top(size_t count) {
    for (size_t i = m_stack.size() - count; i < m_stack.size(); ++i)
        settle_value(m_stack[i]);
}

/// Writes the topmost `count` values to consecutive slots from `to` on, at or below their own, without
/// changing what is known of them.
void MachineSink::move_top(size_t count, uint32_t to) {
    for (size_t i = m_stack.size() - count; i < m_stack.size(); ++i) {
        store_value(m_stack[i], to);
        to += slot_width(m_stack[i].type);
    }
}

/// Before a local changes: what was read of it before is kept elsewhere.
void MachineSink::unalias(uint32_t local) {
    for (Value& value : unsettled()) {
        if (value.kind != Value::Kind::local || value.local != local)
            continue;
        if (is_in_xmm(value.type))
            static_cast<void>(to_owned_xmm(value));
        else
            static_cast<void>(to_owned_gpr(value));
    }
}

void MachineSink::push_results(std::span<const ValType> types) {
    for (const ValType type : types)
        push(Value::Kind::slot, type);
}

void MachineSink::reset_stack(size_t values, uint32_t height) {
    while (m_stack.size() > values)
        release(pop());
    m_height = height;
}

/// Neither the stack nor `other` may mean what the local has now.
const MachineSink::Pin* MachineSink::destination_in(uint32_t local, const Value* other) const noexcept {
    const Pin* const pin = pin_of(local);
    if (pin == nullptr || (other != nullptr && other->kind == Value::Kind::local && other->local == local))
        return nullptr;
    const bool is_on_stack = std::ranges::any_of(unsettled(), [&](const Value& value) {
        return value.kind == Value::Kind::local && value.local == local;
    });
    return is_on_stack ? nullptr : pin;
}

void MachineSink::ref_null(ValType type) {
    push(Value::Kind::constant, type).bits = 0;
}

void MachineSink::set_local(uint32_t local, Value& value) {
    const uint32_t index = m_pin_of_local[local];
    unalias(
        local);  // also if it stays what it is: the interpreter's root maps have the others in their slots
    if (value.kind == Value::Kind::local && value.local == local)
        return;
    m_checked[local].epoch = 0;
    if (index == none) {
        store_value(value, m_local_slots[local]);
        return;
    }
    const Pin& pin = m_pins[index];
    if (pin.is_xmm)
        put_xmm(pin.xmm, value);
    else
        put_gpr(pin.gpr, value);
    m_state.valid |= 1u << index;
    m_state.dirty |= 1u << index;
}

void MachineSink::local_set(LocalIdx local, ValType) {
    Value& value = pop();
    set_local(local.value, value);
    release(value);
}

void MachineSink::local_tee(LocalIdx local, ValType type) {
    Value& value = pop();
    set_local(local.value, value);
    if (is_owned(value) && pin_of(local.value) == nullptr) {
        // The register goes on being the operand.
        push({.kind = value.kind, .gpr = value.gpr, .xmm = value.xmm, .type = type});
        return;
    }
    release(value);
    local_get(local, type);
}

}  // namespace wsb::jit
