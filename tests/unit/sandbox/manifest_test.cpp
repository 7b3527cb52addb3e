// SPDX-License-Identifier: Apache-2.0
#include "sandbox/manifest.h"

#include "sandbox/manifest_keys.h"
#include "sandbox/sha256.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

namespace wsb::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

sandbox::Manifest good(std::string_view text) {
    auto manifest = sandbox::parse_manifest(text, "/base");
    EXPECT_TRUE(manifest) << manifest.error().front().text;
    return *manifest;
}

TEST(Sha256, KnownAnswers) {
    EXPECT_EQ(sandbox::sha256_hex(std::string_view("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sandbox::sha256_hex(std::string_view("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sandbox::sha256_hex(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Manifest, EverythingOfTheInterface) {
    ::setenv("WSB_TEST_TZ", "UTC", 1);
    const auto manifest = good(R"(
[module]
path = "plugin.wasm"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
canonical_nans = true
[limits]
fuel = 10_000_000
memory = "64MiB"
timeout = "250ms"
output = "1MiB"
open_files = 16
read_bytes = "100MiB"
network_bytes = "10MiB"
module_functions = 100
[[dir]]
host = "/srv/data"
guest = "/data"
access = "append"
special_files = true
max_file_size = "1MiB"
max_bytes = 5000
[[dir]]
host = "here"
[env]
LANG = "C"
pass = ["WSB_TEST_TZ", "WSB_TEST_UNSET"]
[clock]
mode = "frozen"
start = 1700000000
[random]
mode = "seeded"
seed = 42
[stdio]
stdout = true
[[listen]]
address = "127.0.0.1:8080"
[[connect]]
address = "127.0.0.1:5432"
[audit]
file = "audit.jsonl"
)");
    EXPECT_TRUE(manifest.canonical_nans);
    EXPECT_EQ(manifest.module_path, "/base/plugin.wasm");
    EXPECT_EQ(manifest.limits.fuel, 10'000'000u);
    EXPECT_EQ(manifest.limits.memory_bytes, uint64_t{64} << 20);
    EXPECT_EQ(manifest.limits.timeout, 250ms);
    EXPECT_EQ(manifest.limits.open_files, 16u);
    EXPECT_EQ(manifest.limits.module.functions, 100u);
    ASSERT_EQ(manifest.grants.dirs.size(), 2u);
    EXPECT_EQ(manifest.grants.dirs[0].access, DirAccess::append);
    EXPECT_EQ(manifest.grants.dirs[0].max_file_bytes, uint64_t{1} << 20);
    EXPECT_TRUE(manifest.grants.dirs[0].has_special_files);
    EXPECT_FALSE(manifest.grants.dirs[1].has_special_files);
    EXPECT_EQ(manifest.grants.dirs[1].host, "/base/here");
    EXPECT_EQ(manifest.grants.dirs[1].access, DirAccess::read_only);
    ASSERT_EQ(manifest.grants.env.size(), 2u);
    EXPECT_EQ(manifest.grants.clock, ClockMode::frozen);
    EXPECT_EQ(manifest.grants.clock_start_ns, 1'700'000'000'000'000'000u);
    EXPECT_EQ(manifest.grants.random_seed, 42u);
    EXPECT_EQ(manifest.grants.streams, (std::array{-1, 1, -1}));
    EXPECT_THAT(manifest.grants.listen, ElementsAre("127.0.0.1:8080"));
    const auto words = sandbox::describe(manifest);
    EXPECT_THAT(words, ::testing::Contains(HasSubstr("directory /srv/data as /data: append")));
    EXPECT_THAT(words, ::testing::Contains(HasSubstr("limit: time of each call: 250 ms")));
}

TEST(Manifest, AnEmptyOneGrantsNothing) {
    const auto manifest = good("");
    EXPECT_TRUE(manifest.grants.dirs.empty());
    EXPECT_EQ(manifest.grants.clock, ClockMode::none);
    EXPECT_EQ(manifest.grants.streams, (std::array{-1, -1, -1}));
    EXPECT_THAT(sandbox::describe(manifest), ::testing::Contains("network: none"));
}

TEST(Manifest, DirectoriesInMemory) {
    const auto manifest = good(R"(
[[dir]]
source = "memory"
guest = "/tmp"
memory = "1MiB"
access = "read-write"
[[dir]]
source = "overlay"
host = "/srv"
guest = "/data"
)");
    const auto& dirs = manifest.grants.dirs;
    ASSERT_EQ(dirs.size(), 2u);
    EXPECT_EQ(dirs[0].source, DirSource::memory);
    EXPECT_EQ(dirs[0].max_memory_bytes, uint64_t{1} << 20);
    EXPECT_EQ(dirs[1].source, DirSource::overlay);
    EXPECT_EQ(dirs[1].host, "/srv");
    EXPECT_THAT(
        sandbox::describe(manifest),
        ::testing::Contains("an empty directory, in memory of at most 1048576 bytes, as /tmp: read-write"));
}

TEST(Manifest, MistakesHavePlaces) {
    struct Case {
        const char* text;
        uint32_t line, column;
        const char* message;
    };
    for (const Case& one : {
             Case{"[limits]\nfeul = 1", 2, 1, "unknown key limits.feul"},
             Case{"[limit]\nfuel = 1", 1, 2, "unknown key limit"},
             Case{"[limits]\n  fuel = \"x\"", 2, 10, "limits.fuel: must be a whole number"},
             Case{"[limits]\nfuel = -1", 2, 8, "must not be negative"},
             Case{"[limits]\nfuel = 1.5", 2, 8, "must be a whole number"},
             Case{"[limits]\nmemory = \"64 potatoes\"", 2, 10, "size \"64 potatoes\""},
             Case{"[limits]\ntimeout = 250", 2, 11, "must be a duration"},
             Case{"[limits]\ntimeout = \"0s\"", 2, 11, "duration"},
             Case{"[limits]\nstack = 5", 2, 9, "between"},
             Case{"[[dir]]\nguest = \"/data\"", 1, 1, "dir.host is missing"},
             Case{"[[dir]]\nhost = \"/\"\naccess = \"all\"", 3, 10, "must be one of read-only, read-write"},
             Case{"[dir]\nhost = \"/\"", 1, 1, "[[dir]]"},
             Case{"[[dir]]\nsource = \"memory\"", 1, 1, "dir.guest is missing"},
             Case{"[[dir]]\nsource = \"memory\"\nguest = \"/t\"\nhost = \"/\"", 4, 8, "no meaning"},
             Case{"[[dir]]\nhost = \"/\"\nmemory = 5", 3, 10, "see source"},
             Case{"[[dir]]\nsource = \"disk\"\nhost = \"/\"", 2, 10, "host, memory, copy, overlay, archive"},
             Case{"[clock]\nmode = \"fast\"", 2, 8, "must be one of real, virtual, frozen, none"},
             Case{"[random]\nmode = \"system\"\nseed = 1", 3, 8, "seeded"},
             Case{"[[dir]]\nsource = \"memory\"\nguest = \"/\"\nspecial_files = true", 4, 17, "of the host"},
             Case{"[clock]\nmode = \"real\"\nstart = 1", 3, 9, "frozen"},
             Case{"[clock]\nmode = \"frozen\"\nstart = 9223372037", 3, 9, "9223372036"},
             Case{"[module]\nsha256 = \"ABC\"", 2, 10, "64 hexadecimal digits"},
             Case{"[env]\nLANG = 5", 2, 8, "must be a string"},
             Case{"[[listen]]\naddress = \"8080\"", 2, 11, "ADDRESS:PORT"},
             Case{"[stdio]\nstdin = 1", 2, 9, "true or false"},
             Case{"[limits\nfuel = 1", 1, 8, ""},
             Case{"fuel = 1", 1, 1, "unknown key fuel"},
         }) {
        const auto manifest = sandbox::parse_manifest(one.text, "");
        ASSERT_FALSE(manifest) << one.text;
        const sandbox::ManifestProblem& problem = manifest.error().front();
        EXPECT_EQ(problem.line, one.line) << one.text << ": " << problem.text;
        EXPECT_EQ(problem.column, one.column) << one.text << ": " << problem.text;
        EXPECT_THAT(problem.text, HasSubstr(one.message)) << one.text;
    }
}

TEST(Manifest, EveryLimitIsReachedAndReadBack) {
    for (const sandbox::LimitKey& key : sandbox::limit_keys()) {
        const bool is_time = key.kind == sandbox::KeyKind::duration;
        const auto manifest =
            good("[limits]\n" + std::string(key.name) + (is_time ? " = \"1s\"" : " = 1000000"));
        EXPECT_EQ(key.get(manifest.limits), is_time ? 1'000'000'000u : 1'000'000u) << key.name;
    }
}

TEST(Manifest, TheSchemaOfTheDocumentationIsThatOfTheProgram) {
    std::ifstream file(WSB_SOURCE_DIR "/docs/manifest.schema.json");
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(written, sandbox::manifest_schema())
        << "run: wasm-sandbox manifest schema > docs/manifest.schema.json";
}

}  // namespace
}  // namespace wsb::testing
