// SPDX-License-Identifier: Apache-2.0
// Any bytes as a module without imports, run in the interpreter, in machine code, and in what begins with the
// one and changes to the other: instantiated, and its exported functions called with zeros and with other
// numbers. How each step ends, where, with which results, after how much fuel, and what it leaves are the
// same; also with less fuel, cut anywhere. Machine code leaves the last 4,096 units to the interpreter, so
// fuel is beyond that. Where there is no compiler there is nothing to compare.
#include "wsb/engine.hpp"

#include "fuzz/fuzz_target.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace wsb::fuzz {
using v1::Global, v1::Memory, v1::Module, v1::Table;
namespace {

constexpr uint64_t fuel_units = 60'000;
constexpr size_t largest_call_count = 6;
/// Every allocation collects, and every collection looks at the whole stack: with more of that, recursions
/// that allocate take minutes.
constexpr size_t stack_bytes = size_t{128} << 10;
constexpr StoreLimits limits{.memory_bytes = uint64_t{16} << 20, .table_elements = 100'000};

using Bits = std::array<uint64_t, 2>;

/// Payloads of NaNs are anything; of references only whether they are null is the same in two stores.
[[nodiscard]] Bits comparable(const Value& value) noexcept {
    if (value.is_ref())
        return {value.is_null() ? 0u : 1u, 0};
    if (value.kind() == ValType::f32 && std::isnan(value.f32()))
        return {0x7fc0'0000, 0};
    if (value.kind() == ValType::f64 && std::isnan(value.f64()))
        return {0x7ff8'0000'0000'0000, 0};
    return value.raw();
}

/// How a call, or the instantiation, ended.
struct Outcome {
    TrapCode trap = TrapCode::none;
    std::optional<ErrorCode> error;
    std::vector<std::pair<uint32_t, uint64_t>> frames;  ///< function and offset, innermost first
    std::vector<Bits> results;
    uint64_t consumed_units = 0;
    uint64_t left_units = 0;

    bool operator==(const Outcome&) const = default;
};

/// Numbers with bits at both ends, and zeros for what has no number.
[[nodiscard]] Value argument_of(ValType type, size_t number, bool is_plain) noexcept {
    if (is_plain || type.is_ref())
        return Value::default_of(type);
    switch (type.kind()) {
        case ValType::i32: return Value(static_cast<int32_t>(number % 2 == 0 ? 7 : -3));
        case ValType::i64: return Value(static_cast<int64_t>(number % 2 == 0 ? -9 : int64_t{5} << 32));
        case ValType::f32: return Value(number % 2 == 0 ? 2.5f : -0.0f);
        case ValType::f64: return Value(number % 2 == 0 ? -1e10 : 0.75);
        default: return Value::default_of(type);
    }
}

class Run {
public:
    Run(const Engine& engine, const Module& module)
        : m_module(module), m_linker(engine), m_store(Store::create(engine, limits).value()) {}

    /// Step 0 instantiates; then each function is called twice.
    [[nodiscard]] Outcome step(size_t number, uint64_t fuel) {
        Outcome outcome;
        const uint64_t before = m_store.fuel_consumed();
        m_store.set_fuel(fuel);
        if (number == 0)
            instantiate(outcome);
        else
            call(m_functions[(number - 1) / 2], number % 2 != 0, outcome);
        outcome.consumed_units = m_store.fuel_consumed() - before;
        outcome.left_units = m_store.fuel_left().value();
        return outcome;
    }
    [[nodiscard]] size_t step_count() const noexcept { return 1 + 2 * m_functions.size(); }

    void require_state_of(const Run& other) const {
        if (!m_instance || !other.m_instance)
            return;
        const auto mine = m_instance->exports();
        const auto theirs = other.m_instance->exports();
        for (size_t i = 0; i < mine.size(); ++i)
            require_same(mine[i].second, theirs[i].second);
    }

private:
    static void set_failure(Outcome& outcome, const Failure& failure) {
        if (const Trap* trap = failure.trap()) {
            outcome.trap = trap->code;
            for (const TrapFrame& frame : trap->frames)
                outcome.frames.emplace_back(frame.func_index, frame.offset_bytes);
            return;
        }
        require(failure.error() != nullptr, "nothing here can exit");
        outcome.error = failure.error()->code;
    }
    void instantiate(Outcome& outcome) {
        auto made = m_linker.instantiate(m_store, m_module);
        if (!made)
            return set_failure(outcome, made.error());
        m_instance = *std::move(made);
        for (const auto& [name, item] : m_instance->exports())
            if (const Func* func = std::get_if<Func>(&item);
                func != nullptr && m_functions.size() < largest_call_count)
                m_functions.push_back(*func);
    }
    static void call(const Func& func, bool is_plain, Outcome& outcome) {
        std::vector<Value> arguments;
        for (const ValType param : func.type().params)
            arguments.push_back(argument_of(param, arguments.size(), is_plain));
        const auto results = func.call(arguments);
        if (!results)
            return set_failure(outcome, results.error());
        for (const Value& value : *results)
            outcome.results.push_back(comparable(value));
    }
    static void require_same(const Extern& a, const Extern& b) {
        if (const auto* memory = std::get_if<Memory>(&a)) {
            const auto mine = memory->data();
            const auto theirs = std::get<Memory>(b).data();
            require(mine.size() == theirs.size() && std::ranges::equal(mine, theirs),
                    "memories are the same");
        } else if (const auto* global = std::get_if<Global>(&a)) {
            require(comparable(global->get()) == comparable(std::get<Global>(b).get()),
                    "globals are the same");
        } else if (const auto* table = std::get_if<Table>(&a)) {
            require(table->size() == std::get<Table>(b).size(), "tables are as large");
        }
    }

    const Module& m_module;
    Linker m_linker;
    Store m_store;
    std::optional<Instance> m_instance;
    std::vector<Func> m_functions;
};

void require_same(const Outcome& expected, const Outcome& found, size_t step) {
    if (expected == found)
        return;
    const auto print = [](const char* tier, const Outcome& outcome) {
        std::fprintf(stderr,
                     "fuzz: %s: trap %d, %llu units, %llu left, %zu frames, first at %llu, %zu results", tier,
                     static_cast<int>(outcome.trap), static_cast<unsigned long long>(outcome.consumed_units),
                     static_cast<unsigned long long>(outcome.left_units), outcome.frames.size(),
                     static_cast<unsigned long long>(outcome.frames.empty() ? 0 : outcome.frames[0].second),
                     outcome.results.size());
        for (const Bits& bits : outcome.results)
            std::fprintf(stderr, " %llx'%llx", static_cast<unsigned long long>(bits[0]),
                         static_cast<unsigned long long>(bits[1]));
        std::fputs("\n", stderr);
    };
    print("interpreter", expected);
    print("machine code", found);
    std::fprintf(stderr, "fuzz: at step %zu\n", step);
    require(false, "both tiers do the same");
}

/// @param cut how much fuel each step has less than `fuel_units`.
void compare(const Engine& interpreter, const Module& interpreted, const Engine& jit, const Module& compiled,
             uint64_t cut) {
    Run expected(interpreter, interpreted);
    Run found(jit, compiled);
    for (size_t i = 0; i < expected.step_count(); ++i) {
        require_same(expected.step(i, fuel_units - cut), found.step(i, fuel_units - cut), i);
        found.require_state_of(expected);
    }
}

void run(std::span<const uint8_t> bytes) {
    if (!Engine::has_jit())
        return;
    // All but threads: a guest that waits, waits as long as it says, and fuel does not count time.
    Features features = Features::up_to(4);
    features.disable(Feature::threads);
    const Engine interpreter({.tier = TierChoice::interpreter,
                              .features = features,
                              .max_stack_bytes = stack_bytes,
                              .collect_always = true});
    const Engine jit({.tier = TierChoice::jit,
                      .features = features,
                      .max_stack_bytes = stack_bytes,
                      .collect_always = true});
    // Changes the tier wherever it can.
    const Engine automatic({.tier = TierChoice::automatic,
                            .tiering = {.sample_units = 1, .hot_samples = 2},
                            .features = features,
                            .max_stack_bytes = stack_bytes,
                            .collect_always = true});
    const auto interpreted = Module::compile(interpreter, bytes);
    const auto compiled = Module::compile(jit, bytes);
    require(interpreted.has_value() == compiled.has_value(), "the tier does not change the verdict");
    if (!compiled || !compiled->imports().empty())
        return;
    uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const uint8_t byte : bytes)
        hash = (hash ^ byte) * 0x100000001b3;
    for (const uint64_t cut : {uint64_t{0}, hash % fuel_units, fuel_units - 4096 - (hash >> 32) % 600}) {
        compare(interpreter, *interpreted, jit, *compiled, cut);
        // Compiled anew, for the place where it changes to be another.
        compare(interpreter, *interpreted, automatic, Module::compile(automatic, bytes).value(), cut);
    }
}

}  // namespace
}  // namespace wsb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
    wsb::fuzz::run({data, size_bytes});
    return 0;
}
