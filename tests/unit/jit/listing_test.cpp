// SPDX-License-Identifier: Apache-2.0
// Listings show the code that runs.
#include "jit/listing.h"

#include "engine/runtime/engine_state.h"
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace wsb::jit {
namespace {

constexpr std::string_view wat = R"wat((module
  (memory 1)
  (func $g (param i32) (result i32) (i32.popcnt (i32.load (local.get 0))))
  (func $f (param i32) (result i64) (local v128 f64)
    (loop $again
      (local.set 1 (i8x16.add (local.get 1) (v128.const i64x2 1 2)))
      (br_if $again (call $g (local.get 0))))
    (block (block (br_table 0 1 (local.get 0)) (unreachable)))
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))
    (return (i64.div_u (i64x2.extract_lane 0 (local.get 1)) (i64.const 7)))
    (drop (i32.const 5)))))wat";

class ListingTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code: this build or this processor has no compiler";
        auto module = v1::Module::from_wat(Engine({.tier = TierChoice::jit}), wat);
        ASSERT_TRUE(module) << module.error().message();
        m_module = module->compiled();
    }
    [[nodiscard]] const runtime::CompiledModule& module() const { return *m_module; }

private:
    std::shared_ptr<const runtime::CompiledModule> m_module;
};

TEST_F(ListingTest, is_what_runs_but_for_its_place) {
    for (uint32_t func = 0; func < 2; ++func) {
        const lower::MachineCode& machine = *module().codes[func].machine.load();
        auto listing = list_function(module(), FuncIdx(func), Processor::this_one);
        ASSERT_EQ(listing.bytes.size(), machine.size_bytes);
        EXPECT_EQ(listing.calls.size(), func);
        EXPECT_FALSE(listing.addresses.empty());
        // What depends on the place is taken over from there.
        for (const auto& address : listing.addresses) {
            uint64_t word = 0;
            std::memcpy(&word, machine.begin + address.at, sizeof word);
            EXPECT_EQ(word, reinterpret_cast<uint64_t>(machine.begin) + address.target);
            std::memcpy(listing.bytes.data() + address.at, &word, sizeof word);
        }
        for (const auto& call : listing.calls)
            std::memcpy(listing.bytes.data() + call.end - 4, machine.begin + call.end - 4, 4);
        EXPECT_FALSE(listing.exits.empty());
        for (const auto& exit : listing.exits)
            std::memcpy(listing.bytes.data() + exit.end - 4, machine.begin + exit.end - 4, 4);
        EXPECT_EQ(std::memcmp(listing.bytes.data(), machine.begin, machine.size_bytes), 0);
        EXPECT_EQ(listing.sites.size(), machine.sites.size());
    }
}

TEST_F(ListingTest, marks_are_of_the_reachable_instructions_in_their_order) {
    const auto listing = list_function(module(), FuncIdx(1u), Processor::this_one);
    const auto& marks = listing.marks;
    EXPECT_TRUE(std::ranges::is_sorted(marks, {}, &Listing::Mark::at));
    EXPECT_TRUE(std::ranges::is_sorted(marks, std::ranges::less_equal{}, &Listing::Mark::offset_bytes));
    const auto body = module().module.body(FuncIdx(1u)).expression;
    EXPECT_EQ(marks.front().offset_bytes, body.offset_bytes);
    const auto& bytes = module().module.bytes;
    EXPECT_EQ(bytes[marks.back().offset_bytes], 0x0f);  // return: what is behind it is not reachable
    EXPECT_LE(marks.back().at, listing.line_bytes);
    EXPECT_LT(listing.line_bytes, listing.code_bytes);
    EXPECT_LT(listing.code_bytes, listing.cells);
    EXPECT_LT(listing.cells, listing.bytes.size());
}

TEST_F(ListingTest, addresses_have_names) {
    EXPECT_EQ(address_name(module(), reinterpret_cast<uint64_t>(&module().codes[1])), "code of function 1");
    EXPECT_EQ(address_name(module(), reinterpret_cast<uint64_t>(&module().codes[1] + 1)), std::nullopt);
    EXPECT_EQ(address_name(module(), 1), std::nullopt);
}

}  // namespace
}  // namespace wsb::jit
