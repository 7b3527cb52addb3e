// SPDX-License-Identifier: Apache-2.0
#include "wsb/cancellation.hpp"

#include "engine/api/guard.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>

namespace wsb {
inline namespace v1 {

namespace {

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
    const auto end = moment_after(timeout);
    while (true) {
        const Interruption reason = m_store->interrupts().wait(descriptors, end);
        if (reason != Interruption::none)
            return std::unexpected(interrupted_by(reason));
        if (errno != 0)
            return fail(ErrorCode::io_error, std::strerror(errno));
        const auto ready =
            std::ranges::count_if(descriptors, [](const pollfd& one) { return one.revents != 0; });
        if (ready > 0 || (end && Clock::now() >= *end))
            return static_cast<size_t>(ready);
    }
}

}  // namespace v1
}  // namespace wsb
