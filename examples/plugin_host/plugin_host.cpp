// SPDX-License-Identifier: Apache-2.0
// A program with plug-ins from strangers: each has a sandbox with its own limits below one budget for all,
// calls back into the program through one function, and cannot harm it or the others.
#include <cstdio>
#include <string>
#include <vector>
#include <wsb/sandbox.hpp>

namespace {

using namespace wsb::literals;
using namespace std::chrono_literals;

struct Plugin {
    const char* name;
    const char* wat;
};

constexpr Plugin plugins[] = {
    {"square", R"((import "host" "log" (func $log (param i32)))
        (func (export "on_event") (param i32) (result i32)
            (call $log (local.get 0)) (i32.mul (local.get 0) (local.get 0))))"},
    {"greedy", R"((memory 1) (func (export "on_event") (param i32) (result i32)
        (memory.grow (i32.const 10000))))"},
    {"stuck", R"((func (export "on_event") (param i32) (result i32) (loop (br 0)) unreachable))"},
    {"broken",
     R"((func (export "on_event") (param i32) (result i32) (i32.div_s (i32.const 1) (i32.const 0))))"},
    {"nosy", R"((import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
        (import "host" "secrets" (func)) (func (export "on_event") (param i32) (result i32) (i32.const 0)))"},
};

}  // namespace

int main() {
    const auto everybody = wsb::Ledger::create({.memory_bytes = 32_MiB, .total_time = 5s});
    for (const Plugin& plugin : plugins) {
        auto sandbox = wsb::Sandbox::builder()
                           .module_text(plugin.wat)
                           .limits({.fuel = 10'000'000, .memory_bytes = 8_MiB, .timeout = 50ms})
                           .ledger(everybody)
                           .function("host", "log", [](int32_t value) { std::printf("  log: %d\n", value); })
                           .build();
        std::printf("%s\n", plugin.name);
        if (!sandbox) {
            std::printf("  not loaded: %s\n", sandbox.error().message().c_str());
            continue;
        }
        const auto result = sandbox->call<int32_t>("on_event", 12);
        if (result)
            std::printf("  answer %d, %llu units of fuel\n", *result,
                        static_cast<unsigned long long>(sandbox->last_call().fuel));
        else
            std::printf("  ended: %s\n", result.error().message().c_str());
    }
    std::printf("the host goes on\n");
}
