// SPDX-License-Identifier: Apache-2.0
// Outside the tree: only installed headers and the installed library.
#include <cstdio>
#include <wsb/engine.hpp>

int main() {
    const wsb::Engine engine;
    const auto module = wsb::Module::from_wat(engine, R"((module
        (import "host" "offset" (func $offset (result i32)))
        (func (export "add") (param i32 i32) (result i32)
            (i32.add (call $offset) (i32.add (local.get 0) (local.get 1))))))");
    wsb::Linker linker(engine);
    auto store = wsb::Store::create(engine);
    if (!module || !store || !linker.function("host", "offset", [] { return int32_t{100}; }))
        return 1;
    store->set_fuel(6);
    const auto instance = linker.instantiate(*store, *module);
    if (!instance)
        return 1;
    const auto add = instance->typed_function<int32_t(int32_t, int32_t)>("add");
    const auto sum = (*add)(20, 22);
    if (!sum)
        return 1;
    std::printf("sum %d fuel %llu\n", *sum, static_cast<unsigned long long>(store->fuel_consumed()));
}
