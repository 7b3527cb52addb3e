// SPDX-License-Identifier: Apache-2.0
// Calls of imported functions. Most are the host's, which machine code calls itself, with everything where
// the interpreter's handler would have it (interp/handlers_call.cpp): fuel settled and in the context, the
// cell and the frame where backtraces and collections look. What else there is, functions of other instances,
// traps, exceptions and the end of the fuel, is left to handlers. Arguments and results are operands of
// instructions of the caller, so they are within its frame, which fits.
#include "engine/interp/dispatch.h"
#include "jit/machine_sink.h"

#include <algorithm>

namespace wsb::jit {

using lower::slot_count;
using lower::slot_width;
using lower::Word;

namespace {

// What a call hands over to the code that all calls of a function have in common, beside the cell in
// reg::scratch; pins are stored, so their registers are free. Arguments and context are where the host
// expects them.
constexpr Gpr callee = Gpr::rax, fuel_left = Gpr::r8, arguments_end = Gpr::r9, arguments = Gpr::rcx,
              context = Gpr::rsi;
/// Kept by the host, as the frame and the cell are; the memory's size is loaded again.
constexpr Gpr kept_instance = Gpr::rbx, kept_context = reg::memory_size;

}  // namespace

void MachineSink::import_call(FuncIdx func, const FuncType& type) {
    prepare_call(type.params);
    const uint32_t slots = std::max(slot_count(type.params), slot_count(type.results));
    const Word words[call_words] = {lower::handler_of(m_options.handlers.of(lower::Single::call_import)),
                                    lower::pack_wide(m_height, 0, potential()), func.value};
    const uint32_t back = new_label();
    Cell& cell = m_cells[add_cell(words, back)];
    cell.return_point = new_point();
    if (m_host_call == none)
        m_host_call = new_label();
    m_code.load(Width::w64, callee, {reg::instance, offsetof(runtime::VmInstance, funcs)});
    m_code.load(Width::w64, callee, {callee, static_cast<int32_t>(func.value * sizeof(runtime::VmFunc*))});
    m_code.lea(reg::scratch, label(cell.label));
    const int64_t settled = interp::fuel_bias - int64_t{potential()};
    m_code.lea(Width::w64, fuel_left, {reg::fuel, static_cast<int32_t>(settled)});
    m_code.lea(Width::w64, arguments, slot_at(m_height));
    m_code.lea(Width::w64, arguments_end, slot_at(m_height + slots));
    m_code.call(label(m_host_call));
    if (type.results.size() == 1 && slot_width(type.results[0]) == 1) {
        if (lower::is_float(type.results[0]))
            load_xmm(type.results[0], reg::float_result, slot_at(m_height));
        else
            m_code.load(width_in_slot(type.results[0]), reg::int_result, slot_at(m_height));
    }
    m_code.bind(label(back));
    m_code.endbr64();
    after_call(type);
}

/// What all calls of the host have in common, apart and called: so the host's stack is aligned as it expects,
/// and debuggers find each return address where FrameInformation says (debugger.cpp).
void MachineSink::emit_host_call() {
    if (m_host_call == none)
        return;
    const uint32_t by_handler = new_label(), ended = new_label();
    const auto in_context = [](size_t offset) { return Mem(context, static_cast<int32_t>(offset)); };
    m_code.bind(label(m_host_call));
    m_code.load(Width::w64, context, {reg::instance, offsetof(runtime::VmInstance, context)});
    m_code.alu(Width::w64, Alu::cmp, Mem{callee, offsetof(runtime::VmFunc, host)}, 0);
    m_code.jump(Condition::equal, label(by_handler));
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, stack_top)), arguments_end);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, fuel_left)), fuel_left);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, trap_ip)), reg::scratch);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, trap_sp)), reg::frame);
    m_code.mov(Width::w64, kept_instance, reg::instance);
    m_code.mov(Width::w64, kept_context, context);
    enter_host();
    m_code.jump(Condition::sign, label(ended));
    static_assert(static_cast<uint32_t>(runtime::HostOutcome::returned) == 0);
    m_code.test(Width::w32, Gpr::rax, Gpr::rax);
    m_code.jump(Condition::not_equal, label(ended));
    m_code.ret();
    m_code.bind(label(by_handler));
    m_code.pop(arguments_end);
    m_code.mov(Width::w64, reg::context, context);
    constexpr int32_t settle_byte = 12;  // interp::wide_field
    m_code.load(Width::w32, reg::fuel, {reg::scratch, settle_byte});
    m_code.lea(Width::w64, reg::fuel, {reg::fuel, fuel_left, static_cast<int32_t>(-interp::fuel_bias)});
    m_code.jump(Mem{reg::scratch, 0});
    m_code.bind(label(ended));
    m_code.pop(Gpr::r8);
    m_code.load(Width::w64, reg::context, {reg::instance, offsetof(runtime::VmInstance, context)});
    m_code.mov(Width::w32, reg::int_result, Gpr::rax);
    m_code.mov_immediate(Gpr::rax, reinterpret_cast<uint64_t>(m_options.host_call_ended));
    m_code.jump(Gpr::rax);
}

/// HostEntry(environment, context, caller, slots), and what the guest's registers have after it. The flags
/// say whether there is enough fuel. Memories grow where they are.
void MachineSink::enter_host() {
    m_code.load(Width::w64, Gpr::rdi, {callee, offsetof(runtime::VmFunc, host_environment)});
    m_code.call(Mem{callee, offsetof(runtime::VmFunc, host)});
    m_code.mov(Width::w64, reg::instance, kept_instance);
    m_code.load(Width::w64, reg::fuel, {kept_context, offsetof(runtime::VmContext, fuel_left)});
    if (!m_info.module->memories.empty()) {
        m_code.load(Width::w64, Gpr::rdi, {reg::instance, offsetof(runtime::VmInstance, first_memory)});
        m_code.load(Width::w64, reg::memory_size, {Gpr::rdi, offsetof(runtime::VmMemory, size_bytes)});
    }
    m_code.alu(Width::w64, Alu::sub, reg::fuel, static_cast<int32_t>(interp::fuel_bias));
}

}  // namespace wsb::jit
