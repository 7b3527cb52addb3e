// SPDX-License-Identifier: Apache-2.0
// A thread that does one task after the other, and ends with its owner.
#pragma once

#include "engine/base/patience.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace wsb::jit {

/// There is no thread before the first task. It takes no signals: those are the host's threads'.
class Worker {
public:
    /// By number. May not throw; patience is over when the owner does not want to wait any longer.
    using Task = std::function<void(size_t number, const Patience& patience)>;

    explicit Worker(Task task) : m_task(std::move(task)) {}
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    /// Waits for the task under way, whose patience is over, and leaves out the others.
    ~Worker();

    /// From any thread. @return false if the system has no thread or no memory for it.
    [[nodiscard]] bool add(size_t number) noexcept;

private:
    void start();
    void run(const std::stop_token& stop) noexcept;

    Task m_task;
    std::mutex m_mutex;
    std::condition_variable_any m_is_wanted;
    std::deque<size_t> m_waiting;  ///< under the lock
    std::jthread m_thread;         ///< started under the lock
};

}  // namespace wsb::jit
