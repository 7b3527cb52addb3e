// SPDX-License-Identifier: Apache-2.0
// Vectors: single lanes, lanes that change places, tests, memory.
// Spec: exec/instructions#vector-instructions
#include "jit/machine_sink.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

namespace wsb::jit {

namespace {

using Lanes = std::array<uint8_t, 16>;

constexpr uint64_t ones_8 = 0x0101'0101'0101'0101, ones_16 = 0x0001'0001'0001'0001,
                   ones_32 = 0x0000'0001'0000'0001;
constexpr uint8_t lower_half_twice = 0x44;  ///< of pshufd

[[nodiscard]] constexpr Lanes interleaved(unsigned lane_bytes, unsigned first) noexcept {
    Lanes lanes{};
    for (unsigned i = 0; i < 16; ++i) {
        const unsigned pair = i / (2 * lane_bytes), within = i % (2 * lane_bytes);
        const unsigned from_y = within >= lane_bytes ? 16 : 0;
        lanes[i] = static_cast<uint8_t>(from_y + first + pair * lane_bytes + within % lane_bytes);
    }
    return lanes;
}

struct Interleaving {
    Lanes lanes;
    Sse op;
};
constexpr Interleaving interleavings[] = {
    {interleaved(1, 0), sse::punpcklbw},  {interleaved(1, 8), sse::punpckhbw},
    {interleaved(2, 0), sse::punpcklwd},  {interleaved(2, 8), sse::punpckhwd},
    {interleaved(4, 0), sse::punpckldq},  {interleaved(4, 8), sse::punpckhdq},
    {interleaved(8, 0), sse::punpcklqdq}, {interleaved(8, 8), sse::punpckhqdq},
};

/// The lanes as four of 32 bits, numbers of up to 7, if they are.
[[nodiscard]] std::optional<std::array<uint8_t, 4>> as_words(const Lanes& lanes) noexcept {
    std::array<uint8_t, 4> words{};
    for (size_t i = 0; i < 4; ++i) {
        const uint8_t first = lanes[4 * i];
        if (first % 4 != 0)
            return std::nullopt;
        for (size_t j = 1; j < 4; ++j)
            if (lanes[4 * i + j] != first + j)
                return std::nullopt;
        words[i] = first / 4;
    }
    return words;
}

/// The immediate of pshufd and shufps.
[[nodiscard]] uint8_t selection(const std::array<uint8_t, 4>& words) noexcept {
    return static_cast<uint8_t>((words[0] & 3) | (words[1] & 3) << 2 | (words[2] & 3) << 4 |
                                (words[3] & 3) << 6);
}

/// The immediate of pblendw, if each lane of 16 bits is that of x or of y at its own place.
[[nodiscard]] std::optional<uint8_t> as_blend(const Lanes& lanes) noexcept {
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i += 2) {
        const bool is_of_y = lanes[i] >= 16;
        if (lanes[i] % 16 != i || lanes[i + 1] != lanes[i] + 1)
            return std::nullopt;
        mask |= is_of_y ? 1U << (i / 2) : 0;
    }
    return static_cast<uint8_t>(mask);
}

/// A mask for pshufb of those lanes that come from one operand; the others become zero.
[[nodiscard]] std::array<uint64_t, 2> mask_of(const Lanes& lanes, bool of_y) noexcept {
    Lanes mask{};
    for (size_t i = 0; i < 16; ++i)
        mask[i] = (lanes[i] >= 16) == of_y ? lanes[i] & 15 : 0x80;
    return std::bit_cast<std::array<uint64_t, 2>>(mask);
}

}  // namespace

/// @return false if the instruction is not one of these.
bool MachineSink::vector_lanes(const binary::Instr& instr) {
    const auto lane = static_cast<uint8_t>(instr.index);
    switch (instr.op) {
        case Op::i8x16_splat:
        case Op::i16x8_splat:
        case Op::i32x4_splat:
        case Op::i64x2_splat:
        case Op::f32x4_splat:
        case Op::f64x2_splat: vector_splat(instr.op); return true;
        case Op::i8x16_extract_lane_s:
        case Op::i8x16_extract_lane_u:
        case Op::i16x8_extract_lane_s:
        case Op::i16x8_extract_lane_u:
        case Op::i32x4_extract_lane:
        case Op::i64x2_extract_lane:
        case Op::f32x4_extract_lane:
        case Op::f64x2_extract_lane: extract_lane(instr.op, lane); return true;
        case Op::i8x16_replace_lane:
        case Op::i16x8_replace_lane:
        case Op::i32x4_replace_lane:
        case Op::i64x2_replace_lane:
        case Op::f32x4_replace_lane:
        case Op::f64x2_replace_lane: replace_lane(instr.op, lane); return true;
        case Op::i8x16_shuffle: shuffle(instr.lanes); return true;
        case Op::i8x16_swizzle:
        case Op::i8x16_relaxed_swizzle: swizzle(); return true;
        case Op::v128_any_true:
        case Op::i8x16_all_true:
        case Op::i16x8_all_true:
        case Op::i32x4_all_true:
        case Op::i64x2_all_true: vector_test(instr.op); return true;
        case Op::i8x16_bitmask:
        case Op::i16x8_bitmask:
        case Op::i32x4_bitmask:
        case Op::i64x2_bitmask: vector_bits(instr.op); return true;
        case Op::v128_load8_lane:
        case Op::v128_load16_lane:
        case Op::v128_load32_lane:
        case Op::v128_load64_lane:
        case Op::v128_store8_lane:
        case Op::v128_store16_lane:
        case Op::v128_store32_lane:
        case Op::v128_store64_lane:
            if (!is_plain(instr.memarg))
                return false;
            lane_access(instr);
            return true;
        default: return false;
    }
}

/// Of a constant: a constant.
void MachineSink::splat_bits(Op op, uint64_t bits) {
    switch (op) {
        case Op::i8x16_splat: bits = (bits & 0xff) * ones_8; break;
        case Op::i16x8_splat: bits = (bits & 0xffff) * ones_16; break;
        case Op::i32x4_splat:
        case Op::f32x4_splat: bits = (bits & 0xffff'ffff) * ones_32; break;
        default: break;
    }
    push_vector_constant({bits, bits});
}

void MachineSink::vector_splat(Op op) {
    Value x = pop();
    if (x.kind == Value::Kind::constant)
        return splat_bits(op, x.bits);
    if (op == Op::f32x4_splat || op == Op::f64x2_splat) {
        const Xmm from = to_xmm(x);
        const Xmm to = is_owned(x) ? from : take_xmm();
        m_code.vector(sse::pshufd, to, from, op == Op::f32x4_splat ? 0 : lower_half_twice);
        return push_vector(to);
    }
    const Gpr from = to_gpr(x);
    const Xmm to = take_xmm();
    m_code.move_bits(op == Op::i64x2_splat ? Width::w64 : Width::w32, to, from);
    release(x);
    spread_lane(to, op_info(op).code - op_info(Op::i8x16_splat).code);
    push_vector(to);
}

/// The first lane into all of them. @param log_bytes width of a lane: its bytes are 2^this.
void MachineSink::spread_lane(Xmm reg, unsigned log_bytes) {
    switch (log_bytes) {
        case 0:
            m_code.vector(sse::pxor, reg::float_scratch, reg::float_scratch);
            m_code.vector(sse::pshufb, reg, reg::float_scratch);
            break;
        case 1:
            m_code.vector(sse::pshuflw, reg, reg, 0);
            m_code.vector(sse::punpcklqdq, reg, reg);
            break;
        case 2: m_code.vector(sse::pshufd, reg, reg, 0); break;
        default: m_code.vector(sse::punpcklqdq, reg, reg); break;
    }
}

/// Registers of an f32 have zeros above it.
void MachineSink::extract_lane(Op op, uint8_t lane) {
    constexpr uint8_t zero_upper_three = 0x0e;
    Value x = pop();
    const Xmm from = to_xmm(x);
    if (op == Op::f32x4_extract_lane) {
        const Xmm to = is_owned(x) ? from : take_xmm();
        m_code.vector(sse::insertps, to, from, static_cast<uint8_t>(lane << 6 | zero_upper_three));
        return push_xmm(to, ValType::f32);
    }
    if (op == Op::f64x2_extract_lane) {
        const Xmm to = is_owned(x) ? from : take_xmm();
        if (lane == 0)
            m_code.move(to, from);
        else
            m_code.vector(sse::pshufd, to, from, 0xee);
        return push_xmm(to, ValType::f64);
    }
    const Gpr to = take_gpr();
    const Width width = op == Op::i64x2_extract_lane ? Width::w64 : Width::w32;
    const unsigned bytes = op_info(op).width_bytes;
    if (bytes >= 4 && lane == 0)
        m_code.move_bits(width, to, from);
    else
        m_code.vector(bytes == 1   ? sse::pextrb
                      : bytes == 2 ? sse::pextrw
                                   : sse::pextrd,
                      width, from, to, lane);
    if (op == Op::i8x16_extract_lane_s || op == Op::i16x8_extract_lane_s)
        m_code.extend(Width::w32, to, to, bytes, true);
    release(x);
    push_gpr(to, width == Width::w64 ? ValType::i64 : ValType::i32);
}

void MachineSink::replace_lane(Op op, uint8_t lane) {
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    if (op == Op::f32x4_replace_lane) {
        m_code.vector(sse::insertps, to, to_xmm(y), static_cast<uint8_t>(lane << 4));
    } else if (op == Op::f64x2_replace_lane) {
        m_code.vector(lane == 0 ? sse::movsd : sse::movlhps, to, to_xmm(y));
    } else {
        const unsigned bytes = op_info(op).width_bytes;
        m_code.vector(bytes == 1   ? sse::pinsrb
                      : bytes == 2 ? sse::pinsrw
                                   : sse::pinsrd,
                      bytes == 8 ? Width::w64 : Width::w32, to, to_gpr(y), lane);
    }
    release(y);
    push_vector(to);
}

void MachineSink::shuffle(Lanes lanes) {
    Value y = pop();
    Value x = pop();
    const auto is_of_y = [](uint8_t lane) { return lane >= 16; };
    const bool are_same = x.kind == Value::Kind::local && y.kind == Value::Kind::local && x.local == y.local;
    if (std::ranges::all_of(lanes, is_of_y))
        std::swap(x, y);
    else if (!are_same && std::ranges::any_of(lanes, is_of_y))
        return shuffle_both(lanes, x, y);
    for (uint8_t& lane : lanes)
        lane &= 15;
    release(y);
    shuffle_same(lanes, x);
}

/// All lanes are of x.
void MachineSink::shuffle_same(const Lanes& lanes, Value& x) {
    if (const auto words = as_words(lanes)) {
        const Xmm from = to_xmm(x);
        const Xmm to = is_owned(x) ? from : take_xmm();
        m_code.vector(sse::pshufd, to, from, selection(*words));
        return push_vector(to);
    }
    const Xmm to = to_owned_xmm(x);
    m_code.vector(sse::pshufb, to, vector_at(std::bit_cast<VectorBits>(lanes)));
    push_vector(to);
}

void MachineSink::shuffle_both(const Lanes& lanes, Value& x, Value& y) {
    if (shuffle_by_one(lanes, x, y))
        return;
    const Xmm to = to_owned_xmm(x);
    put_xmm(reg::float_scratch, y);
    m_code.vector(sse::pshufb, to, vector_at(mask_of(lanes, false)));
    m_code.vector(sse::pshufb, reg::float_scratch, vector_at(mask_of(lanes, true)));
    m_code.vector(sse::por, to, reg::float_scratch);
    release(y);
    push_vector(to);
}

/// @return false if no single instruction does it.
bool MachineSink::shuffle_by_one(const Lanes& lanes, Value& x, Value& y) {
    const auto* const known = std::ranges::find(interleavings, lanes, &Interleaving::lanes);
    if (known != std::end(interleavings)) {
        const Xmm to = to_owned_xmm(x);
        vector_operation(known->op, to, y);
        release(y);
        push_vector(to);
        return true;
    }
    if (const auto mask = as_blend(lanes)) {
        const Xmm to = to_owned_xmm(x);
        m_code.vector(sse::pblendw, to, to_xmm(y), *mask);
        release(y);
        push_vector(to);
        return true;
    }
    const auto words = as_words(lanes);
    if (words && (*words)[0] < 4 && (*words)[1] < 4 && (*words)[2] >= 4 && (*words)[3] >= 4) {
        const Xmm to = to_owned_xmm(x);
        m_code.vector(sse::shufps, to, to_xmm(y), selection(*words));
        release(y);
        push_vector(to);
        return true;
    }
    for (size_t i = 1; i < 16; ++i)
        if (lanes[i] != lanes[0] + i)
            return false;
    // Consecutive bytes of both, x below y.
    const Xmm to = to_owned_xmm(y);
    m_code.vector(sse::palignr, to, to_xmm(x), lanes[0]);
    release(x);
    push_vector(to);
    return true;
}

/// pshufb gives 0 where bit 7 is set: saturation sets it for all that is above 15.
void MachineSink::swizzle() {
    constexpr uint64_t to_bit_7 = 0x70 * ones_8;
    Value y = pop();
    Value x = pop();
    const Xmm to = to_owned_xmm(x);
    if (y.kind == Value::Kind::constant) {
        auto lanes = std::bit_cast<Lanes>(m_vector_constants[y.local]);
        for (uint8_t& lane : lanes)
            lane = lane > 15 ? 0x80 : lane;
        m_code.vector(sse::pshufb, to, vector_at(std::bit_cast<VectorBits>(lanes)));
        return push_vector(to);
    }
    put_xmm(reg::float_scratch, y);
    m_code.vector(sse::paddusb, reg::float_scratch, vector_at({to_bit_7, to_bit_7}));
    m_code.vector(sse::pshufb, to, reg::float_scratch);
    release(y);
    push_vector(to);
}

/// Leaves the answer in the flags.
void MachineSink::vector_test(Op op) {
    Value x = pop();
    if (op == Op::v128_any_true) {
        const Xmm reg = to_xmm(x);
        m_code.vector(sse::ptest, reg, reg);
        release(x);
        push_flags(Condition::not_equal);
        return;
    }
    const Sse equal = op == Op::i8x16_all_true   ? sse::pcmpeqb
                      : op == Op::i16x8_all_true ? sse::pcmpeqw
                      : op == Op::i32x4_all_true ? sse::pcmpeqd
                                                 : sse::pcmpeqq;
    const Xmm reg = to_xmm(x);
    m_code.vector(sse::pxor, reg::float_scratch, reg::float_scratch);
    m_code.vector(equal, reg::float_scratch, reg);
    m_code.vector(sse::ptest, reg::float_scratch, reg::float_scratch);
    release(x);
    push_flags(Condition::equal);
}

void MachineSink::vector_bits(Op op) {
    Value x = pop();
    const Xmm from = to_xmm(x);
    const Gpr to = take_gpr();
    switch (op) {
        case Op::i8x16_bitmask: m_code.mask_bits(sse::pmovmskb, to, from); break;
        case Op::i16x8_bitmask:
            m_code.move(reg::float_scratch, from);
            m_code.vector(sse::packsswb, reg::float_scratch, reg::float_scratch);
            m_code.mask_bits(sse::pmovmskb, to, reg::float_scratch);
            m_code.extend(Width::w32, to, to, 1, false);
            break;
        case Op::i32x4_bitmask: m_code.mask_bits(sse::movmskps, to, from); break;
        default: m_code.mask_bits(sse::movmskpd, to, from); break;
    }
    release(x);
    push_gpr(to, ValType::i32);
}

/// See `load_destination`: the instruction's number has a byte, too.
const MachineSink::Pin* MachineSink::vector_load_destination() const noexcept {
    constexpr uint8_t names_memory = 0x40, goes_on = 0x80;
    const uint8_t* const number = m_bytes + m_info.instr->offset_bytes + 1;
    return number[0] < goes_on && number[1] < names_memory ? destination(nullptr, 3) : nullptr;
}

void MachineSink::vector_load(Op op, const binary::MemArg& arg) {
    Value address = pop();
    const Mem place = checked(op_info(op).width_bytes, arg, address);
    const Pin* const pin = vector_load_destination();
    const Xmm to = pin != nullptr ? pin->xmm : take_xmm();
    note_access();
    switch (op) {
        case Op::v128_load: m_code.vector(sse::movups, to, place); break;
        case Op::v128_load8x8_s: m_code.vector(sse::pmovsxbw, to, place); break;
        case Op::v128_load8x8_u: m_code.vector(sse::pmovzxbw, to, place); break;
        case Op::v128_load16x4_s: m_code.vector(sse::pmovsxwd, to, place); break;
        case Op::v128_load16x4_u: m_code.vector(sse::pmovzxwd, to, place); break;
        case Op::v128_load32x2_s: m_code.vector(sse::pmovsxdq, to, place); break;
        case Op::v128_load32x2_u: m_code.vector(sse::pmovzxdq, to, place); break;
        case Op::v128_load8_splat:
        case Op::v128_load16_splat:
            m_code.load_extended(Width::w32, reg::scratch, place, op_info(op).width_bytes, false);
            m_code.move_bits(Width::w32, to, reg::scratch);
            spread_lane(to, op == Op::v128_load8_splat ? 0 : 1);
            break;
        case Op::v128_load32_splat:
            m_code.vector(sse::movss, to, place);
            spread_lane(to, 2);
            break;
        case Op::v128_load64_splat: m_code.vector(sse::movddup, to, place); break;
        case Op::v128_load32_zero: m_code.vector(sse::movss, to, place); break;
        default: m_code.vector(sse::movsd, to, place); break;  // v128.load64_zero
    }
    release(address);
    push_vector(to);
}

void MachineSink::vector_store(const binary::MemArg& arg) {
    Value value = pop();
    Value address = pop();
    const Xmm from = to_xmm(value);
    const Mem place = checked(sizeof(VectorBits), arg, address);
    note_access();
    m_code.vector(sse::movups_store, from, place);
    release(value);
    release(address);
}

void MachineSink::lane_access(const binary::Instr& instr) {
    const unsigned bytes = op_info(instr.op).width_bytes;
    const bool is_load = !op_info(instr.op).results.empty();
    const Width width = bytes == 8 ? Width::w64 : Width::w32;
    const auto lane = static_cast<uint8_t>(instr.index);
    Value vector = pop();
    Value address = pop();
    const Xmm reg = is_load ? to_owned_xmm(vector) : to_xmm(vector);
    const Mem place = checked(op_info(instr.op).width_bytes, instr.memarg, address);
    note_access();
    if (is_load)
        m_code.vector(bytes == 1   ? sse::pinsrb
                      : bytes == 2 ? sse::pinsrw
                                   : sse::pinsrd,
                      width, reg, place, lane);
    else
        m_code.vector(bytes == 1   ? sse::pextrb
                      : bytes == 2 ? sse::pextrw
                                   : sse::pextrd,
                      width, reg, place, lane);
    release(address);
    if (is_load)
        return push_vector(reg);
    release(vector);
}

}  // namespace wsb::jit
