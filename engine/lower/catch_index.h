// SPDX-License-Identifier: Apache-2.0
// Where the search for a catch clause begins, by the cell that throws: what a throw costs does not depend on
// how many blocks a function has elsewhere.
#pragma once

#include "engine/lower/code.h"

#include <span>
#include <vector>

namespace wsb::lower {

/// Sets `outer_clause` of all ranges, which are nested or apart, inner blocks before outer ones.
/// @return the starts for Code::catch_starts.
[[nodiscard]] std::vector<CatchStart> index_catches(std::span<CatchRange> ranges);

/// The first clause of the innermost block around a cell; CatchRange::none if there is none.
[[nodiscard]] uint32_t innermost_clause(const Code& code, uint32_t word) noexcept;

}  // namespace wsb::lower
