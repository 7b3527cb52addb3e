// SPDX-License-Identifier: Apache-2.0
// The shape of a handler, under two dispatchers. With tail calls (clang: musttail, preserve_none) the
// state lives in machine registers and each handler jumps to the next; without, handlers return and a
// loop calls the next one, with the state in a struct. Handlers are written once for both.
#pragma once

#include "engine/lower/code.h"
#include "engine/lower/handler_table.h"
#include "engine/runtime/vm_context.h"
#include "engine/validate/body_sink.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#if defined(__clang__) && !defined(WSB_LOOP_DISPATCH)
#define WSB_TAIL_DISPATCH 1
#else
#define WSB_TAIL_DISPATCH 0
#endif

namespace wsb::interp {

using lower::Code;
using lower::Word;
using runtime::Slot;
using runtime::VmContext;
using runtime::VmFunc;
using runtime::VmInstance;

/// The float accumulator: an SSE register whose low lane counts; the rest is anything.
using FloatAccumulator = __m128d;

/// The fuel register holds remaining fuel + P - fuel_bias: a check is a test of its sign, and as long as
/// it is not negative there is fuel enough to reach the next check (docs/adr: metering).
inline constexpr int64_t fuel_bias = validate::fuel_window;

/// State of the interpreter between two cells.
///   ip      the current cell
///   sp      first slot of the current frame
///   memory, memory_size   memory 0 of the current instance; size in bytes
///   acc, facc  accumulators
///   fuel    see fuel_bias
struct Registers {
    const Word* ip;
    Slot* sp;
    uint8_t* memory;
    uint64_t memory_size;
    uint64_t acc;
    int64_t fuel;
    VmInstance* instance;
    VmContext* context;
    FloatAccumulator facc;
};

}  // namespace wsb::interp

#if WSB_TAIL_DISPATCH

namespace wsb::interp {
using Handler = __attribute__((preserve_none)) void (*)(const Word* ip, Slot* sp, uint8_t* memory,
                                                        uint64_t memory_size, uint64_t acc, int64_t fuel,
                                                        VmInstance* instance, VmContext* context,
                                                        FloatAccumulator facc);
}  // namespace wsb::interp

/// Declares a handler's state; every handler begins with WSB_BODY.
#define WSB_STATE                                                                                            \
    [[maybe_unused]] const Word *ip, [[maybe_unused]] Slot *sp, [[maybe_unused]] uint8_t *memory,            \
        [[maybe_unused]] uint64_t memory_size, [[maybe_unused]] uint64_t acc, [[maybe_unused]] int64_t fuel, \
        [[maybe_unused]] VmInstance *instance, [[maybe_unused]] VmContext *context,                          \
        [[maybe_unused]] FloatAccumulator facc
/// A cell may name machine code, which has no signature before its entry that -fsanitize=function could read.
#define WSB_HANDLER __attribute__((preserve_none, no_sanitize("function"))) void
#define WSB_BODY
#define WSB_ARGUMENTS ip, sp, memory, memory_size, acc, fuel, instance, context, facc
/// Goes on with the cell at ip.
#define WSB_DISPATCH() [[clang::musttail]] return reinterpret_cast<Handler>(*ip)(WSB_ARGUMENTS)
/// Goes on with another handler on the same cell.
#define WSB_CONTINUE(handler) [[clang::musttail]] return handler(WSB_ARGUMENTS)

#else

namespace wsb::interp {
using Handler = void (*)(Registers& registers);
}  // namespace wsb::interp

#define WSB_STATE Registers& registers
#define WSB_HANDLER void
#define WSB_BODY \
    [[maybe_unused]] auto& [ip, sp, memory, memory_size, acc, fuel, instance, context, facc] = registers;
#define WSB_DISPATCH() return
#define WSB_CONTINUE(handler) return handler(registers)

#endif

/// Goes on with the cell `words` further.
#define WSB_NEXT(words) \
    do {                \
        ip += (words);  \
        WSB_DISPATCH(); \
    } while (false)

/// Stops with a trap at the current cell; fuel must be as it was when the cell began.
#define WSB_TRAP_WITH(code)                \
    do {                                   \
        acc = static_cast<uint64_t>(code); \
        WSB_CONTINUE(trap_exit);           \
    } while (false)

namespace wsb::interp {

/// Leaves the interpreter with the TrapCode in `acc`.
WSB_HANDLER trap_exit(WSB_STATE);
/// Fuel is low at a settlement point: goes on at ip in stepping form.
WSB_HANDLER fuel_low(WSB_STATE);
/// A host function, called by the cell at ip, has come back with the HostOutcome in `acc`. Its fuel is
/// settled.
WSB_HANDLER host_call_ended(WSB_STATE);
/// A host function, called by the cell at ip, threw VmContext::uncaught. Its fuel is settled.
template <bool is_tail>
WSB_HANDLER host_threw(WSB_STATE);
extern template WSB_HANDLER host_threw<false>(WSB_STATE);
extern template WSB_HANDLER host_threw<true>(WSB_STATE);
/// The cell that a call from the host returns to, and the handler of the cell that a call between
/// instances returns to.
WSB_HANDLER leave(WSB_STATE);
WSB_HANDLER return_to_instance(WSB_STATE);

// Operand words. The bytes are read as what they are packed as (handler_table.h).
template <class Field>
[[nodiscard, gnu::always_inline]] inline Field field_at(const Word* ip, size_t byte) noexcept {
    Field value;
    std::memcpy(&value, reinterpret_cast<const char*>(ip) + byte, sizeof(Field));
    return value;
}
/// 16-bit field `number` of the first operand word.
template <int number>
[[nodiscard, gnu::always_inline]] inline size_t field(const Word* ip) noexcept {
    return field_at<uint16_t>(ip, 8 + 2 * number);
}
/// The upper half of the first operand word.
[[nodiscard, gnu::always_inline]] inline uint32_t wide_field(const Word* ip) noexcept {
    return field_at<uint32_t>(ip, 12);
}

// Slots by type: i32 is written zero-extended.
template <class T>
[[nodiscard, gnu::always_inline]] inline T read_slot(const Slot* slot) noexcept {
    T value;
    std::memcpy(&value, slot, sizeof(T));
    return value;
}
[[gnu::always_inline]] inline void write_slot(Slot* slot, uint64_t value) noexcept {
    *slot = value;
}
[[gnu::always_inline]] inline void write_slot(Slot* slot, FloatAccumulator value) noexcept {
    std::memcpy(slot, &value, sizeof(Slot));
}

// Accumulators by type.
template <class T>
inline constexpr bool is_float_type = std::is_floating_point_v<T>;

/// The upper lane stays undefined: setting it would cost an instruction in each handler.
[[nodiscard, gnu::always_inline]] inline FloatAccumulator to_accumulator(double value) noexcept {
    const FloatAccumulator both{value, value};
    return __builtin_shufflevector(both, both, 0, -1);
}
/// One instruction, where that of a value that is also in an integer register would be two.
[[nodiscard, gnu::always_inline]] inline FloatAccumulator load_accumulator(const Slot* slot) noexcept {
    return _mm_set_sd(read_slot<double>(slot));
}
/// All of the low lane is defined, since slots are stored whole.
[[nodiscard, gnu::always_inline]] inline FloatAccumulator to_accumulator(float value) noexcept {
    return _mm_castps_pd(_mm_set_ss(value));
}
template <class T>
[[nodiscard, gnu::always_inline]] inline T from_accumulator(uint64_t acc, FloatAccumulator facc) noexcept {
    if constexpr (std::is_same_v<T, double>)
        return _mm_cvtsd_f64(facc);
    else if constexpr (std::is_same_v<T, float>)
        return _mm_cvtss_f32(_mm_castpd_ps(facc));
    else
        return static_cast<T>(acc);
}

/// Enter addresses of handlers into the table: each family of lower::Family ...
void fill_integers(lower::HandlerTable& table);
void fill_floats(lower::HandlerTable& table);
void fill_accesses(lower::HandlerTable& table);
void fill_sums(lower::HandlerTable& table);
void fill_branches(lower::HandlerTable& table);
void fill_float_branches(lower::HandlerTable& table);
void fill_integer_pairs(lower::HandlerTable& table);
void fill_float_pairs(lower::HandlerTable& table);
void fill_load_pairs(lower::HandlerTable& table);
void fill_branch_pairs(lower::HandlerTable& table);
void fill_load_branches(lower::HandlerTable& table);
void fill_vectors(lower::HandlerTable& table);
void fill_vector_memory(lower::HandlerTable& table);
void fill_atomics(lower::HandlerTable& table);
/// ... and what is entered at first.
void fill_control(lower::HandlerTable& table);
void fill_calls(lower::HandlerTable& table);
void fill_state(lower::HandlerTable& table);
void fill_increment(lower::HandlerTable& table);
void fill_memory_size(lower::HandlerTable& table);
void fill_exceptions(lower::HandlerTable& table);
void fill_objects(lower::HandlerTable& table);
void fill_canonical(lower::HandlerTable& table);

[[nodiscard]] inline Word address_of(Handler handler) noexcept {
    return reinterpret_cast<Word>(handler);
}

/// A prefix, and the cell that shares its words. An addition leaves its sum in the accumulator like any
/// other.
template <lower::Prefix prefix, Handler handler>
WSB_HANDLER behind(WSB_STATE) {
    WSB_BODY
    if constexpr (prefix == lower::Prefix::increment) {
        acc = read_slot<uint32_t>(sp + field<1>(ip)) + wide_field(ip);
        write_slot(sp + field<0>(ip), acc);
    } else if constexpr (prefix == lower::Prefix::copy) {
        sp[field<0>(ip)] = sp[field<1>(ip)];
    } else {
        sp[field<0>(ip)] = wide_field(ip);
    }
    ++ip;
    WSB_CONTINUE(handler);
}

template <Handler handler>
[[nodiscard]] inline lower::Entry entry_alone() noexcept {
    return {address_of(handler)};
}
/// Of a cell that prefixes often come before.
template <Handler handler>
[[nodiscard]] inline lower::Entry entry_with_prefixes() noexcept {
    return {address_of(handler), address_of(behind<lower::Prefix::increment, handler>),
            address_of(behind<lower::Prefix::copy, handler>),
            address_of(behind<lower::Prefix::constant, handler>)};
}
template <Handler handler, bool has_prefixes>
[[nodiscard]] inline lower::Entry entry_of() noexcept {
    if constexpr (has_prefixes)
        return entry_with_prefixes<handler>();
    else
        return entry_alone<handler>();
}

}  // namespace wsb::interp
