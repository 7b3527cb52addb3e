// SPDX-License-Identifier: Apache-2.0
// What an instance for one call costs: taken from a pool, called, returned; beside a store and an instance of
// its own. Every result is checked, also that nothing of the instance before is left.
#include "wsb/engine.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace wsb;

/// 64 KiB of memory, of which a call finds one word zero and leaves it otherwise.
constexpr std::string_view small_module = R"((module (memory (export "memory") 1) (data (i32.const 8) "\07")
    (func (export "f") (param i32) (result i32)
        (local i32)
        (local.set 1 (i32.add (i32.load (i32.const 4096)) (i32.load8_u (i32.const 8))))
        (i32.store (i32.const 4096) (local.get 0))
        (i32.store8 (i32.const 8) (i32.const 99))
        (local.get 1))))";

/// 10 MB of data, of which a call changes a byte in each of `pages` pages.
std::string large_module(int pages) {
    constexpr int size_bytes = 10'000'000;
    std::string text = R"((module (memory (export "memory") 160) (data (i32.const 0) ")";
    text.append(size_bytes, 'x');
    text += R"(") (func (export "f") (param i32) (result i32) (local i32))";
    for (int i = 0; i < pages; ++i) {
        const int at = size_bytes / pages * i + 100;
        text += fmt::format(R"((local.set 1 (i32.add (local.get 1) (i32.load8_u (i32.const {0}))))
            (i32.store8 (i32.const {0}) (local.get 0)))",
                            at);
    }
    return text + "(local.get 1)))";
}

/// Takes, calls and returns, as often as the benchmark wants.
void serve(benchmark::State& state, std::string_view wat, int32_t expected, bool watches_pages = true,
           bool is_exposed = false) {
    const Engine engine;
    const InstancePre pre = Linker(engine).instantiate_pre(Module::from_wat(engine, wat).value()).value();
    PoolOptions options;
    options.slots = 4;
    options.watches_pages = watches_pages;
    const Pool pool = Pool::create(engine, options).value();
    for (auto _ : state) {
        const PooledInstance taken = pool.take(pre).value();
        const Instance instance = taken.instance();
        if (is_exposed)
            benchmark::DoNotOptimize(instance.memory().value().data());
        const auto f = instance.typed_function<int32_t(int32_t)>("f").value();
        if (f(1).value() != expected)
            state.SkipWithError("not as if new");
    }
    const PoolStatistics done = pool.statistics();
    state.counters["scanned"] = static_cast<double>(done.ranges_scanned) / static_cast<double>(done.takes);
    state.counters["discarded"] =
        static_cast<double>(done.ranges_discarded) / static_cast<double>(done.takes);
}

void pool_small(benchmark::State& state) {
    serve(state, small_module, 7);
}
BENCHMARK(pool_small);

void pool_large(benchmark::State& state) {
    const auto pages = static_cast<int>(state.range(0));
    serve(state, large_module(pages), 'x' * pages);
}
BENCHMARK(pool_large)->Arg(1)->Arg(4)->Arg(16);

/// The host has a pointer into the memory, so the kernel is asked for the pages each time.
void pool_large_exposed(benchmark::State& state) {
    const auto pages = static_cast<int>(state.range(0));
    serve(state, large_module(pages), 'x' * pages, true, true);
}
BENCHMARK(pool_large_exposed)->Arg(4);

/// Where the kernel cannot be asked.
void pool_large_discarded(benchmark::State& state) {
    const auto pages = static_cast<int>(state.range(0));
    serve(state, large_module(pages), 'x' * pages, false);
}
BENCHMARK(pool_large_discarded)->Arg(4);

/// A call that grows its memory by one page and writes there.
void pool_grown(benchmark::State& state) {
    serve(state, R"((module (memory (export "memory") 1) (func (export "f") (param i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (i32.store8 (i32.const 70000) (i32.add (i32.load8_u (i32.const 70000)) (i32.const 1)))
        (i32.load8_u (i32.const 70000)))))",
          1);
}
BENCHMARK(pool_grown);

/// The same without a pool: a store and an instance of its own each time.
void fresh_small(benchmark::State& state) {
    const Engine engine;
    const InstancePre pre =
        Linker(engine).instantiate_pre(Module::from_wat(engine, small_module).value()).value();
    for (auto _ : state) {
        Store store = Store::create(engine).value();
        const Instance instance = pre.instantiate(store).value();
        if (instance.typed_function<int32_t(int32_t)>("f").value()(1).value() != 7)
            state.SkipWithError("wrong");
    }
}
BENCHMARK(fresh_small);

/// Every slot taken at the same time, then all returned; per instance.
void pool_live(benchmark::State& state) {
    const Engine engine;
    const InstancePre pre =
        Linker(engine).instantiate_pre(Module::from_wat(engine, small_module).value()).value();
    PoolOptions options;
    options.slots = static_cast<uint32_t>(state.range(0));
    const Pool pool = Pool::create(engine, options).value();
    std::vector<PooledInstance> live;
    live.reserve(options.slots);
    for (auto _ : state) {
        for (uint32_t i = 0; i < options.slots; ++i) {
            auto taken = pool.take(pre);
            if (!taken) {
                state.SkipWithError(taken.error().message().c_str());
                return;
            }
            if (taken->instance().typed_function<int32_t(int32_t)>("f").value()(1).value() != 7)
                state.SkipWithError("not as if new");
            live.push_back(*std::move(taken));
        }
        live.clear();
    }
    state.SetItemsProcessed(state.iterations() * options.slots);
}
BENCHMARK(pool_live)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
