// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/interrupt.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace wsb {

const char* interruption_text(Interruption reason) noexcept {
    switch (reason) {
        case Interruption::none: break;
        case Interruption::cancelled: return "cancelled";
        case Interruption::deadline: return "the deadline has passed";
        case Interruption::cpu_time: return "the processor time is used up";
    }
    return "";
}

}  // namespace wsb

namespace wsb::runtime {

namespace {

std::chrono::nanoseconds thread_cpu_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

std::shared_ptr<CancelState> CancelState::create() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return nullptr;
    return std::shared_ptr<CancelState>(new CancelState(fd));
}

CancelState::~CancelState() {
    ::close(m_fd);
}

void CancelState::cancel() noexcept {
    m_is_cancelled.store(true, std::memory_order_release);
    // The counter stays where it is, so the descriptor stays readable for everybody.
    const uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(m_fd, &one, sizeof one);
}

void Interrupts::set_cpu_time(std::optional<std::chrono::nanoseconds> most) noexcept {
    m_cpu_end.reset();
    if (!most)
        return;
    const auto now = thread_cpu_time();
    m_cpu_end = *most > std::chrono::nanoseconds::max() - now ? std::chrono::nanoseconds::max() : now + *most;
    m_next_cpu_question = Clock::now();
}

Interruption Interrupts::poll() noexcept {
    if (m_cancel != nullptr && m_cancel->is_cancelled())
        return Interruption::cancelled;
    if (!m_deadline && !m_cpu_end)
        return Interruption::none;
    const auto now = Clock::now();
    if (m_deadline && now >= *m_deadline)
        return Interruption::deadline;
    if (!m_cpu_end || now < m_next_cpu_question)
        return Interruption::none;
    const auto left = *m_cpu_end - thread_cpu_time();
    if (left <= left.zero())
        return Interruption::cpu_time;
    m_next_cpu_question = left > Clock::time_point::max() - now ? Clock::time_point::max() : now + left;
    return Interruption::none;
}

std::optional<std::chrono::nanoseconds> Interrupts::time_left() const noexcept {
    if (!m_deadline)
        return std::nullopt;
    return std::max<std::chrono::nanoseconds>(*m_deadline - Clock::now(), std::chrono::nanoseconds(0));
}

Interruption Interrupts::sleep_until(std::optional<Clock::time_point> end) noexcept {
    while (true) {
        if (const Interruption reason = poll(); reason != Interruption::none)
            return reason;
        const auto now = Clock::now();
        if (end && now >= *end)
            return Interruption::none;
        std::optional<Clock::time_point> wake_up = end;
        if (m_deadline)
            wake_up = std::min(*m_deadline, wake_up.value_or(*m_deadline));
        timespec time{};
        if (wake_up) {
            const std::chrono::nanoseconds left = *wake_up - now;
            time.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
            time.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
        }
        pollfd descriptor{m_cancel != nullptr ? m_cancel->fd() : -1, POLLIN, 0};
        static_cast<void>(::ppoll(&descriptor, 1, wake_up ? &time : nullptr, nullptr));
    }
}

}  // namespace wsb::runtime
