// SPDX-License-Identifier: Apache-2.0
// Signals that the guest sends itself.
#include "wasi/preview1.h"

#include <array>
#include <csignal>

namespace wsb::wasi::p1 {

/// A guest has no handlers for signals: they do what they do by default. One that would end a process
/// ends the guest, with the status that shells report for it. None ever reaches the host.
Outcome<void> proc_raise(Call& call, uint32_t signal) {
    // By the guest's numbers: 1 is hup, 2 is int, …; 0 asks whether the process is there.
    constexpr std::array host_signals{
        0,       SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP,  SIGABRT, SIGBUS,  SIGFPE,  SIGKILL, SIGUSR1,
        SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM,   SIGTERM, SIGCHLD,  SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGURG,  SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGPOLL, SIGPWR,  SIGSYS};
    if (signal >= host_signals.size())
        return refuse(Errno::inval);
    const int host = host_signals[signal];
    switch (host) {
        case 0:
        case SIGCHLD:
        case SIGCONT:
        case SIGURG:
        case SIGWINCH: return {};
        // Nothing could let it go on.
        case SIGSTOP:
        case SIGTSTP:
        case SIGTTIN:
        case SIGTTOU: return refuse(Errno::notsup);
        default: break;
    }
    constexpr uint32_t ended_by_signal = 128;
    return call.state.end(Exit{ended_by_signal + static_cast<uint32_t>(host)});
}

}  // namespace wsb::wasi::p1
