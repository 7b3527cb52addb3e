// SPDX-License-Identifier: Apache-2.0
// What the edges of the engine cost: loading a module, making an instance, calling in and out.
#include "wsb/engine.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace {

using namespace wsb;

/// A module of `count` functions with a loop, some arithmetic and memory accesses each.
std::string many_functions(int count) {
    std::string text = "(module (memory 1)";
    for (int i = 0; i < count; ++i)
        text += R"((func (param i32 i32) (result i32) (local i32 i64)
            (block (loop
                (br_if 1 (i32.ge_u (local.get 2) (local.get 0)))
                (i32.store offset=4 (local.get 2) (i32.add (i32.load (local.get 1)) (i32.mul (local.get 2) (i32.const 31))))
                (local.set 3 (i64.xor (i64.extend_i32_u (local.get 2)) (i64.shl (local.get 3) (i64.const 5))))
                (local.set 2 (i32.add (local.get 2) (i32.const 1)))
                (br 0)))
            (i32.wrap_i64 (local.get 3))))";
    return text + ")";
}

/// Decoding, validation and translation of a whole module.
void load(benchmark::State& state) {
    const Engine engine;
    const Module module = Module::from_wat(engine, many_functions(5000)).value();
    for (auto _ : state)
        benchmark::DoNotOptimize(Module::compile(engine, module.bytes()).value());
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(module.bytes().size()));
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

/// Decoding and validation alone.
void validate(benchmark::State& state) {
    const Engine engine;
    const Module module = Module::from_wat(engine, many_functions(5000)).value();
    for (auto _ : state)
        benchmark::DoNotOptimize(Module::validate(engine, module.bytes()).has_value());
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(module.bytes().size()));
}
BENCHMARK(validate)->Unit(benchmark::kMillisecond);

void make_store_and_instance(benchmark::State& state) {
    const Engine engine;
    const Module module = Module::from_wat(engine, "(module (memory 1) (func (export \"f\")))").value();
    const Linker linker(engine);
    for (auto _ : state) {
        Store store = Store::create(engine).value();
        benchmark::DoNotOptimize(linker.instantiate(store, module).value());
    }
}
BENCHMARK(make_store_and_instance);

void host_to_guest(benchmark::State& state) {
    const Engine engine;
    const Module module =
        Module::from_wat(engine, "(func (export \"f\") (param i32) (result i32) (local.get 0))").value();
    Store store = Store::create(engine).value();
    const auto f = Linker(engine).instantiate(store, module)->typed_function<int32_t(int32_t)>("f").value();
    for (auto _ : state)
        benchmark::DoNotOptimize(f(1).value());
}
BENCHMARK(host_to_guest);

/// Per call of a host function in a loop of the guest.
void guest_to_host(benchmark::State& state) {
    const Engine engine;
    Linker linker(engine);
    linker.function("host", "f", [](int32_t x) { return x; }).value();
    const Module module = Module::from_wat(engine, R"((import "host" "f" (func $f (param i32) (result i32)))
        (func (export "loop") (param i32)
            (loop (drop (call $f (local.get 0)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))")
                              .value();
    Store store = Store::create(engine).value();
    const auto loop = linker.instantiate(store, module)->typed_function<void(int32_t)>("loop").value();
    constexpr int32_t calls = 10'000;
    for (auto _ : state)
        loop(calls).value();
    state.SetItemsProcessed(state.iterations() * calls);
}
BENCHMARK(guest_to_host);

}  // namespace

BENCHMARK_MAIN();
