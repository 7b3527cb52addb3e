// SPDX-License-Identifier: Apache-2.0
// The keys of manifests: one table for reading, describing and the schema.
#pragma once

#include "wsb/grants.hpp"
#include "wsb/limits.hpp"

#include <functional>
#include <span>
#include <string_view>

namespace wsb::sandbox {

enum class KeyKind : uint8_t {
    count,     ///< a whole number
    size,      ///< bytes: a whole number, or "64MiB"
    duration,  ///< "250ms"
};

/// A key of [limits]. Durations are in nanoseconds.
struct LimitKey {
    std::string_view name;
    KeyKind kind;
    std::string_view text;  ///< for people
    uint64_t least, most;
    void (*set)(SandboxLimits& limits, uint64_t value);
    std::optional<uint64_t> (*get)(const SandboxLimits& limits);
};

[[nodiscard]] std::span<const LimitKey> limit_keys() noexcept;

/// Values of keys that are one of a few words.
struct Word {
    std::string_view text;
    int value;
};
[[nodiscard]] std::span<const Word> access_words() noexcept;
[[nodiscard]] std::span<const Word> source_words() noexcept;
[[nodiscard]] std::span<const Word> clock_words() noexcept;
/// `[clock] start`, in seconds since 1970: nanoseconds must fit into 64 bits.
inline constexpr uint64_t latest_start_s = INT64_MAX / 1'000'000'000;
[[nodiscard]] std::span<const Word> random_words() noexcept;

}  // namespace wsb::sandbox
