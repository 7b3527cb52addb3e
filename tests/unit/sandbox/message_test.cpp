// SPDX-License-Identifier: Apache-2.0
// Strings, bytes and structures through calls, both ways, with guests that mean well and others.
#include "wsb/json.hpp"
#include "wsb/sandbox.hpp"

#include <gmock/gmock.h>

#include <string>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using namespace wsb::literals;
using ::testing::HasSubstr;

struct Person {
    std::string name;
    int age = 0;
    bool operator==(const Person&) const = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Person, name, age)

/// A bump allocator, and functions over what they are given.
const std::string guest = R"(
    (memory (export "memory") 1 4) (global $top (mut i32) (i32.const 1024)) (global $freed (mut i32) (i32.const 0))
    (func $alloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 3))))
    (func $pack (param i32 i32) (result i64)
        (i64.or (i64.extend_i32_u (local.get 0)) (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))))
    (func (export "echo") (param i32 i32) (result i64) (call $pack (local.get 0) (local.get 1)))
    (func (export "join") (param i32 i32 i32 i32 i32) (result i64) (local $to i32)
        (local.set $to (call $alloc (i32.const 0) (i32.const 0) (i32.const 1)
            (i32.add (i32.add (local.get 1) (local.get 4)) (i32.const 1))))
        (memory.copy (local.get $to) (local.get 0) (local.get 1))
        (i32.store8 (i32.add (local.get $to) (local.get 1)) (local.get 2))
        (memory.copy (i32.add (i32.add (local.get $to) (local.get 1)) (i32.const 1)) (local.get 3) (local.get 4))
        (call $pack (local.get $to) (i32.add (i32.add (local.get 1) (local.get 4)) (i32.const 1))))
    (func (export "length") (param i32 i32) (result i32) (local.get 1))
    (func (export "top") (result i32) (global.get $top))
    (func (export "cabi_post_echo") (param i64) (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
    (func (export "freed") (result i32) (global.get $freed)))";

Sandbox make(SandboxBuilder builder) {
    auto built = builder.try_build();
    EXPECT_TRUE(built) << built.error().message();
    return *std::move(built);
}

TEST(Messages, StringsBytesAndStructuresGoBothWays) {
    Sandbox sandbox = make(Sandbox::builder().module_text(guest));
    EXPECT_EQ(sandbox.call<std::string>("echo", "Ada").value(), "Ada");
    EXPECT_EQ(sandbox.call<std::string>("echo", std::string(10'000, 'x')).value(), std::string(10'000, 'x'));
    EXPECT_EQ(sandbox.call<std::string>("echo", std::string_view("\0\xff", 2)).value(),
              std::string("\0\xff", 2));
    EXPECT_EQ(sandbox.call<std::string>("echo", "").value(), "");
    const std::vector<uint8_t> bytes{1, 2, 0, 255};
    EXPECT_EQ(sandbox.call<std::vector<uint8_t>>("echo", bytes).value(), bytes);
    EXPECT_EQ(sandbox.call<std::vector<uint8_t>>("echo", std::span<const uint8_t>(bytes)).value(), bytes);
    EXPECT_EQ(sandbox.call<std::string>("join", "left", int32_t{'+'}, std::string("right")).value(),
              "left+right");
    EXPECT_EQ(sandbox.call<int32_t>("length", std::string(70, 'y')).value(), 70);
    const Person ada{"Ada \"\xc3\xa9\"", 36};
    EXPECT_EQ(sandbox.call<Person>("echo", ada).value(), ada);
    EXPECT_EQ(nlohmann::json::parse(sandbox.call<std::string>("echo", ada).value()).at("age"), 36);
    EXPECT_EQ(sandbox.call<std::vector<int>>("echo", std::vector<int>{1, 2, 3}).value(),
              (std::vector<int>{1, 2, 3}));
}

TEST(Messages, TheGuestIsToldWhenItsResultWasRead) {
    Sandbox sandbox = make(Sandbox::builder().module_text(guest));
    EXPECT_EQ(sandbox.call<std::string>("echo", "a").value(), "a");
    EXPECT_EQ(sandbox.call<std::string>("join", "a", int32_t{'b'}, "c").value(), "abc");
    EXPECT_EQ(sandbox.call<int32_t>("freed").value(), 1);
}

TEST(Messages, AFunctionFoundOnceWorksAfterResets) {
    Sandbox sandbox = make(Sandbox::builder().module_text(guest));
    auto echo = *sandbox.typed_function<std::string(std::string)>("echo");
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(echo("text " + std::to_string(i)).value(), "text " + std::to_string(i));
        EXPECT_EQ(sandbox.call<int32_t>("top").value(), 1030);  // nothing of the last one is left
        ASSERT_TRUE(sandbox.reset());
    }
}

TEST(Messages, MallocServesToo) {
    Sandbox sandbox = make(Sandbox::builder().module_text(
        R"((memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) (i32.const 64))
        (func (export "echo") (param i32 i32) (result i64)
            (i64.or (i64.extend_i32_u (local.get 0)) (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32)))))"));
    EXPECT_EQ(sandbox.call<std::string>("echo", "Ada").value(), "Ada");
}

// What does not fit is found before anything runs, and named.

std::string error_of(const std::string& wat, auto call) {
    Sandbox sandbox = make(Sandbox::builder().module_text(wat));
    const auto outcome = call(sandbox);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(sandbox.last_call().fuel, 0u);
    return outcome ? "" : outcome.error().message();
}

TEST(Messages, WhatTheModuleLacksIsFoundAtLookUp) {
    const auto greet = [](Sandbox& sandbox) { return sandbox.typed_function<std::string(std::string)>("f"); };
    const std::string f = R"((func (export "f") (param i32 i32) (result i64) (i64.const 0)))";
    EXPECT_THAT(error_of(f, greet),
                HasSubstr("\"f\" passes strings, bytes or structures, so the module has to "
                          "export its memory as \"memory\""));
    EXPECT_THAT(error_of(R"((memory (export "memory") 1))" + f, greet),
                HasSubstr("\"cabi_realloc\" or \"malloc\""));
    EXPECT_THAT(
        error_of(R"((memory (export "memory") 1) (func (export "cabi_realloc") (param i32) (result i32)
                        (i32.const 8)))" +
                     f,
                 greet),
        HasSubstr("\"cabi_realloc\": expected (i32, i32, i32, i32) -> (i32), found (i32) -> (i32)"));
    EXPECT_THAT(error_of(R"((memory (export "memory") i64 1) (func (export "malloc") (param i32) (result i32)
                        (i32.const 8)))" +
                             f,
                         greet),
                HasSubstr("\"memory\" must be a memory with addresses of 32 bits"));
    EXPECT_THAT(error_of(R"((memory (export "memory") 1) (func (export "malloc") (param i32) (result i32)
                        (i32.const 8)) (func (export "cabi_post_f") (param i32)))" +
                             f,
                         greet),
                HasSubstr("\"cabi_post_f\": expected (i64) -> ()"));
    EXPECT_THAT(
        error_of(R"((memory (export "memory") 1) (func (export "f") (param i32) (result i64) (i64.const 0)))",
                 greet),
        HasSubstr("\"f\": expected (i32, i32) -> (i64), found (i32) -> (i64)"));
    EXPECT_THAT(error_of(guest, [](Sandbox& sandbox) { return sandbox.call<std::string>("nothing", "x"); }),
                HasSubstr("nothing"));
}

TEST(Messages, WhatHostFunctionsNeedIsFoundWhenItIsBuilt) {
    const auto built = [](const std::string& wat, auto function) {
        return Sandbox::builder().module_text(wat).function("host", "f", function).build();
    };
    const auto takes = [](std::string_view) {};
    const auto gives = []() -> std::string { return "x"; };
    EXPECT_THAT(built(R"((import "host" "f" (func (param i32 i32))))", takes).error().message(),
                HasSubstr("\"host.f\" passes strings"));
    EXPECT_THAT(built(R"((import "host" "f" (func (param i32))) (memory (export "memory") 1))", takes)
                    .error()
                    .message(),
                HasSubstr("host.f"));
    EXPECT_TRUE(built(R"((import "host" "f" (func (param i32 i32))) (memory (export "memory") 1))", takes));
    EXPECT_THAT(built(R"((import "host" "f" (func (result i64))) (memory (export "memory") 1))", gives)
                    .error()
                    .message(),
                HasSubstr("\"host.f\" passes strings, bytes or structures, so the module has to export an "
                          "allocator"));
    EXPECT_TRUE(built("(module)", gives)) << "it is not imported";
}

// Host functions.

const std::string caller = R"((import "host" "f" (func $f (param i32 i32) (result i64)))
    (memory (export "memory") 1) (data (i32.const 64) "{\"name\":\"Ada\",\"age\":36}")
    (global $next (mut i32) (i32.const 2048))
    (func (export "malloc") (param i32) (result i32) (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 0))))
    (func (export "call") (param i32 i32) (result i64) (call $f (local.get 0) (local.get 1))))";

TEST(Messages, HostFunctionsTakeAndGiveThem) {
    std::string seen;
    auto builder = Sandbox::builder().module_text(caller).function("host", "f",
                                                                   [&](std::string_view text) -> std::string {
                                                                       seen = text;
                                                                       return "<" + std::string(text) + ">";
                                                                   });
    Sandbox sandbox = make(builder);
    const auto packed = GuestBytes::unpack(sandbox.call<uint64_t>("call", 66, 4).value());
    EXPECT_EQ(seen, "name");
    std::string result(packed.size_bytes, ' ');
    ASSERT_TRUE(sandbox.instance().memory()->read(
        packed.offset_bytes, {reinterpret_cast<uint8_t*>(result.data()), result.size()}));
    EXPECT_EQ(result, "<name>");
    // What is passed is charged while the call runs, and given back.
    EXPECT_EQ(sandbox.ledger()->used(Resource::memory), 64_KiB);
    EXPECT_GE(sandbox.ledger()->peak(Resource::memory), 64_KiB + 4);
}

TEST(Messages, HostFunctionsTakeStructuresAndBytes) {
    Person seen;
    Sandbox structures = make(Sandbox::builder().module_text(caller).function(
        "host", "f", [&](const Person& person) -> CallResult<Person> {
            seen = person;
            return Person{"Eve", 1};
        }));
    EXPECT_TRUE(structures.call<uint64_t>("call", 64, 23));
    EXPECT_EQ(seen, (Person{"Ada", 36}));
    size_t size = 0;
    Sandbox bytes = make(Sandbox::builder().module_text(caller).function(
        "host", "f", [&](Caller&, std::span<const uint8_t> given) -> std::vector<uint8_t> {
            size = given.size();
            return {};
        }));
    EXPECT_TRUE(bytes.call<uint64_t>("call", 0, 65'536));
    EXPECT_EQ(size, 65'536u);
}

// Guests that do not mean well.

TEST(Messages, ArgumentsOutsideOfTheMemoryAreTraps) {
    int calls = 0;
    Sandbox sandbox = make(Sandbox::builder().module_text(caller).function(
        "host", "f", [&](std::string_view) -> uint64_t { return static_cast<uint64_t>(++calls); }));
    for (const auto& [address, size] :
         {std::pair{65'536, 1}, {0, 65'537}, {-1, 1}, {1, -1}, {-1, -1}, {65'537, 0}}) {
        const auto outcome = sandbox.call<uint64_t>("call", address, size);
        ASSERT_FALSE(outcome) << address << " " << size;
        EXPECT_TRUE(outcome.error().cause().is_trap(TrapCode::host_error));
        EXPECT_THAT(outcome.error().message(), HasSubstr("host.f: argument 1: "));
        EXPECT_THAT(outcome.error().message(), HasSubstr("in a memory of 65536"));
    }
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(sandbox.call<uint64_t>("call", 65'536, 0));
}

TEST(Messages, WhatIsNoJsonIsATrapAndSaysWhere) {
    Sandbox sandbox = make(Sandbox::builder().module_text(caller).function(
        "host", "f", [](const Person&) -> uint64_t { return 0; }));
    for (const auto& [address, size] : {std::pair{64, 22}, {65, 4}, {0, 4}, {64, 0}}) {
        const auto outcome = sandbox.call<uint64_t>("call", address, size);
        ASSERT_FALSE(outcome);
        EXPECT_THAT(outcome.error().message(), HasSubstr("host.f: argument 1: "));
        EXPECT_THAT(outcome.error().message(), HasSubstr("json"));
    }
    EXPECT_TRUE(sandbox.call<uint64_t>("call", 64, 23));
}

std::string hostile(const std::string& allocator, const std::string& result) {
    return R"((memory (export "memory") 1) (func $a (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) )" +
           allocator + R"() (func (export "f") (param i32 i32) (result i64) )" + result + ")";
}
constexpr const char* good_result = "(i64.const 0)";

TEST(Messages, ResultsOutsideOfTheMemoryAreErrors) {
    for (const char* result :
         {"(i64.const -1)", "(i64.const 0x1000000010000)", "(i64.const 0x0001000100000000)",
          "(i64.const 0xffffffff)", "(i64.const 0x7fffffff00000001)"}) {
        Sandbox sandbox = make(Sandbox::builder().module_text(hostile("(i32.const 8)", result)));
        const auto outcome = sandbox.call<std::string>("f", "x");
        ASSERT_FALSE(outcome) << result;
        ASSERT_NE(outcome.error().error(), nullptr);
        EXPECT_EQ(outcome.error().error()->code, ErrorCode::bad_message);
        EXPECT_THAT(outcome.error().message(), HasSubstr("result of \"f\": "));
        EXPECT_EQ(sandbox.ledger()->peak(Resource::memory), 64_KiB) << "nothing was taken for it";
    }
}

TEST(Messages, AllocatorsThatGiveNoRoomAreErrors) {
    for (const char* address :
         {"(i32.const 0)", "(i32.const -1)", "(i32.const 65535)", "(i32.const 65536)"}) {
        Sandbox sandbox = make(Sandbox::builder().module_text(hostile(address, good_result)));
        const auto outcome = sandbox.call<std::string>("f", "xy");
        ASSERT_FALSE(outcome) << address;
        EXPECT_EQ(outcome.error().error()->code, ErrorCode::bad_message);
        EXPECT_THAT(outcome.error().message(),
                    HasSubstr("argument 1 of \"f\": \"cabi_realloc\" gave address"));
    }
}

TEST(Messages, AllocatorsAreTheGuestsCodeAndLimitedLikeIt) {
    Sandbox traps = make(Sandbox::builder().module_text(hostile("unreachable", good_result)));
    const auto trapped = traps.call<std::string>("f", "x");
    ASSERT_NE(trapped.error().trap(), nullptr);
    EXPECT_THAT(trapped.error().trap()->to_string(), HasSubstr("0: a (offset"));
    Sandbox loops = make(Sandbox::builder()
                             .module_text(hostile("(loop (br 0)) unreachable", good_result))
                             .limits({.fuel = 10'000'000, .timeout = 10s}));
    EXPECT_EQ(loops.call<std::string>("f", "x").error().limit()->resource, Resource::fuel);
    Sandbox late = make(Sandbox::builder()
                            .module_text(hostile("(loop (br 0)) unreachable", good_result))
                            .limits({.timeout = 20ms}));
    EXPECT_EQ(late.call<std::string>("f", "x").error().limit()->resource, Resource::wall_time);
    Sandbox recurses = make(Sandbox::builder().module_text(
        hostile("(call $a (local.get 0) (local.get 1) (local.get 2) (local.get 3))", good_result)));
    EXPECT_EQ(recurses.call<std::string>("f", "x").error().limit()->resource, Resource::stack);
}

TEST(Messages, AllocatorsThatCallTheHostAgainEnd) {
    Sandbox sandbox = make(Sandbox::builder()
                               .module_text(R"((import "host" "f" (func $f (result i64)))
        (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32) (i32.wrap_i64 (call $f)))
        (func (export "g") (result i64) (call $f)))")
                               .function("host", "f", []() -> std::string { return "x"; }));
    EXPECT_EQ(sandbox.call<std::string>("g").error().limit()->resource, Resource::stack);
}

TEST(Messages, TheHostsCopyIsChargedBeforeItIsMade) {
    const std::string big = R"((memory (export "memory") 160) (func (export "f") (result i64)
        (i64.const 0x00a0000000000000)))";  // all 10 MiB
    Sandbox sandbox = make(Sandbox::builder().module_text(big).limits({.memory_bytes = 15_MiB}));
    const auto outcome = sandbox.call<std::string>("f");
    ASSERT_FALSE(outcome);
    ASSERT_TRUE(outcome.error().limit()) << outcome.error().message();
    EXPECT_EQ(outcome.error().limit()->resource, Resource::memory);
    EXPECT_EQ(outcome.error().limit()->asked, 20_MiB);
    EXPECT_THAT(outcome.error().message(), HasSubstr("result of \"f\""));
    Sandbox enough = make(Sandbox::builder().module_text(big).limits({.memory_bytes = 20_MiB}));
    EXPECT_EQ(enough.call<std::string>("f").value().size(), 10_MiB);
    EXPECT_EQ(enough.ledger()->used(Resource::memory), 10_MiB);
}

TEST(Messages, WhatParsingTakesIsChargedToo) {
    // Brackets, of which each may become an array.
    const std::string wat = R"((memory (export "memory") 16) (func (export "f") (result i64)
        (memory.fill (i32.const 0) (i32.const 0x5b) (i32.const 1048576)) (i64.const 0x0010000000000000)))";
    Sandbox sandbox = make(Sandbox::builder().module_text(wat).limits({.memory_bytes = 64_MiB}));
    EXPECT_EQ(sandbox.call<nlohmann::json>("f").error().limit()->resource, Resource::memory);
    Sandbox enough = make(Sandbox::builder().module_text(wat).limits({.memory_bytes = 256_MiB}));
    const auto outcome = enough.call<nlohmann::json>("f");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error()->code, ErrorCode::bad_message);
}

TEST(Messages, ASandboxIsNotResetWhileItsCodeRuns) {
    std::optional<Sandbox> sandbox;
    std::string message;
    sandbox =
        make(Sandbox::builder().module_text(caller).function("host", "f", [&](std::string_view) -> uint64_t {
            const auto outcome = sandbox->reset();
            message = outcome ? "" : outcome.error().message();
            return 7;
        }));
    EXPECT_EQ(sandbox->call<uint64_t>("call", 0, 1).value(), 7u);
    EXPECT_THAT(message, HasSubstr("cannot be reset while its code runs"));
}

}  // namespace
}  // namespace wsb::testing
