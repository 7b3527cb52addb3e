// SPDX-License-Identifier: Apache-2.0
// What a process has that a library must leave alone, for comparison.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cfenv>
#include <clocale>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace wsb::testing {

/// Each thing by a name; equal maps are equal states.
using ProcessState = std::map<std::string, std::string>;

namespace detail {

inline std::string bytes_of(const void* object, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i)
        text += fmt::format("{:02x}", static_cast<const uint8_t*>(object)[i]);
    return text;
}

inline std::string members_of(const sigset_t& set) {
    std::string members;
    for (int signal = 1; signal < NSIG; ++signal)
        members += ::sigismember(&set, signal) == 1 ? fmt::format("{} ", signal) : "";
    return members;
}

inline void add_signals(ProcessState& state) {
    for (int signal = 1; signal < NSIG; ++signal) {
        struct sigaction action{};
        if (::sigaction(signal, nullptr, &action) == 0)
            state[fmt::format("handler of signal {}", signal)] =
                fmt::format("{} {:x} {}", bytes_of(&action.sa_handler, sizeof action.sa_handler),
                            action.sa_flags, members_of(action.sa_mask));
    }
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    state["blocked signals"] = members_of(mask);
    stack_t stack{};
    ::sigaltstack(nullptr, &stack);
    state["alternate stack"] = fmt::format("{} {} {:x}", stack.ss_sp, stack.ss_size, stack.ss_flags);
}

inline void add_limits(ProcessState& state) {
    for (int which = 0; which < RLIM_NLIMITS; ++which) {
        rlimit limit{};
        if (::getrlimit(static_cast<__rlimit_resource>(which), &limit) == 0)
            state[fmt::format("limit {}", which)] = fmt::format("{} {}", limit.rlim_cur, limit.rlim_max);
    }
}

/// "Umask", "NoNewPrivs", … of the kernel.
inline void add_status(ProcessState& state) {
    std::ifstream file("/proc/thread-self/status");
    for (std::string line; std::getline(file, line);)
        for (const char* name : {"Umask:", "NoNewPrivs:", "Seccomp:", "SigIgn:", "SigCgt:", "SigBlk:", "Uid:",
                                 "Gid:", "CapEff:"})
            if (line.starts_with(name))
                state[std::string("kernel: ") + name] = line;
}

inline void add_descriptors(ProcessState& state) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const auto target = std::filesystem::read_symlink(entry.path(), error);
        // The listing's own.
        if (!error && target != fmt::format("/proc/{}/fd", ::getpid()))
            state["descriptor " + entry.path().filename().string()] = target.string();
    }
}

}  // namespace detail

/// Of the process and of the calling thread.
inline ProcessState process_state(bool with_descriptors = true) {
    ProcessState state;
    detail::add_signals(state);
    detail::add_limits(state);
    detail::add_status(state);
    state["directory"] = std::filesystem::current_path().string();
    state["locale"] = std::setlocale(LC_ALL, nullptr);
    std::fenv_t floating{};
    std::fegetenv(&floating);
    // The control words; exceptions that happened are no state to keep.
    state["floating point"] =
        fmt::format("{:x} {:x}", static_cast<unsigned>(floating.__control_word), floating.__mxcsr & ~0x3fu);
    for (char** variable = environ; *variable != nullptr; ++variable)
        state[fmt::format("variable {}", static_cast<void*>(*variable))] = *variable;
    itimerval timer{};
    for (const int which : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
        ::getitimer(which, &timer);
        state[fmt::format("timer {}", which)] = fmt::format("{}", timer.it_interval.tv_usec);
    }
    state["dumpable"] = std::to_string(::prctl(PR_GET_DUMPABLE));
    if (with_descriptors)
        detail::add_descriptors(state);
    return state;
}

}  // namespace wsb::testing
