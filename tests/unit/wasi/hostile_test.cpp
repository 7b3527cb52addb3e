// SPDX-License-Identifier: Apache-2.0
// Every function of p1.def with arguments that no compiler would make: nothing may crash, hang or touch
// what was not granted. Most useful with sanitizers.
#include "tests/unit/wasi/wasi_fixture.h"

#include <array>
#include <random>

namespace wsb::testing {
namespace {

using wasi::Outcome;

class HostileTest : public WasiTest {
protected:
    void SetUp() override {
        // Reading from a terminal would wait for a person.
        grants.streams = {-1, -1, -1};
        WasiTest::SetUp();
    }

    uint64_t argument() {
        static constexpr std::array<uint64_t, 24> special{
            0,      1,          2,          3,          4,          5,          7,          8,
            63,     64,         1024,       4095,       4096,       65'528,     65'535,     65'536,
            65'537, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, 1ULL << 63, ~0ULL >> 1, ~0ULL};
        return special[m_random() % special.size()];
    }

    template <class... Params>
    void try_function(const char* name, Outcome<void> (*function)(wasi::Call&, Params...)) {
        for (int i = 0; i < 1500; ++i) {
            if (i % 50 == 0)
                start();
            std::ranges::fill(memory, uint8_t{0});
            put(1024, "dir/x");
            put(4095, "file");
            // A polling guest that waits for ever is within its rights; this one has a clock at 0.
            [[maybe_unused]] const std::tuple<Params...> args{static_cast<Params>(argument())...};
            wasi::Call context{*state, guest()};
            const auto outcome =
                std::apply([&](const Params&... values) { return function(context, values...); }, args);
            if (!outcome) {
                EXPECT_NE(outcome.error(), wasi::Errno::success) << name;
                EXPECT_NE(wasi::errno_name(outcome.error()), "unknown") << name;
            }
        }
        EXPECT_EQ(read_text(root() / "secret"), "secret") << name;
        EXPECT_EQ(read_text(root() / "ro" / "file"), "content") << name;
    }

private:
    std::mt19937_64 m_random{12345};
};

TEST_F(HostileTest, EveryFunctionWithEveryKindOfArgument) {
#define WSB_P1(name, ...) try_function(#name, &wasi::p1::name);
#define WSB_P1_EXIT(name, ...)
#include "wasi/p1.def"
#undef WSB_P1
#undef WSB_P1_EXIT
}

}  // namespace
}  // namespace wsb::testing
