// SPDX-License-Identifier: Apache-2.0
// Fuel that comes from an account.
#include "engine/runtime/store.h"
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace wsb::testing {
namespace {

/// Has no fuel when asked for the second time, because others have it, and enough from then on.
class BusyAccount final : public runtime::StoreAccount {
public:
    void joined(runtime::Interrupts*) noexcept override {}
    [[nodiscard]] bool charge_memory(uint64_t) noexcept override { return true; }
    void release_memory(uint64_t) noexcept override {}
    [[nodiscard]] uint64_t memory_limit_bytes() const noexcept override { return UINT64_MAX; }
    [[nodiscard]] bool charge_instance() noexcept override { return true; }
    void release_instance() noexcept override {}
    [[nodiscard]] uint64_t draw_fuel(uint64_t units) noexcept override {
        constexpr uint64_t first_units = 5'000;
        ++m_asked;
        return m_asked == 1 ? std::min(units, first_units) : m_asked == 2 ? 0 : units;
    }
    void return_fuel(uint64_t) noexcept override {}
    [[nodiscard]] int asked() const noexcept { return m_asked; }

private:
    int m_asked = 0;
};

/// What leads to an operation is paid for once, however often fuel for it has to be asked for.
TEST(Account, AnOperationThatHasToWaitForFuelIsChargedOnce) {
    const Engine engine;
    const auto module =
        v1::Module::from_wat(engine, R"((module (memory 16) (func (export "f") (param i32) (result i32)
        (local.set 0 (i32.mul (i32.add (local.get 0) (i32.const 1)) (i32.const 3)))
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000000))
        (local.get 0))))");
    v1::Store store = v1::Store::create(engine).value();
    const auto instance = Linker(engine).instantiate(store, module.value()).value();
    const auto f = instance.typed_function<int32_t(int32_t)>("f").value();
    const uint64_t before = store.fuel_consumed();
    ASSERT_EQ(f(5).value(), 18);
    const uint64_t cost = store.fuel_consumed() - before;
    const auto account = std::make_shared<BusyAccount>();
    ASSERT_TRUE(store.impl().set_account(account));
    const uint64_t again = store.fuel_consumed();
    ASSERT_EQ(f(5).value(), 18);
    EXPECT_EQ(store.fuel_consumed() - again, cost);
    EXPECT_GE(account->asked(), 3);
}

}  // namespace
}  // namespace wsb::testing
