// SPDX-License-Identifier: Apache-2.0
#include "wasi/guest_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace wsb::testing {
namespace {

using wasi::Errno;
using wasi::GuestMemory;

TEST(GuestMemory, ChecksBothEndsWithoutOverflow) {
    std::vector<uint8_t> bytes(100);
    const GuestMemory memory(bytes);
    EXPECT_EQ(memory.bytes(0, 100)->size(), 100u);
    EXPECT_EQ(memory.bytes(100, 0)->size(), 0u);
    EXPECT_EQ(memory.bytes(101, 0).error(), Errno::fault);
    EXPECT_EQ(memory.bytes(99, 2).error(), Errno::fault);
    EXPECT_EQ(memory.bytes(0xffffffff, 1).error(), Errno::fault);
    EXPECT_EQ(memory.bytes(50, ~uint64_t{0}).error(), Errno::fault);
    EXPECT_EQ(memory.bytes(50, ~uint64_t{0} - 49).error(), Errno::fault);
}

TEST(GuestMemory, ArraysDoNotWrap) {
    std::vector<uint8_t> bytes(100);
    const GuestMemory memory(bytes);
    EXPECT_EQ(memory.array(0, 12, 8)->size(), 96u);
    EXPECT_EQ(memory.array(0, 13, 8).error(), Errno::fault);
    // These products are small modulo 2^32.
    for (const uint32_t count : {0x20000000u, 0x20000001u, 0xffffffffu, 1u << 16, 1u << 28})
        EXPECT_EQ(memory.array(0, count, 48).error(), Errno::fault) << count;
}

TEST(GuestMemory, LoadsAndStoresUnaligned) {
    std::vector<uint8_t> bytes(10);
    const GuestMemory memory(bytes);
    EXPECT_TRUE(memory.store(1, uint64_t{0x0807060504030201}));
    EXPECT_EQ(memory.load<uint32_t>(3), 0x06050403u);
    EXPECT_EQ(memory.load<uint64_t>(3).error(), Errno::fault);
    EXPECT_EQ(memory.store(7, uint32_t{1}).error(), Errno::fault);
    EXPECT_EQ(bytes[7], 7);
}

TEST(GuestMemory, PathsAreChecked) {
    std::vector<uint8_t> bytes(10'000, 'x');
    const GuestMemory memory(bytes);
    EXPECT_EQ(memory.path(1, 3), "xxx");
    EXPECT_EQ(memory.path(1, 0).error(), Errno::noent);
    EXPECT_EQ(memory.path(1, 4095)->size(), 4095u);
    EXPECT_EQ(memory.path(1, 4096).error(), Errno::nametoolong);
    EXPECT_EQ(memory.path(1, 10'000).error(), Errno::fault);
    EXPECT_EQ(memory.path(1, 0xffffffff).error(), Errno::fault);
    bytes[2] = 0;
    EXPECT_EQ(memory.path(1, 3).error(), Errno::inval);
}

TEST(GuestMemory, AnEmptyMemoryHasNothing) {
    const GuestMemory memory;
    EXPECT_TRUE(memory.bytes(0, 0));
    EXPECT_EQ(memory.load<uint8_t>(0).error(), Errno::fault);
}

}  // namespace
}  // namespace wsb::testing
