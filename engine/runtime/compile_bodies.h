// SPDX-License-Identifier: Apache-2.0
// All bodies of a module compiled on several threads, as far as limits and time allow.
#pragma once

#include "engine/base/parallel.h"
#include "engine/runtime/tier.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>

namespace wsb::runtime {

/// The first error of several threads, by the body's number.
class CompileVerdict {
public:
    explicit CompileVerdict(size_t bodies) noexcept : m_first_bad(bodies) {}

    /// Whether an error of body i would still count.
    [[nodiscard]] bool matters(size_t i) const noexcept { return i <= m_first_bad; }
    void add(size_t i, Result<void> outcome) noexcept {
        const std::scoped_lock lock(m_mutex);
        if (i > m_first_bad)
            return;
        m_first_bad = i;
        m_outcome = std::move(outcome);
    }
    void add_out_of_memory() noexcept {
        m_is_out_of_memory = true;
        m_first_bad = 0;
    }
    /// Throws std::bad_alloc if a thread had no memory.
    [[nodiscard]] Result<void> take() {
        if (m_is_out_of_memory)
            throw std::bad_alloc();
        return std::move(m_outcome);
    }

private:
    std::mutex m_mutex;
    std::atomic<size_t> m_first_bad;
    std::atomic<bool> m_is_out_of_memory = false;
    Result<void> m_outcome;
};

/// What compiling may still take, of all threads together.
class CompileBudget {
public:
    explicit CompileBudget(const CompileOptions& options) noexcept
        : m_patience(options.deadline), m_most_bytes(options.most_bytes) {}

    /// Asked after each body, with the bytes of what was made of it.
    [[nodiscard]] Result<void> spend(uint64_t size_bytes) {
        if (m_bytes.fetch_add(size_bytes, std::memory_order_relaxed) + size_bytes > m_most_bytes)
            return fail(ErrorCode::limit_exceeded,
                        "compiled code of more than " + std::to_string(m_most_bytes) + " bytes");
        if (m_patience.is_over())
            return fail(ErrorCode::limit_exceeded, "compile time");
        return {};
    }

private:
    Patience m_patience;
    uint64_t m_most_bytes;
    std::atomic<uint64_t> m_bytes = 0;
};

/// Calls workers with the number of each body. Each thread makes one of its own, `make_worker() ->
/// std::unique_ptr<Worker>`; `worker(body) -> Result<uint64_t>` says how many bytes it made. Both may throw
/// std::bad_alloc. @return the error of the first bad body, whatever the threads did first; limit_exceeded.
template <class MakeWorker>
[[nodiscard]] Result<void> compile_bodies(size_t bodies, unsigned threads, const CompileOptions& options,
                                          const MakeWorker& make_worker) {
    CompileVerdict verdict(bodies);
    CompileBudget budget(options);
    parallel_for(bodies, threads, [&] {
        return [&, worker = decltype(make_worker())()](size_t body) mutable noexcept {
            if (!verdict.matters(body))
                return;
            try {
                if (worker == nullptr)
                    worker = make_worker();
                Result<uint64_t> made = (*worker)(body);
                Result<void> outcome = made ? budget.spend(*made) : std::unexpected(std::move(made).error());
                if (!outcome)
                    verdict.add(body, std::move(outcome));
            } catch (const std::bad_alloc&) {
                verdict.add_out_of_memory();
            }
        };
    });
    return verdict.take();
}

}  // namespace wsb::runtime
