// SPDX-License-Identifier: Apache-2.0
#include "engine/semantics/atomic.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <numeric>

namespace wsb::semantics {
namespace {

constexpr size_t size = 64;
using Bytes = std::array<uint8_t, size>;

Bytes counting() {
    alignas(8) Bytes bytes;
    std::iota(bytes.begin(), bytes.end(), uint8_t{1});
    return bytes;
}

TEST(Atomic, CopiesLikeMemmoveForEveryOverlapAndAlignment) {
    for (size_t to = 0; to < 24; ++to) {
        for (size_t from = 0; from < 24; ++from) {
            for (size_t count = 0; count <= 40; ++count) {
                alignas(8) Bytes expected = counting();
                alignas(8) Bytes bytes = counting();
                std::memmove(expected.data() + to, expected.data() + from, count);
                copy_shared(bytes.data() + to, bytes.data() + from, count);
                ASSERT_EQ(bytes, expected) << to << " " << from << " " << count;
            }
        }
    }
}

TEST(Atomic, FillsLikeMemset) {
    for (size_t to = 0; to < 24; ++to) {
        for (size_t count = 0; count <= 40; ++count) {
            alignas(8) Bytes expected = counting();
            alignas(8) Bytes bytes = counting();
            std::memset(expected.data() + to, 0xe7, count);
            fill_shared(bytes.data() + to, 0xe7, count);
            ASSERT_EQ(bytes, expected) << to << " " << count;
        }
    }
}

TEST(Atomic, PlainAccessesNeedNoAlignment) {
    for (size_t at = 0; at < 16; ++at) {
        alignas(8) Bytes bytes = counting();
        double number;
        std::memcpy(&number, bytes.data() + at, sizeof number);
        EXPECT_EQ(std::bit_cast<uint64_t>(read_shared<double>(bytes.data() + at)),
                  std::bit_cast<uint64_t>(number));
        write_shared<uint32_t>(bytes.data() + at, 0x8765'4321);
        uint32_t stored;
        std::memcpy(&stored, bytes.data() + at, sizeof stored);
        EXPECT_EQ(stored, 0x8765'4321);
        EXPECT_EQ(read_shared<int16_t>(bytes.data() + at + 2), static_cast<int16_t>(0x8765));
        EXPECT_EQ(bytes[at + 4], at + 5);
    }
}

TEST(Atomic, NarrowOperationsLeaveTheirNeighboursAlone) {
    alignas(8) Bytes bytes = counting();
    EXPECT_EQ((atomic_rmw<AtomicKind::add, uint8_t>(bytes.data() + 1, 0xff)), 2);
    EXPECT_EQ((atomic_rmw<AtomicKind::sub, uint16_t>(bytes.data() + 4, 0x0606)), 0x0605);
    EXPECT_EQ(atomic_cmpxchg<uint8_t>(bytes.data() + 7, 9, 0), 8);
    EXPECT_EQ(atomic_cmpxchg<uint8_t>(bytes.data() + 8, 9, 0), 9);
    const std::array<uint8_t, 10> expected{1, 1, 3, 4, 0xff, 0xff, 7, 8, 0, 10};
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), bytes.begin()));
}

}  // namespace
}  // namespace wsb::semantics
