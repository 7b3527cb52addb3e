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

MemoryType byte_pages(uint64_t min, std::optional<uint64_t> max = {}, AddressType address = AddressType::i32,
                      bool is_shared = false) {
    return {address, is_shared, {min, max}, 0};
}

TEST(Memory, OfSmallPagesGrowsByTheByte) {
    World world;
    Memory& memory = *world.store->new_memory(byte_pages(3, 10'000)).value();
    ASSERT_EQ(memory.size_bytes, 3u);
    memory.base[2] = 42;
    EXPECT_EQ(memory.grow(1), 3);
    EXPECT_EQ(memory.grow(4093), 4);
    EXPECT_EQ(memory.grow(1), 4097);  // into the system's next page
    EXPECT_EQ(memory.size_bytes, 4098u);
    EXPECT_EQ(memory.current_type().limits_pages.min, 4098u);
    EXPECT_EQ(memory.base[2], 42);
    EXPECT_EQ(memory.base[3], 0);
    memory.base[4097] = 43;
    EXPECT_EQ(memory.grow(5903), -1);
    EXPECT_EQ(memory.grow(~uint64_t{0}), -1);
    EXPECT_EQ(memory.grow(5902), 4098);
    EXPECT_EQ(memory.base[4097], 43);
    EXPECT_EQ(memory.base[9'999], 0);
    EXPECT_EQ(world.store->memory_bytes(), 10'000u);
}

TEST(Memory, OfSmallPagesIsChargedInBytes) {
    StoreLimits limits;
    limits.memory_bytes = 100;
    World world(limits);
    EXPECT_EQ(world.store->new_memory(pages(1)).error().code, ErrorCode::limit_exceeded);
    Memory& memory = *world.store->new_memory(byte_pages(60)).value();
    EXPECT_EQ(memory.grow(41), -1);
    EXPECT_EQ(world.store->last_limit_reached(), LimitKind::memory_bytes);
    EXPECT_EQ(memory.grow(40), 60);
    EXPECT_EQ(memory.grow(1), -1);
    EXPECT_EQ(world.store->memory_bytes(), 100u);
}

TEST(Memory, OfSmallPagesHasTheSameBoundInBytes) {
    StoreLimits limits;
    limits.memory_bytes = ~uint64_t{0};
    World world(limits);
    constexpr uint64_t most = limits::memory_size_bytes;
    Memory& narrow = *world.store->new_memory(byte_pages(0)).value();
    EXPECT_EQ(narrow.grow(uint64_t{1} << 32), -1);
    EXPECT_EQ(narrow.grow(1), 0);
    EXPECT_EQ(world.store->new_memory(byte_pages(most + 1, {}, AddressType::i64)).error().code,
              ErrorCode::limit_exceeded);
    EXPECT_EQ(world.store->new_memory(byte_pages(~uint64_t{0}, {}, AddressType::i64)).error().code,
              ErrorCode::limit_exceeded);
    Memory& wide = *world.store->new_memory(byte_pages(1, ~uint64_t{0}, AddressType::i64)).value();
    EXPECT_EQ(wide.grow(most), -1);
    EXPECT_EQ(wide.grow(~uint64_t{0}), -1);
    EXPECT_EQ(wide.grow(1), 1);
}

TEST(Memory, OfSmallPagesCanBeShared) {
    World world;
    Memory& memory = *world.store->new_memory(byte_pages(5, 8'000, AddressType::i32, true)).value();
    EXPECT_EQ(memory.current_size_bytes(), 5u);
    EXPECT_EQ(memory.grow(5'000), 5);
    EXPECT_EQ(memory.grow(3'000), -1);
    EXPECT_EQ(memory.grow(2'995), 5'005);
    memory.base[7'999] = 1;
    EXPECT_EQ(world.store->memory_bytes(), 8'000u);
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
