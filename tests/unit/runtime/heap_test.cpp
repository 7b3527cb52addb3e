// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/heap.h"

#include "tests/unit/runtime/fake_tier.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace wsb::runtime {
namespace {

using testing::World;

/// A store, and canonical types of a module's text.
struct HeapTest : ::testing::Test {
    static StoreLimits limits(uint64_t memory_bytes) {
        StoreLimits limits;
        limits.memory_bytes = memory_bytes;
        return limits;
    }
    void types(std::string_view wat) { compiled = world.module(wat); }
    const TypeInfo& type(size_t index) {
        return world.store->heap().type_info(compiled->module.canonical_types[index]);
    }
    Object* make(const TypeInfo& info) { return world.store->new_object(info, info.size_bytes); }
    Array* make_array(const TypeInfo& info, uint32_t length) {
        auto* array = static_cast<Array*>(world.store->new_object(info, info.array_size_bytes(length)));
        if (array != nullptr)
            array->length = length;
        return array;
    }
    static void set(Object* object, uint32_t offset, const Object* value) {
        const Slot slot = reference_to(value);
        std::memcpy(reinterpret_cast<uint8_t*>(object) + offset, &slot, sizeof slot);
    }

    World world{limits(uint64_t{64} << 20)};
    std::shared_ptr<const CompiledModule> compiled;
};

constexpr std::string_view list_type =
    "(module (rec (type (struct (field (ref null 0) i64)))) "
    "(type (array (mut (ref null 0)))) (type (array (mut i8))))";

TEST_F(HeapTest, LaysFieldsOutAndListsTracedOnes) {
    types(R"((module (type (struct (field i8 i64 i16 (ref null 0) funcref v128 i31ref)))
        (type (array (ref null func))) (type (array externref))))");
    const TypeInfo& info = type(0);
    EXPECT_EQ(info.fields[0].offset_bytes, 8u);
    EXPECT_EQ(info.fields[1].offset_bytes, 16u);
    EXPECT_EQ(info.fields[2].offset_bytes, 24u);
    EXPECT_EQ(info.fields[3].offset_bytes, 32u);
    EXPECT_EQ(info.fields[5].width_bytes, 16u);
    EXPECT_EQ(info.size_bytes, 72u);
    EXPECT_EQ(info.traced_offsets, (std::vector<uint32_t>{32, 64}));
    EXPECT_FALSE(type(1).elements_are_traced);
    EXPECT_TRUE(type(2).elements_are_traced);
}

TEST_F(HeapTest, ObjectsOfEverySizeAreZeroedApartAndAligned) {
    types(list_type);
    std::set<Slot> seen;
    for (uint32_t length = 0; length < 9000; length += 7) {
        Array* array = make_array(type(2), length);
        ASSERT_NE(array, nullptr);
        ASSERT_TRUE(is_object(reference_to(array)));
        ASSERT_EQ(reference_to(array) % 16, 0u);
        for (uint32_t i = 0; i < length; ++i)
            ASSERT_EQ(*array->element(i), 0);
        std::memset(array->element(0), 0xff, length);
        ASSERT_TRUE(seen.insert(reference_to(array)).second);
        world.tier.roots.push_back(reference_to(array));
    }
    world.store->collect();
    for (const Slot root : world.tier.roots) {
        auto& array = static_cast<Array&>(*object_at(root));
        for (uint32_t i = 0; i < array.length; ++i)
            ASSERT_EQ(*array.element(i), 0xff);
    }
}

TEST_F(HeapTest, KeepsWhatIsReachedAndReusesTheRest) {
    types(list_type);
    Object* kept = make(type(0));
    world.tier.roots = {reference_to(kept)};
    Object* middle = make(type(0));
    set(kept, 8, middle);
    Array* array = make_array(type(1), 3);
    world.tier.roots.push_back(reference_to(array));
    Object* element = make(type(0));
    const Slot slot = reference_to(element);
    std::memcpy(array->element(2), &slot, sizeof slot);
    for (int i = 0; i < 100'000; ++i)
        ASSERT_NE(make(type(0)), nullptr);
    world.store->collect();
    // Three structures in cells of 32 bytes and an array of 40 in one of 48.
    EXPECT_EQ(world.store->heap().live_bytes(), 3u * 32 + 48);
    EXPECT_EQ(middle->type, &type(0));
    EXPECT_EQ(element->type, &type(0));
    const uint64_t capacity = world.store->heap().capacity_bytes();
    for (int i = 0; i < 100'000; ++i) {
        Object* made = make(type(0));
        ASSERT_NE(made, kept);
        ASSERT_NE(made, middle);
        ASSERT_NE(made, element);
    }
    EXPECT_LE(world.store->heap().capacity_bytes(), capacity + (32 << 10));
}

TEST_F(HeapTest, CyclesAreFreed) {
    types(list_type);
    Object* a = make(type(0));
    Object* b = make(type(0));
    set(a, 8, b);
    set(b, 8, a);
    world.store->collect();
    EXPECT_EQ(world.store->heap().live_bytes(), 0u);
}

TEST_F(HeapTest, ALongListIsMarkedWithASmallMarkStack) {
    types(list_type);
    Array* array = make_array(type(1), 1000);
    world.tier.roots = {reference_to(array)};
    uint64_t objects = 1;
    for (uint32_t i = 0; i < 1000; ++i) {
        Object* last = nullptr;
        for (int n = 0; n < 20; ++n) {
            Object* node = make(type(0));
            if (last != nullptr)
                set(node, 8, last);
            last = node;
            ++objects;
            const Slot slot = reference_to(node);
            std::memcpy(array->element(i), &slot, sizeof slot);
        }
    }
    world.store->heap().limit_mark_stack(16);
    world.store->collect();
    // The array is large: a block of its own.
    EXPECT_EQ(world.store->heap().live_bytes(), (objects - 1) * 32 + 288 + 16 + 8000);
}

TEST_F(HeapTest, LargeObjectsAreGivenBack) {
    types(list_type);
    const uint64_t before = world.store->memory_bytes();
    for (int i = 0; i < 100; ++i)
        ASSERT_NE(make_array(type(2), 10 << 20), nullptr) << i;
    world.store->collect();
    EXPECT_EQ(world.store->memory_bytes(), before);
}

TEST_F(HeapTest, TheMemoryLimitHolds) {
    types(list_type);
    EXPECT_EQ(make_array(type(2), 65 << 20), nullptr);
    EXPECT_EQ(world.store->last_limit_reached(), LimitKind::memory_bytes);
    uint64_t made = 0;
    while (Object* node = make(type(0))) {
        world.tier.roots.push_back(reference_to(node));
        ++made;
        ASSERT_LE(world.store->memory_bytes(), uint64_t{64} << 20);
    }
    EXPECT_GT(made * 32, (uint64_t{64} << 20) * 9 / 10);
    // What is let go can be had again.
    world.tier.roots.clear();
    world.store->collect();
    EXPECT_NE(make(type(0)), nullptr);
    EXPECT_LT(world.store->memory_bytes(), uint64_t{64} << 20);
}

/// What a collection gave back is free, though no block shows it any more.
TEST_F(HeapTest, LargeObjectsMayFillAgainWhatOthersLeft) {
    types(list_type);
    const auto keep = [&](int count) {
        for (int i = 0; i < count; ++i) {
            Array* array = make_array(type(2), 1 << 20);
            ASSERT_NE(array, nullptr) << i;
            world.tier.roots.push_back(reference_to(array));
        }
    };
    keep(36);
    world.store->collect();  // the next one is due after as much again, which the limit does not leave
    world.tier.roots.resize(16);
    keep(40);
    EXPECT_GT(world.store->memory_bytes(), uint64_t{56} << 20);
}

TEST_F(HeapTest, EverythingIsKeptIfRootsAreUnknown) {
    types(list_type);
    Object* object = make(type(0));
    world.tier.knows_roots = false;
    world.store->collect();
    for (int i = 0; i < 10'000; ++i)
        ASSERT_NE(make(type(0)), object);
    EXPECT_EQ(object->type, &type(0));
}

TEST_F(HeapTest, GlobalsTablesAndHostRootsKeep) {
    types(list_type);
    const ValType anyref = ValType::reference(HeapType::any, true);
    Object* in_global = make(type(0));
    Object* in_table = make(type(0));
    Object* at_host = make(type(0));
    static_cast<void>(world.store->new_global({anyref, true}, reference_to(in_global), 0));
    static_cast<void>(world.store->new_table({AddressType::i32, anyref, {2, {}}}, reference_to(in_table)));
    world.store->hand_to_host(reference_to(at_host), anyref);
    world.store->collect();
    EXPECT_EQ(world.store->heap().live_bytes(), 3u * 32);
    world.store->host_roots().shrink(0);
    world.store->collect();
    EXPECT_EQ(world.store->heap().live_bytes(), 2u * 32);
}

}  // namespace
}  // namespace wsb::runtime
