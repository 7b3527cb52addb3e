// SPDX-License-Identifier: Apache-2.0
#include "jit/fault_handler.h"

#include "engine/interp/dispatch.h"
#include "engine/runtime/reservation.h"
#include "engine/runtime/vm_context.h"
#include "jit/code_registry.h"

#include <cerrno>
#include <csignal>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

namespace wsb::jit {

namespace {

/// What there was before ours. Written before that is installed.
struct sigaction previous{};

/// Whether it was an access beyond the end of memory; then the thread goes on as if the code had jumped to
/// its trap exit. Everything that is not exactly so is somebody else's: a fault elsewhere, also one that
/// wrong machine code makes, must not be taken for a trap.
[[nodiscard]] bool becomes_trap(const siginfo_t& info, mcontext_t& state) noexcept {
    if (info.si_code != SEGV_ACCERR && info.si_code != SEGV_MAPERR)
        return false;
    auto& registers = state.gregs;
    // SAFETY: compared with what is registered, not followed.
    const auto* const place = reinterpret_cast<const void*>(registers[REG_RIP]);
    if (!is_access(place))
        return false;
    // SAFETY: at accesses of machine code registers are what registers.h says, and the thread that runs it
    // keeps instance, memory and context alive.
    const auto* const instance = reinterpret_cast<const runtime::VmInstance*>(registers[REG_RDX]);
    const runtime::VmMemory& memory = *instance->first_memory;
    const auto base = reinterpret_cast<uintptr_t>(memory.base);
    const uint64_t index = reinterpret_cast<uintptr_t>(info.si_addr) - base;
    if (static_cast<uintptr_t>(registers[REG_R14]) != base || index < memory.size_bytes ||
        index >= runtime::guarded_bytes)
        return false;
    // SAFETY: the state of an interpreter's handler (interp/dispatch.h), as behind MachineSink::emit_traps.
    // Machine code has nothing on the native stack, so it is as trap_exit wants it.
    registers[REG_R12] = registers[REG_RIP];
    registers[REG_RDI] = static_cast<greg_t>(TrapCode::memory_out_of_bounds);
    registers[REG_RCX] = reinterpret_cast<greg_t>(instance->context);
    registers[REG_RIP] = reinterpret_cast<greg_t>(&interp::trap_exit);
    return true;
}

/// As if ours were not there.
void pass_on(int signal, siginfo_t* info, void* state) noexcept {
    if ((previous.sa_flags & SA_SIGINFO) != 0)
        return previous.sa_sigaction(signal, info, state);
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        return previous.sa_handler(signal);
    const bool is_sent = info->si_code <= 0;
    if (is_sent && previous.sa_handler == SIG_IGN)
        return;
    // The instruction runs again, and its fault ends the process there, as it would have.
    ::sigaction(signal, &previous, nullptr);
    if (is_sent)
        ::raise(signal);
}

// SAFETY: calls what is async-signal-safe only: looks at atomics, and at what belongs to the code that this
// very thread runs. Takes no lock, allocates nothing, leaves by returning.
void handle_fault(int signal, siginfo_t* info, void* state) noexcept {
    const int error = errno;
    if (!becomes_trap(*info, static_cast<ucontext_t*>(state)->uc_mcontext))
        pass_on(signal, info, state);
    errno = error;
}

/// Not of SIGBUS: pages without access are SIGSEGV here, so that is never the guest's doing.
[[nodiscard]] bool install() noexcept {
    if (::sigaction(SIGSEGV, nullptr, &previous) != 0)
        return false;
    // Masks and flags are those that the one before asked for: it is called in ours. The stack for signals is
    // used where the host has set one up, for its own handler may want to report that its stack is full.
    struct sigaction ours = previous;
    ours.sa_sigaction = handle_fault;
    ours.sa_flags = (previous.sa_flags | SA_SIGINFO | SA_ONSTACK) & ~static_cast<int>(SA_RESETHAND);
    return ::sigaction(SIGSEGV, &ours, nullptr) == 0;
}

/// Not where it is limited: memories would take all of it.
[[nodiscard]] bool has_address_space() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY)
        return false;
    void* const place = ::mmap(nullptr, runtime::guarded_bytes, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return place != MAP_FAILED && ::munmap(place, runtime::guarded_bytes) == 0;
}

}  // namespace

bool prepare_guard_regions() noexcept {
    if (!has_address_space())
        return false;
    static const bool is_installed = install();
    return is_installed;
}

}  // namespace wsb::jit
