// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/parking.h"

#include "engine/semantics/atomic.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace wsb::runtime {

namespace {

using Clock = std::chrono::steady_clock;

/// On the stack of the thread that sleeps; in its bucket's list until it is woken or gives up.
struct Sleeper {
    const uint8_t* place = nullptr;
    std::condition_variable wake_up;
    bool is_woken = false;
    Sleeper* before = nullptr;
    Sleeper* after = nullptr;
};

/// Those whose addresses have the same hash, in the order in which they came.
struct Bucket {
    std::mutex mutex;
    Sleeper* first = nullptr;
    Sleeper* last = nullptr;

    void append(Sleeper& sleeper) noexcept {
        sleeper.before = last;
        (last != nullptr ? last->after : first) = &sleeper;
        last = &sleeper;
    }
    void remove(Sleeper& sleeper) noexcept {
        (sleeper.before != nullptr ? sleeper.before->after : first) = sleeper.after;
        (sleeper.after != nullptr ? sleeper.after->before : last) = sleeper.before;
    }
};

/// Addresses of the host are enough of a key: bytes of different memories have different ones as long as
/// somebody can sleep there.
Bucket& bucket_of(const uint8_t* place) noexcept {
    static constinit std::array<Bucket, 64> buckets;
    // Fibonacci hashing: 2^64 divided by the golden ratio. Waits are at multiples of four.
    const uint64_t hash = (reinterpret_cast<uintptr_t>(place) >> 2) * uint64_t{0x9e37'79b9'7f4a'7c15};
    return buckets[hash >> 58];
}

/// When a sleep that began now ends by itself; nullopt: never.
std::optional<Clock::time_point> end_of(int64_t timeout_ns) noexcept {
    const auto now = Clock::now();
    const std::chrono::nanoseconds timeout(timeout_ns);
    if (timeout_ns < 0 || timeout > Clock::time_point::max() - now)
        return std::nullopt;
    return now + timeout;
}

/// The one place where a guest sleeps. A signal handler that cancels cannot wake a condition variable, so
/// whoever can be interrupted looks up now and then.
WaitResult sleep(Sleeper& sleeper, std::unique_lock<std::mutex>& lock, int64_t timeout_ns,
                 Interrupts* interrupts) {
    const bool can_be_interrupted = interrupts != nullptr && interrupts->are_any();
    const std::optional<Clock::time_point> end = end_of(timeout_ns);
    while (!sleeper.is_woken) {
        const auto now = Clock::now();
        if (end && now >= *end)
            return WaitResult::timed_out;
        if (can_be_interrupted && interrupts->poll() != Interruption::none)
            return WaitResult::interrupted;
        std::optional<Clock::time_point> wake_up = end;
        if (can_be_interrupted) {
            const auto look_up = now + std::chrono::milliseconds(2);
            wake_up = std::min(look_up, end.value_or(look_up));
        }
        if (wake_up)
            sleeper.wake_up.wait_until(lock, *wake_up);
        else
            sleeper.wake_up.wait(lock);
    }
    return WaitResult::woken;
}

}  // namespace

template <class T>
WaitResult wait(const uint8_t* place, T expected, int64_t timeout_ns, Interrupts* interrupts) noexcept {
    Bucket& bucket = bucket_of(place);
    std::unique_lock lock(bucket.mutex);
    if (semantics::atomic_load<T>(place) != expected)
        return WaitResult::not_equal;
    Sleeper sleeper;
    sleeper.place = place;
    bucket.append(sleeper);
    const WaitResult result = sleep(sleeper, lock, timeout_ns, interrupts);
    if (result != WaitResult::woken)
        bucket.remove(sleeper);
    return result;
}

template WaitResult wait<uint32_t>(const uint8_t*, uint32_t, int64_t, Interrupts*) noexcept;
template WaitResult wait<uint64_t>(const uint8_t*, uint64_t, int64_t, Interrupts*) noexcept;

uint32_t notify(const uint8_t* place, uint32_t most) noexcept {
    Bucket& bucket = bucket_of(place);
    const std::lock_guard lock(bucket.mutex);
    uint32_t woken = 0;
    for (Sleeper* sleeper = bucket.first; sleeper != nullptr && woken < most;) {
        Sleeper& one = *sleeper;
        sleeper = one.after;
        if (one.place != place)
            continue;
        bucket.remove(one);
        one.is_woken = true;
        one.wake_up.notify_one();  // under the lock, since the sleeper ends with its thread's call
        ++woken;
    }
    return woken;
}

}  // namespace wsb::runtime
