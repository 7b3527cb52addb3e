// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/memory.h"

#include "engine/isa/limits.h"
#include "tests/unit/runtime/fake_tier.h"

#include <gtest/gtest.h>

namespace wsb::runtime {
namespace {

using testing::World;
constexpr uint64_t page = limits::page_size_bytes;

MemoryType pages(uint64_t min, std::optional<uint64_t> max = {}, AddressType address = AddressType::i32) {
    return {address, false, {min, max}};
}

TEST(Memory, IsZeroedAndGrowsInPlace) {
    World world;
    Memory& memory = *world.store->new_memory(pages(1, 3)).value();
    uint8_t* const base = memory.base;
    ASSERT_EQ(memory.size_bytes, page);
    EXPECT_EQ(base[0], 0);
    EXPECT_EQ(base[page - 1], 0);
    base[7] = 42;

    EXPECT_EQ(memory.grow(2), 1);
    EXPECT_EQ(memory.base, base);
    EXPECT_EQ(memory.size_bytes, 3 * page);
    EXPECT_EQ(base[7], 42);
    EXPECT_EQ(base[3 * page - 1], 0);
}

TEST(Memory, GrowthStopsAtTheMaximum) {
    World world;
    Memory& memory = *world.store->new_memory(pages(1, 3)).value();
    EXPECT_EQ(memory.grow(3), -1);
    EXPECT_EQ(memory.grow(~uint64_t{0}), -1);
    EXPECT_EQ(memory.grow(2), 1);
    EXPECT_EQ(memory.grow(0), 3);
    EXPECT_EQ(memory.grow(1), -1);
}

TEST(Memory, Without32BitMaximumEndsAt4GiB) {
    StoreLimits limits;
    limits.memory_bytes = ~uint64_t{0};
    World world(limits);
    Memory& memory = *world.store->new_memory(pages(0)).value();
    EXPECT_NE(memory.base, nullptr);
    EXPECT_EQ(memory.grow(65'537), -1);
    EXPECT_EQ(memory.grow(1), 0);
}

TEST(Memory, OfZeroPagesForeverHasABase) {
    World world;
    Memory& memory = *world.store->new_memory(pages(0, 0)).value();
    EXPECT_NE(memory.base, nullptr);
    EXPECT_EQ(memory.grow(0), 0);
    EXPECT_EQ(memory.grow(1), -1);
}

TEST(Memory, Of64BitsIsBoundedByTheImplementation) {
    World world;
    EXPECT_EQ(world.store->new_memory(pages(uint64_t{1} << 40, {}, AddressType::i64)).error().code,
              ErrorCode::limit_exceeded);
    Memory& memory = *world.store->new_memory(pages(1, uint64_t{1} << 48, AddressType::i64)).value();
    EXPECT_EQ(memory.grow(uint64_t{1} << 47), -1);
    EXPECT_EQ(memory.grow(1), 1);
}

TEST(Memory, IsChargedToTheStore) {
    StoreLimits limits;
    limits.memory_bytes = 4 * page;
    World world(limits);
    Memory& memory = *world.store->new_memory(pages(1)).value();
    EXPECT_EQ(memory.grow(4), -1);
    EXPECT_EQ(world.store->last_limit_reached(), LimitKind::memory_bytes);
    EXPECT_EQ(memory.grow(2), 1);
    EXPECT_EQ(world.store->memory_bytes(), 3 * page);
    EXPECT_EQ(world.store->new_memory(pages(2)).error().code, ErrorCode::limit_exceeded);
    {
        const auto temporary = Memory::create(*world.store, pages(1)).value();
        EXPECT_EQ(world.store->memory_bytes(), 4 * page);
    }
    EXPECT_EQ(world.store->memory_bytes(), 3 * page);
    EXPECT_EQ(world.store->peak_memory_bytes(), 4 * page);
}

TEST(Memory, CountIsLimited) {
    StoreLimits limits;
    limits.memories = 1;
    World world(limits);
    ASSERT_TRUE(world.store->new_memory(pages(0)));
    EXPECT_EQ(world.store->new_memory(pages(0)).error().code, ErrorCode::limit_exceeded);
    EXPECT_EQ(world.store->last_limit_reached(), LimitKind::memories);
}

}  // namespace
}  // namespace wsb::runtime
