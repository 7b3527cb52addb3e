// SPDX-License-Identifier: Apache-2.0
// Each script file runs in a process of its own, so that a crash or a hang costs that file only.
#pragma once

#include "engine/isa/features.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::spec {

struct CommandFailure {
    uint32_t line = 0;
    std::string message;
};

/// What came of one file.
struct FileResult {
    std::string path;
    uint64_t passed = 0;
    std::vector<CommandFailure> failures;
    uint64_t not_reached = 0;  ///< commands behind a crash or timeout: failures too
    /// By Op: how often the file's modules executed it, or 1 if the file starts threads. Empty if nobody
    /// asked, or after a crash.
    std::vector<uint64_t> executed;

    [[nodiscard]] uint64_t failed() const noexcept { return failures.size() + not_reached; }
};

/// What is done with the commands of a script.
enum class Task : uint8_t {
    run,
    round_trip,  ///< of the valid modules: see round_trip.h
};

struct RunOptions {
    unsigned jobs = 1;               ///< files at the same time
    unsigned timeout_seconds = 300;  ///< for one file
    Task task = Task::run;
    bool is_lazy = false;      ///< translates functions when they are first called
    bool is_compiled = false;  ///< by machine code,
    bool tiers_up = false;     ///< or first the interpreter, where every check of fuel may change the tier
    bool collects_always = false;    ///< collects garbage before every allocation of an object
    bool canonical_nans = false;     ///< see Config
    bool counts_executions = false;  ///< fill FileResult::executed
};

/// Runs the files. Results are in the order of `paths`.
[[nodiscard]] std::vector<FileResult> run_files(const std::vector<std::string>& paths,
                                                const RunOptions& options);

/// What a script is run with: WebAssembly 3.0, and the feature that its directory is named after. The
/// suite's proposals/threads extends tests of WebAssembly 1.0, which has one memory, one table, and sizes of
/// 32 bits.
[[nodiscard]] Features features_of(const std::string& path);

/// The feature that a directory of the suite is named after, if the engine knows it.
[[nodiscard]] std::optional<Feature> feature_of_directory(std::string_view name) noexcept;

}  // namespace wsb::spec
