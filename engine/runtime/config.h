// SPDX-License-Identifier: Apache-2.0
// Choices for an engine and limits for a store. Self-contained: the public API re-exports it.
#pragma once

#include "engine/isa/features.h"
#include "engine/runtime/interrupt.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace wsb {
namespace runtime {
class StoreAccount;
}  // namespace runtime

/// What modules may be like, and what it may cost to compile one. Beyond the fixed limits of the engine.
struct ModuleLimits {
    uint64_t size_bytes = UINT64_MAX;      ///< of the binary
    uint64_t functions = UINT64_MAX;       ///< of its own
    uint64_t function_bytes = UINT64_MAX;  ///< of each body
    uint64_t locals = UINT64_MAX;          ///< of each body, without parameters
    uint32_t nesting = UINT32_MAX;         ///< of blocks
    uint64_t data_bytes = UINT64_MAX;      ///< of all data segments
    uint64_t compiled_bytes = UINT64_MAX;  ///< of what it is translated to, lazy translation aside
    std::optional<std::chrono::nanoseconds> compile_time = {};  ///< to decode, validate and translate
};

/// What runs functions. Results, traps and fuel are the same.
enum class TierChoice : uint8_t {
    automatic,    ///< starts in the interpreter; functions that take long get machine code while they run
    interpreter,  ///< starts at once
    jit,          ///< machine code, made when a module is loaded; what has none runs in the interpreter
};

/// When `automatic` makes machine code. It looks at what is running whenever so much fuel is used up, so what
/// it compiles depends on nothing but the program and its fuel, as long as one thread runs the module.
struct TieringPolicy {
    uint32_t sample_units = uint32_t{1} << 15;  ///< of fuel; more than that counts as that, 0 as 1
    uint32_t hot_samples = 2;                   ///< a function found so often is compiled
};

/// Where the host's own tools learn which machine code is which function. Names are the guest's, behind
/// `wasm!` and made harmless: printable ASCII, 200 characters at most (docs/jit.md).
struct CodeNames {
    bool perf_map = false;  ///< a line for each function in /tmp/perf-PID.map, which `perf report` reads
    bool jitdump = false;   ///< names and code in jit-PID.dump in the working directory, for `perf inject`
    bool gdb = false;       ///< the JIT interface of debuggers; as long as the module exists

    [[nodiscard]] constexpr bool are_wanted() const noexcept { return perf_map || jitdump || gdb; }
    bool operator==(const CodeNames&) const = default;
};

/// Choices for an engine; fixed once it exists. Value type.
struct Config {
    /// `jit` and `automatic` where there is no compiler (Engine::has_jit) are the interpreter.
    TierChoice tier = TierChoice::interpreter;
    TieringPolicy tiering = {};
    /// With `automatic`: hot functions are compiled by another thread, one for each module that has some,
    /// while the run goes on in the interpreter. Which run finds what compiled is up to the scheduler then;
    /// results, traps and fuel are the same. Its time is in nobody's limit of processor time.
    bool background_compilation = false;
    /// Of machine code: accesses beyond the end of a memory run into inaccessible pages behind it and become
    /// traps in a handler of SIGSEGV, which the first engine that wants it installs for the process
    /// (docs/jit.md says what that means for the host). Each 32-bit memory takes 6 GiB of address space then.
    /// Without, and where address space is limited, every access is checked: slower, otherwise the same.
    bool guard_regions = true;
    /// Of machine code. A file that cannot be written is an io_error of the module that is loaded.
    CodeNames code_names = {};
    /// Proposals that modules may use; others are refused as invalid with `feature_disabled`.
    Features features = default_features;
    /// Size of the guest stack of each store. Guest recursion beyond it traps with stack_overflow.
    /// Clamped to 64 KiB … 1 GiB.
    size_t max_stack_bytes = size_t{1} << 20;
    /// Threads that translate a module while it is loaded; 0: one for each processor. What comes of it does
    /// not depend on the number.
    unsigned compile_threads = 1;
    /// Translates each function when it is first called, instead of all while the module is loaded. All are
    /// validated then in either case; results, traps and fuel are the same. Loading takes less time and
    /// memory; the first call of a function takes more, and traps with allocation_failure if there is no
    /// memory to translate it. Of the interpreter: machine code is made while the module is loaded.
    bool lazy_translation = false;
    /// Each NaN that an instruction computes is the positive canonical one, as in the deterministic profile
    /// of the standard; results are then the same on every machine. Fuel is the same either way. Code that
    /// computes with floats takes longer.
    bool canonical_nans = false;
    /// Collects garbage before every allocation: slow, and finds references that were forgotten.
    bool collect_always = false;
    ModuleLimits module_limits = {};
    /// Host functions that call the guest again, nested at most this deep; then stack_overflow.
    uint32_t max_host_depth = 100;
};

/// Upper bounds for everything in one store, summed over its instances. What would exceed one fails
/// as the standard allows: growth gives -1, instantiation gives limit_exceeded.
struct StoreLimits {
    uint64_t memory_bytes = uint64_t{1} << 34;  ///< all linear memories and objects together
    uint64_t table_elements = 10'000'000;       ///< all tables together
    uint32_t instances = 10'000;
    uint32_t memories = 10'000;
    uint32_t tables = 10'000;
    uint32_t externrefs = 1'000'000;  ///< host objects entered
};

/// Choices for a pool of instances; fixed once it exists. Value type.
struct PoolOptions {
    uint32_t slots = 1000;  ///< instances that can be out at the same time
    StoreLimits limits;     ///< of each
    /// Address space of each slot's first linear memory. A larger memory gets its own each time.
    uint64_t memory_reservation_bytes = uint64_t{1} << 32;
    /// Inaccessible address space behind it; more where machine code needs it (Config::guard_regions).
    uint64_t guard_bytes = uint64_t{1} << 31;
    /// Of each memory of a slot that is free: beyond that, pages go back to the system.
    uint64_t resident_bytes = uint64_t{256} << 10;
    /// Whether to ask the kernel which pages were written, where it can tell (Linux 6.7). Without, all pages
    /// go back to the system at each return.
    bool watches_pages = true;
};

/// What an instance taken from a pool begins with, its start function included.
struct TakeOptions {
    std::optional<uint64_t> fuel;                                        ///< none: unlimited
    void* data = nullptr;                                                ///< see StoreRef::set_data
    std::optional<std::chrono::steady_clock::time_point> deadline = {};  ///< see StoreRef::set_deadline
    std::optional<std::chrono::nanoseconds> cpu_time = {};               ///< see StoreRef::set_cpu_time
    /// CancellationToken::impl; see StoreRef::set_cancellation
    std::shared_ptr<const runtime::CancelState> cancellation = {};
    /// For the sandbox: beside PoolOptions::limits.
    std::shared_ptr<runtime::StoreAccount> account = {};
};

/// What a pool has done so far, and how it stands.
struct PoolStatistics {
    uint32_t slots_made = 0;   ///< with address space
    uint32_t slots_taken = 0;  ///< now
    uint64_t takes = 0;
    uint64_t builds = 0;  ///< takes that had to instantiate, for want of a free slot that had served the same
    uint64_t evictions = 0;  ///< of those, for which a slot gave up what it had served
    // Returned memories and stacks, by what it took to put them back as they were.
    uint64_t ranges_known = 0;      ///< copied; which pages, was known from before
    uint64_t ranges_scanned = 0;    ///< copied, after asking the kernel for the pages
    uint64_t ranges_discarded = 0;  ///< pages given back to the system
};

/// A limit that was reached.
enum class LimitKind : uint8_t { memory_bytes, table_elements, instances, memories, tables, externrefs };

}  // namespace wsb
