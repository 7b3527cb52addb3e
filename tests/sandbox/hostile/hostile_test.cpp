// SPDX-License-Identifier: Apache-2.0
// Guests that take what they can. Each ends with its limit's typed error, in time, and the host's memory
// stays near the limit. Every guest runs in a process of its own, so that its peak is its own.
#include "engine/text/wat.h"
#include "tests/sandbox/hostile/large_modules.h"
#include "tests/unit/sanitized.h"
#include "wsb/json.hpp"
#include "wsb/sandbox.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using namespace wsb::literals;

struct Hostile {
    const char* name;
    std::string wat;
    SandboxLimits limits;
    Resource expected;
    uint64_t limit_bytes = 0;                    ///< of the host's memory that the guest may take
    std::vector<uint8_t> (*binary)() = nullptr;  ///< instead of `wat`
    TierChoice tier = TierChoice::interpreter;
    bool is_lazy = false;
};

std::ostream& operator<<(std::ostream& out, const Hostile& hostile) {
    return out << hostile.name;
}

std::string many(int count, const std::string& text) {
    std::string all;
    for (int i = 0; i < count; ++i)
        all += text;
    return all;
}

const std::string wasi = R"(
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 32))";

/// Messages (docs/guest-abi.md): "f" takes one and returns one.
std::string messages(int pages, const std::string& allocator, const std::string& f) {
    return "(memory (export \"memory\") " + std::to_string(pages) +
           R"() (func $alloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) )" + allocator +
           R"() (func (export "f") (param i32 i32) (result i64) )" + f + ")";
}

/// Time enough for those whose limit is another one.
constexpr std::chrono::nanoseconds long_time = 60s;

const Hostile guests[] = {
    {"endless_loop", R"((func (export "f") (loop (br 0))))", {.timeout = 100ms}, Resource::wall_time},
    {"endless_loop_fuel", R"((func (export "f") (loop (br 0))))", {.fuel = 10'000'000}, Resource::fuel},
    {"recursion",
     R"((func $f (export "f") (param i64 i64 i64 i64) (call $f (local.get 3) (local.get 2)
        (local.get 1) (local.get 0))) (func (export "g")))",
     {.timeout = long_time, .stack_bytes = 1_MiB},
     Resource::stack,
     1_MiB},
    {"recursion_through_the_host",
     R"((import "host" "again" (func $again)) (func (export "f") (call $again)))",
     {.timeout = long_time},
     Resource::stack,
     1_MiB},
    {"memory_growth",
     R"((memory 0) (func (export "f") (local i32)
        (loop (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (loop (br 0))))
            (memory.fill (i32.mul (local.get 0) (i32.const 65536)) (i32.const 1) (i32.const 65536))
            (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0))))",
     {.memory_bytes = 64_MiB, .timeout = 500ms},
     Resource::wall_time,
     64_MiB},
    {"memory_at_once", R"((memory 65536) (func (export "f")))", {.memory_bytes = 64_MiB}, Resource::memory},
    {"many_memories", many(100, "(memory 1000)"), {.memory_bytes = 64_MiB}, Resource::memory, 64_MiB},
    {"table_growth",
     R"((table 0 funcref) (func (export "f")
        (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1)))) (loop (br 0))))",
     {.memory_bytes = 8_MiB, .timeout = 300ms},
     Resource::wall_time,
     8_MiB},
    {"table_at_once",
     R"((table 9_000_000 funcref) (func (export "f")))",
     {.memory_bytes = 8_MiB},
     Resource::memory},
    {"objects_kept",
     R"((type $n (struct (field (ref null $n)) (field i64))) (func (export "f") (local (ref null $n))
        (loop (local.set 0 (struct.new $n (local.get 0) (i64.const 1))) (br 0))))",
     {.memory_bytes = 64_MiB, .timeout = long_time},
     Resource::memory,
     64_MiB},
    {"arrays_kept",
     R"((type $b (array (mut i64))) (type $n (struct (field (ref null $n)) (field (ref $b))))
        (func (export "f") (local (ref null $n)) (loop
            (local.set 0 (struct.new $n (local.get 0) (array.new $b (i64.const 1) (i32.const 100000)))) (br 0))))",
     {.memory_bytes = 64_MiB, .timeout = long_time},
     Resource::memory,
     64_MiB},
    {"one_huge_array",
     R"((type $b (array (mut i64))) (func (export "f")
        (drop (array.new_default $b (i32.const -1)))))",
     {.memory_bytes = 64_MiB, .timeout = long_time},
     Resource::memory,
     64_MiB},
    {"objects_until_the_deadline",
     R"((type $n (struct (field (ref null $n)) (field i64)))
        (func (export "f") (local (ref null $n) i32) (loop (local.set 0 (ref.null $n)) (local.set 1 (i32.const 0))
            (loop (local.set 0 (struct.new $n (local.get 0) (i64.const 1)))
                (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000000))))
            (br 0))))",
     {.memory_bytes = 256_MiB, .timeout = 400ms},
     Resource::wall_time,
     256_MiB},
    {"sleep",
     wasi + R"((func (export "f") (i32.store (i32.const 216) (i32.const 1))
        (i64.store (i32.const 224) (i64.const 3600000000000))
        (drop (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400)))))",
     {.timeout = 100ms},
     Resource::wall_time,
     2_MiB},
    {"read_that_never_ends",
     wasi + R"((func (export "f") (i32.store (i32.const 4) (i32.const 8))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))",
     {.timeout = 100ms},
     Resource::wall_time,
     2_MiB},
    {"poll_that_never_ends",
     wasi + R"((func (export "f") (i32.store8 (i32.const 208) (i32.const 1))
        (drop (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400)))))",
     {.timeout = 100ms},
     Resource::wall_time,
     2_MiB},
    {"files_in_memory",
     wasi + R"((func (export "f") (i32.store (i32.const 4) (i32.const 1048576))
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1) (i64.const 64)
            (i64.const 64) (i32.const 0) (i32.const 8)))
        (loop (br_if 0 (i32.eqz (call $write (i32.load (i32.const 8)) (i32.const 0) (i32.const 1)
            (i32.const 12))))) (loop (br 0))) (data (i32.const 64) "x"))",
     {.memory_bytes = 16_MiB, .timeout = 2s},
     Resource::wall_time,
     16_MiB},
    {"flood_of_output",
     wasi + R"((data (i32.const 0) "\10\00\00\00\00\00\10\00") (func (export "f")
        (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))",
     {.timeout = long_time, .output_bytes = 8_MiB},
     Resource::output,
     10_MiB},
    {"captured_output_is_memory",
     wasi + R"((data (i32.const 0) "\10\00\00\00\00\00\10\00") (func (export "f")
        (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))",
     {.memory_bytes = 16_MiB, .timeout = long_time},
     Resource::memory,
     16_MiB},
    {"huge_messages",
     wasi + R"((func (export "f") (loop (i32.store (i32.const 0) (i32.const 0))
            (i32.store (i32.const 4) (i32.const 2097152))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))",
     {.timeout = long_time, .output_bytes = 4_MiB},
     Resource::output,
     8_MiB},
    {"random_bytes",
     wasi + R"((func (export "f")
        (loop (drop (call $random (i32.const 0) (i32.const 2097152))) (br 0))))",
     {.timeout = long_time, .random_bytes = 8_MiB},
     Resource::random,
     4_MiB},
    {"host_calls",
     wasi + R"((func (export "f")
        (loop (drop (call $write (i32.const 9) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))",
     {.timeout = long_time, .host_calls = 100'000},
     Resource::host_calls,
     4_MiB},
    {"start_function",
     R"((func $s (loop (br 0))) (start $s) (func (export "f")))",
     {.timeout = 100ms},
     Resource::wall_time},
    {"objects_of_a_gibibyte",
     R"((type $n (struct (field (ref null $n)) (field i64)))
        (func (export "f") (local (ref null $n)) (loop
            (local.set 0 (struct.new $n (local.get 0) (i64.const 1))) (br 0))))",
     {.memory_bytes = 1_GiB, .timeout = 1s},
     Resource::wall_time,
     1_GiB},
    {"large_objects_let_go",
     R"((type $b (array (mut i8))) (func (export "f") (local $i i32) (loop
            (drop (array.new $b (i32.const 7) (i32.const 200_000_000))) (br 0))))",
     {.memory_bytes = 512_MiB, .timeout = 500ms},
     Resource::wall_time,
     512_MiB},
    {"many_large_objects_let_go",
     R"((type $b (array (mut i8))) (type $n (struct (field (ref null $n)) (field (ref $b))))
        (func (export "f") (local (ref null $n) i32) (loop (local.set 0 (ref.null $n)) (local.set 1 (i32.const 0))
            (loop (local.set 0 (struct.new $n (local.get 0) (array.new $b (i32.const 7) (i32.const 300_000))))
                (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1500))))
            (br 0))))",
     {.memory_bytes = 512_MiB, .timeout = 700ms},
     Resource::wall_time,
     512_MiB},
    {"instances_of_itself",
     R"((import "host" "spawn" (func $spawn)) (memory 16)
        (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000000))
            (loop (call $spawn) (br 0))))",
     {.memory_bytes = 64_MiB, .timeout = long_time, .instances = 20},
     Resource::instances,
     64_MiB},
    {"instances_until_memory",
     R"((import "host" "spawn" (func $spawn)) (memory 160)
        (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 10000000))
            (loop (call $spawn) (br 0))))",
     {.memory_bytes = 64_MiB, .timeout = long_time, .instances = 1000},
     Resource::memory,
     64_MiB},
    {"message_of_all_memory",
     messages(640, "(i32.const 8)",
              "(memory.fill (i32.const 0) (i32.const 1) (i32.const 41943040)) "
              "(i64.const 0x0280000000000000)"),
     {.memory_bytes = 64_MiB, .timeout = long_time},
     Resource::memory,
     64_MiB},
    {"message_that_parsing_blows_up",
     messages(160, "(i32.const 8)",
              "(memory.fill (i32.const 0) (i32.const 0x5b) (i32.const 10485760)) "
              "(i64.const 0x00a0000000000000)"),
     {.memory_bytes = 64_MiB, .timeout = long_time},
     Resource::memory,
     64_MiB},
    {"allocator_that_never_ends",
     messages(1, "(loop (br 0)) (unreachable)", "(i64.const 0)"),
     {.timeout = 100ms},
     Resource::wall_time},
    {"allocator_that_grows",
     messages(
         1,
         "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (loop (br 0)) (unreachable)",
         "(i64.const 0)"),
     {.memory_bytes = 16_MiB, .timeout = 200ms},
     Resource::wall_time,
     16_MiB},
    {"messages_for_ever",
     R"((import "host" "take" (func $take (param i32 i32))) (memory (export "memory") 160)
        (func (export "f") (loop (call $take (i32.const 0) (i32.const 10485760)) (br 0))))",
     {.memory_bytes = 32_MiB, .timeout = 300ms},
     Resource::wall_time,
     32_MiB},
    {"structures_for_ever",
     R"((import "host" "parse" (func $parse (param i32 i32))) (memory (export "memory") 10)
        (func (export "f") (memory.fill (i32.const 0) (i32.const 0x20) (i32.const 655360)) (i32.store8 (i32.const 0) (i32.const 0x30))
            (loop (call $parse (i32.const 0) (i32.const 655360)) (br 0))))",
     {.memory_bytes = 32_MiB, .timeout = 300ms},
     Resource::wall_time,
     32_MiB},
    {"decoding_types", "", {.module = {.compile_time = 20ms}}, Resource::module, 64_MiB, &module_of_types},
    {"decoding_one_group_of_types",
     "",
     {.module = {.compile_time = 20ms}},
     Resource::module,
     64_MiB,
     &module_of_one_group},
    {"decoding_exports",
     "",
     {.module = {.compile_time = 20ms}},
     Resource::module,
     64_MiB,
     &module_of_exports},
    {"decoding_imports",
     "",
     {.module = {.compile_time = 20ms}},
     Resource::module,
     64_MiB,
     &module_of_imports},
    {"decoding_elements",
     "",
     {.module = {.compile_time = 20ms}},
     Resource::module,
     64_MiB,
     &module_of_elements},
    {"decoding_globals",
     "",
     {.module = {.compile_time = 20ms}},
     Resource::module,
     64_MiB,
     &module_of_globals},
    {"decoding_names", "", {.module = {.compile_time = 20ms}}, Resource::module, 64_MiB, &module_of_names},
    {"decoding_bodies", "", {.module = {.compile_time = 20ms}}, Resource::module, 64_MiB, &module_of_bodies},
    {"decoding_one_body",
     "",
     {.module = {.compile_time = 5ms}},  // it takes 30
     Resource::module,
     128_MiB,
     &module_of_one_body},
    {"compiling_one_body",
     "",
     {.timeout = 5s, .module = {.compile_time = 5ms}},  // it takes 20, and runs for ever
     Resource::module,
     128_MiB,
     &module_of_one_body,
     TierChoice::jit},
    // What one body takes later: where it stopped, its first call, its machine code.
    {"one_body", "", {.timeout = 100ms}, Resource::wall_time, 128_MiB, &module_of_one_body},
    {"one_body_lazily",
     "",
     {.timeout = 30ms},
     Resource::wall_time,
     128_MiB,
     &module_of_one_body,
     TierChoice::interpreter,
     true},
    {"one_body_tiering_up",
     "",
     {.timeout = 100ms},
     Resource::wall_time,
     128_MiB,
     &module_of_one_body,
     TierChoice::automatic},
    {"one_body_with_little_fuel",
     "",
     {.fuel = 1000, .timeout = 30ms},
     Resource::wall_time,
     128_MiB,
     &module_of_one_body},
    {"many_functions", many(20'000, "(func)"), {.module = {.functions = 10'000}}, Resource::module, 16_MiB},
    {"deep_nesting",
     "(func " + many(5'000, "(block ") + many(5'000, ")") + ")",
     {.module = {.nesting = 100}},
     Resource::module,
     4_MiB},
    {"many_locals",
     "(func (local" + many(40'000, " i64") + "))",
     {.module = {.locals = 1'000}},
     Resource::module,
     4_MiB},
    {"much_code",
     many(400, "(func (result i32) (i32.const 1)" + many(500, "(i32.const 1) (i32.add)") + ")"),
     {.module = {.compiled_bytes = 500'000}},
     Resource::module,
     16_MiB},
    {"long_compilation",
     many(400, "(func (result i32) (i32.const 1)" + many(500, "(i32.const 1) (i32.add)") + ")"),
     {.module = {.compile_time = 1us}},
     Resource::module,
     16_MiB},
};

uint64_t peak_rss_bytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<uint64_t>(usage.ru_maxrss) << 10;
}

/// What the process that ran the guest says.
struct Finding {
    bool has_limit = false;
    Resource resource{};
    int64_t late_ns = 0;  ///< after the timeout; 0 if there was none
    uint64_t grown_bytes = 0;
    char message[256] = {};
};

Finding run(const Hostile& guest) {
    int silent[2] = {-1, -1};  // a pipe that nobody writes to
    if (::pipe(silent) != 0)
        return {};
    std::vector<uint8_t> bytes;
    if (guest.binary != nullptr)
        bytes = guest.binary();
    else if (auto assembled = text::assemble(guest.wat, default_features))
        bytes = *std::move(assembled);
    // That a module's bytes are copied first is no matter of its declarations.
    const auto before_copy = std::chrono::steady_clock::now();
    const std::vector<uint8_t> copy = bytes;
    const auto copying = std::chrono::steady_clock::now() - before_copy;
    // What instances of a guest's have together.
    const auto together = Ledger::create(guest.limits);
    auto builder = Sandbox::builder()
                       .module_bytes(std::move(bytes))
                       .limits(guest.limits)
                       .tier(guest.tier)
                       .lazy(guest.is_lazy)
                       .ledger(together)
                       .stdio(silent[0], -1, -1)
                       .capture_output()
                       .memory_dir("/", 1024_MiB)
                       .allow_clock()
                       .allow_random();
    if (guest.wat.find("\"again\"") != std::string::npos)
        builder.function("host", "again", [](Caller& caller) -> CallResult<void> {
            return (*caller.instance()->typed_function<void()>("f"))();
        });
    Sandbox* running = nullptr;
    std::vector<Sandbox> spawned;
    std::optional<SandboxFailure> refused;
    if (guest.wat.find("\"spawn\"") != std::string::npos)
        builder.function("host", "spawn", [&]() -> CallResult<void> {
            auto another = running->clone();
            if (!another) {
                refused = another.error();
                return std::unexpected(another.error().cause());
            }
            spawned.push_back(*std::move(another));
            const auto outcome = spawned.back().call<void>("f");
            return outcome ? CallResult<void>() : std::unexpected(outcome.error().cause());
        });
    if (guest.wat.find("\"take\"") != std::string::npos)
        builder.function("host", "take", [](std::string_view) {});
    if (guest.wat.find("\"parse\"") != std::string::npos)
        builder.function("host", "parse", [](const nlohmann::json&) {});
    Finding finding;
    const uint64_t before = peak_rss_bytes();
    std::optional<SandboxFailure> failure;
    const auto begin = std::chrono::steady_clock::now();
    auto sandbox = builder.try_build();
    auto end = std::chrono::steady_clock::now();
    if (!sandbox) {
        failure = sandbox.error();
        const auto limit =
            guest.expected == Resource::module ? guest.limits.module.compile_time : guest.limits.timeout;
        finding.late_ns = limit ? (end - begin - *limit - copying).count() : 0;
    } else {
        running = &*sandbox;
        const std::string name = sandbox->module().find_export("g") ? "recursion" : "f";
        std::vector<Value> args;
        if (name == "recursion")
            args.assign(4, Value(int64_t{1}));
        if (sandbox->module().find_export("cabi_realloc")) {
            const auto outcome = sandbox->call<nlohmann::json>("f", std::string(100, 'x'));
            failure = outcome ? std::optional<SandboxFailure>() : outcome.error();
        } else {
            const auto outcome = sandbox->call_values("f", args);
            failure = outcome ? std::optional<SandboxFailure>() : outcome.error();
        }
        if (guest.limits.timeout)
            finding.late_ns = (sandbox->last_call().wall_time - *guest.limits.timeout).count();
    }
    if (refused)
        failure = refused;
    if (guest.expected != Resource::wall_time && guest.expected != Resource::module)
        finding.late_ns = 0;
    finding.grown_bytes = peak_rss_bytes() - before;
    if (failure) {
        finding.has_limit = failure->limit().has_value();
        if (finding.has_limit)
            finding.resource = failure->limit()->resource;
        std::snprintf(finding.message, sizeof finding.message, "%s", failure->message().c_str());
    }
    return finding;
}

/// @return nullopt if the process died.
std::optional<Finding> run_apart(const Hostile& guest) {
    int ends[2];
    if (::pipe(ends) != 0)
        return std::nullopt;
    const pid_t child = ::fork();
    if (child == 0) {
        const Finding finding = run(guest);
        const bool is_written = ::write(ends[1], &finding, sizeof finding) == sizeof finding;
        ::_exit(is_written ? 0 : 1);
    }
    ::close(ends[1]);
    Finding finding;
    const bool is_read = ::read(ends[0], &finding, sizeof finding) == sizeof finding;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return is_read && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::optional(finding) : std::nullopt;
}

struct HostileTest : ::testing::TestWithParam<Hostile> {};

TEST_P(HostileTest, EndsAtItsLimit) {
    const Hostile& guest = GetParam();
    if (guest.tier == TierChoice::jit && !Engine::has_jit())
        GTEST_SKIP() << "there is no compiler";
    // A busy machine may take the processor away: the best of some tries says how late it is.
    int64_t late_ns = INT64_MAX;
    for (int i = 0; i < 20 && late_ns > 10'000'000; ++i) {
        const auto finding = run_apart(guest);
        ASSERT_TRUE(finding) << "the host's process died";
        ASSERT_TRUE(finding->has_limit) << finding->message;
        EXPECT_EQ(resource_name(finding->resource), resource_name(guest.expected)) << finding->message;
        late_ns = std::min(late_ns, finding->late_ns);
        if (!is_sanitized) {
            EXPECT_LE(finding->grown_bytes, guest.limit_bytes + 16_MiB) << finding->message;
        }
    }
    RecordProperty("late_ns", std::to_string(late_ns));  // --gtest_output=json:FILE
    if (!is_sanitized) {
        EXPECT_LE(late_ns, 10'000'000) << "ns after the deadline";
    }
}

INSTANTIATE_TEST_SUITE_P(Guests, HostileTest, ::testing::ValuesIn(guests),
                         [](const auto& test) { return std::string(test.param.name); });

uint64_t rss_bytes() {
    std::ifstream file("/proc/self/statm");
    uint64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd)
        count += ::lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF ? 1 : 0;
    return count;
}

/// What one tenant left is not there for the next one.
TEST(Resets, AHundredThousandLeaveNothingAndTakeNothing) {
    auto built = Sandbox::builder()
                     .module_text(wasi + R"((global $g (mut i32) (i32.const 5)) (table $t 2 4 funcref)
            (elem declare func $secret) (func $secret)
            (func (export "f") (result i32)
                (if (result i32) (i32.or (i32.or (i32.ne (global.get $g) (i32.const 5))
                        (i32.load (i32.const 70000))) (i32.or (i32.eqz (ref.is_null (table.get $t (i32.const 1))))
                        (i32.ne (memory.size) (i32.const 32))))
                    (then (i32.const 1))
                    (else (global.set $g (i32.const 6)) (i32.store (i32.const 70000) (i32.const 7))
                        (table.set $t (i32.const 1) (ref.func $secret)) (drop (memory.grow (i32.const 1)))
                        (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 8))
                        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))")
                     .capture_output()
                     .limits({.memory_bytes = 8_MiB, .timeout = 10s})
                     .build();
    ASSERT_TRUE(built) << built.error().message();
    Sandbox& sandbox = *built;
    auto f = *sandbox.typed_function<int32_t()>("f");
    const int resets = is_sanitized ? 1'000 : 100'000;
    uint64_t rss_before = 0;
    int descriptors_before = 0;
    for (int i = 0; i < resets; ++i) {
        if (i == resets / 10) {
            rss_before = rss_bytes();
            descriptors_before = open_descriptors();
        }
        ASSERT_EQ(f().value(), 0) << i;
        ASSERT_TRUE(sandbox.reset());
        ASSERT_EQ(sandbox.take_output(), "");
    }
    if (!is_sanitized) {
        EXPECT_LE(rss_bytes(), rss_before + (256 << 10));
    }
    EXPECT_EQ(open_descriptors(), descriptors_before);
}

/// Its template's slot serves the next one.
TEST(Clones, AHundredThousandLeaveNothingAndTakeNothing) {
    auto built = Sandbox::builder()
                     .module_text(wasi + R"((global $g (mut i32) (i32.const 5)) (table $t 2 4 funcref)
            (elem declare func $secret) (func $secret) (data (i32.const 64) "x")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 80000))
            (func (export "f") (param i32 i32) (result i64)
                (if (i32.or (i32.or (i32.ne (global.get $g) (i32.const 5)) (i32.load (i32.const 70000)))
                        (i32.or (i32.eqz (ref.is_null (table.get $t (i32.const 1))))
                            (i32.ne (memory.size) (i32.const 32)))) (then unreachable))
                (if (i32.ne (i32.const 44) (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1)
                        (i32.const 0) (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 8))) (then unreachable))
                (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1)
                        (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 8)) (then unreachable))
                (global.set $g (i32.const 6)) (i32.store (i32.const 70000) (i32.const 7))
                (table.set $t (i32.const 1) (ref.func $secret)) (drop (memory.grow (i32.const 1)))
                (i64.or (i64.extend_i32_u (local.get 0))
                    (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32)))))")
                     .memory_dir("/")
                     .limits({.memory_bytes = 8_MiB, .timeout = 10s})
                     .build();
    ASSERT_TRUE(built) << built.error().message();
    const int clones = is_sanitized ? 1'000 : 100'000;
    uint64_t rss_before = 0;
    int descriptors_before = 0;
    for (int i = 0; i < clones; ++i) {
        if (i == clones / 10) {
            rss_before = rss_bytes();
            descriptors_before = open_descriptors();
        }
        auto clone = built->clone();
        ASSERT_TRUE(clone) << clone.error().message();
        const std::string text = "message " + std::to_string(i);
        const auto echoed = clone->call<std::string>("f", text);
        ASSERT_TRUE(echoed) << i << ": " << echoed.error().message();
        ASSERT_EQ(*echoed, text);
    }
    if (!is_sanitized) {
        EXPECT_LE(rss_bytes(), rss_before + (256 << 10));
    }
    EXPECT_EQ(open_descriptors(), descriptors_before);
}

}  // namespace
}  // namespace wsb::testing
