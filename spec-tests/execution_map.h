// SPDX-License-Identifier: Apache-2.0
// The generated part of docs/conformance.md: what passed, and which instruction was executed how often, by
// which scripts. Nothing in it depends on time or place, so that it can be compared.
#pragma once

#include "engine/isa/opcode.h"
#include "spec-tests/isolation.h"
#include "spec-tests/suite.h"

#include <string>
#include <vector>

namespace wsb::spec {

struct Report {
    std::string markdown;
    uint64_t passed = 0, failed = 0;
    /// Instructions of the features that some script was run with, which none executed.
    std::vector<Op> never_executed;
};

/// @param results  of the suite's scripts that are run, in the order of its directories
[[nodiscard]] Report make_report(const Suite& suite, const std::vector<FileResult>& results);

/// Replaces what stands between the two marks of a page. @return io if it has none.
[[nodiscard]] Result<std::string> with_generated_part(std::string page, const std::string& markdown);

}  // namespace wsb::spec
