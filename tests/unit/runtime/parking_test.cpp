// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/parking.h"

#include "engine/semantics/atomic.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace wsb::runtime {
namespace {

using namespace std::chrono_literals;
constexpr int64_t forever = -1;

/// Aligned bytes, zero.
struct Cells {
    alignas(8) std::array<uint8_t, 4096> bytes{};
    uint8_t* at(size_t offset) { return bytes.data() + offset; }
};

/// Notifies until `count` sleepers have been woken, in whatever pieces they arrive.
void wake(const uint8_t* place, uint32_t count) {
    while (count > 0) {
        count -= notify(place, count);
        std::this_thread::yield();
    }
}

TEST(Parking, DoesNotSleepOnAnotherValue) {
    Cells cells;
    semantics::atomic_store<uint64_t>(cells.at(0), uint64_t{1} << 32);
    EXPECT_EQ(wait<uint32_t>(cells.at(0), 1, forever), WaitResult::not_equal);
    EXPECT_EQ(wait<uint64_t>(cells.at(0), 1, forever), WaitResult::not_equal);
    EXPECT_EQ(wait<uint32_t>(cells.at(4), 1, 0), WaitResult::timed_out);
}

TEST(Parking, TimesOutNotTooEarly) {
    Cells cells;
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(wait<uint32_t>(cells.at(0), 0, std::chrono::nanoseconds(20ms).count()), WaitResult::timed_out);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
    EXPECT_EQ(notify(cells.at(0), 1), 0u);  // whoever gave up is gone
}

TEST(Parking, TheLongestTimeOutIsNoOverflow) {
    Cells cells;
    WaitResult result{};
    std::thread sleeper(
        [&] { result = wait<uint32_t>(cells.at(0), 0, std::numeric_limits<int64_t>::max()); });
    wake(cells.at(0), 1);
    sleeper.join();
    EXPECT_EQ(result, WaitResult::woken);
}

TEST(Parking, WakesAsManyAsWantedAtThatAddressOnly) {
    Cells cells;
    std::atomic<int> awake = 0;
    std::vector<std::thread> sleepers;
    for (int i = 0; i < 3; ++i) {
        sleepers.emplace_back([&] {
            EXPECT_EQ(wait<uint32_t>(cells.at(8), 0, forever), WaitResult::woken);
            ++awake;
        });
    }
    // 64 buckets: these addresses share them with the one of the others.
    WaitResult other{};
    std::thread alone([&] { other = wait<uint64_t>(cells.at(1024), 0, forever); });
    for (size_t at = 0; at < 1024; at += 4)
        EXPECT_EQ(at == 8 ? 0u : notify(cells.at(at), 10), 0u);
    EXPECT_EQ(notify(cells.at(8), 0), 0u);
    EXPECT_EQ(awake, 0);
    wake(cells.at(8), 2);
    while (awake < 2)
        std::this_thread::yield();
    std::this_thread::sleep_for(10ms);
    EXPECT_EQ(awake, 2);
    wake(cells.at(8), 1);
    for (std::thread& sleeper : sleepers)
        sleeper.join();
    wake(cells.at(1024), 1);
    alone.join();
    EXPECT_EQ(other, WaitResult::woken);
    EXPECT_EQ(notify(cells.at(8), 10), 0u);
}

/// A store before notify is seen by a wait that notify did not find: else both threads would sleep for ever.
TEST(Parking, NoWakeUpIsLost) {
    Cells cells;
    constexpr uint32_t rounds = 2000;
    const auto play = [&](uint32_t mine) {
        for (uint32_t turn = mine; turn < 2 * rounds; turn += 2) {
            for (;;) {
                const auto now = semantics::atomic_load<uint32_t>(cells.at(0));
                if (now == turn)
                    break;
                static_cast<void>(wait<uint32_t>(cells.at(0), now, forever));
            }
            semantics::atomic_store<uint32_t>(cells.at(0), turn + 1);
            static_cast<void>(notify(cells.at(0), 1));
        }
    };
    std::thread even(play, 0);
    std::thread odd(play, 1);
    even.join();
    odd.join();
    EXPECT_EQ(semantics::atomic_load<uint32_t>(cells.at(0)), 2 * rounds);
}

}  // namespace
}  // namespace wsb::runtime
