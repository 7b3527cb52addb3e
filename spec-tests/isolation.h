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

/// Runs the files, `jobs` at a time, each for at most `timeout_seconds`. Results are in the order of
/// `paths`.
[[nodiscard]] std::vector<FileResult> run_files(const std::vector<std::string>& paths, unsigned jobs,
                                                unsigned timeout_seconds, Task task);

}  // namespace wsb::spec
