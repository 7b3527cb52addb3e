// SPDX-License-Identifier: Apache-2.0
// Calls and returns. Guest frames live on the store's guest stack and overlap: the arguments on top of
// the caller's operands are the first slots of the callee's frame. Nothing recurses on the host's stack.
//
// Call cells: [argument base | callee slot | settle][target]; tail calls one word more:
// [header slot | parameter slots]. The frame header at Code::header_slot is
// [return address][caller's sp], and for calls between instances a cell that return_to_instance handles:
// [its address][caller's instance][true return address].
#include "engine/interp/frames.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/operations.h"
#include "engine/runtime/store.h"

#include <algorithm>

namespace wsb::interp {

using lower::Single;

namespace {

/// Zeroes the locals behind the parameters.
[[gnu::always_inline]] inline void zero_locals(Slot* frame, const Code& code) noexcept {
    Slot* slot = frame + code.param_slots;
    Slot* const end = slot + code.zeroed_slots;
#if defined(__clang__)
#pragma clang loop vectorize(disable) unroll(disable)
#endif
    while (slot != end)
        *slot++ = 0;
}

[[nodiscard, gnu::always_inline]] inline bool fits(const Slot* frame, const Code& code,
                                                   const VmContext* context) noexcept {
    // Acquired, for all that lowering on another thread wrote before.
    const uintptr_t slots = code.frame_slots.load(std::memory_order_acquire);
    return reinterpret_cast<uintptr_t>(frame) + sizeof(Slot) * slots <=
           reinterpret_cast<uintptr_t>(context->stack_limit);
}

/// A function's frame did not fit: perhaps only because its size was not known yet.
/// @return none if it fits now.
[[nodiscard, gnu::noinline]] TrapCode make_callable(const VmFunc& func, const Slot* frame,
                                                    const VmContext* context) noexcept {
    const Code& code = *func.code;
    if (!code.can_run() &&
        !lower_now(*runtime::owner_of(*func.instance).compiled(), code, context->store->patience()))
        return lack_of_code(*context);
    return fits(frame, code, context) ? TrapCode::none : TrapCode::stack_overflow;
}

WSB_HANDLER call_any(WSB_STATE);
WSB_HANDLER return_call_any(WSB_STATE);

/// The function in `acc` did not fit; nothing of its call has happened yet. It is called if it does fit now.
template <bool is_tail>
[[gnu::noinline]] WSB_HANDLER does_not_fit(WSB_STATE) {
    WSB_BODY
    const Slot* const frame = is_tail ? sp : sp + field<0>(ip);
    const TrapCode trap = make_callable(*reinterpret_cast<const VmFunc*>(acc), frame, context);
    if (trap != TrapCode::none)
        WSB_TRAP_WITH(trap);
    if constexpr (is_tail)
        WSB_CONTINUE(return_call_any);
    else
        WSB_CONTINUE(call_any);
}

/// Goes into `code`, whose frame at `frame` has its header written.
#define WSB_ENTER_CODE(code, frame)                        \
    do {                                                   \
        sp = (frame);                                      \
        zero_locals(sp, code);                             \
        ip = (code).entry.load(std::memory_order_acquire); \
        if (fuel < 0) [[unlikely]]                         \
            WSB_CONTINUE(fuel_low);                        \
        WSB_DISPATCH();                                    \
    } while (false)

#define WSB_LOAD_MEMORY()                                        \
    do {                                                         \
        const runtime::VmMemory* first = instance->first_memory; \
        memory = first->base;                                    \
        memory_size = first->size_bytes;                         \
    } while (false)

WSB_HANDLER call_local(WSB_STATE) {
    WSB_BODY
    const Code& code = *reinterpret_cast<const Code*>(ip[2]);
    Slot* const frame = sp + field<0>(ip);
    if (!fits(frame, code, context)) [[unlikely]] {
        acc = reinterpret_cast<uint64_t>(instance->funcs[code.func.value]);
        WSB_CONTINUE(does_not_fit<false>);
    }
    fuel -= wide_field(ip);
    Slot* const header = frame + code.header_slot;
    header[0] = reinterpret_cast<Slot>(ip + call_words);
    header[1] = reinterpret_cast<Slot>(sp);
    WSB_ENTER_CODE(code, frame);
}

/// See HandlerTable::enter_code.
WSB_HANDLER enter_code(WSB_STATE) {
    WSB_BODY
    const Code& code = *reinterpret_cast<const Code*>(acc);
    Slot* const caller = reinterpret_cast<Slot*>(memory);
    WSB_LOAD_MEMORY();
    // SAFETY: a return address of machine code, whose cells lie aligned behind it.
    ip = reinterpret_cast<const Word*>(reinterpret_cast<uintptr_t>(ip) & ~lower::native_return_flag);
    if (!fits(sp, code, context)) [[unlikely]] {
        ip -= call_words;  // the cell that calls
        sp = caller;
        fuel += wide_field(ip);
        acc = reinterpret_cast<uint64_t>(instance->funcs[code.func.value]);
        WSB_CONTINUE(does_not_fit<false>);
    }
    Slot* const header = sp + code.header_slot;
    header[0] = reinterpret_cast<Slot>(ip);
    header[1] = reinterpret_cast<Slot>(caller);
    WSB_ENTER_CODE(code, sp);
}

/// Calls the function of another instance in `acc`.
[[gnu::noinline]] WSB_HANDLER call_foreign(WSB_STATE) {
    WSB_BODY
    const auto* func = reinterpret_cast<const VmFunc*>(acc);
    const Code& code = *func->code;
    Slot* const frame = sp + field<0>(ip);
    if (!fits(frame, code, context)) [[unlikely]]
        WSB_CONTINUE(does_not_fit<false>);
    fuel -= wide_field(ip);
    Slot* const header = frame + code.header_slot;
    header[0] = reinterpret_cast<Slot>(header + 2);
    header[1] = reinterpret_cast<Slot>(sp);
    header[2] = address_of(return_to_instance);
    header[3] = reinterpret_cast<Slot>(instance);
    header[4] = reinterpret_cast<Slot>(ip + call_words);
    instance = func->instance;
    WSB_LOAD_MEMORY();
    WSB_ENTER_CODE(code, frame);
}

struct HostResult {
    runtime::HostOutcome outcome;
    int64_t fuel;  ///< the fuel register
};

/// Runs a host function over the slots at `frame`. Fuel is true remaining fuel while it runs. What stack_top
/// was is brought back by Store::call, through which the host entered.
[[nodiscard, gnu::always_inline]] inline HostResult run_host(VmContext& context, VmInstance* instance,
                                                             const VmFunc& func, const Word* ip, Slot* sp,
                                                             Slot* frame, int64_t fuel) noexcept {
    context.fuel_left = fuel - wide_field(ip) + fuel_bias;
    context.trap_ip = ip;
    context.trap_sp = sp;
    context.stack_top = frame + std::max(func.param_slots, func.result_slots);
    const auto outcome = func.host(func.host_environment, context, instance, frame);
    return {outcome, context.fuel_left - fuel_bias};
}

/// Calls the host function in `acc`. Not inlined, so that its frame is not that of every call.
[[gnu::noinline]] WSB_HANDLER call_host(WSB_STATE) {
    WSB_BODY
    const auto& func = *reinterpret_cast<const VmFunc*>(acc);
    Slot* const frame = sp + field<0>(ip);
    const uint32_t slots = std::max(func.param_slots, func.result_slots);
    if (static_cast<size_t>(context->stack_limit - frame) < slots) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::stack_overflow);
    const HostResult result = run_host(*context, instance, func, ip, sp, frame, fuel);
    fuel = result.fuel;
    // Before anything else, so that none of these has to be kept over the call.
    WSB_LOAD_MEMORY();
    facc = FloatAccumulator{};
    acc = static_cast<uint64_t>(result.outcome);
    WSB_CONTINUE(host_call_ended);
}

/// Calls the function in `acc`, of the host or of another instance.
WSB_HANDLER call_elsewhere(WSB_STATE) {
    WSB_BODY
    if (reinterpret_cast<const VmFunc*>(acc)->host != nullptr)
        WSB_CONTINUE(call_host);
    WSB_CONTINUE(call_foreign);
}

/// Calls whatever function is in `acc`, not null. Host functions have no instance.
#define WSB_CALL_ANY()                                             \
    do {                                                           \
        const auto* wanted = reinterpret_cast<const VmFunc*>(acc); \
        if (wanted->instance != instance)                          \
            WSB_CONTINUE(call_elsewhere);                          \
        const Code& code = *wanted->code;                          \
        Slot* const frame = sp + field<0>(ip);                     \
        if (!fits(frame, code, context)) [[unlikely]]              \
            WSB_CONTINUE(does_not_fit<false>);                     \
        fuel -= wide_field(ip);                                    \
        Slot* const header = frame + code.header_slot;             \
        header[0] = reinterpret_cast<Slot>(ip + call_words);       \
        header[1] = reinterpret_cast<Slot>(sp);                    \
        WSB_ENTER_CODE(code, frame);                               \
    } while (false)

WSB_HANDLER call_any(WSB_STATE) {
    WSB_BODY
    WSB_CALL_ANY();
}

WSB_HANDLER call_import(WSB_STATE) {
    WSB_BODY
    const VmFunc* const func = instance->funcs[ip[2]];
    acc = reinterpret_cast<uint64_t>(func);
    if (func->host != nullptr)
        WSB_CONTINUE(call_host);
    WSB_CONTINUE(call_any);
}

struct Callee {
    const VmFunc* func;
    TrapCode trap;
};

/// Finds the callee of a call_indirect, which may have another type. Spec:
/// exec/instructions#exec-call-indirect
[[nodiscard, gnu::always_inline]] inline Callee indirect_callee(const Word* ip, const Slot* sp,
                                                                const VmInstance& instance) noexcept {
    const runtime::VmTable& table = *instance.tables[field_at<uint32_t>(ip, 16)];
    const uint64_t index = sp[field<1>(ip)];
    if (index >= table.size) [[unlikely]]
        return {nullptr, TrapCode::undefined_element};
    const auto* func = reinterpret_cast<const VmFunc*>(table.elements[index]);
    if (func == nullptr) [[unlikely]]
        return {nullptr, TrapCode::uninitialized_element};
    return {func, TrapCode::none};
}

/// The function in `acc` has not the type itself that a call_indirect expects: perhaps a subtype. Apart, so
/// that the usual call needs no frame of the host's.
template <bool is_tail>
[[gnu::noinline]] WSB_HANDLER call_other_type(WSB_STATE) {
    WSB_BODY
    const CanonId actual = reinterpret_cast<const VmFunc*>(acc)->type;
    if (!runtime::func_type_matches(*instance, actual, field_at<CanonId>(ip, 20)))
        WSB_TRAP_WITH(TrapCode::indirect_call_mismatch);
    if constexpr (is_tail)
        WSB_CONTINUE(return_call_any);
    else
        WSB_CONTINUE(call_any);
}

WSB_HANDLER call_indirect(WSB_STATE) {
    WSB_BODY
    const Callee callee = indirect_callee(ip, sp, *instance);
    if (callee.trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(callee.trap);
    acc = reinterpret_cast<uint64_t>(callee.func);
    if (callee.func->type != field_at<CanonId>(ip, 20)) [[unlikely]]
        WSB_CONTINUE(call_other_type<false>);
    WSB_CALL_ANY();
}

WSB_HANDLER call_ref(WSB_STATE) {
    WSB_BODY
    acc = sp[field<1>(ip)];
    if (acc == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_function_reference);
    WSB_CONTINUE(call_any);
}

// Tail calls: the arguments move to the frame's first slots, its header to where the callee has it.

/// Moves the arguments and the header of a frame to where `code` has them. `header` becomes one that
/// brings `instance` back if the callee belongs to another one and no outer frame does so already.
[[gnu::noinline]] void replace_frame(Slot* sp, const Word* ip, const Code& code, VmInstance* instance,
                                     bool changes_instance) noexcept {
    const Slot* const old_header = sp + static_cast<uint16_t>(ip[3]);
    Slot header[lower::frame_header_slots];
    std::memcpy(header, old_header, sizeof header);
    header[0] &= ~lower::native_return_flag;
    Slot* const new_header = sp + code.header_slot;
    const auto cell_inside = reinterpret_cast<Slot>(new_header + 2);
    if (header[0] == reinterpret_cast<Slot>(old_header + 2)) {
        header[0] = cell_inside;
    } else if (changes_instance) {
        header[2] = address_of(return_to_instance);
        header[3] = reinterpret_cast<Slot>(instance);
        header[4] = header[0];
        header[0] = cell_inside;
    }
    std::memmove(sp, sp + field<0>(ip), (ip[3] >> 32) * sizeof(Slot));
    std::memcpy(new_header, header, sizeof header);
}

/// Replaces the frame by that of the Wasm function `func`.
WSB_HANDLER return_call_code(WSB_STATE) {
    WSB_BODY
    const auto* func = reinterpret_cast<const VmFunc*>(acc);
    const Code& code = *func->code;
    if (!fits(sp, code, context)) [[unlikely]]
        WSB_CONTINUE(does_not_fit<true>);
    fuel -= wide_field(ip);
    replace_frame(sp, ip, code, instance, func->instance != instance);
    if (func->instance != instance) {
        instance = func->instance;
        WSB_LOAD_MEMORY();
    }
    WSB_ENTER_CODE(code, sp);
}

/// Calls the host function in `acc` on the frame's own slots, then returns its results.
[[gnu::noinline]] WSB_HANDLER return_call_host(WSB_STATE) {
    WSB_BODY
    const auto& func = *reinterpret_cast<const VmFunc*>(acc);
    Slot* const frame = sp + field<0>(ip);
    const uint32_t slots = std::max(func.param_slots, func.result_slots);
    if (static_cast<size_t>(context->stack_limit - frame) < slots) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::stack_overflow);
    const HostResult result = run_host(*context, instance, func, ip, sp, frame, fuel);
    fuel = result.fuel;
    if (result.outcome == runtime::HostOutcome::trapped) [[unlikely]] {
        if (context->trap == TrapCode::uncaught_exception && context->uncaught != nullptr)
            WSB_CONTINUE(host_threw<true>);
        fuel += wide_field(ip);
        WSB_TRAP_WITH(context->trap);
    }
    WSB_LOAD_MEMORY();
    const Slot* const header = sp + static_cast<uint16_t>(ip[3]);
    ip = reinterpret_cast<const Word*>(header[0] & ~lower::native_return_flag);
    auto* const caller_sp = reinterpret_cast<Slot*>(header[1]);
    acc = frame[0];
    facc = to_accumulator(read_slot<double>(frame));
    std::memmove(sp, frame, func.result_slots * sizeof(Slot));
    sp = caller_sp;
    if (fuel < 0) [[unlikely]]
        WSB_CONTINUE(fuel_low);
    WSB_DISPATCH();
}

WSB_HANDLER return_call_any(WSB_STATE) {
    WSB_BODY
    if (reinterpret_cast<const VmFunc*>(acc)->host != nullptr)
        WSB_CONTINUE(return_call_host);
    WSB_CONTINUE(return_call_code);
}

WSB_HANDLER return_call(WSB_STATE) {
    WSB_BODY
    const Code& code = *reinterpret_cast<const Code*>(ip[2]);
    acc = reinterpret_cast<uint64_t>(instance->funcs[code.func.value]);
    WSB_CONTINUE(return_call_code);
}

WSB_HANDLER return_call_import(WSB_STATE) {
    WSB_BODY
    acc = reinterpret_cast<uint64_t>(instance->funcs[ip[2]]);
    WSB_CONTINUE(return_call_any);
}

WSB_HANDLER return_call_indirect(WSB_STATE) {
    WSB_BODY
    const Callee callee = indirect_callee(ip, sp, *instance);
    if (callee.trap != TrapCode::none) [[unlikely]]
        WSB_TRAP_WITH(callee.trap);
    acc = reinterpret_cast<uint64_t>(callee.func);
    if (callee.func->type != field_at<CanonId>(ip, 20)) [[unlikely]]
        WSB_CONTINUE(call_other_type<true>);
    WSB_CONTINUE(return_call_any);
}

WSB_HANDLER return_call_ref(WSB_STATE) {
    WSB_BODY
    acc = sp[field<1>(ip)];
    if (acc == 0) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::null_function_reference);
    WSB_CONTINUE(return_call_any);
}

// Returns: [header slot | result slot | settle]. A single result stays in its accumulator as well.

#define WSB_RETURN()                                   \
    do {                                               \
        const Slot* const header = sp + field<0>(ip);  \
        fuel -= wide_field(ip);                        \
        ip = reinterpret_cast<const Word*>(header[0]); \
        sp = reinterpret_cast<Slot*>(header[1]);       \
        if (fuel < 0) [[unlikely]]                     \
            WSB_CONTINUE(fuel_low);                    \
        WSB_DISPATCH();                                \
    } while (false)

WSB_HANDLER ret(WSB_STATE) {
    WSB_BODY
    WSB_RETURN();
}

WSB_HANDLER ret_int_slot(WSB_STATE) {
    WSB_BODY
    acc = sp[field<1>(ip)];
    write_slot(sp, acc);
    WSB_RETURN();
}

WSB_HANDLER ret_int_accumulator(WSB_STATE) {
    WSB_BODY
    write_slot(sp, acc);
    WSB_RETURN();
}

WSB_HANDLER ret_float_slot(WSB_STATE) {
    WSB_BODY
    facc = to_accumulator(read_slot<double>(sp + field<1>(ip)));
    write_slot(sp, facc);
    WSB_RETURN();
}

WSB_HANDLER ret_float_accumulator(WSB_STATE) {
    WSB_BODY
    write_slot(sp, facc);
    WSB_RETURN();
}

WSB_HANDLER ret_constant(WSB_STATE) {
    WSB_BODY
    acc = ip[2];
    write_slot(sp, acc);
    facc = to_accumulator(std::bit_cast<double>(acc));
    WSB_RETURN();
}

WSB_HANDLER ret_many(WSB_STATE) {
    WSB_BODY
    std::memmove(sp, sp + field<1>(ip), ip[2] * sizeof(Slot));
    WSB_RETURN();
}

}  // namespace

WSB_HANDLER host_call_ended(WSB_STATE) {
    WSB_BODY
    if (acc == static_cast<uint64_t>(runtime::HostOutcome::trapped)) [[unlikely]] {
        if (context->trap == TrapCode::uncaught_exception && context->uncaught != nullptr)
            WSB_CONTINUE(host_threw<false>);
        fuel += wide_field(ip);
        WSB_TRAP_WITH(context->trap);
    }
    const Slot* const frame = sp + field<0>(ip);
    acc = frame[0];
    facc = load_accumulator(frame);
    ip += call_words;
    if (fuel < 0) [[unlikely]]
        WSB_CONTINUE(fuel_low);
    WSB_DISPATCH();
}

/// A cell inside a frame header (see above): ip points at it.
WSB_HANDLER return_to_instance(WSB_STATE) {
    WSB_BODY
    instance = reinterpret_cast<VmInstance*>(ip[1]);
    ip = reinterpret_cast<const Word*>(ip[2]);
    WSB_LOAD_MEMORY();
    if (fuel < 0) [[unlikely]]
        WSB_CONTINUE(fuel_low);
    WSB_DISPATCH();
}

void fill_calls(lower::HandlerTable& table) {
    const auto enter = [&](Single which, Handler handler) {
        table.single[static_cast<size_t>(which)] = {address_of(handler)};
    };
    table.single[static_cast<size_t>(Single::call_local)] = entry_with_prefixes<call_local>();
    table.single[static_cast<size_t>(Single::call_import)] = entry_with_prefixes<call_import>();
    table.single[static_cast<size_t>(Single::call_indirect)] = entry_with_prefixes<call_indirect>();
    enter(Single::call_ref, call_ref);
    enter(Single::return_call, return_call);
    enter(Single::return_call_import, return_call_import);
    enter(Single::return_call_indirect, return_call_indirect);
    enter(Single::return_call_ref, return_call_ref);
    enter(Single::ret, ret);
    enter(Single::ret_int_slot, ret_int_slot);
    enter(Single::ret_int_accumulator, ret_int_accumulator);
    enter(Single::ret_float_slot, ret_float_slot);
    enter(Single::ret_float_accumulator, ret_float_accumulator);
    enter(Single::ret_constant, ret_constant);
    enter(Single::ret_many, ret_many);
    table.enter_code = address_of(enter_code);
}

}  // namespace wsb::interp
