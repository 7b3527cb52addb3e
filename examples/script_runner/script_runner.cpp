// SPDX-License-Identifier: Apache-2.0
// Runs programs that strangers send in, as an online judge would: script_runner [FILE.wasm …]. Each gets a
// virtual clock, the same random bytes each time, no files, and its output is shown. Without arguments it
// runs a few of its own.
#include <cstdio>
#include <string>
#include <vector>
#include <wsb/sandbox.hpp>

namespace {

using namespace wsb::literals;
using namespace std::chrono_literals;

std::string program(const std::string& body) {
    return R"((import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\06\00\00\00") (data (i32.const 16) "hello\0a")
        (func $hello (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
        (func (export "_start") )" +
           body + ")";
}

wsb::SandboxBuilder untrusted() {
    return wsb::Sandbox::builder()
        .limits({.fuel = 1'000'000'000, .memory_bytes = 64_MiB, .timeout = 200ms, .output_bytes = 1_KiB})
        .allow_clock(wsb::ClockMode::virtual_)
        .allow_random(wsb::RandomMode::seeded, 1)
        .capture_output();
}

void run(const std::string& name, const wsb::SandboxBuilder& builder) {
    auto sandbox = builder.build();
    if (!sandbox) {
        std::printf("%s: refused: %s\n", name.c_str(), sandbox.error().message().c_str());
        return;
    }
    const auto status = sandbox->run();
    const std::string output = sandbox->take_output();
    std::printf("%s: %zu bytes of output%s%s", name.c_str(), output.size(), output.size() < 100 ? ": " : "",
                output.size() < 100 ? output.c_str() : "");
    if (output.empty() || output.back() != '\n' || output.size() >= 100)
        std::printf("\n");
    if (status)
        std::printf("%s: status %u\n", name.c_str(), *status);
    else
        std::printf("%s: %s\n", name.c_str(), status.error().message().c_str());
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i)
        run(argv[i], untrusted().module_file(argv[i]).args({argv[i]}));
    if (argc > 1)
        return 0;
    run("hello", untrusted().module_text(program("(call $hello) (call $exit (i32.const 3))")));
    run("flood", untrusted().module_text(program("(loop (call $hello) (br 0))")));
    run("endless", untrusted().module_text(program("(loop (br 0))")));
}
