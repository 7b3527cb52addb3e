// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/api_fixture.h"

#include <thread>
#include <vector>

namespace wsb::testing {
namespace {

struct InstancePreTest : ApiTest {
    InstancePreTest() : ApiTest(Features::up_to(4)) {}

    [[nodiscard]] InstancePre pre(std::string_view wat) const {
        auto made = linker.instantiate_pre(module(wat));
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    [[nodiscard]] Error error_of(std::string_view wat) const {
        return linker.instantiate_pre(module(wat)).error();
    }
};

TEST_F(InstancePreTest, MakesInstancesInAnyStore) {
    int calls = 0;
    linker.function("host", "tick", [&](int32_t step) { return calls += step; }).value();
    const InstancePre counter = pre(R"((import "host" "tick" (func $tick (param i32) (result i32)))
        (global $g (mut i32) (i32.const 5)) (global $c i32 (i32.add (i32.const 60000) (i32.const 5)))
        (memory 1) (data (offset (global.get $c)) "\09")
        (table 4 funcref) (elem (i32.const 2) $f)
        (func $f (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (i32.add (global.get $g) (i32.load8_u (i32.const 60005))))
        (func (export "f") (result i32) (drop (call $tick (i32.const 3))) (call_indirect (result i32) (i32.const 2))))");
    EXPECT_EQ(counter.module().imports().size(), 1U);
    Store other = Store::create(engine).value();
    for (const StoreRef at : {StoreRef(store), StoreRef(other), StoreRef(store)}) {
        const auto f = counter.instantiate(at)->typed_function<int32_t()>("f").value();
        EXPECT_EQ(f().value(), 15);
        EXPECT_EQ(f().value(), 16);
    }
    EXPECT_EQ(calls, 18);
}

TEST_F(InstancePreTest, SharesMemoriesBetweenStores) {
    const SharedMemory shared = SharedMemory::create({AddressType::i32, true, {1, 2}}).value();
    linker.define("host", "memory", shared).value();
    const InstancePre user = pre(R"((memory (import "host" "memory") 1 2 shared) (data (i32.const 0) "\07")
        (func (export "add") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))");
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            Store own = Store::create(engine).value();
            const auto add = user.instantiate(own)->typed_function<int32_t()>("add").value();
            EXPECT_GE(add().value(), 7);
        });
    threads.clear();
    ASSERT_TRUE(user.instantiate(store));  // its segment is written again
    uint8_t first = 0;
    ASSERT_TRUE(shared.read(0, std::span(&first, 1)));
    EXPECT_EQ(first, 7);
}

TEST_F(InstancePreTest, NamesWhatIsMissingOrDoesNotFit) {
    linker.function("host", "f", [](int32_t) {}).value();
    const Error unknown = error_of(R"((import "host" "nothing" (func)))");
    EXPECT_EQ(unknown.code, ErrorCode::unknown_import);
    EXPECT_EQ(unknown.detail, "host.nothing (function () -> ())");
    const Error wrong = error_of(R"((import "host" "f" (func (param i64))))");
    EXPECT_EQ(wrong.code, ErrorCode::incompatible_import);
    EXPECT_EQ(wrong.detail, "host.f: expected function (i64) -> (), found function (i32) -> ()");
    linker.define("host", "m", SharedMemory::create({AddressType::i32, true, {1, 2}}).value()).value();
    EXPECT_EQ(error_of(R"((import "host" "m" (memory 2 2 shared)))").code, ErrorCode::incompatible_import);
    EXPECT_EQ(error_of(R"((import "host" "m" (func)))").code, ErrorCode::incompatible_import);
}

TEST_F(InstancePreTest, RefusesWhatBelongsToOneStore) {
    linker
        .instance(
            "other",
            instance(
                R"((memory (export "m") 1) (func (export "f")) (global (export "g") i32 (i32.const 1)))"))
        .value();
    for (const char* wat : {R"((import "other" "m" (memory 1)))", R"((import "other" "f" (func)))",
                            R"((import "other" "g" (global i32)))"}) {
        const Error error = error_of(wat);
        EXPECT_EQ(error.code, ErrorCode::bad_usage);
        EXPECT_TRUE(error.detail.starts_with("other.")) << error.detail;
        EXPECT_NE(error.detail.find("belongs to one store"), std::string::npos) << error.detail;
    }
}

TEST_F(InstancePreTest, RefusesAnotherEngine) {
    const Engine other;
    const InstancePre empty = pre("(module)");
    Store foreign = Store::create(other).value();
    EXPECT_EQ(empty.instantiate(foreign).error().error()->code, ErrorCode::bad_usage);
    EXPECT_EQ(Linker(other).instantiate_pre(empty.module()).error().code, ErrorCode::bad_usage);
    const Pool pool = Pool::create(other).value();
    EXPECT_EQ(pool.take(empty).error().error()->code, ErrorCode::bad_usage);
}

TEST_F(InstancePreTest, TrapsEachTime) {
    const InstancePre data = pre("(memory 1) (data (i32.const 65536) \"x\")");
    const InstancePre elem = pre("(table 1 funcref) (func $f) (elem (i32.const 1) $f)");
    const InstancePre start = pre("(func $f unreachable) (start $f)");
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(data.instantiate(store).error().is_trap(TrapCode::memory_out_of_bounds));
        EXPECT_TRUE(elem.instantiate(store).error().is_trap(TrapCode::table_out_of_bounds));
        EXPECT_TRUE(start.instantiate(store).error().is_trap(TrapCode::unreachable));
    }
}

}  // namespace
}  // namespace wsb::testing
