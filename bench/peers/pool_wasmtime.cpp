// SPDX-License-Identifier: Apache-2.0
// Our pool and Wasmtime's in one process, in turn: an instance taken, called once, returned. The call reads
// and changes memory, and its result is checked each time.
#include "wsb/engine.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

// pool_wasmtime/src/lib.rs
extern "C" {
struct Peer;
Peer* peer_new(const char* wat, size_t size, bool scan, size_t keep_bytes, uint32_t slots);
int32_t peer_cycle(Peer* peer, int32_t argument);
}

namespace {

constexpr int cycles = 5000, rounds = 9;
constexpr uint32_t slots = 100;

struct Case {
    std::string name;
    std::string wat;
    int32_t expected = 0;
};

Case small_module() {
    return {"64 KiB", R"((module (memory (export "memory") 1) (data (i32.const 8) "\07")
        (func (export "f") (param i32) (result i32) (local i32)
            (local.set 1 (i32.add (i32.load (i32.const 4096)) (i32.load8_u (i32.const 8))))
            (i32.store (i32.const 4096) (local.get 0)) (i32.store8 (i32.const 8) (i32.const 99))
            (local.get 1))))",
            7};
}

/// An image of 10 MB, of which a call changes a byte in each of `pages` pages.
Case image_module(int pages) {
    constexpr int size_bytes = 10'000'000;
    std::string text = "(module (memory (export \"memory\") 160) (data (i32.const 0) \"";
    text.append(size_bytes, 'x');
    text += "\") (func (export \"f\") (param i32) (result i32) (local i32)";
    for (int page = 0; page < pages; ++page) {
        const std::string at = "(i32.const " + std::to_string(size_bytes / pages * page + 100) + ")";
        text += "(local.set 1 (i32.add (local.get 1) (i32.load8_u " + at + ")))";
        text += "(i32.store8 " + at + " (local.get 0))";
    }
    return {"10 MB, " + std::to_string(pages) + " pages", text + "(local.get 1)))", pages * 'x'};
}

void require(bool is_right) {
    if (!is_right) {
        std::fputs("a call gave a wrong result\n", stderr);
        std::exit(1);
    }
}

template <class Cycle>
double ns_of(Cycle cycle) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < cycles; ++i)
        cycle();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / cycles;
}

void compare(const Case& one) {
    const wsb::Engine engine;
    const auto prepared =
        wsb::Linker(engine).instantiate_pre(wsb::Module::from_wat(engine, one.wat).value()).value();
    wsb::PoolOptions options;
    options.slots = slots;
    wsb::Pool pool = wsb::Pool::create(engine, options).value();
    const std::array peers{peer_new(one.wat.data(), one.wat.size(), false, 0, slots),
                           peer_new(one.wat.data(), one.wat.size(), false, 64 << 10, slots),
                           peer_new(one.wat.data(), one.wat.size(), true, 1 << 20, slots)};
    double ours = 1e18;
    std::array<double, peers.size()> theirs{};
    theirs.fill(1e18);
    for (int round = 0; round < rounds; ++round) {
        ours = std::min(ours, ns_of([&] {
                            auto taken = pool.take(prepared).value();
                            auto function = taken.instance().typed_function<int32_t(int32_t)>("f").value();
                            require(function(1).value() == one.expected);
                        }));
        for (size_t i = 0; i < peers.size(); ++i)
            theirs[i] = std::min(theirs[i], ns_of([&] { require(peer_cycle(peers[i], 1) == one.expected); }));
    }
    std::printf("%-16s%8.0f%12.0f%15.0f%20.0f%10.2f\n", one.name.c_str(), ours, theirs[0], theirs[1],
                theirs[2], *std::ranges::min_element(theirs) / ours);
}

}  // namespace

int main() {
    std::printf("%-16s%8s%12s%15s%20s%10s\n", "ns", "ours", "wasmtime", "keep 64 KiB", "scan, keep 1 MiB",
                "ratio");
    compare(small_module());
    for (const int pages : {1, 4, 16})
        compare(image_module(pages));
}
