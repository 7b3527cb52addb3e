// SPDX-License-Identifier: Apache-2.0
// How long work may go on, whoever it is that sets an end: a time, or a store's interrupts. Asked seldom,
// after much work; Deadline (deadline.h) is for small pieces: it looks at the clock now and then only, and
// knows no stores.
#pragma once

#include <chrono>
#include <optional>

namespace wsb {

/// Asked between pieces of long work whether to go on. Endless unless made otherwise.
class Patience {
public:
    using Clock = std::chrono::steady_clock;

    Patience() noexcept = default;
    /// Until then, if there is an end.
    explicit Patience(std::optional<Clock::time_point> end) noexcept : m_end(end) {}
    /// As long as `question(asked)` says no. Refers to `asked`.
    Patience(bool (*question)(void*) noexcept, void* asked) noexcept : m_question(question), m_asked(asked) {}

    [[nodiscard]] bool is_over() const noexcept {
        return (m_end && Clock::now() >= *m_end) || (m_question != nullptr && m_question(m_asked));
    }

private:
    std::optional<Clock::time_point> m_end;
    bool (*m_question)(void*) noexcept = nullptr;
    void* m_asked = nullptr;
};

}  // namespace wsb
