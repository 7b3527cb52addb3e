// SPDX-License-Identifier: Apache-2.0
// Damaged modules: every truncation and every flipped bit gives a module or an error, in little
// memory.
#include "engine/binary/decoder.h"
#include "engine/binary/encoder.h"
#include "tests/unit/binary/sample_modules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> largest_allocation_bytes{0};

}  // namespace

// Replaced for the whole test program, to see the largest request. Not inlined: g++ would take
// malloc and free for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size_bytes) {
    size_t seen = largest_allocation_bytes.load(std::memory_order_relaxed);
    while (size_bytes > seen && !largest_allocation_bytes.compare_exchange_weak(seen, size_bytes)) {
    }
    if (void* memory = std::malloc(std::max<size_t>(size_bytes, 1)))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}

namespace wsb::binary {
namespace {

using testing::Bytes;
using testing::everything;
using testing::ModuleBytes;
using testing::one_function;

/// Far above what these modules of some hundred bytes need, far below what their counts may claim.
constexpr size_t allocation_limit_bytes = 1 << 20;

/// Decodes, reads all bodies to their ends and encodes again.
Result<void> exercise(const Bytes& bytes) {
    WSB_TRY_ASSIGN(const Module module, decode(bytes));
    Instr instr;
    for (const FuncBody& body : module.bodies) {
        InstrReader reader(Cursor(module.view(body.expression), body.expression.offset_bytes));
        while (!reader.at_end())
            WSB_TRY(reader.next(instr));
    }
    const Bytes again = encode(module);
    const auto module_again = decode(again);
    EXPECT_TRUE(module_again.has_value()) << module_again.error().message();
    if (module_again) {
        EXPECT_EQ(encode(*module_again), again);
    }
    return {};
}

std::vector<Bytes> samples() {
    return {everything(), one_function({0x01, 0x02, 0x7f, 0x02, 0x40, 0x0b, 0x0b}),
            ModuleBytes().custom("name", {0x00, 0x02, 0x01, 'm'}).bytes()};
}

TEST(Robustness, EveryTruncationIsAnErrorOrAModule) {
    for (const Bytes& whole : samples()) {
        size_t accepted = 0;
        for (size_t size = 0; size < whole.size(); ++size) {
            const Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            const auto result = exercise(bytes);
            accepted += result.has_value() ? 1 : 0;
            if (!result) {
                EXPECT_NE(error_kind(result.error().code), ErrorKind::invalid);
            }
        }
        // Only the ends of sections are ends of modules.
        EXPECT_LE(accepted, 20U);
    }
    EXPECT_LE(largest_allocation_bytes.load(), allocation_limit_bytes);
}

TEST(Robustness, EveryChangedByteIsAnErrorOrAModule) {
    for (const Bytes& whole : samples()) {
        for (size_t at = 0; at < whole.size(); ++at) {
            for (unsigned change = 1; change < 256; ++change) {
                Bytes bytes = whole;
                bytes[at] = static_cast<uint8_t>(bytes[at] ^ change);
                const auto result = exercise(bytes);
                if (!result) {
                    EXPECT_NE(error_kind(result.error().code), ErrorKind::invalid);
                    EXPECT_LE(result.error().offset_bytes, bytes.size());
                }
            }
        }
    }
    EXPECT_LE(largest_allocation_bytes.load(), allocation_limit_bytes);
}

TEST(Robustness, LargeCountsAllocateLittle) {
    // Each list claims as many entries as there are bytes left.
    for (const uint8_t id : section_ids::order) {
        Bytes content{0xff, 0xff, 0x3f};
        content.resize(1 << 20, 0x00);
        largest_allocation_bytes = 0;
        const Bytes bytes = ModuleBytes().section(id, content).bytes();
        const size_t before = largest_allocation_bytes.load();
        static_cast<void>(decode(bytes));
        // Nothing but lists of what was really read.
        EXPECT_LE(largest_allocation_bytes.load(), std::max(before, size_t{64} << 20)) << unsigned{id};
    }
}

TEST(Robustness, DeepNestingNeedsNoStack) {
    Bytes content{0x01, 0x7f, 0x00};
    for (int i = 0; i < 1'000'000; ++i)
        content.insert(content.end(), {0x02, 0x40});
    const auto module = decode(ModuleBytes().section(section_ids::global, content).bytes());
    ASSERT_FALSE(module.has_value());
    EXPECT_EQ(module.error().code, ErrorCode::unexpected_end_section);
}

}  // namespace
}  // namespace wsb::binary
