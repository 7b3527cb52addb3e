// SPDX-License-Identifier: Apache-2.0
// One loop on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace wsb {

/// How many threads are worth having: `wanted`, or if that is 0 one for each processor this process may use.
[[nodiscard]] unsigned usable_threads(unsigned wanted) noexcept;

/// Calls a worker with each i in [0, count), in no order, on `threads` threads, the caller's among them;
/// fewer if the system has no more. Each thread makes a worker of its own: neither making nor calling one may
/// throw.
template <class MakeWorker>
void parallel_for(size_t count, unsigned threads, const MakeWorker& make_worker) {
    /// Taken at once, so that threads seldom meet.
    constexpr size_t batch = 16;
    std::atomic<size_t> next = 0;
    const auto work = [&]() noexcept {
        auto worker = make_worker();
        for (size_t from; (from = next.fetch_add(batch)) < count;)
            for (size_t i = from; i < std::min(from + batch, count); ++i)
                worker(i);
    };
    std::vector<std::jthread> helpers;
    const size_t most = std::min<size_t>(threads, count / batch + 1);
    try {
        while (helpers.size() + 1 < most)
            helpers.emplace_back(work);
    } catch (const std::system_error&) {
        // The threads that there are do it.
    }
    work();
}

}  // namespace wsb
