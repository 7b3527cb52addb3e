// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/store.h"

#include "tests/unit/runtime/fake_tier.h"

#include <gtest/gtest.h>

namespace wsb::runtime {
namespace {

using testing::World;

TEST(Store, HasAGuestStackOfTheConfiguredSize) {
    Config config;
    config.max_stack_bytes = 128 << 10;
    World world({}, config);
    const VmContext& context = world.store->context();
    EXPECT_EQ((context.stack_limit - context.stack_begin) * static_cast<ptrdiff_t>(sizeof(Slot)), 128 << 10);
    EXPECT_EQ(context.stack_top, context.stack_begin);
    // All of it can be written.
    context.stack_begin[0] = 1;
    context.stack_limit[-1] = 1;
}

TEST(Store, CountsFuelOverSeveralGrants) {
    World world;
    Store& store = *world.store;
    EXPECT_FALSE(store.fuel_left());
    store.context().fuel_left -= 5;  // as the guest does
    EXPECT_EQ(store.fuel_consumed(), 5u);
    store.set_fuel(100);
    EXPECT_EQ(store.fuel_left(), 100u);
    EXPECT_TRUE(store.consume_fuel(30));
    EXPECT_EQ(store.fuel_left(), 70u);
    EXPECT_EQ(store.fuel_consumed(), 35u);
    EXPECT_FALSE(store.consume_fuel(71));
    EXPECT_EQ(store.fuel_left(), 0u);
    EXPECT_EQ(store.fuel_consumed(), 105u);
    store.set_fuel(~uint64_t{0});
    EXPECT_EQ(store.fuel_left(), static_cast<uint64_t>(fuel_unlimited));
    store.set_fuel(std::nullopt);
    EXPECT_FALSE(store.fuel_left());
    EXPECT_EQ(store.fuel_consumed(), 105u);
}

TEST(Store, TableGrowthIsBoundedByTypeAndLimits) {
    StoreLimits limits;
    limits.table_elements = 10;
    World world(limits);
    const TableType type{AddressType::i32, ValType::funcref(), {2, 8}};
    Table& table = *world.store->new_table(type, 7).value();
    EXPECT_EQ(table.grow(7, 0), -1);
    EXPECT_EQ(table.grow(~uint64_t{0}, 0), -1);
    EXPECT_EQ(table.grow(6, 9), 2);
    EXPECT_EQ(table.elements[1], 7u);
    EXPECT_EQ(table.elements[7], 9u);
    EXPECT_EQ(table.current_type().limits_elements.min, 8u);
    Table& other = *world.store->new_table({AddressType::i32, ValType::funcref(), {0, {}}}, 0).value();
    EXPECT_EQ(other.grow(3, 0), -1);
    EXPECT_EQ(world.store->last_limit_reached(), LimitKind::table_elements);
    EXPECT_EQ(other.grow(2, 0), 0);
}

TEST(Store, ExternRefsHaveHandles) {
    StoreLimits limits;
    limits.externrefs = 2;
    World world(limits);
    const Slot first = world.store->new_externref(std::string("one")).value();
    const Slot second = world.store->new_externref(2).value();
    EXPECT_NE(first, 0u);
    EXPECT_NE(first, second);
    EXPECT_EQ(std::any_cast<int>(*world.store->externref(second)), 2);
    EXPECT_EQ(world.store->externref(0), nullptr);
    EXPECT_EQ(world.store->externref(3), nullptr);
    EXPECT_EQ(world.store->new_externref(3).error().code, ErrorCode::limit_exceeded);
}

TEST(Store, NestedCallsAreBounded) {
    Config config;
    config.max_host_depth = 3;
    World world({}, config);
    const CanonId type = world.store->registry().intern_function({}).value();
    const auto recurse = [](void* environment, VmContext& context, VmInstance*, Slot* slots) noexcept {
        HostFunc& self = host_func_of(environment);
        ++*static_cast<int*>(self.environment.get());
        auto inner = self.store->call(self, slots);
        if (inner)
            return HostOutcome::returned;
        context.trap = inner.error().trap()->code;
        self.store->set_pending(std::move(inner).error());
        return HostOutcome::trapped;
    };
    const auto count = std::make_shared<int>(0);
    const HostFunc* func = world.store->host_func(type, recurse, count);
    Slot slot = 0;
    const auto outcome = world.store->call(*func, &slot);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::stack_overflow));
    EXPECT_EQ(*count, 3);
    EXPECT_EQ(world.store->context().host_depth, 0u);
}

TEST(Store, TrapsHaveNamedFrames) {
    World world;
    Instance& instance = *world
                              .instantiate(R"(
        (module $math (func $inner) (func (export "outer")) (func)))")
                              .value();
    world.tier.on_call = [](VmContext& context, const VmFunc&, Slot*) {
        context.trap = TrapCode::integer_divide_by_zero;
        return HostOutcome::trapped;
    };
    const Module& module = instance.module();
    world.tier.frames = {
        {&module, FuncIdx(0u), 0x21}, {&module, FuncIdx(1u), 0x22}, {&module, FuncIdx(2u), 0x23}};
    Slot slot = 0;
    const auto outcome = world.store->call(*instance.vm().funcs[1], &slot);
    ASSERT_FALSE(outcome);
    ASSERT_NE(outcome.error().trap(), nullptr);
    EXPECT_EQ(outcome.error().trap()->to_string(),
              "integer divide by zero\n"
              "   0: math!inner (offset 0x21)\n"
              "   1: math!outer (offset 0x22)\n"
              "   2: math!function 2 (offset 0x23)");
}

}  // namespace
}  // namespace wsb::runtime
