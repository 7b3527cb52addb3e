// SPDX-License-Identifier: Apache-2.0
// CancellationSource and CancellationToken: ending calls from outside. CallContext: what a host function that
// takes long needs to end in time.
#pragma once

#include "engine/runtime/interrupt.h"  // IWYU pragma: export
#include "wsb/error.hpp"
#include "wsb/trap.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

struct pollfd;

namespace wsb {
namespace runtime {
class Store;
}  // namespace runtime

inline namespace v1 {

/// Says whether its source was cancelled. Cheap handle; may be used from any thread. One made by default is
/// never cancelled.
class CancellationToken {
public:
    CancellationToken() noexcept = default;
    [[nodiscard]] bool is_cancelled() const noexcept { return m_state != nullptr && m_state->is_cancelled(); }
    /// Readable once the source is cancelled, for poll(2) and its like; -1 if that can never be. Not to be
    /// read or closed.
    [[nodiscard]] int wait_fd() const noexcept { return m_state != nullptr ? m_state->fd() : -1; }

    /// For the library itself.
    explicit CancellationToken(std::shared_ptr<const runtime::CancelState> state) noexcept
        : m_state(std::move(state)) {}
    [[nodiscard]] const std::shared_ptr<const runtime::CancelState>& impl() const noexcept { return m_state; }

private:
    std::shared_ptr<const runtime::CancelState> m_state;
};

/// Cancels: every call of a store that was given its token ends with TrapCode::interrupted, within 10 ms, and
/// so does every later one. Cheap handle; copies cancel the same.
class CancellationSource {
public:
    /// @return out_of_memory if the system has no descriptor left.
    [[nodiscard]] static Result<CancellationSource> create();
    /// From any thread, and from a signal handler.
    void cancel() const noexcept { m_state->cancel(); }
    [[nodiscard]] bool is_cancelled() const noexcept { return m_state->is_cancelled(); }
    [[nodiscard]] CancellationToken token() const noexcept { return CancellationToken(m_state); }

private:
    explicit CancellationSource(std::shared_ptr<runtime::CancelState> state) noexcept
        : m_state(std::move(state)) {}
    std::shared_ptr<runtime::CancelState> m_state;
};

/// When the call that is under way has to end. Host functions get it from Caller::context; whoever waits in
/// one waits through this. Valid during the call only.
class CallContext {
public:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] CancellationToken token() const noexcept;
    [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept;
    /// Until the deadline; nullopt if there is none.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> time_left() const noexcept;

    /// Whether the call has to end now, and why.
    [[nodiscard]] Interruption interruption() const noexcept;
    /// `WSB_TRY`-like: a trap that ends the guest if the call has to end now.
    [[nodiscard]] CallResult<void> check() const;
    /// Sleeps, but not beyond the deadline or a cancellation. @return a trap if these came first.
    [[nodiscard]] CallResult<void> sleep_for(std::chrono::nanoseconds time) const;
    /// poll(2), but not beyond the deadline or a cancellation; without `timeout` until a descriptor is ready.
    /// @return how many descriptors are ready; io_error; a trap if the call has to end.
    [[nodiscard]] CallResult<size_t> wait_for(std::span<pollfd> descriptors,
                                              std::optional<std::chrono::nanoseconds> timeout = {}) const;

    /// For the library itself.
    explicit CallContext(runtime::Store& store) noexcept : m_store(&store) {}

private:
    runtime::Store* m_store;
};

}  // namespace v1
}  // namespace wsb
