// SPDX-License-Identifier: Apache-2.0
// Text and structures between a program and its guest, which is guest.c: messages GUEST.wasm
#include <cstdio>
#include <string>
#include <wsb/json.hpp>
#include <wsb/sandbox.hpp>

using namespace wsb::literals;
using namespace std::chrono_literals;

struct Person {
    std::string name;
    int age = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Person, name, age)

int main(int argc, char** argv) {
    if (argc != 2)
        return std::fprintf(stderr, "usage: messages GUEST.wasm\n"), 2;
    auto sandbox = wsb::Sandbox::builder()
                       .module_file(argv[1])
                       .limits({.memory_bytes = 16_MiB, .timeout = 1s})
                       .function("host", "log",
                                 [](std::string_view text) {
                                     std::printf("log: %.*s\n", static_cast<int>(text.size()), text.data());
                                 })
                       .function("host", "translate",
                                 [](std::string_view word) -> wsb::CallResult<std::string> {
                                     if (word != "hello")
                                         return wsb::host_trap("no such word");
                                     return "bonjour";
                                 })
                       .build();
    if (!sandbox)
        return std::fprintf(stderr, "%s\n", sandbox.error().message().c_str()), 1;
    for (int i = 0; i < 1000; ++i) {
        const auto greeting = sandbox->call<std::string>("greet", Person{"Ada", 36});
        if (!greeting)
            return std::fprintf(stderr, "%s\n", greeting.error().message().c_str()), 1;
        if (i == 999)
            std::printf("%s\n", greeting->c_str());
    }
    const auto lines = sandbox->call<uint32_t>("count_lines", "one\ntwo\nthree\n");
    if (!lines)
        return std::fprintf(stderr, "%s\n", lines.error().message().c_str()), 1;
    std::printf("%u lines, %llu bytes of memory\n", *lines,
                static_cast<unsigned long long>(sandbox->last_call().memory_bytes));
}
