// SPDX-License-Identifier: Apache-2.0
// Any bytes as a module without imports: it is instantiated and its exported functions are called with zeros,
// in little memory and with little fuel. Runs with exactly the fuel that was consumed, of functions
// translated when they are called, end in the same way and leave the same state; runs with one unit less stop
// where that unit would be spent (ADR 3).
#include "engine/binary/decoder.h"
#include "engine/binary/instr_reader.h"
#include "wsb/engine.hpp"

#include "fuzz/fuzz_target.h"
#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace wsb::fuzz {
using v1::Global, v1::Memory, v1::Module, v1::Table;
namespace {

constexpr uint64_t fuel_units = 100'000;
constexpr size_t largest_call_count = 6;
constexpr StoreLimits limits{.memory_bytes = uint64_t{16} << 20, .table_elements = 100'000};

/// How a call, or the instantiation, ended.
struct Outcome {
    TrapCode trap = TrapCode::none;
    std::optional<ErrorCode> error;
    std::vector<std::array<uint64_t, 2>> results;  ///< of references only whether they are null
    uint64_t consumed_units = 0;

    bool operator==(const Outcome&) const = default;
};

void set_failure(Outcome& outcome, const Failure& failure) {
    if (const Trap* trap = failure.trap()) {
        require(trap->code != TrapCode::none, "a trap has a code");
        outcome.trap = trap->code;
        return;
    }
    require(failure.error() != nullptr, "nothing here can exit");
    outcome.error = failure.error()->code;
}

/// One store with one instance, driven step by step: step 0 instantiates, the others call the exported
/// functions in their order.
class Run {
public:
    Run(const Engine& engine, const Module& module)
        : m_module(module), m_linker(engine), m_store(Store::create(engine, limits).value()) {}

    [[nodiscard]] Outcome step(uint64_t fuel) {
        Outcome outcome;
        const uint64_t before = m_store.fuel_consumed();
        m_store.set_fuel(fuel);
        if (m_steps++ == 0)
            instantiate(outcome);
        else
            call(m_functions[m_steps - 2], outcome);
        outcome.consumed_units = m_store.fuel_consumed() - before;
        require(outcome.consumed_units + m_store.fuel_left().value() == fuel, "fuel is consumed or left");
        require(m_store.memory_bytes() <= limits.memory_bytes, "memories stay within their limit");
        return outcome;
    }

    [[nodiscard]] size_t step_count() const noexcept { return m_instance ? m_functions.size() + 1 : 1; }

    /// Whether two runs left the same memories and globals.
    [[nodiscard]] bool has_state_of(const Run& other) const {
        if (!m_instance || !other.m_instance)
            return m_instance.has_value() == other.m_instance.has_value();
        const auto mine = m_instance->exports();
        const auto theirs = other.m_instance->exports();
        for (size_t i = 0; i < mine.size(); ++i) {
            if (!are_same(mine[i].second, theirs[i].second))
                return false;
        }
        return true;
    }

private:
    void instantiate(Outcome& outcome) {
        auto made = m_linker.instantiate(m_store, m_module);
        if (!made)
            return set_failure(outcome, made.error());
        m_instance = *std::move(made);
        for (const auto& [name, item] : m_instance->exports()) {
            if (const Func* func = std::get_if<Func>(&item);
                func != nullptr && m_functions.size() < largest_call_count)
                m_functions.push_back(*func);
        }
    }

    static void call(const Func& func, Outcome& outcome) {
        const FuncType type = func.type();
        std::vector<Value> arguments;
        for (const ValType param : type.params)
            arguments.push_back(Value::default_of(param));
        const auto results = func.call(arguments);
        if (!results)
            return set_failure(outcome, results.error());
        require(results->size() == type.results.size(), "each result has a value");
        for (const Value& value : *results)
            outcome.results.push_back(bits_of(value));
    }

    /// References are addresses, which differ from store to store.
    [[nodiscard]] static std::array<uint64_t, 2> bits_of(const Value& value) noexcept {
        if (value.is_ref())
            return {value.is_null() ? 0u : 1u, 0};
        return value.raw();
    }

    [[nodiscard]] static bool are_same(const Extern& a, const Extern& b) {
        if (const auto* memory = std::get_if<Memory>(&a)) {
            const auto mine = memory->data();
            const auto theirs = std::get<Memory>(b).data();
            return mine.size() == theirs.size() &&
                   (mine.empty() || std::memcmp(mine.data(), theirs.data(), mine.size()) == 0);
        }
        if (const auto* global = std::get_if<Global>(&a))
            return bits_of(global->get()) == bits_of(std::get<Global>(b).get());
        if (const auto* table = std::get_if<Table>(&a))
            return table->size() == std::get<Table>(b).size();
        return true;
    }

    const Module& m_module;
    Linker m_linker;
    Store m_store;
    std::optional<Instance> m_instance;
    std::vector<Func> m_functions;
    size_t m_steps = 0;
};

/// Whether the code has instructions of more than one unit: these run whole or not at all, so that units can
/// be left over where a run stops.
[[nodiscard]] bool has_bulk_instructions(std::span<const uint8_t> bytes) {
    const auto module = binary::decode(bytes, Features::up_to(4)).value();
    binary::Instr instr;
    for (const auto& body : module.bodies) {
        binary::InstrReader reader(Cursor(module.view(body.expression), body.expression.offset_bytes));
        while (!reader.at_end() && reader.next(instr)) {
            const OpClass cls = op_info(instr.op).cls;
            if (cls == OpClass::bulk || instr.op == Op::table_grow || cls == OpClass::gc)
                return true;
        }
    }
    return false;
}

void require_same(const Outcome& expected, const Outcome& found, const char* what) {
    if (expected == found)
        return;
    std::fprintf(stderr,
                 "fuzz: trap %d, %zu results, %llu units; expected trap %d, %zu results, %llu units\n",
                 static_cast<int>(found.trap), found.results.size(),
                 static_cast<unsigned long long>(found.consumed_units), static_cast<int>(expected.trap),
                 expected.results.size(), static_cast<unsigned long long>(expected.consumed_units));
    require(false, what);
}

/// Repeats the steps before `last` with the fuel they took, and gives `last` one unit less than that.
void run_short_of(const Engine& engine, const Module& module, std::span<const Outcome> outcomes, size_t last,
                  bool has_bulk) {
    Run run(engine, module);
    for (size_t i = 0; i < last; ++i)
        require_same(outcomes[i], run.step(outcomes[i].consumed_units), "a repeated step ends the same way");
    const uint64_t budget = outcomes[last].consumed_units - 1;
    const Outcome outcome = run.step(budget);
    require(outcome.trap == TrapCode::out_of_fuel, "one unit less is out of fuel");
    require(outcome.consumed_units == budget || has_bulk, "all fuel is used before a run stops");
}

void run(std::span<const uint8_t> bytes) {
    // All but threads: a guest that waits, waits as long as it says, and fuel does not count time.
    Features features = Features::up_to(4);
    features.disable(Feature::threads);
    const Engine engine({.features = features});
    const Engine lazy_engine({.features = features, .lazy_translation = true});
    const auto module = Module::compile(engine, bytes);
    const auto lazy_module = Module::compile(lazy_engine, bytes);
    require(module.has_value() == lazy_module.has_value(), "lazy translation does not change the verdict");
    if (!module) {
        require(module.error().message() == lazy_module.error().message(), "nor the error");
        return;
    }
    if (!module->imports().empty())
        return;
    Run first(engine, *module);
    std::vector<Outcome> outcomes;
    for (size_t i = 0; i < first.step_count(); ++i)
        outcomes.push_back(first.step(fuel_units));
    Run second(lazy_engine, *lazy_module);
    for (const Outcome& outcome : outcomes)
        require_same(outcome, second.step(outcome.consumed_units), "exactly enough fuel is enough");
    require(first.has_state_of(second), "equal runs leave equal states");

    const bool has_bulk = has_bulk_instructions(bytes);
    for (size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].consumed_units != 0)
            run_short_of(engine, *module, outcomes, i, has_bulk);
    }
}

}  // namespace
}  // namespace wsb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
    wsb::fuzz::run({data, size_bytes});
    return 0;
}
