// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/api_fixture.h"

namespace wsb::testing {
namespace {

using ExternTest = ApiTest;

TEST_F(ExternTest, MemoryIsBoundsChecked) {
    const Memory m = Memory::create(store, {AddressType::i32, false, {1, 2}}).value();
    EXPECT_TRUE(m.store_value<uint32_t>(65'532, 0x01020304));
    EXPECT_FALSE(m.store_value<uint32_t>(65'533, 0));
    EXPECT_FALSE(m.load<uint64_t>(~uint64_t{0} - 3));
    EXPECT_EQ(m.load<uint8_t>(65'535), 1);
    EXPECT_EQ(m.grow(1), 1u);
    EXPECT_EQ(m.grow(1), std::nullopt);
    EXPECT_EQ(m.size_pages(), 2u);
    EXPECT_EQ(m.data().size(), m.size_bytes());
    EXPECT_EQ(Memory::create(store, {AddressType::i32, false, {2, 1}}).error().code, ErrorCode::memory_size);
    EXPECT_EQ(Memory::create(store, {AddressType::i32, false, {70'000, {}}}).error().code,
              ErrorCode::memory_size);
}

TEST_F(ExternTest, TablesHoldReferencesOfTheirType) {
    const TableType type{AddressType::i32, ValType::funcref(), {2, 4}};
    const Table t = Table::create(store, type, Value::null(ValType::funcref())).value();
    const Func f = instance(R"((module (func (export "f"))))").func("f").value();
    EXPECT_TRUE(t.set(1, f));
    EXPECT_EQ(t.get(1)->func(store), f);
    EXPECT_TRUE(t.get(0)->is_null());
    EXPECT_FALSE(t.get(2));
    EXPECT_EQ(t.set(2, f).error().code, ErrorCode::bad_usage);
    EXPECT_EQ(t.set(0, Value(1)).error().code, ErrorCode::signature_mismatch);
    EXPECT_EQ(t.grow(2, f), 2u);
    EXPECT_EQ(t.get(3)->func(store), f);
    EXPECT_EQ(t.grow(1, f), std::nullopt);
    EXPECT_FALSE(Table::create(store, type, Value(1)));
}

TEST_F(ExternTest, GlobalsKeepTypeAndMutability) {
    const Global g = Global::create(store, {ValType::i64, true}, Value(int64_t{5})).value();
    EXPECT_TRUE(g.set(Value(int64_t{-6})));
    EXPECT_EQ(g.get().i64(), -6);
    EXPECT_EQ(g.set(Value(1)).error().code, ErrorCode::signature_mismatch);
    const Global constant = Global::create(store, {ValType::v128, false}, Value(V128{1, 2, 3})).value();
    EXPECT_EQ(constant.get().v128()[2], 3);
    EXPECT_EQ(constant.set(constant.get()).error().code, ErrorCode::global_is_immutable);
    EXPECT_FALSE(Global::create(store, {ValType::f32, false}, Value(1.0)));
}

TEST_F(ExternTest, HostItemsServeImports) {
    const Memory m = Memory::create(store, {AddressType::i32, false, {1, {}}}).value();
    const Global g = Global::create(store, {ValType::i32, true}, Value(40)).value();
    ASSERT_TRUE(linker.define("env", "m", m));
    ASSERT_TRUE(linker.define("env", "g", g));
    const Instance i =
        instance(R"((module (import "env" "m" (memory 1)) (import "env" "g" (global $g (mut i32)))
        (func (export "f") (global.set $g (i32.add (global.get $g) (i32.const 2)))
            (i32.store (i32.const 8) (global.get $g)))))");
    ASSERT_TRUE(i.typed_function<void()>("f").value()());
    EXPECT_EQ(g.get(), Value(42));
    EXPECT_EQ(m.load<int32_t>(8), 42);
    EXPECT_EQ(to_string(type_of(*linker.get(store, "env", "m"))), "memory 1.. pages");
}

TEST_F(ExternTest, MemoriesOfSmallPages) {
    const MemoryType type{.limits_pages = {5, 9}, .page_size_log2 = 0};
    const Memory m = Memory::create(store, type).value();
    EXPECT_EQ(m.type(), type);
    EXPECT_EQ(m.size_pages(), 5u);
    EXPECT_EQ(m.size_bytes(), 5u);
    EXPECT_TRUE(m.store_value<uint32_t>(1, 7));
    EXPECT_FALSE(m.store_value<uint32_t>(2, 7));
    EXPECT_EQ(m.grow(4), 5u);
    EXPECT_EQ(m.grow(1), std::nullopt);
    EXPECT_EQ(m.data().size(), 9u);
    EXPECT_EQ(m.load<uint32_t>(1), 7u);
    EXPECT_EQ(m.load<uint8_t>(9), std::nullopt);
    EXPECT_EQ(to_string(ExternType{m.type()}), "memory 9..9 pages of a byte");
    EXPECT_EQ(Memory::create(store, {.limits_pages = {}, .page_size_log2 = 12}).error().code,
              ErrorCode::invalid_page_size);
    EXPECT_EQ(Memory::create(store, {.limits_pages = {}, .page_size_log2 = 64}).error().code,
              ErrorCode::invalid_page_size);
    EXPECT_EQ(
        Memory::create(store, {.limits_pages = {uint64_t{1} << 32, {}}, .page_size_log2 = 0}).error().code,
        ErrorCode::memory_size);
}

TEST_F(ExternTest, StoresMove) {
    const Instance i = instance(R"((module (global (export "g") i32 (i32.const 3))))");
    Store moved = std::move(store);
    store = Store::create(engine).value();
    EXPECT_EQ(i.global("g").value().get(), Value(3));
    EXPECT_EQ(&i.store().impl(), &moved.impl());
}

TEST_F(ExternTest, LimitsHold) {
    StoreLimits limits;
    limits.memory_bytes = 65'536;
    Store small = Store::create(engine, limits).value();
    const Instance i = linker
                           .instantiate(small, module(R"((module (memory 1)
        (func (export "grow") (result i32) (memory.grow (i32.const 1)))))"))
                           .value();
    EXPECT_EQ(i.typed_function<int32_t()>("grow").value()().value(), -1);
    EXPECT_EQ(small.last_limit_reached(), LimitKind::memory_bytes);
    EXPECT_EQ(small.peak_memory_bytes(), 65'536u);
    const auto second = linker.instantiate(small, module("(module (memory 1))"));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error()->code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace wsb::testing
