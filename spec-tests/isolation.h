// SPDX-License-Identifier: Apache-2.0
// Each script file runs in a process of its own, so that a crash or a hang costs that file only.
#pragma once

#include <cstdint>
#include <string>
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
    bool collects_always = false;    ///< collects garbage before every allocation of an object
};

/// Runs the files. Results are in the order of `paths`.
[[nodiscard]] std::vector<FileResult> run_files(const std::vector<std::string>& paths,
                                                const RunOptions& options);

}  // namespace wsb::spec
