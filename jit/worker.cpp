// SPDX-License-Identifier: Apache-2.0
#include "jit/worker.h"

#include <csignal>
#include <new>
#include <pthread.h>
#include <system_error>

namespace wsb::jit {

Worker::~Worker() {
    m_thread.request_stop();
    if (m_thread.joinable())
        m_thread.join();
}

bool Worker::add(size_t number) noexcept {
    try {
        const std::scoped_lock lock(m_mutex);
        m_waiting.push_back(number);
        if (!m_thread.joinable())
            start();
    } catch (const std::bad_alloc&) {
        return false;
    } catch (const std::system_error&) {
        return false;
    }
    m_is_wanted.notify_one();
    return true;
}

/// A thread begins with the signal mask of the one that makes it.
void Worker::start() {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        m_waiting.clear();
        throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Worker::run(const std::stop_token& stop) noexcept {
    std::stop_token asked = stop;
    const Patience patience(
        [](void* token) noexcept { return static_cast<std::stop_token*>(token)->stop_requested(); }, &asked);
    std::unique_lock lock(m_mutex);
    while (m_is_wanted.wait(lock, stop, [&] { return !m_waiting.empty(); }) && !stop.stop_requested()) {
        const size_t number = m_waiting.front();
        m_waiting.pop_front();
        lock.unlock();
        m_task(number, patience);
        lock.lock();
    }
}

}  // namespace wsb::jit
