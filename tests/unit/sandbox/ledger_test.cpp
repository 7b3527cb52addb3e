// SPDX-License-Identifier: Apache-2.0
#include "wsb/limits.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;

TEST(Ledger, EachLimitIsThatOfItsResourceAlone) {
    struct Row {
        Resource resource;
        SandboxLimits limits;  ///< of 5
    };
    const Row rows[] = {
        {Resource::fuel, {.total_fuel = 5}},           {Resource::wall_time, {.total_time = 5ns}},
        {Resource::cpu_time, {.total_cpu_time = 5ns}}, {Resource::memory, {.memory_bytes = 5}},
        {Resource::instances, {.instances = 5}},       {Resource::open_files, {.open_files = 5}},
        {Resource::read, {.read_bytes = 5}},           {Resource::written, {.write_bytes = 5}},
        {Resource::sent, {.sent_bytes = 5}},           {Resource::received, {.received_bytes = 5}},
        {Resource::network, {.network_bytes = 5}},     {Resource::output, {.output_bytes = 5}},
        {Resource::random, {.random_bytes = 5}},       {Resource::host_calls, {.host_calls = 5}}};
    for (const Row& limited : rows) {
        for (const Row& charged : rows) {
            const auto ledger = Ledger::create(limited.limits);
            EXPECT_FALSE(ledger->charge(charged.resource, 5));
            EXPECT_EQ(ledger->charge(charged.resource, 1).has_value(), charged.resource == limited.resource)
                << resource_name(limited.resource) << ", " << resource_name(charged.resource);
        }
    }
}

TEST(Ledger, EachRateIsThatOfItsResourceAlone) {
    struct Row {
        Resource resource;
        SandboxLimits limits;  ///< of 10 bytes per second
    };
    const Row rows[] = {{Resource::read, {.read_rate = 10}},
                        {Resource::written, {.write_rate = 10}},
                        {Resource::sent, {.send_rate = 10}},
                        {Resource::received, {.receive_rate = 10}},
                        {Resource::output, {.output_rate = 10}}};
    for (const Row& limited : rows) {
        for (const Row& paced : rows) {
            const auto wait = Ledger::create(limited.limits)->pace(paced.resource, 1000);
            EXPECT_EQ(wait > 90s, paced.resource == limited.resource)
                << resource_name(limited.resource) << ", " << resource_name(paced.resource);
        }
    }
}

TEST(Ledger, TakesAllOrNothingAndSaysWhatWasAsked) {
    const auto ledger = Ledger::create({.memory_bytes = 100});
    EXPECT_FALSE(ledger->charge(Resource::memory, 60));
    const auto refused = ledger->charge(Resource::memory, 41);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->resource, Resource::memory);
    EXPECT_EQ(refused->limit, 100u);
    EXPECT_EQ(refused->asked, 101u);
    EXPECT_EQ(refused->message(), "limit reached: memory: 100 bytes allowed, 101 asked for");
    EXPECT_EQ(ledger->used(Resource::memory), 60u);
    EXPECT_FALSE(ledger->charge(Resource::memory, 40));
    ledger->release(Resource::memory, 100);
    EXPECT_EQ(ledger->used(Resource::memory), 0u);
    EXPECT_EQ(ledger->peak(Resource::memory), 100u);
    EXPECT_TRUE(ledger->charge(Resource::memory, UINT64_MAX));
}

TEST(Ledger, WhatOneAboveRefusesIsNotTaken) {
    const auto tenant = Ledger::create({.output_bytes = 100});
    const auto one = Ledger::create({.output_bytes = 80}, tenant);
    const auto other = Ledger::create({}, tenant);
    EXPECT_FALSE(one->charge(Resource::output, 80));
    EXPECT_EQ(other->available(Resource::output), 20u);
    const auto refused = other->charge(Resource::output, 30);
    ASSERT_TRUE(refused);
    EXPECT_TRUE(refused->is_shared);
    EXPECT_EQ(other->used(Resource::output), 0u);
    EXPECT_EQ(tenant->used(Resource::output), 80u);
    EXPECT_EQ(other->draw(Resource::output, 30), 20u);
    EXPECT_EQ(other->used(Resource::output), 20u);
    EXPECT_EQ(tenant->available(Resource::output), 0u);
}

TEST(Ledger, ThreadsTogetherTakeNoMoreThanThereIs) {
    const auto tenant = Ledger::create({.total_fuel = 100'000});
    std::atomic<uint64_t> taken = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto own = Ledger::create({}, tenant);
            for (int k = 0; k < 10'000; ++k) {
                const uint64_t drawn = own->draw(Resource::fuel, 7);
                taken += drawn;
                if (drawn > 3 && k % 2 == 0) {
                    own->release(Resource::fuel, 3);
                    taken -= 3;
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(taken, 100'000u);
    EXPECT_EQ(tenant->used(Resource::fuel), 100'000u);
}

TEST(Ledger, RatesMakeWhoIsTooFastWait) {
    const auto ledger = Ledger::create({.read_rate = 1'000'000});
    EXPECT_EQ(ledger->pace(Resource::read, 50'000), 0ns);  // within the burst
    EXPECT_GT(ledger->pace(Resource::read, 1'000'000), 900ms);
    EXPECT_LT(ledger->pace(Resource::read, 0), 1s);
    EXPECT_EQ(ledger->pace(Resource::written, 1'000'000'000), 0ns);
}

}  // namespace
}  // namespace wsb::testing
