// SPDX-License-Identifier: Apache-2.0
// Float instructions. Spec: exec/numerics#floating-point-operations
#include "jit/machine_sink.h"

#include <bit>
#include <utility>

namespace wsb::jit {

namespace {

[[nodiscard]] ValType float_type(FloatWidth width) noexcept {
    return width == FloatWidth::f64 ? ValType::f64 : ValType::f32;
}
[[nodiscard]] uint64_t sign_bit(FloatWidth width) noexcept {
    return width == FloatWidth::f64 ? uint64_t{1} << 63 : uint64_t{1} << 31;
}

}  // namespace

/// For instructions that keep the upper bits of what they write: those of an f32 must be zero, since slots
/// are stored whole; and nothing has to wait for what was there before.
Xmm MachineSink::take_zeroed_xmm() {
    const Xmm reg = take_xmm();
    m_code.bitwise(Bitwise::xor_, reg, reg);
    return reg;
}

Xmm MachineSink::take_float_destination(Value& x, const Pin* pin) {
    if (pin == nullptr)
        return to_owned_xmm(x);
    put_xmm(pin->xmm, x);
    release(x);
    return pin->xmm;
}

/// @return false if the instruction is not one of these.
bool MachineSink::float_unary(Op op) {
    const auto width = [&](Op f64) { return op == f64 ? FloatWidth::f64 : FloatWidth::f32; };
    switch (op) {
        case Op::f32_sqrt:
        case Op::f64_sqrt: {
            Value& x = pop();
            const Xmm from = to_xmm(x);
            const Xmm to = is_owned(x) ? from : take_zeroed_xmm();
            m_code.scalar(width(Op::f64_sqrt), Scalar::sqrt, to, from);
            push_xmm(to, float_type(width(Op::f64_sqrt)));
            return true;
        }
        case Op::f32_abs:
        case Op::f64_abs: return float_sign(width(Op::f64_abs), Bitwise::and_);
        case Op::f32_neg:
        case Op::f64_neg: return float_sign(width(Op::f64_neg), Bitwise::xor_);
        case Op::f32_ceil:
        case Op::f64_ceil: return float_round(width(Op::f64_ceil), 10);
        case Op::f32_floor:
        case Op::f64_floor: return float_round(width(Op::f64_floor), 9);
        case Op::f32_trunc:
        case Op::f64_trunc: return float_round(width(Op::f64_trunc), 11);
        case Op::f32_nearest:
        case Op::f64_nearest: return float_round(width(Op::f64_nearest), 8);
        case Op::i32_trunc_f32_s: return float_truncate(FloatWidth::f32, true);
        case Op::i32_trunc_f64_s: return float_truncate(FloatWidth::f64, true);
        case Op::i32_trunc_f32_u: return float_truncate(FloatWidth::f32, false);
        case Op::i32_trunc_f64_u: return float_truncate(FloatWidth::f64, false);
        case Op::i64_trunc_f32_s: return float_truncate_64(FloatWidth::f32);
        case Op::i64_trunc_f64_s: return float_truncate_64(FloatWidth::f64);
        case Op::i32_trunc_sat_f32_s: return float_saturate(FloatWidth::f32, true);
        case Op::i32_trunc_sat_f64_s: return float_saturate(FloatWidth::f64, true);
        case Op::i32_trunc_sat_f32_u: return float_saturate(FloatWidth::f32, false);
        case Op::i32_trunc_sat_f64_u: return float_saturate(FloatWidth::f64, false);
        default: return float_convert(op);
    }
}

/// and: clears the sign; xor: turns it.
bool MachineSink::float_sign(FloatWidth width, Bitwise op) {
    Value& x = pop();
    const Xmm to = to_owned_xmm(x);
    m_code.mov_immediate(reg::scratch, op == Bitwise::and_ ? sign_bit(width) - 1 : sign_bit(width));
    m_code.move_bits(Width::w64, reg::float_scratch, reg::scratch);
    m_code.bitwise(op, to, reg::float_scratch);
    push_xmm(to, float_type(width));
    return true;
}

bool MachineSink::float_round(FloatWidth width, uint8_t mode) {
    Value& x = pop();
    const Xmm from = to_xmm(x);
    const Xmm to = is_owned(x) ? from : take_zeroed_xmm();
    m_code.round(width, to, from, mode);
    push_xmm(to, float_type(width));
    return true;
}

/// To i32: by 64 bits, which have every value that is in range, and all bounds exactly.
bool MachineSink::float_truncate(FloatWidth width, bool is_signed) {
    Value& x = pop();
    const Xmm from = to_xmm(x);
    const Gpr to = take_gpr();
    m_code.truncate(Width::w64, to, width, from);
    m_code.extend(Width::w64, reg::scratch, to, 4, is_signed);
    m_code.alu(Width::w64, Alu::cmp, reg::scratch, to);
    const uint32_t in_range = new_label();
    m_code.jump(Condition::equal, label(in_range));
    m_code.compare(width, from, from);
    m_code.jump(Condition::parity, label(trap(TrapCode::invalid_conversion)));
    m_code.jump(label(trap(TrapCode::integer_overflow)));
    m_code.bind(label(in_range));
    if (is_signed)
        m_code.mov(Width::w32, to, to);
    release(x);
    push_gpr(to, ValType::i32);
    return true;
}

/// To i64: the processor's answer for what is out of range is also that for the least number of all.
bool MachineSink::float_truncate_64(FloatWidth width) {
    Value& x = pop();
    const Xmm from = to_xmm(x);
    const Gpr to = take_gpr();
    const uint32_t in_range = new_label();
    m_code.truncate(Width::w64, to, width, from);
    m_code.alu(Width::w64, Alu::cmp, to, 1);
    m_code.jump(Condition::no_overflow, label(in_range));
    m_code.mov_immediate(reg::scratch, width == FloatWidth::f64 ? std::bit_cast<uint64_t>(-0x1p63)
                                                                : std::bit_cast<uint32_t>(-0x1p63f));
    m_code.move_bits(Width::w64, reg::float_scratch, reg::scratch);
    m_code.compare(width, from, reg::float_scratch);
    m_code.jump(Condition::parity, label(trap(TrapCode::invalid_conversion)));
    m_code.jump(Condition::not_equal, label(trap(TrapCode::integer_overflow)));
    m_code.bind(label(in_range));
    release(x);
    push_gpr(to, ValType::i64);
    return true;
}

/// To i32, saturating: an f64 has every i32, so the bounds are put on it. NaN becomes 0.
bool MachineSink::float_saturate(FloatWidth width, bool is_signed) {
    Value& x = pop();
    const Xmm from = to_xmm(x);
    const Gpr to = take_gpr();
    const Xmm bounded = is_owned(x) ? from : take_xmm();  // before the jump, since it may store something
    const uint32_t done = new_label();
    m_code.mov_immediate(to, 0);
    m_code.compare(width, from, from);
    m_code.jump(Condition::parity, label(done));
    if (width == FloatWidth::f32)
        m_code.convert_float(width, bounded, from);
    else
        m_code.move(bounded, from);
    const auto bound = [&](Scalar op, double value) {
        m_code.mov_immediate(reg::scratch, std::bit_cast<uint64_t>(value));
        m_code.move_bits(Width::w64, reg::float_scratch, reg::scratch);
        m_code.scalar(FloatWidth::f64, op, bounded, reg::float_scratch);
    };
    bound(Scalar::min, is_signed ? 2147483647.0 : 4294967295.0);
    bound(Scalar::max, is_signed ? -2147483648.0 : 0.0);
    m_code.truncate(Width::w64, to, FloatWidth::f64, bounded);
    if (is_signed)
        m_code.mov(Width::w32, to, to);
    m_code.bind(label(done));
    free_xmm(bounded);
    push_gpr(to, ValType::i32);
    return true;
}

bool MachineSink::float_convert(Op op) {
    const auto from_int = [&](FloatWidth to_width, Width from_width) {
        Value& x = pop();
        const Gpr from = to_gpr(x);
        const Xmm to = take_zeroed_xmm();
        m_code.float_from_int(to_width, to, from_width, from);
        release(x);
        push_xmm(to, float_type(to_width));
        return true;
    };
    const auto from_bits = [&](Width width, ValType result) {
        Value& x = pop();
        const Gpr from = to_gpr(x);
        const Xmm to = take_xmm();
        m_code.move_bits(width, to, from);
        release(x);
        push_xmm(to, result);
        return true;
    };
    const auto to_bits = [&](Width width, ValType result) {
        Value& x = pop();
        const Xmm from = to_xmm(x);
        const Gpr to = take_gpr();
        m_code.move_bits(width, to, from);
        release(x);
        push_gpr(to, result);
        return true;
    };
    switch (op) {
        case Op::f32_convert_i32_s: return from_int(FloatWidth::f32, Width::w32);
        case Op::f64_convert_i32_s: return from_int(FloatWidth::f64, Width::w32);
        // An i32 is zero-extended, so it is a positive i64.
        case Op::f32_convert_i32_u:
        case Op::f32_convert_i64_s: return from_int(FloatWidth::f32, Width::w64);
        case Op::f64_convert_i32_u:
        case Op::f64_convert_i64_s: return from_int(FloatWidth::f64, Width::w64);
        case Op::f32_demote_f64:
        case Op::f64_promote_f32: {
            const auto width = op == Op::f32_demote_f64 ? FloatWidth::f64 : FloatWidth::f32;
            Value& x = pop();
            const Xmm from = to_xmm(x);
            const Xmm to = take_zeroed_xmm();
            m_code.convert_float(width, to, from);
            release(x);
            push_xmm(to, width == FloatWidth::f64 ? ValType::f32 : ValType::f64);
            return true;
        }
        case Op::f32_reinterpret_i32: return from_bits(Width::w32, ValType::f32);
        case Op::f64_reinterpret_i64: return from_bits(Width::w64, ValType::f64);
        case Op::i32_reinterpret_f32: return to_bits(Width::w32, ValType::i32);
        case Op::i64_reinterpret_f64: return to_bits(Width::w64, ValType::i64);
        default: return false;
    }
}

bool MachineSink::float_binary(Op op) {
    switch (op) {
        case Op::f32_add: return float_scalar(FloatWidth::f32, Scalar::add);
        case Op::f32_sub: return float_scalar(FloatWidth::f32, Scalar::sub);
        case Op::f32_mul: return float_scalar(FloatWidth::f32, Scalar::mul);
        case Op::f32_div: return float_scalar(FloatWidth::f32, Scalar::div);
        case Op::f64_add: return float_scalar(FloatWidth::f64, Scalar::add);
        case Op::f64_sub: return float_scalar(FloatWidth::f64, Scalar::sub);
        case Op::f64_mul: return float_scalar(FloatWidth::f64, Scalar::mul);
        case Op::f64_div: return float_scalar(FloatWidth::f64, Scalar::div);
        case Op::f32_min: return float_least(FloatWidth::f32, true);
        case Op::f64_min: return float_least(FloatWidth::f64, true);
        case Op::f32_max: return float_least(FloatWidth::f32, false);
        case Op::f64_max: return float_least(FloatWidth::f64, false);
        case Op::f32_copysign: return float_copysign(FloatWidth::f32);
        case Op::f64_copysign: return float_copysign(FloatWidth::f64);
        default: return false;
    }
}

bool MachineSink::float_scalar(FloatWidth width, Scalar op) {
    Value& y = pop();
    Value& x = pop();
    const Pin* const pin = destination(&y);
    if (m_options.has_avx && scalar_of_three(width, op, x, y, pin))
        return true;
    const Xmm to = take_float_destination(x, pin);
    if (is_in_memory(y))
        m_code.scalar(width, op, to, memory_of(y));
    else
        m_code.scalar(width, op, to, to_xmm(y));
    release(y);
    push_xmm(to, float_type(width));
    return true;
}

/// Where the first operand would have to be copied from its register.
bool MachineSink::scalar_of_three(FloatWidth width, Scalar op, Value& x, Value& y, const Pin* pin) {
    const bool is_in_register =
        x.kind == Value::Kind::xmm || (x.kind == Value::Kind::local && pin_of(x.local) != nullptr);
    if (!is_in_register)
        return false;
    const Xmm a = to_xmm(x);
    if (pin != nullptr ? pin->xmm == a : is_owned(x))
        return false;
    const bool is_loaded = is_in_memory(y);
    const Xmm b = is_loaded ? Xmm{} : to_xmm(y);
    const Xmm to = pin != nullptr ? pin->xmm : is_owned(y) ? y.xmm : take_xmm();
    if (is_loaded)
        m_code.scalar(width, op, to, a, memory_of(y));
    else
        m_code.scalar(width, op, to, a, b);
    release(x);
    if (is_loaded || to != b)
        release(y);
    push_xmm(to, float_type(width));
    return true;
}

/// min, max. NaN wins, which an addition gives; of zeros the sign decides, which the bits give.
bool MachineSink::float_least(FloatWidth width, bool is_min) {
    Value& y = pop();
    Value& x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm other = to_xmm(y);
    const uint32_t is_equal = new_label(), is_nan = new_label(), done = new_label();
    m_code.compare(width, to, other);
    m_code.jump(Condition::parity, label(is_nan));
    m_code.jump(Condition::equal, label(is_equal));
    m_code.scalar(width, is_min ? Scalar::min : Scalar::max, to, other);
    m_code.jump(label(done));
    m_code.bind(label(is_nan));
    m_code.scalar(width, Scalar::add, to, other);
    m_code.jump(label(done));
    m_code.bind(label(is_equal));
    m_code.bitwise(is_min ? Bitwise::or_ : Bitwise::and_, to, other);
    m_code.bind(label(done));
    release(y);
    push_xmm(to, float_type(width));
    return true;
}

/// The magnitude of x and the sign of y.
bool MachineSink::float_copysign(FloatWidth width) {
    Value& y = pop();
    Value& x = pop();
    const Xmm to = to_owned_xmm(x);
    const Xmm sign = to_owned_xmm(y);
    m_code.mov_immediate(reg::scratch, sign_bit(width) - 1);
    m_code.move_bits(Width::w64, reg::float_scratch, reg::scratch);
    m_code.bitwise(Bitwise::and_, to, reg::float_scratch);
    m_code.bitwise(Bitwise::andnot, reg::float_scratch, sign);
    m_code.bitwise(Bitwise::or_, to, reg::float_scratch);
    release(y);
    push_xmm(to, float_type(width));
    return true;
}

/// "above" and "above or equal" say no if an operand is NaN, and their opposites yes: so less-than is asked
/// the other way round. Equality needs a mask.
void MachineSink::float_compare(Op op) {
    const bool is_f64 = op >= Op::f64_eq;
    const FloatWidth width = is_f64 ? FloatWidth::f64 : FloatWidth::f32;
    const size_t number = static_cast<size_t>(op) - static_cast<size_t>(is_f64 ? Op::f64_eq : Op::f32_eq);
    enum : size_t { eq, ne, lt, gt, le, ge };
    Value& y = pop();
    Value& x = pop();
    if (number == eq || number == ne) {
        const Xmm mask = to_owned_xmm(x);
        m_code.compare_mask(width, mask, to_xmm(y), number == eq ? 0 : 4);
        const Gpr to = take_gpr();
        m_code.move_bits(Width::w32, to, mask);
        m_code.alu(Width::w32, Alu::and_, to, 1);
        free_gpr(to);
        release(x);
        release(y);
        push_flags(Condition::not_equal);
        return;
    }
    if (number == lt || number == le)
        std::swap(x, y);
    const Xmm a = to_xmm(x);
    m_code.compare(width, a, to_xmm(y));
    release(x);
    release(y);
    push_flags(number == lt || number == gt ? Condition::above : Condition::above_equal);
}

}  // namespace wsb::jit
