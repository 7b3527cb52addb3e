// SPDX-License-Identifier: Apache-2.0
#include "jit/common_code.h"

#include "engine/interp/dispatch.h"
#include "jit/machine_sink.h"

#include <cstring>

namespace wsb::jit {

namespace {

constexpr size_t trap_codes = [] {
    size_t count = 0;
#define WSB_TRAP(id, number, text) count = number + 1;
#include "engine/isa/traps.def"
#undef WSB_TRAP
    return count;
}();
constexpr size_t piece_count = static_cast<size_t>(CommonPiece::trap) + trap_codes;

}  // namespace

std::string name_of(CommonPiece piece) {
    switch (piece) {
        case CommonPiece::fuel_low: return "fuel_low";
        case CommonPiece::leave: return "leave";
        case CommonPiece::does_not_fit: return "does_not_fit";
        case CommonPiece::enter_code: return "enter_code";
        case CommonPiece::call_host: return "call_host";
        case CommonPiece::host_call_ended: return "host_call_ended";
        default: break;
    }
    const auto code =
        static_cast<TrapCode>(static_cast<size_t>(piece) - static_cast<size_t>(CommonPiece::trap));
    return "trap: " + std::string(trap_text(code));
}

CommonCode::CommonCode(const MachineOptions& options) : m_places(piece_count) {
    emit_fuel_low(options);
    emit_leave();
    emit_calls_without_code(options);
    emit_call_host();
    emit_host_call_ended(options);
    emit_traps(options);
}

void CommonCode::write(uint8_t* begin) noexcept {
    std::memcpy(begin, m_code.bytes().data(), m_code.bytes().size());
    m_begin = begin;
}

void CommonCode::begin(CommonPiece piece) {
    m_places[static_cast<size_t>(piece)] = m_code.position();
}

/// Where handlers have it.
void CommonCode::load_context() {
    m_code.load(Width::w64, reg::context, {reg::instance, offsetof(runtime::VmInstance, context)});
}

void CommonCode::jump_to(const void* handler) {
    m_code.mov_immediate(Gpr::rax, reinterpret_cast<uint64_t>(handler));
    m_code.jump(Gpr::rax);
}

void CommonCode::emit_fuel_low(const MachineOptions& options) {
    begin(CommonPiece::fuel_low);
    m_code.bind(m_fuel_low);
    load_context();
    jump_to(options.fuel_low);
}

void CommonCode::emit_leave() {
    begin(CommonPiece::leave);
    m_code.alu(Width::w64, Alu::and_, reg::scratch, ~static_cast<int32_t>(lower::native_return_flag));
    m_code.test(Width::w64, reg::fuel, reg::fuel);
    m_code.jump(Condition::sign, m_fuel_low);
    load_context();
    m_code.jump(Mem{reg::scratch, 0});
}

/// HandlerTable::enter_code makes such calls.
void CommonCode::emit_calls_without_code(const MachineOptions& options) {
    Label enter;
    begin(CommonPiece::does_not_fit);
    m_code.imul(Width::w64, reg::int_result, reg::int_result, sizeof(lower::Code));
    m_code.mov_immediate(Gpr::rax, reinterpret_cast<uint64_t>(options.codes));
    m_code.alu(Width::w64, Alu::add, reg::int_result, Gpr::rax);
    m_code.jump(enter);
    begin(CommonPiece::enter_code);
    m_code.endbr64();
    m_code.pop(Gpr::rax);  // the header will tell where to return to
    m_code.bind(enter);
    m_code.mov(Width::w64, reg::memory_base, reg::caller_frame);
    load_context();
    m_code.mov_immediate(Gpr::rax, options.handlers.enter_code);
    m_code.jump(Gpr::rax);
}

/// It jumps to the function of the host, which returns to the caller: one return less to foresee. What is no
/// function of the host is left to the handler.
void CommonCode::emit_call_host() {
    using namespace host_call;
    constexpr Gpr context = Gpr::rsi;
    Label by_handler;
    const auto in_context = [](size_t offset) { return Mem(context, static_cast<int32_t>(offset)); };
    begin(CommonPiece::call_host);
    m_code.load(Width::w64, context, {reg::instance, offsetof(runtime::VmInstance, context)});
    m_code.alu(Width::w64, Alu::cmp, Mem{callee, offsetof(runtime::VmFunc, host)}, 0);
    m_code.jump(Condition::equal, by_handler);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, stack_top)), arguments_end);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, fuel_left)), fuel_left);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, trap_ip)), reg::scratch);
    m_code.store(Width::w64, in_context(offsetof(runtime::VmContext, trap_sp)), reg::frame);
    m_code.mov(Width::w64, kept_instance, reg::instance);
    m_code.mov(Width::w64, kept_context, context);
    // HostEntry(environment, context, caller, slots)
    m_code.load(Width::w64, Gpr::rdi, {callee, offsetof(runtime::VmFunc, host_environment)});
    m_code.jump(Mem{callee, offsetof(runtime::VmFunc, host)});
    m_code.bind(by_handler);
    m_code.alu(Width::w64, Alu::add, Gpr::rsp, 2 * sizeof(uint64_t));
    m_code.mov(Width::w64, reg::context, context);
    constexpr int32_t settle_byte = 12;  // interp::wide_field
    m_code.load(Width::w32, reg::fuel, {reg::scratch, settle_byte});
    m_code.lea(Width::w64, reg::fuel, {reg::fuel, fuel_left, static_cast<int32_t>(-interp::fuel_bias)});
    m_code.jump(Mem{reg::scratch, 0});
}

void CommonCode::emit_host_call_ended(const MachineOptions& options) {
    begin(CommonPiece::host_call_ended);
    load_context();
    m_code.mov(Width::w32, reg::int_result, host_call::outcome);
    jump_to(options.host_call_ended);
}

void CommonCode::emit_traps(const MachineOptions& options) {
    Label stop;
    for (size_t code = 0; code < trap_codes; ++code) {
        begin(trap_piece(static_cast<TrapCode>(code)));
        m_code.mov_immediate(reg::int_result, code);
        m_code.jump(stop);
    }
    m_code.bind(stop);
    m_code.pop(reg::scratch);
    load_context();
    jump_to(options.trap_exit);
}

}  // namespace wsb::jit
