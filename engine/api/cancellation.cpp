// SPDX-License-Identifier: Apache-2.0
#include "wsb/cancellation.hpp"

#include "engine/api/guard.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <vector>

namespace wsb {
inline namespace v1 {

namespace {

timespec to_timespec(std::chrono::nanoseconds time) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    return {static_cast<time_t>(seconds.count()), static_cast<long>((time - seconds).count())};
}

/// A moment so late that it cannot be told is none.
std::optional<CallContext::Clock::time_point> moment_after(
    std::optional<std::chrono::nanoseconds> time) noexcept {
    const auto now = CallContext::Clock::now();
    if (!time || *time > CallContext::Clock::time_point::max() - now)
        return std::nullopt;
    return now + std::max(*time, std::chrono::nanoseconds(0));
}

}  // namespace

Result<CancellationSource> CancellationSource::create() {
    return api::guarded([]() -> Result<CancellationSource> {
        auto state = runtime::CancelState::create();
        if (state == nullptr)
            return fail(ErrorCode::out_of_memory,
                        std::string("descriptor of a cancellation: ") + std::strerror(errno));
        return CancellationSource(std::move(state));
    });
}

CancellationToken CallContext::token() const noexcept {
    return CancellationToken(m_store->interrupts().cancel());
}

std::optional<CallContext::Clock::time_point> CallContext::deadline() const noexcept {
    return m_store->interrupts().deadline();
}

std::optional<std::chrono::nanoseconds> CallContext::time_left() const noexcept {
    return m_store->interrupts().time_left();
}

Interruption CallContext::interruption() const noexcept {
    return m_store->interrupts().poll();
}

CallResult<void> CallContext::check() const {
    if (const Interruption reason = interruption(); reason != Interruption::none)
        return std::unexpected(interrupted_by(reason));
    return {};
}

CallResult<void> CallContext::sleep_for(std::chrono::nanoseconds time) const {
    const Interruption reason = m_store->interrupts().sleep_until(moment_after(time));
    if (reason != Interruption::none)
        return std::unexpected(interrupted_by(reason));
    return {};
}

CallResult<size_t> CallContext::wait_for(std::span<pollfd> descriptors,
                                         std::optional<std::chrono::nanoseconds> timeout) const {
    return api::guarded([&]() -> CallResult<size_t> {
        const auto end = moment_after(timeout);
        std::vector<pollfd> all(descriptors.begin(), descriptors.end());
        all.push_back({token().wait_fd(), POLLIN, 0});
        while (true) {
            WSB_TRY(check());
            auto wake_up = end;
            if (const auto limit = deadline())
                wake_up = std::min(*limit, wake_up.value_or(*limit));
            const auto now = Clock::now();
            const timespec time = to_timespec(
                std::max<std::chrono::nanoseconds>(wake_up.value_or(now) - now, std::chrono::nanoseconds(0)));
            const int ready = ::ppoll(all.data(), all.size(), wake_up ? &time : nullptr, nullptr);
            if (ready < 0 && errno != EINTR)
                return fail(ErrorCode::io_error, std::strerror(errno));
            WSB_TRY(check());
            const auto given = std::span(all).first(descriptors.size());
            const auto count =
                std::ranges::count_if(given, [](const pollfd& one) { return one.revents != 0; });
            if (ready > 0 && count > 0) {
                std::ranges::copy(given, descriptors.begin());
                return static_cast<size_t>(count);
            }
            if (end && Clock::now() >= *end)
                return 0;
        }
    });
}

}  // namespace v1
}  // namespace wsb
