// SPDX-License-Identifier: Apache-2.0
// The smallest embedding: a host function, a typed call, fuel, and a trap shown with its backtrace.
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string_view>
#include <wsb/engine.hpp>

namespace {

constexpr std::string_view plugin = R"((module $plugin
    (import "host" "log" (func $log (param i32)))
    (func $factorial (export "factorial") (param $n i32) (result i32)
        (call $log (local.get $n))
        (if (result i32) (i32.eqz (local.get $n))
            (then (i32.const 1))
            (else (i32.mul (local.get $n)
                           (call $factorial (i32.sub (local.get $n) (i32.const 1)))))))
    (func $divide (export "divide") (param $a i32) (param $b i32) (result i32)
        (i32.div_s (local.get $a) (local.get $b))))
)";

/// The value, or the end of the program with the reason.
template <class T, class E>
T expect(std::expected<T, E> outcome) {
    if (!outcome) {
        std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>)
        return *std::move(outcome);
}

}  // namespace

int main() {
    const wsb::Engine engine;
    const wsb::Module module = expect(wsb::Module::from_wat(engine, plugin));

    // All that the plugin may use: one function of ours, and this much fuel.
    wsb::Linker linker(engine);
    expect(linker.function("host", "log", [](int32_t n) { std::printf("the plugin says %d\n", n); }));
    wsb::Store store = expect(wsb::Store::create(engine));
    store.set_fuel(1'000);

    const wsb::Instance instance = expect(linker.instantiate(store, module));
    const auto factorial = expect(instance.typed_function<int32_t(int32_t)>("factorial"));
    std::printf("5! = %d\n", expect(factorial(5)));
    std::printf("fuel used: %llu\n", static_cast<unsigned long long>(store.fuel_consumed()));

    const auto divide = expect(instance.typed_function<int32_t(int32_t, int32_t)>("divide"));
    if (const auto quotient = divide(1, 0); !quotient && quotient.error().trap() != nullptr)
        std::printf("trap: %s\n", quotient.error().trap()->to_string().c_str());
}
