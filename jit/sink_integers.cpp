// SPDX-License-Identifier: Apache-2.0
// Integer instructions. Spec: exec/numerics#integer-operations
#include "engine/isa/nan_results.h"
#include "jit/machine_sink.h"

#include <array>

namespace wsb::jit {

namespace {

[[nodiscard]] bool fits_immediate(Width width, uint64_t bits) noexcept {
    return width == Width::w32 || static_cast<int64_t>(bits) == static_cast<int32_t>(bits);
}
[[nodiscard]] int32_t immediate(uint64_t bits) noexcept {
    return static_cast<int32_t>(static_cast<uint32_t>(bits));
}
[[nodiscard]] ValType int_type(Width width) noexcept {
    return width == Width::w64 ? ValType::i64 : ValType::i32;
}

/// eq, ne, lt_s, lt_u, gt_s, gt_u, le_s, le_u, ge_s, ge_u: their order in the instruction table.
constexpr std::array conditions{Condition::equal,      Condition::not_equal,   Condition::less,
                                Condition::below,      Condition::greater,     Condition::above,
                                Condition::less_equal, Condition::below_equal, Condition::greater_equal,
                                Condition::above_equal};

/// The condition that holds for (y, x) if this one does for (x, y).
[[nodiscard]] constexpr Condition mirrored(Condition condition) noexcept {
    switch (condition) {
        case Condition::less: return Condition::greater;
        case Condition::greater: return Condition::less;
        case Condition::below: return Condition::above;
        case Condition::above: return Condition::below;
        case Condition::less_equal: return Condition::greater_equal;
        case Condition::greater_equal: return Condition::less_equal;
        case Condition::below_equal: return Condition::above_equal;
        case Condition::above_equal: return Condition::below_equal;
        default: return condition;
    }
}

[[nodiscard]] constexpr size_t distance(Op op, Op first) noexcept {
    return static_cast<size_t>(op) - static_cast<size_t>(first);
}

}  // namespace

/// Where the result goes, with x in it: the register of the local that is set next, or a temporary.
Gpr MachineSink::take_destination(Value& x, const Pin* pin) {
    if (pin == nullptr)
        return to_owned_gpr(x);
    put_gpr(pin->gpr, x);
    release(x);
    return pin->gpr;
}

void MachineSink::unary(Op op) {
    if (is_canonicalized(op))
        return cell_of_unary(op);
    switch (op) {
        case Op::i32_eqz: {
            if (m_stack.back().kind == Value::Kind::flags) {
                m_stack.back().condition = inverse(m_stack.back().condition);
                return;
            }
            return int_is_zero(Width::w32);
        }
        case Op::i64_eqz: return int_is_zero(Width::w64);
        case Op::i32_extend8_s: return int_extend(Width::w32, 1, true, ValType::i32);
        case Op::i32_extend16_s: return int_extend(Width::w32, 2, true, ValType::i32);
        case Op::i64_extend8_s: return int_extend(Width::w64, 1, true, ValType::i64);
        case Op::i64_extend16_s: return int_extend(Width::w64, 2, true, ValType::i64);
        case Op::i64_extend32_s:
        case Op::i64_extend_i32_s: return int_extend(Width::w64, 4, true, ValType::i64);
        case Op::i32_wrap_i64: return int_extend(Width::w32, 4, false, ValType::i32);
        case Op::i64_extend_i32_u:
            // To the interpreter it is no constant any more: it is in its slot where tiers change.
            if (m_stack.back().kind == Value::Kind::constant) {
                Value& x = pop();
                return push_gpr(to_owned_gpr(x), ValType::i64);
            }
            m_stack.back().type = ValType::i64;  // slots and registers have i32 zero-extended
            return;
        case Op::i32_clz: return int_count(Count::lzcnt, Width::w32, op);
        case Op::i32_ctz: return int_count(Count::tzcnt, Width::w32, op);
        case Op::i32_popcnt: return int_count(Count::popcnt, Width::w32, op);
        case Op::i64_clz: return int_count(Count::lzcnt, Width::w64, op);
        case Op::i64_ctz: return int_count(Count::tzcnt, Width::w64, op);
        case Op::i64_popcnt: return int_count(Count::popcnt, Width::w64, op);
        default: break;
    }
    if (!float_unary(op))
        cell_of_unary(op);
}

/// Whether the instruction's NaNs have to be made canonical, which its cells do.
bool MachineSink::is_canonicalized(Op op) const noexcept {
    return m_options.canonical_nans && nan_result(op) != NanResult::none;
}

void MachineSink::int_extend(Width width, unsigned source_bytes, bool is_signed, ValType result) {
    Value& x = pop();
    const Pin* const pin = destination(nullptr);
    const Gpr from = to_gpr(x);
    const Gpr to = pin != nullptr ? pin->gpr : is_owned(x) ? from : take_gpr();
    m_code.extend(width, to, from, source_bytes, is_signed);
    if (to != from)
        release(x);
    push_gpr(to, result);
}

void MachineSink::int_count(Count op, Width width, Op instr) {
    if (!m_options.has_bit_counts)
        return cell_of_unary(instr);
    Value& x = pop();
    const Pin* const pin = destination(nullptr);
    const Gpr from = to_gpr(x);
    const Gpr to = pin != nullptr ? pin->gpr : is_owned(x) ? from : take_gpr();
    m_code.count(width, op, to, from);
    if (to != from)
        release(x);
    push_gpr(to, int_type(width));
}

void MachineSink::compare(Op op) {
    if (op >= Op::i32_eq && op <= Op::i32_ge_u) {
        Value& y = pop();
        Value& x = pop();
        return int_compare(Width::w32, conditions[distance(op, Op::i32_eq)], x, y);
    }
    if (op >= Op::i64_eq && op <= Op::i64_ge_u) {
        Value& y = pop();
        Value& x = pop();
        return int_compare(Width::w64, conditions[distance(op, Op::i64_eq)], x, y);
    }
    float_compare(op);
}

void MachineSink::int_is_zero(Width width) {
    Value& x = pop();
    Value zero;
    zero.kind = Value::Kind::constant;
    int_compare(width, Condition::equal, x, zero);
}

/// Leaves the answer in the flags.
void MachineSink::int_compare(Width width, Condition condition, Value& first, Value& second) {
    const bool is_swapped = first.kind == Value::Kind::constant;
    Value& x = is_swapped ? second : first;
    Value& y = is_swapped ? first : second;
    if (is_swapped)
        condition = mirrored(condition);
    const bool is_constant = y.kind == Value::Kind::constant && fits_immediate(width, y.bits);
    if (is_constant && is_in_memory(x)) {
        m_code.alu(width, Alu::cmp, memory_of(x), immediate(y.bits));
    } else {
        const Gpr reg = to_gpr(x);
        if (is_constant && y.bits == 0)
            m_code.test(width, reg, reg);
        else if (is_constant)
            m_code.alu(width, Alu::cmp, reg, immediate(y.bits));
        else if (is_in_memory(y))
            m_code.alu(width, Alu::cmp, reg, memory_of(y));
        else
            m_code.alu(width, Alu::cmp, reg, to_gpr(y));
    }
    release(x);
    release(y);
    push_flags(condition);
}

void MachineSink::binary(Op op) {
    if (is_canonicalized(op))
        return cell_of_binary(op);
    if (op >= Op::i32_add && op <= Op::i32_rotr)
        return int_binary(distance(op, Op::i32_add), op, Width::w32);
    if (op >= Op::i64_add && op <= Op::i64_rotr)
        return int_binary(distance(op, Op::i64_add), op, Width::w64);
    if (!float_binary(op))
        cell_of_binary(op);
}

/// `number` counts from add, in the order of the instruction table.
void MachineSink::int_binary(size_t number, Op op, Width width) {
    static_assert(static_cast<size_t>(Op::i32_rotr) - static_cast<size_t>(Op::i32_add) == 14);
    Value& y = pop();
    Value& x = pop();
    switch (number) {
        case 0: return int_alu(Alu::add, width, x, y);
        case 1: return int_alu(Alu::sub, width, x, y);
        case 2: return int_multiply(width, x, y);
        case 3:
        case 4:
        case 5:
        case 6: return int_divide(op, width, x, y);
        case 7: return int_alu(Alu::and_, width, x, y);
        case 8: return int_alu(Alu::or_, width, x, y);
        case 9: return int_alu(Alu::xor_, width, x, y);
        case 10: return int_shift(Shift::shl, width, x, y);
        case 11: return int_shift(Shift::sar, width, x, y);
        case 12: return int_shift(Shift::shr, width, x, y);
        case 13: return int_shift(Shift::rol, width, x, y);
        default: return int_shift(Shift::ror, width, x, y);
    }
}

void MachineSink::int_alu(Alu op, Width width, Value& first, Value& second) {
    const bool is_swapped = op != Alu::sub && is_better_second(first, second);
    Value& x = is_swapped ? second : first;
    Value& y = is_swapped ? first : second;
    const Pin* const pin = destination(&y);
    if (op == Alu::add && add_by_lea(width, x, y, pin))
        return;
    const Gpr to = take_destination(x, pin);
    if (y.kind == Value::Kind::constant && fits_immediate(width, y.bits))
        m_code.alu(width, op, to, immediate(y.bits));
    else if (is_in_memory(y))
        m_code.alu(width, op, to, memory_of(y));
    else
        m_code.alu(width, op, to, to_gpr(y));
    release(y);
    push_gpr(to, int_type(width));
    m_zero_flag = {m_code.position(), to, width};
}

/// Where neither operand's register may be written: one instruction instead of a move and an addition.
bool MachineSink::add_by_lea(Width width, Value& x, Value& y, const Pin* pin) {
    const bool is_constant = y.kind == Value::Kind::constant && fits_immediate(Width::w64, y.bits);
    const auto is_pinned = [&](const Value& value) {
        return value.kind == Value::Kind::local && pin_of(value.local) != nullptr;
    };
    if (!is_pinned(x) || (!is_constant && !is_pinned(y)))
        return false;
    if (pin != nullptr && pin->local == x.local)
        return false;  // in place
    const Gpr a = to_gpr(x);
    const Mem sum = is_constant ? Mem(a, immediate(y.bits)) : Mem(a, to_gpr(y), 0);
    const Gpr to = pin != nullptr ? pin->gpr : take_gpr();
    m_code.lea(width, to, sum);
    push_gpr(to, int_type(width));
    return true;
}

void MachineSink::int_multiply(Width width, Value& first, Value& second) {
    const bool is_swapped = is_better_second(first, second);
    Value& x = is_swapped ? second : first;
    Value& y = is_swapped ? first : second;
    const Pin* const pin = destination(&y);
    if (y.kind == Value::Kind::constant && fits_immediate(width, y.bits)) {
        const Gpr from = to_gpr(x);
        const Gpr to = pin != nullptr ? pin->gpr : is_owned(x) ? from : take_gpr();
        m_code.imul(width, to, from, immediate(y.bits));
        if (to != from)
            release(x);
        return push_gpr(to, int_type(width));
    }
    const Gpr to = take_destination(x, pin);
    if (is_in_memory(y))
        m_code.imul(width, to, memory_of(y));
    else
        m_code.imul(width, to, to_gpr(y));
    release(y);
    push_gpr(to, int_type(width));
}

void MachineSink::int_shift(Shift op, Width width, Value& x, Value& y) {
    const Pin* const pin = destination(&y);
    const bool is_rotation = op == Shift::rol || op == Shift::ror;
    if (y.kind == Value::Kind::constant)
        return shift_by_constant(op, width, x, static_cast<uint8_t>(y.bits), pin);
    if (m_options.has_shifts && !is_rotation)
        return shift_by_any(op, width, x, y, pin);
    take_count(x, y);
    const Gpr to = take_destination(x, pin);
    m_code.shift(width, op, to);
    free_gpr(Gpr::rcx);
    push_gpr(to, int_type(width));
}

void MachineSink::shift_by_constant(Shift op, Width width, Value& x, uint8_t by, const Pin* pin) {
    const unsigned bits = width == Width::w64 ? 64 : 32;
    const auto count = static_cast<uint8_t>(by & (bits - 1));
    const bool is_rotation = op == Shift::rol || op == Shift::ror;
    const bool is_in_place = is_owned(x) && pin == nullptr;
    if (count != 0 && is_rotation && m_options.has_shifts && !is_in_place &&
        x.kind != Value::Kind::constant) {
        const auto right = static_cast<uint8_t>(op == Shift::ror ? count : bits - count);
        const Gpr from = is_in_memory(x) ? Gpr{} : to_gpr(x);
        const Gpr to = pin != nullptr ? pin->gpr : take_gpr();
        if (is_in_memory(x))
            m_code.rotate_right(width, to, memory_of(x), right);
        else if (from == to)
            m_code.shift(width, op, to, count);
        else
            m_code.rotate_right(width, to, from, right);
        release(x);
        return push_gpr(to, int_type(width));
    }
    const Gpr to = take_destination(x, pin);
    if (count != 0)
        m_code.shift(width, op, to, count);
    push_gpr(to, int_type(width));
}

/// Where the processor takes the count from any register, and leaves what it shifts as it was.
void MachineSink::shift_by_any(Shift op, Width width, Value& x, Value& y, const Pin* pin) {
    const Gpr count = to_gpr(y);
    const bool is_loaded = is_in_memory(x);
    const Gpr from = is_loaded ? Gpr{} : to_gpr(x);
    const Gpr to = pin != nullptr ? pin->gpr : is_owned(x) ? x.gpr : take_gpr();
    if (is_loaded)
        m_code.shift(width, op, to, memory_of(x), count);
    else
        m_code.shift(width, op, to, from, count);
    if (is_loaded || to != from)
        release(x);
    release(y);
    push_gpr(to, int_type(width));
}

/// Brings a count into rcx, of which only the lowest bits are looked at; x moves if it is there.
void MachineSink::take_count(Value& x, Value& y) {
    if (y.kind == Value::Kind::gpr && y.gpr == Gpr::rcx)
        return;
    if (x.kind == Value::Kind::gpr && x.gpr == Gpr::rcx) {
        const Gpr other = take_gpr();
        m_code.mov(Width::w64, other, Gpr::rcx);
        x.gpr = other;
    } else {
        take_this(Gpr::rcx);
    }
    put_gpr(Gpr::rcx, y);
    release(y);
}

/// Traps come before the division; the instance waits in the scratch register.
/// Spec: exec/numerics#op-idiv-u and following
void MachineSink::int_divide(Op op, Width width, Value& x, Value& y) {
    const bool is_signed =
        op == Op::i32_div_s || op == Op::i32_rem_s || op == Op::i64_div_s || op == Op::i64_rem_s;
    const bool is_remainder =
        op == Op::i32_rem_s || op == Op::i32_rem_u || op == Op::i64_rem_s || op == Op::i64_rem_u;
    const bool is_constant = y.kind == Value::Kind::constant;
    const bool may_be_zero = !is_constant || y.bits == 0;
    const uint64_t minus_one = width == Width::w64 ? ~uint64_t{0} : ~uint32_t{0};
    const bool may_be_minus_one = is_signed && (!is_constant || y.bits == minus_one);
    Gpr divisor = to_gpr(y);
    if (divisor == Gpr::rax) {
        divisor = take_gpr();
        m_code.mov(Width::w64, divisor, Gpr::rax);
        release(y);
        y.gpr = divisor;
    }
    if (x.kind != Value::Kind::gpr || x.gpr != Gpr::rax) {
        take_this(Gpr::rax);
        put_gpr(Gpr::rax, x);
        release(x);
    }
    if (may_be_zero) {
        m_code.test(width, divisor, divisor);
        m_code.jump(Condition::equal, label(trap(TrapCode::integer_divide_by_zero)));
    }
    const uint32_t divide = new_label(), done = new_label();
    if (may_be_minus_one && !is_remainder) {
        m_code.alu(width, Alu::cmp, divisor, -1);
        m_code.jump(Condition::not_equal, label(divide));
        m_code.mov_immediate(reg::scratch, width == Width::w64 ? uint64_t{1} << 63 : uint64_t{1} << 31);
        m_code.alu(width, Alu::cmp, Gpr::rax, reg::scratch);
        m_code.jump(Condition::equal, label(trap(TrapCode::integer_overflow)));
    }
    if (may_be_minus_one && is_remainder) {
        m_code.mov(Width::w64, reg::scratch, reg::instance);
        m_code.mov_immediate(Gpr::rdx, 0);
        m_code.alu(width, Alu::cmp, divisor, -1);
        m_code.jump(Condition::equal, label(done));
    }
    m_code.bind(label(divide));
    if (!may_be_minus_one || !is_remainder)
        m_code.mov(Width::w64, reg::scratch, reg::instance);
    if (is_signed)
        m_code.sign_to_rdx(width);
    else
        m_code.mov_immediate(Gpr::rdx, 0);
    m_code.single(width, is_signed ? Single::idiv : Single::div, divisor);
    m_code.bind(label(done));
    if (is_remainder)
        m_code.mov(Width::w64, Gpr::rax, Gpr::rdx);
    m_code.mov(Width::w64, reg::instance, reg::scratch);
    release(y);
    push_gpr(Gpr::rax, int_type(width));
}

}  // namespace wsb::jit
