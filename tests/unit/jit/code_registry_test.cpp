// SPDX-License-Identifier: Apache-2.0
#include "jit/code_registry.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

namespace wsb::jit {
namespace {

using lower::MachineCode;

struct Piece {
    std::array<uint8_t, 100> bytes{};

    [[nodiscard]] MachineCode function(uint32_t begin, uint32_t size_bytes,
                                       std::initializer_list<uint32_t> accesses) const {
        auto& all = m_accesses.emplace_back();
        for (const uint32_t at : accesses)
            all.push_back({.at = at, .potential = 0, .offset_bytes = at});
        MachineCode function;
        function.begin = bytes.data() + begin;
        function.size_bytes = size_bytes;
        function.accesses = all;
        return function;
    }

private:
    mutable std::deque<std::vector<lower::MachineAccess>> m_accesses;
};

TEST(CodeRegistry, KnowsAccessesOnly) {
    const Piece piece;
    const MachineCode first = piece.function(0, 20, {3, 7}), without = piece.function(20, 10, {}),
                      last = piece.function(40, 20, {0, 19});
    const auto code = RegisteredCode::create(piece.bytes, 3);
    EXPECT_FALSE(is_access(&piece.bytes[3])) << "not added yet";
    for (const MachineCode* const function : {&first, &without, &last})
        code->add(*function);
    for (uint32_t at = 0; at < piece.bytes.size(); ++at)
        EXPECT_EQ(is_access(&piece.bytes[at]), at == 3 || at == 7 || at == 40 || at == 59) << at;
    EXPECT_FALSE(is_access(piece.bytes.data() + piece.bytes.size()));
    EXPECT_FALSE(is_access(nullptr));
}

TEST(CodeRegistry, ForgetsWhatEnds) {
    const Piece piece, other;
    const MachineCode function = piece.function(0, 20, {3}), others = other.function(0, 20, {4});
    auto code = RegisteredCode::create(piece.bytes, 1);
    code->add(function);
    const auto second = RegisteredCode::create(other.bytes, 1);
    second->add(others);
    code.reset();
    EXPECT_FALSE(is_access(&piece.bytes[3]));
    EXPECT_TRUE(is_access(&other.bytes[4]));
    code = RegisteredCode::create(piece.bytes, 1);
    EXPECT_FALSE(is_access(&piece.bytes[3]));
    code->add(function);
    EXPECT_TRUE(is_access(&piece.bytes[3]));
}

TEST(CodeRegistry, IsReadWhileOthersComeAndGo) {
    std::atomic<bool> is_over = false;
    std::thread others([&] {
        const Piece piece;
        const MachineCode function = piece.function(0, 20, {3});
        while (!is_over) {
            const auto first = RegisteredCode::create(piece.bytes, 1);
            first->add(function);
            auto second = RegisteredCode::create(piece.bytes, 1);
        }
    });
    const Piece piece;
    const MachineCode function = piece.function(0, 20, {3});
    for (int round = 0; round < 100; ++round) {
        const auto code = RegisteredCode::create(piece.bytes, 1);
        code->add(function);
        for (int i = 0; i < 100; ++i) {
            EXPECT_TRUE(is_access(&piece.bytes[3]));
            EXPECT_FALSE(is_access(&piece.bytes[4]));
        }
    }
    is_over = true;
    others.join();
}

}  // namespace
}  // namespace wsb::jit
