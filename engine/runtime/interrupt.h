// SPDX-License-Identifier: Apache-2.0
// Reasons to end a call before the guest does: cancellation, a deadline, the thread's processor time. The
// store asks for them whenever a slice of fuel is used up (Store::next_slice), and so does everything that
// takes long without using fuel. Self-contained: the public API re-exports it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

struct pollfd;

namespace wsb {

/// Why a call was interrupted.
enum class Interruption : uint8_t {
    none,
    cancelled,
    deadline,  ///< wall time
    cpu_time,
};

/// "the deadline has passed", …; empty for none.
[[nodiscard]] const char* interruption_text(Interruption reason) noexcept;

}  // namespace wsb

namespace wsb::runtime {

/// Once set, forever. Shared by those who cancel and those who wait.
class CancelState {
public:
    /// Null if the system has no descriptor left.
    [[nodiscard]] static std::shared_ptr<CancelState> create();
    CancelState(const CancelState&) = delete;
    CancelState& operator=(const CancelState&) = delete;
    ~CancelState();

    /// From any thread, and from a signal handler.
    void cancel() noexcept;
    [[nodiscard]] bool is_cancelled() const noexcept {
        return m_is_cancelled.load(std::memory_order_relaxed);
    }
    /// Readable once it is cancelled.
    [[nodiscard]] int fd() const noexcept { return m_fd; }

private:
    explicit CancelState(int fd) noexcept : m_fd(fd) {}
    static_assert(std::atomic<bool>::is_always_lock_free);  // for signal handlers

    std::atomic<bool> m_is_cancelled = false;
    int m_fd;
};

/// What can end calls of one store. Used by the thread that runs it.
class Interrupts {
public:
    using Clock = std::chrono::steady_clock;

    void set_deadline(std::optional<Clock::time_point> deadline) noexcept { m_deadline = deadline; }
    [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept { return m_deadline; }
    /// From now on, of the thread that calls this.
    void set_cpu_time(std::optional<std::chrono::nanoseconds> most) noexcept;
    void set_cancel(std::shared_ptr<const CancelState> cancel) noexcept { m_cancel = std::move(cancel); }
    [[nodiscard]] const std::shared_ptr<const CancelState>& cancel() const noexcept { return m_cancel; }

    [[nodiscard]] bool are_any() const noexcept {
        return m_deadline.has_value() || m_cpu_end.has_value() || m_cancel != nullptr;
    }
    /// About 25 ns.
    [[nodiscard]] Interruption poll() noexcept;

    /// poll(2) until `end`, or something interrupts; without `end` until a descriptor is ready. May return
    /// early. Fills `revents`. @return what interrupted, or none; errno is 0, or says what was wrong.
    [[nodiscard]] Interruption wait(std::span<pollfd> descriptors,
                                    std::optional<Clock::time_point> end) noexcept;
    /// Sleeps until `end`, or something interrupts; none: for as long as nothing does.
    /// @return none if `end` came first.
    [[nodiscard]] Interruption sleep_until(std::optional<Clock::time_point> end) noexcept;
    /// How long a wait may last before it has to poll again: until the deadline, and not long where processor
    /// time is counted; none: for ever.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> time_left() const noexcept;

private:
    std::optional<Clock::time_point> m_deadline;
    std::shared_ptr<const CancelState> m_cancel;
    std::optional<std::chrono::nanoseconds> m_cpu_end;  ///< of the thread's clock
    /// Processor time cannot pass faster than time, so before this there is no need to ask.
    Clock::time_point m_next_cpu_question;
};

}  // namespace wsb::runtime
