// SPDX-License-Identifier: Apache-2.0
// What fuzz targets share: libFuzzer's entry point, and how they say that something is wrong.
#pragma once

#include "engine/base/error.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

// Defined once in each fuzz_*.cpp; called by libFuzzer or by replay.cpp.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes);

namespace wsb::fuzz {

/// Ends the program with a message unless `holds`: what fuzzers and the replay see as a finding.
inline void require(bool holds, std::string_view what) {
    if (holds) [[likely]]
        return;
    std::fprintf(stderr, "fuzz: does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

/// SAFETY: uint8_t and char have the same representation.
[[nodiscard]] inline std::string_view as_text(std::span<const uint8_t> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Errors of text have a line, from 1 to the number of lines, and a column inside of it.
inline void require_line(const Error& error, std::string_view source) {
    size_t line_count = 1;
    for (size_t i = 0; i < source.size(); ++i) {
        const bool is_pair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
        line_count += source[i] == '\n' || (source[i] == '\r' && !is_pair) ? 1 : 0;
    }
    require(error.line >= 1 && error.line <= line_count, "the line is one of the input: " + error.message());
    require(error.column >= 1 && error.column <= source.size() + 1,
            "the column is one of the input: " + error.message());
}

}  // namespace wsb::fuzz
