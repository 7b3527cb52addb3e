// SPDX-License-Identifier: Apache-2.0
// The same modules in an engine of each tier, and everything that can be seen of a call: how it ended and
// where, results, fuel, globals and memories.
#pragma once

#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace wsb::testing {

/// How a call ended, and what it left.
struct Observed {
    TrapCode trap = TrapCode::none;
    bool is_other_failure = false;  ///< an exit or an error
    std::string detail;
    std::vector<std::pair<uint32_t, uint64_t>> frames;  ///< function and offset, innermost first
    std::vector<std::array<uint64_t, 2>> results;       ///< of references whether they are null
    uint64_t consumed_units = 0;
    std::optional<uint64_t> left_units;
    std::map<std::string, std::string> state;  ///< of exports, by module and name

    bool operator==(const Observed&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Observed& seen) {
    out << "trap " << static_cast<int>(seen.trap) << " \"" << seen.detail << "\", " << seen.consumed_units
        << " units";
    if (seen.left_units)
        out << " of " << seen.consumed_units + *seen.left_units;
    for (const auto& [func, offset_bytes] : seen.frames)
        out << ", at " << func << "+" << offset_bytes;
    for (const auto& result : seen.results)
        out << ", result " << std::hex << result[0] << "'" << result[1] << std::dec;
    for (const auto& [name, bytes] : seen.state)
        if (bytes.size() <= 2 * sizeof(uint64_t))
            out << ", " << name << " = " << ::testing::PrintToString(bytes);
    return out;
}

/// A store of an engine with one tier.
class TierRun {
public:
    using Setup = void (*)(Linker& linker);

    explicit TierRun(const Config& config, Setup setup = nullptr) : m_engine(config), m_linker(m_engine) {
        if (setup != nullptr)
            setup(m_linker);
    }

    /// Instantiates a module; the next ones can import its exports by this name.
    [[nodiscard]] bool load(const std::string& name, std::string_view wat) {
        auto module = Module::from_wat(m_engine, wat);
        EXPECT_TRUE(module) << module.error().message();
        if (!module)
            return false;
        auto made = m_linker.instantiate(m_store, *module);
        EXPECT_TRUE(made) << made.error().message();
        if (!made || !m_linker.instance(name, *made))
            return false;
        m_instances.emplace_back(name, *made);
        return true;
    }

    /// Calls an export of the module loaded last.
    [[nodiscard]] Observed call(std::string_view func, const std::vector<Value>& arguments,
                                std::optional<uint64_t> fuel) {
        Observed seen;
        const uint64_t before = m_store.fuel_consumed();
        m_store.set_fuel(fuel);
        const auto outcome = m_instances.back().second.func(func).value().call(arguments);
        seen.consumed_units = m_store.fuel_consumed() - before;
        seen.left_units = m_store.fuel_left();
        if (outcome) {
            for (const Value& value : *outcome)
                seen.results.push_back(bits_of(value));
        } else if (const Trap* trap = outcome.error().trap()) {
            seen.trap = trap->code;
            seen.detail = trap->detail;
            for (const TrapFrame& frame : trap->frames)
                seen.frames.emplace_back(frame.func_index, frame.offset_bytes);
        } else {
            seen.is_other_failure = true;
            seen.detail = outcome.error().message();
        }
        for (const auto& [name, instance] : m_instances)
            for (const auto& [exported, item] : instance.exports())
                note(seen, name + "." + exported, item);
        return seen;
    }

    /// Puts exported globals of number types back to zero, so that the next call begins like the first.
    void reset_globals() {
        for (const auto& [name, instance] : m_instances) {
            for (const auto& [exported, item] : instance.exports()) {
                const auto* const global = std::get_if<Global>(&item);
                if (global == nullptr || global->get().is_ref())
                    continue;
                EXPECT_TRUE(global->set(Value::default_of(global->get().type())));
            }
        }
    }

    [[nodiscard]] Store& store() noexcept { return m_store; }
    [[nodiscard]] const Instance& last() const { return m_instances.back().second; }

private:
    [[nodiscard]] static std::array<uint64_t, 2> bits_of(const Value& value) noexcept {
        if (value.is_ref())
            return {value.is_null() ? 0u : 1u, 0};
        return value.raw();
    }
    static void note(Observed& seen, const std::string& name, const Extern& item) {
        if (const auto* global = std::get_if<Global>(&item)) {
            const auto bits = bits_of(global->get());
            seen.state[name] = std::to_string(bits[0]) + "'" + std::to_string(bits[1]);
        } else if (const auto* memory = std::get_if<Memory>(&item)) {
            const auto bytes = memory->data();
            // SAFETY: uint8_t and char have the same representation.
            seen.state[name] = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        } else if (const auto* table = std::get_if<Table>(&item)) {
            seen.state[name] = std::to_string(table->size());
        }
    }

    Engine m_engine;
    Linker m_linker;
    Store m_store = Store::create(m_engine).value();
    std::vector<std::pair<std::string, Instance>> m_instances;
};

/// The tiers side by side; calls are made in all and compared. Beside the interpreter and machine code, with
/// guard regions and with checks, there is an engine that begins with the one and changes to the other where
/// it can: at every second look, and it looks at every check of fuel.
class TiersTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code: this build or this processor has no compiler";
        begin();
    }
    /// Anew, with another configuration.
    void begin(Config config = {}, TierRun::Setup setup = nullptr) {
        config.features = Features::up_to(4);
        config.tier = TierChoice::interpreter;
        m_interpreter.emplace(config, setup);
        config.tier = TierChoice::jit;
        m_jit.emplace(config, setup);
        config.guard_regions = false;
        m_checking.emplace(config, setup);
        config.guard_regions = true;
        config.tier = TierChoice::automatic;
        config.tiering = {.sample_units = 1, .hot_samples = 2};
        m_automatic.emplace(config, setup);
    }
    void load(std::string_view wat, const std::string& name = "m") {
        ASSERT_TRUE(m_interpreter->load(name, wat));
        ASSERT_TRUE(m_jit->load(name, wat));
        ASSERT_TRUE(m_checking->load(name, wat));
        ASSERT_TRUE(m_automatic->load(name, wat));
    }
    /// What all tiers did, which is the same.
    Observed call(const std::vector<Value>& arguments = {}, std::optional<uint64_t> fuel = std::nullopt,
                  std::string_view func = "f") {
        if (HasFatalFailure())
            return {};
        const Observed expected = m_interpreter->call(func, arguments, fuel);
        const Observed found = m_jit->call(func, arguments, fuel);
        EXPECT_EQ(found, expected) << "fuel " << (fuel ? std::to_string(*fuel) : "unlimited");
        const Observed checking = m_checking->call(func, arguments, fuel);
        EXPECT_EQ(checking, expected) << "checking, fuel " << (fuel ? std::to_string(*fuel) : "unlimited");
        const Observed changing = m_automatic->call(func, arguments, fuel);
        EXPECT_EQ(changing, expected) << "changing, fuel " << (fuel ? std::to_string(*fuel) : "unlimited");
        return expected;
    }
    template <class Action>
    void all(Action action) {
        action(*m_interpreter);
        action(*m_jit);
        action(*m_checking);
        action(*m_automatic);
    }
    [[nodiscard]] TierRun& jit() { return *m_jit; }

private:
    std::optional<TierRun> m_interpreter, m_jit, m_checking, m_automatic;
};

}  // namespace wsb::testing
