// SPDX-License-Identifier: Apache-2.0
// Directories in memory and streams of the program's, granted by the builder: what the guest finds, what a
// reset makes of it, and what it costs.
#include "wsb/sandbox.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace wsb::testing {
namespace {

using namespace wsb::literals;
using ::testing::HasSubstr;

/// "put" writes to the file "note" in the first directory, "size" is that of "note" or minus an errno, "echo"
/// writes what standard input has, at most 16 bytes, to standard error.
constexpr const char* files = R"((import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "note") (data (i32.const 16) "\40\00\00\00\08\00\00\00") (data (i32.const 64) "contents")
    (data (i32.const 32) "\80\00\00\00\10\00\00\00")
    (func (export "put") (result i32) (local $error i32)
        (local.set $error (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
            (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 8)))
        (if (local.get $error) (then (return (local.get $error))))
        (local.set $error (call $write (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 12)))
        (drop (call $close (i32.load (i32.const 8))))
        (local.get $error))
    (func (export "size") (result i32) (local $error i32)
        (local.set $error (call $stat (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 256)))
        (if (result i32) (local.get $error) (then (i32.sub (i32.const 0) (local.get $error)))
            (else (i32.load (i32.const 288)))))
    (func (export "echo") (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 36)))
        (drop (call $write (i32.const 2) (i32.const 32) (i32.const 1) (i32.const 12)))))";

constexpr int32_t no_entry = -44, no_space = 51, read_only = 69;

Sandbox make(SandboxBuilder builder) {
    auto built = builder.try_build();
    EXPECT_TRUE(built) << built.error().message();
    return *std::move(built);
}

struct MemoryDirTest : ::testing::Test {
    MemoryDirTest() { std::filesystem::create_directories(directory); }
    ~MemoryDirTest() override { std::filesystem::remove_all(directory); }

    void write(const char* name, std::string_view content) const {
        std::ofstream(directory / name, std::ios::binary) << content;
    }
    [[nodiscard]] SandboxBuilder with(DirSource source, const char* host = "") const {
        DirGrant grant;
        grant.host = (directory / host).string();
        grant.guest = "/";
        grant.source = source;
        return Sandbox::builder().module_text(files).allow_dir(grant);
    }

    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("wsb-memory-dir-" + std::to_string(::getpid()));
};

TEST_F(MemoryDirTest, SpecialFilesOfTheHostAreOpenedIfTheGrantSaysSo) {
    const auto path = directory / "note";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    for (const bool is_granted : {false, true}) {
        DirGrant grant{.host = directory.string(), .guest = "/"};
        grant.has_special_files = is_granted;
        Sandbox sandbox = make(Sandbox::builder().module_text(files).allow_dir(grant));
        constexpr int32_t not_capable = 76;
        EXPECT_EQ(sandbox.call<int32_t>("put").value(), is_granted ? 0 : not_capable);
        char text[16];
        EXPECT_EQ(::read(reader, text, sizeof text), is_granted ? 8 : 0);
    }
    ::close(reader);
}

TEST_F(MemoryDirTest, AnEmptyOneIsEmptyAfterEachReset) {
    Sandbox sandbox = make(Sandbox::builder().module_text(files).memory_dir("/tmp"));
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(sandbox.call<int32_t>("size").value(), no_entry);
        EXPECT_EQ(sandbox.call<int32_t>("put").value(), 0);
        EXPECT_EQ(sandbox.call<int32_t>("size").value(), 8);
        ASSERT_TRUE(sandbox.reset());
    }
    EXPECT_EQ(std::filesystem::exists("/tmp/note"), false);
}

TEST_F(MemoryDirTest, WhatItHoldsIsMemory) {
    Sandbox sandbox = make(Sandbox::builder().module_text(files).memory_dir("/tmp"));
    const auto used = [&] { return sandbox.ledger()->used(Resource::memory); };
    const uint64_t before = used();
    EXPECT_EQ(sandbox.call<int32_t>("put").value(), 0);
    EXPECT_GE(used(), before + 4096);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_EQ(used(), before);
    Sandbox small = make(Sandbox::builder().module_text(files).memory_dir("/tmp", 2048));
    EXPECT_EQ(small.call<int32_t>("put").value(), no_space);
}

TEST_F(MemoryDirTest, CopiesAndOverlaysLeaveTheHostAlone) {
    write("note", "from the host");
    for (const DirSource source : {DirSource::copy, DirSource::overlay}) {
        Sandbox sandbox = make(with(source));
        for (int round = 0; round < 2; ++round) {
            EXPECT_EQ(sandbox.call<int32_t>("size").value(), 13);
            EXPECT_EQ(sandbox.call<int32_t>("put").value(), 0);
            EXPECT_EQ(std::filesystem::file_size(directory / "note"), 13u);
            ASSERT_TRUE(sandbox.reset());
        }
    }
    DirGrant grant{directory.string(), "/", DirAccess::read_only};
    grant.source = DirSource::copy;
    EXPECT_EQ(make(Sandbox::builder().module_text(files).allow_dir(grant)).call<int32_t>("put").value(),
              read_only);
    grant.max_memory_bytes = 600;
    const auto refused = Sandbox::builder().module_text(files).allow_dir(grant).build();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
}

/// A tar archive of one file.
std::string archive_of(std::string_view name, std::string_view content) {
    std::array<char, 512> header{};
    const auto put = [&](size_t at, std::string_view text) {
        std::memcpy(header.data() + at, text.data(), text.size());
    };
    std::array<char, 12> octal{};
    std::snprintf(octal.data(), octal.size(), "%011zo", content.size());
    put(0, name);
    put(100, "0000644");
    put(124, {octal.data(), 11});
    put(136, "00000000000");
    put(156, "0");
    put(257, std::string_view("ustar\00000", 8));
    put(148, "        ");
    unsigned sum = 0;
    for (const char c : header)
        sum += static_cast<unsigned char>(c);
    std::snprintf(octal.data(), octal.size(), "%06o", sum);
    put(148, {octal.data(), 7});
    std::string archive(header.data(), header.size());
    archive += content;
    archive.resize((archive.size() + 511) / 512 * 512 + 1024);
    return archive;
}

TEST_F(MemoryDirTest, ArchivesAreUnpackedOrRefused) {
    write("good.tar", archive_of("note", "packed"));
    Sandbox sandbox = make(with(DirSource::archive, "good.tar"));
    EXPECT_EQ(sandbox.call<int32_t>("size").value(), 6);
    EXPECT_EQ(sandbox.call<int32_t>("put").value(), 0);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_EQ(sandbox.call<int32_t>("size").value(), 6);
    write("bad.tar", archive_of("../note", "packed"));
    EXPECT_FALSE(with(DirSource::archive, "bad.tar").build());
    const auto missing = with(DirSource::archive, "none.tar").build();
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message(), HasSubstr("none.tar"));
}

TEST_F(MemoryDirTest, AThreadIsConfinedToWhatIsGranted) {
    write("note", "from the host");
    write("secret", "not granted");
    std::filesystem::create_directories(directory / "granted");
    std::ofstream(directory / "granted" / "note") << "granted";
    Sandbox sandbox = make(with(DirSource::host, "granted"));
    const auto can_open = [&](const char* name) { return std::ifstream(directory / name).is_open(); };
    bool has_landlock = false, opens_granted = false, opens_other = true;
    int32_t size = 0;
    std::thread([&] {
        has_landlock = sandbox.confine_thread().has_value();
        opens_granted = can_open("granted/note");
        opens_other = can_open("secret");
        size = sandbox.call<int32_t>("size").value();
    }).join();
    if (!has_landlock)
        GTEST_SKIP() << "the kernel has no Landlock";
    EXPECT_TRUE(opens_granted);
    EXPECT_FALSE(opens_other);
    EXPECT_EQ(size, 7);
    EXPECT_TRUE(can_open("secret"));
}

TEST_F(MemoryDirTest, StreamsOfTheProgram) {
    std::string taken;
    Sandbox sandbox = make(
        Sandbox::builder().module_text(files).input("said").on_output([&](int stream, std::string_view text) {
            taken += std::to_string(stream) + ":" + std::string(text);
        }));
    for (int round = 0; round < 2; ++round) {
        taken.clear();
        ASSERT_TRUE(sandbox.call<void>("echo"));
        EXPECT_EQ(taken, "2:said");
        ASSERT_TRUE(sandbox.reset());
    }
}

}  // namespace
}  // namespace wsb::testing
