// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/interrupt.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <new>
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

namespace {

/// The descriptors, and one more, on the stack if they are few.
class WithOneMore {
public:
    WithOneMore(std::span<const pollfd> given, int fd) noexcept : m_size(given.size() + 1) {
        if (m_size > m_few.size()) {
            m_many.reset(new (std::nothrow) pollfd[m_size]);
            if (m_many == nullptr)
                return;
        }
        pollfd* const end = std::ranges::copy(given, data()).out;
        *end = {fd, POLLIN, 0};
    }
    [[nodiscard]] bool is_there() const noexcept { return m_size <= m_few.size() || m_many != nullptr; }
    [[nodiscard]] pollfd* data() noexcept { return m_many != nullptr ? m_many.get() : m_few.data(); }
    [[nodiscard]] size_t size() const noexcept { return m_size; }

private:
    std::array<pollfd, 16> m_few{};
    std::unique_ptr<pollfd[]> m_many;
    size_t m_size;
};

}  // namespace

Interruption Interrupts::wait(std::span<pollfd> descriptors, std::optional<Clock::time_point> end) noexcept {
    for (pollfd& descriptor : descriptors)
        descriptor.revents = 0;
    errno = 0;
    if (const Interruption reason = poll(); reason != Interruption::none)
        return reason;
    WithOneMore all(descriptors, m_cancel != nullptr ? m_cancel->fd() : -1);
    if (!all.is_there()) {
        errno = ENOMEM;
        return Interruption::none;
    }
    std::optional<Clock::time_point> wake_up = end;
    if (m_deadline)
        wake_up = std::min(*m_deadline, wake_up.value_or(*m_deadline));
    timespec time{};
    if (wake_up) {
        const std::chrono::nanoseconds left =
            std::max<std::chrono::nanoseconds>(*wake_up - Clock::now(), std::chrono::nanoseconds(0));
        time.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
        time.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
    }
    const int ready = ::ppoll(all.data(), all.size(), wake_up ? &time : nullptr, nullptr);
    const int error = ready < 0 && errno != EINTR ? errno : 0;
    if (ready > 0)
        std::copy_n(all.data(), descriptors.size(), descriptors.begin());
    const Interruption reason = poll();
    errno = error;
    return reason;
}

Interruption Interrupts::sleep_until(std::optional<Clock::time_point> end) noexcept {
    while (true) {
        const Interruption reason = wait({}, end);
        if (reason != Interruption::none || (end && Clock::now() >= *end))
            return reason;
    }
}

}  // namespace wsb::runtime
