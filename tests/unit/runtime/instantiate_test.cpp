// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/operations.h"
#include "tests/unit/runtime/fake_tier.h"

#include <gtest/gtest.h>

#include <cstring>

namespace wsb::runtime {
namespace {

using testing::World;

template <class T>
T* exported(Instance& instance, std::string_view name) {
    const Export* found = instance.find_export(name);
    return found == nullptr ? nullptr : std::get<T*>(instance.item(found->kind, found->index));
}

Slot global_value(Instance& instance, std::string_view name) {
    return exported<Global>(instance, name)->value[0];
}

TEST(Instantiate, EvaluatesConstantExpressions) {
    World world;
    Instance& instance = *world
                              .instantiate(R"((module
        (func $f)
        (global $a (export "a") i32 (i32.const -1))
        (global (export "b") i64 (i64.const -2))
        (global (export "c") f32 (f32.const 1.5))
        (global (export "d") f64 (f64.const -0.0))
        (global (export "e") v128 (v128.const i64x2 1 2))
        (global (export "null") externref (ref.null extern))
        (global (export "func") funcref (ref.func $f))
        (global (export "sum") i32 (i32.sub (i32.mul (global.get $a) (i32.const 3)) (i32.const -2)))
        (global (export "wide") i64 (i64.add (i64.const 0x7fffffffffffffff) (i64.const 1)))
    ))")
                              .value();
    EXPECT_EQ(global_value(instance, "a"), 0xffff'ffffu);
    EXPECT_EQ(global_value(instance, "b"), ~uint64_t{1});
    EXPECT_EQ(global_value(instance, "c"), std::bit_cast<uint32_t>(1.5f));
    EXPECT_EQ(global_value(instance, "d"), std::bit_cast<uint64_t>(-0.0));
    EXPECT_EQ(exported<Global>(instance, "e")->value[0], 1u);
    EXPECT_EQ(exported<Global>(instance, "e")->value[1], 2u);
    EXPECT_EQ(global_value(instance, "null"), 0u);
    EXPECT_EQ(global_value(instance, "func"), reinterpret_cast<uintptr_t>(instance.vm().funcs[0]));
    EXPECT_EQ(global_value(instance, "sum"), 0xffff'ffffu);
    EXPECT_EQ(global_value(instance, "wide"), uint64_t{1} << 63);
}

TEST(Instantiate, MakesObjectsInConstants) {
    World world;
    Instance& instance = *world
                              .instantiate(R"((module
        (type $s (struct (field i32) (field i64)))
        (global (export "default") (ref $s) (struct.new_default $s))
        (global (export "small") i31ref (ref.i31 (i32.const 5)))))")
                              .value();
    EXPECT_NE(global_value(instance, "default"), 0u);
    EXPECT_EQ(global_value(instance, "small"), (uint64_t{5} << 1) | 1);
}

TEST(Instantiate, RunsActiveSegmentsAndDropsThem) {
    World world;
    Instance& instance = *world
                              .instantiate(R"((module
        (memory (export "m") 1) (data (i32.const 3) "abc") (data $p "xyz")
        (func $f) (func $g)
        (table (export "t") 4 funcref) (elem (i32.const 1) $f $g) (elem $q func $g) (elem declare func $f)
    ))")
                              .value();
    EXPECT_EQ(std::memcmp(exported<Memory>(instance, "m")->base, "\0\0\0abc\0", 7), 0);
    const Table& table = *exported<Table>(instance, "t");
    VmInstance& vm = instance.vm();
    EXPECT_EQ(table.elements[0], 0u);
    EXPECT_EQ(table.elements[1], reinterpret_cast<uintptr_t>(vm.funcs[0]));
    EXPECT_EQ(table.elements[2], reinterpret_cast<uintptr_t>(vm.funcs[1]));
    EXPECT_EQ(memory_init(vm, 0, 0, 0, 0, 1), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(memory_init(vm, 0, 0, 0, 0, 0), TrapCode::none);
    EXPECT_EQ(memory_init(vm, 1, 0, 0, 1, 2), TrapCode::none);
    EXPECT_EQ(table_init(vm, 0, 0, 0, 0, 1), TrapCode::table_out_of_bounds);
    EXPECT_EQ(table_init(vm, 1, 0, 0, 0, 1), TrapCode::none);
    EXPECT_EQ(table_init(vm, 2, 0, 0, 0, 1), TrapCode::table_out_of_bounds);
    data_drop(vm, 1);
    elem_drop(vm, 1);
    EXPECT_EQ(memory_init(vm, 1, 0, 0, 0, 1), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(table_init(vm, 1, 0, 0, 0, 1), TrapCode::table_out_of_bounds);
}

TEST(Instantiate, EarlierEffectsOfATrapPersist) {
    World world;
    Memory& memory = *world.store->new_memory({AddressType::i32, false, {1, {}}}).value();
    const auto outcome = world.instantiate(R"((module
        (import "m" "m" (memory 1)) (data (i32.const 0) "kept") (data (i32.const 65535) "out")))",
                                           {&memory});
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::memory_out_of_bounds));
    EXPECT_EQ(std::memcmp(memory.base, "kept", 4), 0);
    EXPECT_EQ(memory.base[65535], 0);
}

TEST(Instantiate, CallsTheStartFunctionLast) {
    World world;
    std::string seen;
    world.tier.on_call = [&](VmContext&, const VmFunc& func, Slot*) {
        seen.assign(reinterpret_cast<const char*>(func.instance->memories[0]->base), 2);
        return HostOutcome::returned;
    };
    Instance& instance =
        *world.instantiate(R"((module (memory 1) (data (i32.const 0) "ok") (func) (func $s) (start $s)))")
             .value();
    ASSERT_EQ(world.tier.called.size(), 1u);
    EXPECT_EQ(world.tier.called[0], instance.vm().funcs[1]);
    EXPECT_EQ(seen, "ok");
}

TEST(Instantiate, ReportsATrapOfTheStartFunction) {
    World world;
    world.tier.on_call = [](VmContext& context, const VmFunc&, Slot*) {
        context.trap = TrapCode::unreachable;
        return HostOutcome::trapped;
    };
    const auto outcome = world.instantiate("(module (func $s unreachable) (start $s))");
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::unreachable));
}

struct Case {
    const char* import;
    const char* exporter;
    bool fits;
};

class ImportMatching : public ::testing::TestWithParam<Case> {};

TEST_P(ImportMatching, FollowsTheStandard) {
    World world;
    Instance& exporter = *world.instantiate(GetParam().exporter).value();
    const Export& item = *exporter.find_export("x");
    const auto outcome = world.instantiate(GetParam().import, {exporter.item(item.kind, item.index)});
    EXPECT_EQ(outcome.has_value(), GetParam().fits);
    if (!outcome) {
        ASSERT_NE(outcome.error().error(), nullptr);
        EXPECT_EQ(outcome.error().error()->code, ErrorCode::incompatible_import);
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, ImportMatching,
    ::testing::Values(
        Case{R"((import "m" "x" (func (param i32))))", R"((func (export "x") (param i32)))", true},
        Case{R"((import "m" "x" (func (param i64))))", R"((func (export "x") (param i32)))", false},
        Case{R"((import "m" "x" (func)))", R"((memory (export "x") 1))", false},
        Case{R"((import "m" "x" (memory 1 4)))", R"((memory (export "x") 2 3))", true},
        Case{R"((import "m" "x" (memory 3)))", R"((memory (export "x") 2))", false},
        Case{R"((import "m" "x" (memory 1 4)))", R"((memory (export "x") 2))", false},
        Case{R"((import "m" "x" (memory 1 4)))", R"((memory (export "x") 2 5))", false},
        Case{R"((import "m" "x" (memory i64 1)))", R"((memory (export "x") 1))", false},
        Case{R"((import "m" "x" (table 1 funcref)))", R"((table (export "x") 1 funcref))", true},
        Case{R"((import "m" "x" (table 1 externref)))", R"((table (export "x") 1 funcref))", false},
        Case{R"((type $f (func)) (import "m" "x" (table 1 (ref null $f))))",
             R"((table (export "x") 1 funcref))", false},
        Case{R"((import "m" "x" (global i32)))", R"((global (export "x") i32 (i32.const 1)))", true},
        Case{R"((import "m" "x" (global (mut i32))))", R"((global (export "x") i32 (i32.const 1)))", false},
        Case{R"((import "m" "x" (global funcref)))",
             R"((func $f) (global (export "x") (ref func) (ref.func $f)))", true},
        Case{R"((import "m" "x" (global (mut funcref))))",
             R"((func $f) (global (export "x") (mut (ref func)) (ref.func $f)))", false},
        Case{R"((import "m" "x" (tag (param i32))))", R"((tag (export "x") (param i32)))", true},
        Case{R"((import "m" "x" (tag (param i32))))", R"((tag (export "x")))", false},
        Case{R"((type $a (sub (func))) (type $b (sub $a (func))) (import "m" "x" (func (type $a))))",
             R"((type $a (sub (func))) (type $b (sub $a (func))) (func (export "x") (type $b)))", true},
        Case{R"((type $a (sub (func))) (type $b (sub $a (func))) (import "m" "x" (func (type $b))))",
             R"((type $a (sub (func))) (type $b (sub $a (func))) (func (export "x") (type $a)))", false}));

TEST(Instantiate, NamesTypesInLinkErrors) {
    World world;
    Memory& memory = *world.store->new_memory({AddressType::i32, false, {2, 3}}).value();
    const auto outcome =
        world.instantiate(R"((import "env" "log" (func (param i32 f64) (result i64))))", {&memory});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message(),
              "incompatible import type: env.log: expected function (i32, f64) -> (i64), found "
              "memory 2..3 pages");
}

TEST(Instantiate, CountsInstances) {
    StoreLimits limits;
    limits.instances = 1;
    World world(limits);
    ASSERT_TRUE(world.instantiate("(module)"));
    const auto outcome = world.instantiate("(module)");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error()->code, ErrorCode::limit_exceeded);
    EXPECT_EQ(world.store->last_limit_reached(), LimitKind::instances);
}

TEST(Operations, CheckBoundsWithoutOverflow) {
    World world;
    Instance& instance = *world
                              .instantiate(R"((module
        (memory i64 1) (table 4 externref) (data "abcd") (elem externref (ref.null extern))))")
                              .value();
    VmInstance& vm = instance.vm();
    constexpr uint64_t end = 65'536;
    constexpr uint64_t huge = ~uint64_t{0};
    EXPECT_EQ(memory_fill(vm, 0, end, 1, 0), TrapCode::none);
    EXPECT_EQ(memory_fill(vm, 0, end + 1, 1, 0), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(memory_fill(vm, 0, huge, 1, 2), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(memory_fill(vm, 0, end - 2, 1, 3), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(vm.memories[0]->base[end - 1], 0);  // no partial effect
    EXPECT_EQ(memory_fill(vm, 0, end - 2, 1, 2), TrapCode::none);
    EXPECT_EQ(memory_copy(vm, 0, 0, 0, huge, 2), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(memory_copy(vm, 0, 0, huge, 0, huge), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(memory_copy(vm, 0, 0, 0, end - 2, 2), TrapCode::none);
    EXPECT_EQ(vm.memories[0]->base[1], 1);
    EXPECT_EQ(memory_init(vm, 0, 0, 0, huge, 2), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(table_fill(vm, 0, 4, 5, 0), TrapCode::none);
    EXPECT_EQ(table_fill(vm, 0, huge, 5, 2), TrapCode::table_out_of_bounds);
    EXPECT_EQ(table_fill(vm, 0, 1, 5, 2), TrapCode::none);
    EXPECT_EQ(table_copy(vm, 0, 0, 2, 0, 3), TrapCode::table_out_of_bounds);
    EXPECT_EQ(table_copy(vm, 0, 0, 1, 0, 3), TrapCode::none);
    EXPECT_EQ(vm.tables[0]->elements[3], 5u);
    EXPECT_EQ(vm.tables[0]->elements[1], 0u);
    EXPECT_EQ(table_init(vm, 0, 0, 0, 1, 1), TrapCode::table_out_of_bounds);
    EXPECT_EQ(table_grow(vm, 0, 8, 1), 4);
    EXPECT_EQ(memory_grow(vm, 0, 1), 1);
}

}  // namespace
}  // namespace wsb::runtime
