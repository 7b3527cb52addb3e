// SPDX-License-Identifier: Apache-2.0
// One run of a guest: load, check its imports against the grants, link, run, report.
#pragma once

#include "engine/base/error.h"
#include "engine/isa/features.h"
#include "engine/runtime/trap.h"
#include "wsb/audit.hpp"
#include "wsb/grants.hpp"
#include "wsb/limits.hpp"
#include "wsb/module.hpp"
#include "wsb/store.hpp"
#include "wsb/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::sandbox {

struct RunOptions {
    std::string file;
    /// An export to call with `args`; absent: run the WASI command, with `args` as its arguments.
    std::optional<std::string> invoke;
    std::vector<std::string> args;         ///< without the program's name
    Features features = default_features;  ///< that the module may use
    TierChoice tier = TierChoice::interpreter;
    bool background_compilation = false;  ///< see Config
    CodeNames code_names;                 ///< of machine code, see Config
    bool canonical_nans = false;          ///< see Config
    bool is_lazy = false;                 ///< translates functions when they are first called
    bool confines_thread = false;         ///< by Landlock, before the guest runs
    std::optional<std::string> sha256;    ///< of the module
    SandboxLimits limits;                 ///< those altogether hold for the whole run
    Grants grants;                        ///< its `args` are filled in by the session
    AuditLog audit;
};

enum class Ending : uint8_t {
    returned,  ///< by itself
    exited,    ///< through proc_exit
    trapped,
    limit,       ///< fuel or another limit stopped it
    timed_out,   ///< the time was over
    refused,     ///< the sandbox did not start it: a denied import, a wrong argument, no such file
    unloadable,  ///< malformed, invalid, or imports of the wrong type
};

/// Exit statuses of the command.
inline constexpr int status_timeout = 124, status_refused = 125, status_unloadable = 126, status_trap = 134,
                     status_limit = 137;

/// What came of it. Times and sizes are those until the end, whatever the end was.
struct RunReport {
    Ending ending = Ending::refused;
    int status = status_refused;        ///< exit status: the guest's own, or one of the above
    std::vector<Value> results;         ///< of an invoked export; numbers only, references lose their store
    std::optional<Trap> trap;           ///< trapped, and limits that are traps
    std::optional<Error> error;         ///< refused, unloadable, and limits that are errors
    std::optional<LimitReached> limit;  ///< the one that ended it
    std::string advice;                 ///< what to do about it; may be empty, may have several lines
    uint64_t fuel = 0;                  ///< consumed
    uint64_t wall_ns = 0;
    uint64_t cpu_ns = 0;
    uint64_t peak_memory_bytes = 0;  ///< of all linear memories and objects together
    HeapStatistics heap;
    CodeStatistics code;               ///< of the guest's module
    std::string_view tier = "interp";  ///< interp, jit, auto
};

/// Runs a guest to its end. Never throws; everything that can happen is in the report.
[[nodiscard]] RunReport run(const RunOptions& options) noexcept;

/// Exit status for an error of loading.
[[nodiscard]] int status_for(const Error& error) noexcept;

}  // namespace wsb::sandbox
