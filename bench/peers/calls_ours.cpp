// SPDX-License-Identifier: Apache-2.0
// Typed calls of calls.wat, fuel counted. Usage: calls_ours calls.wasm [jit]
#include "wsb/engine.hpp"

#include "calls.h"
#include <algorithm>
#include <string_view>

namespace {

/// The least of several rounds.
template <class Run>
double least_ns(Run run) {
    double least = 1e18;
    for (int round = 0; round < rounds; ++round) {
        const double begin = cpu_ns();
        run();
        least = std::min(least, cpu_ns() - begin);
    }
    return least;
}

wsb::Result<int> measure(const char* file, bool by_machine_code) {
    wsb::Config config;
    config.tier = by_machine_code ? wsb::TierChoice::jit : wsb::TierChoice::interpreter;
    const wsb::Engine engine(config);
    auto module = wsb::Module::from_file(engine, file);
    if (!module)
        return std::unexpected(module.error());
    wsb::Linker linker(engine);
    if (auto defined = linker.function("host", "add",
                                       [](int32_t x, int32_t y) {
                                           return static_cast<int32_t>(static_cast<uint32_t>(x) +
                                                                       static_cast<uint32_t>(y));
                                       });
        !defined)
        return std::unexpected(defined.error());
    auto store = wsb::Store::create(engine);
    if (!store)
        return std::unexpected(store.error());
    store->set_fuel(uint64_t{1} << 50);
    const wsb::Instance instance = linker.instantiate(*store, *module).value();
    const auto add = instance.typed_function<int32_t(int32_t, int32_t)>("add").value();
    const auto calling = instance.typed_function<int32_t(int32_t)>("calling").value();
    const auto counting = instance.typed_function<int32_t(int32_t)>("counting").value();
    int32_t add_sum = 0, calling_sum = 0, counting_sum = 0;
    const double host_to_guest = least_ns([&] {
        add_sum = 0;
        for (int32_t i = 0; i < host_calls; ++i)
            add_sum = add(add_sum, i).value();
    });
    const double with_calls = least_ns([&] { calling_sum = calling(guest_calls).value(); });
    const double without = least_ns([&] { counting_sum = counting(guest_calls).value(); });
    return report(host_to_guest, with_calls, without, add_sum, calling_sum, counting_sum);
}

}  // namespace

int main(int argc, char** argv) {
    const bool by_machine_code = argc > 2 && argv[2] == std::string_view("jit");
    const auto status = measure(argc > 1 ? argv[1] : "calls.wasm", by_machine_code);
    if (!status)
        std::fprintf(stderr, "%s\n", status.error().message().c_str());
    return status.value_or(1);
}
