// SPDX-License-Identifier: Apache-2.0
// Streams, clocks and randomness that are not the host's.
#include "tests/unit/wasi/wasi_fixture.h"
#include "wasi/seeded_random.h"
#include "wasi/streams.h"
#include "wasi/virtual_clock.h"

namespace wsb::testing {
namespace {

using ::testing::ElementsAre;
using wasi::ClockId;
using wasi::Errno;
namespace p1 = wasi::p1;

class StreamsTest : public WasiTest {
protected:
    void prepare() override {
        counting->streams = {input, output, errors};
    }
    std::shared_ptr<wasi::Descriptor> input = std::make_shared<wasi::BufferInput>("some text");
    std::shared_ptr<wasi::BufferOutput> output = std::make_shared<wasi::BufferOutput>(8);
    std::shared_ptr<wasi::Descriptor> errors;
};

TEST_F(StreamsTest, Buffers) {
    put_iovec(0, data_at, 3);
    put_iovec(1, data_at + 3, 2);
    EXPECT_EQ(call(p1::fd_read, 0, iovecs_at, 2, out), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 5u);
    EXPECT_EQ(read(0), "text");
    EXPECT_EQ(read(0), "");
    EXPECT_EQ(write(0, "x"), Errno::badf);
    EXPECT_EQ(write(1, "12345"), Errno::success);
    EXPECT_EQ(write(1, "67890"), Errno::success);
    EXPECT_EQ(load<uint32_t>(out), 3u);
    EXPECT_EQ(write(1, "x"), Errno::nospc);
    EXPECT_EQ(output->text(), "12345678");
    EXPECT_EQ(output->take(), "12345678");
    EXPECT_EQ(write(1, "more"), Errno::success);
    EXPECT_EQ(write(2, "x"), Errno::badf);
    EXPECT_EQ(call(p1::fd_seek, 1, 0, 0, out), Errno::spipe);
    EXPECT_EQ(call(p1::fd_filestat_get, 1, out), Errno::success);
}

TEST_F(StreamsTest, Callbacks) {
    std::string collected;
    int calls = 0;
    input = std::make_shared<wasi::CallbackInput>([&](std::span<uint8_t> target) -> wasi::Outcome<size_t> {
        target[0] = 'y';
        return ++calls < 3 ? 1 : target.size() + 1;
    });
    errors = std::make_shared<wasi::CallbackOutput>(
        [&](std::span<const uint8_t> source) -> wasi::Outcome<size_t> {
            if (collected.size() > 5)
                return wasi::refuse(Errno::canceled);
            collected.append(source.begin(), source.end());
            return source.size();
        });
    start();
    EXPECT_EQ(read(0), "y");
    EXPECT_EQ(read(0), "y");
    put_iovec(0, data_at, 10);
    EXPECT_EQ(call(p1::fd_read, 0, iovecs_at, 1, out), Errno::io);
    EXPECT_EQ(write(2, "errors"), Errno::success);
    EXPECT_EQ(collected, "errors");
    EXPECT_EQ(write(2, "x"), Errno::canceled);
    EXPECT_EQ(counting->used[wasi::Charge::output_bytes], 6u);
}

TEST(VirtualClock, PassesOnlyWhenTold) {
    wasi::VirtualClock frozen({.start_ns = 1000});
    EXPECT_EQ(frozen.time_ns(ClockId::realtime), 1000u);
    EXPECT_EQ(frozen.time_ns(ClockId::monotonic), 0u);
    frozen.advance(5);
    EXPECT_EQ(frozen.time_ns(ClockId::realtime), 1005u);
    EXPECT_EQ(frozen.time_ns(ClockId::process_cpu), 5u);
    wasi::VirtualClock stepping({.start_ns = 0, .step_ns = 10});
    EXPECT_EQ(stepping.time_ns(ClockId::monotonic), 0u);
    EXPECT_EQ(stepping.time_ns(ClockId::monotonic), 10u);
    stepping.advance(~uint64_t{0});
    EXPECT_EQ(stepping.time_ns(ClockId::monotonic), ~uint64_t{0});
    EXPECT_EQ(stepping.resolution_ns(), 1u);
}

/// RFC 8439, section 2.3.2.
TEST(SeededRandom, TheBlockFunctionIsChaCha20) {
    std::array<uint32_t, 8> key{};
    for (uint32_t i = 0; i < 8; ++i)
        key[i] = 0x03020100 + i * 0x04040404;
    const auto block = wasi::chacha20_block(key, 1, {0x09000000, 0x4a000000, 0});
    EXPECT_THAT(std::vector(block.begin(), block.begin() + 8),
                ElementsAre(0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15));
    EXPECT_THAT(std::vector(block.end() - 4, block.end()), ElementsAre(0xa2, 0x50, 0x3c, 0x4e));
}

/// RFC 8439, appendix A.1, test vector 1: all zero.
TEST(SeededRandom, GivesTheSameForASeed) {
    std::vector<uint8_t> whole(200);
    wasi::SeededRandom(0).fill(whole);
    EXPECT_THAT(std::vector(whole.begin(), whole.begin() + 8),
                ElementsAre(0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90));
    // Block 1, test vector 2.
    EXPECT_THAT(std::vector(whole.begin() + 64, whole.begin() + 68), ElementsAre(0x9f, 0x07, 0xe7, 0xbe));
    wasi::SeededRandom pieces(0);
    std::vector<uint8_t> again(200);
    for (size_t at = 0; at < 200; at += 8)
        pieces.fill(std::span(again).subspan(at, 8));
    EXPECT_EQ(again, whole);
    wasi::SeededRandom(42).fill(again);
    EXPECT_NE(again, whole);
}

}  // namespace
}  // namespace wsb::testing
