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

/// The host's stack has to be aligned. What does it is the cell's address of the place behind the call, so
/// that debuggers find return addresses where FrameInformation says (debugger.cpp), to which this is one more
/// frame of this function.
void MachineSink::call_host() {
    using namespace host_call;
    m_code.push(Mem{reg::scratch, call_words * sizeof(Word)});
    m_code.call_later();
    m_common_exits.push_back({m_code.position(), CommonPiece::call_host});
    m_code.pop(Gpr::rcx);
    m_code.mov(Width::w64, reg::instance, kept_instance);
    m_code.load(Width::w64, reg::fuel, {kept_context, offsetof(runtime::VmContext, fuel_left)});
    if (!m_info.module->memories.empty()) {  // it may have grown, where it is
        m_code.load(Width::w64, Gpr::rdi, {reg::instance, offsetof(runtime::VmInstance, first_memory)});
        m_code.load(Width::w64, reg::memory_size, {Gpr::rdi, offsetof(runtime::VmMemory, size_bytes)});
    }
    m_code.alu(Width::w64, Alu::sub, reg::fuel, static_cast<int32_t>(interp::fuel_bias));
    leave_by(CommonPiece::host_call_ended, Condition::sign);
    static_assert(static_cast<uint32_t>(runtime::HostOutcome::returned) == 0);
    m_code.test(Width::w32, outcome, outcome);
    leave_by(CommonPiece::host_call_ended, Condition::not_equal);
}

void MachineSink::import_call(FuncIdx func, const FuncType& type) {
    using namespace host_call;
    prepare_call(type.params);
    const uint32_t slots = std::max(slot_count(type.params), slot_count(type.results));
    const Word words[call_words] = {lower::handler_of(m_options.handlers.of(lower::Single::call_import)),
                                    lower::pack_wide(m_height, 0, potential()), func.value};
    const uint32_t back = new_label();
    Cell& cell = m_cells[add_cell(words, back)];
    cell.return_point = new_point();
    m_code.load(Width::w64, callee, {reg::instance, offsetof(runtime::VmInstance, funcs)});
    m_code.load(Width::w64, callee, {callee, static_cast<int32_t>(func.value * sizeof(runtime::VmFunc*))});
    m_code.lea(reg::scratch, cell.here);
    const int64_t settled = interp::fuel_bias - int64_t{potential()};
    m_code.lea(Width::w64, fuel_left, {reg::fuel, static_cast<int32_t>(settled)});
    m_code.lea(Width::w64, arguments, slot_at(m_height));
    m_code.lea(Width::w64, arguments_end, slot_at(m_height + slots));
    call_host();
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

}  // namespace wsb::jit
