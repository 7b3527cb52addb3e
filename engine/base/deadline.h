// SPDX-License-Identifier: Apache-2.0
// The moment when long work has to end.
#pragma once

#include "engine/base/result.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace wsb {

/// Asked after each small piece of work; looks at the clock seldom. Used by one thread.
class Deadline {
public:
    using Clock = std::chrono::steady_clock;

    Deadline() noexcept = default;
    explicit Deadline(std::optional<Clock::time_point> end) noexcept : m_end(end) {}

    [[nodiscard]] const std::optional<Clock::time_point>& end() const noexcept { return m_end; }
    /// Once it has, for ever.
    [[nodiscard]] bool has_passed() noexcept {
        return m_end && ++m_asked % questions_per_look == 0 && has_passed_now();
    }
    [[nodiscard]] bool has_passed_now() const noexcept { return m_end && Clock::now() >= *m_end; }
    /// @return limit_exceeded once it has passed.
    [[nodiscard]] Result<void> check() {
        if (has_passed()) [[unlikely]]
            return error();
        return {};
    }
    [[nodiscard]] Result<void> check_now() const {
        if (has_passed_now()) [[unlikely]]
            return error();
        return {};
    }

private:
    [[nodiscard]] static std::unexpected<Error> error() {
        return fail(ErrorCode::limit_exceeded, "compile time");
    }
    static constexpr uint32_t questions_per_look = 256;

    std::optional<Clock::time_point> m_end;
    uint32_t m_asked = 0;
};

}  // namespace wsb
