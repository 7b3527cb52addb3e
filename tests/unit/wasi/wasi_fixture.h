// SPDX-License-Identifier: Apache-2.0
// A directory for one test, and a guest of WASI without any code: its memory, and calls as it would make
// them.
#pragma once

#include "sandbox/policy.h"
#include "tests/unit/wasi/counting_policy.h"
#include "wasi/preview1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace wsb::testing {

/// Removed with all that is in it.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "wsb-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            std::abort();
        m_path = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }

private:
    std::filesystem::path m_path;
};

inline void write_text(const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A guest with a writable directory "rw" as descriptor 3 and a read-only one "ro" as 4, both beneath
/// `root`, and a secret beside them:
///   root/secret
///   root/rw/file ("content"), root/rw/dir/, root/rw/link -> file, root/rw/out -> ../secret,
///   root/rw/absolute -> /, root/rw/updir -> ..
///   root/ro/ the same
class WasiTest : public ::testing::Test {
protected:
    static constexpr uint32_t rw = 3, ro = 4;
    static constexpr wasi::Rights all = ~wasi::Rights{0};
    static constexpr uint32_t memory_bytes = 65'536;
    // Where calls put things in the guest's memory.
    static constexpr uint32_t out = 8, path_at = 1024, other_path_at = 8192, data_at = 32'768,
                              iovecs_at = 16'384;

    void SetUp() override {
        write_text(root() / "secret", "secret");
        for (const char* name : {"rw", "ro"}) {
            const auto grant = root() / name;
            std::filesystem::create_directories(grant / "dir");
            write_text(grant / "file", "content");
            std::filesystem::create_symlink("file", grant / "link");
            std::filesystem::create_symlink("../secret", grant / "out");
            std::filesystem::create_symlink("/", grant / "absolute");
            std::filesystem::create_symlink("..", grant / "updir");
        }
        grants.dirs = {{(root() / "rw").string(), "/rw", DirAccess::read_write},
                       {(root() / "ro").string(), "/ro", DirAccess::read_only}};
        grants.args = {"program", "one"};
        grants.env = {{"NAME", "value"}};
        start();
    }

    /// With the grants as they are now.
    void start() {
        state.reset();
        counting.reset();
        policy = sandbox::GrantedPolicy::create(grants, max_open_files, account).value();
        counting = std::make_unique<CountingPolicy>(*policy);
        prepare();
        state = wasi::Preview1::create(*counting).value();
        memory.assign(memory_bytes, 0);
    }

    /// Before the guest gets its descriptors.
    virtual void prepare() {}

    [[nodiscard]] const std::filesystem::path& root() const { return directory.path(); }
    [[nodiscard]] wasi::GuestMemory guest() { return wasi::GuestMemory(memory); }

    template <class T>
    [[nodiscard]] T load(uint32_t address) {
        return guest().load<T>(address).value();
    }
    void put(uint32_t address, std::string_view text) {
        ASSERT_LE(address + text.size(), memory.size());
        std::memcpy(memory.data() + address, text.data(), text.size());
    }
    void put_iovec(uint32_t index, uint32_t address, uint32_t length) {
        ASSERT_TRUE(guest().store(iovecs_at + index * 8, address));
        ASSERT_TRUE(guest().store(iovecs_at + index * 8 + 4, length));
    }

    /// Calls a function of preview 1. @return what the guest gets.
    template <class... Params, class... Args>
    wasi::Errno call(wasi::Outcome<void> (*function)(wasi::Call&, Params...), Args... args) {
        wasi::Call context{*state, guest(), *layout};
        const auto outcome = function(context, static_cast<Params>(args)...);
        return outcome ? wasi::Errno::success : outcome.error();
    }

    wasi::Errno open(uint32_t fd, std::string_view path, uint32_t oflags = 0,
                     wasi::Rights base = wasi::right::fd_read, uint32_t fdflags = 0, bool follow = true) {
        put(path_at, path);
        return call(wasi::p1::path_open, fd, follow ? 1 : 0, path_at, path.size(), oflags, base, all, fdflags,
                    out);
    }
    /// The descriptor that the last open gave.
    [[nodiscard]] uint32_t opened() { return load<uint32_t>(out); }

    template <class Function>
    wasi::Errno on_path(Function function, uint32_t fd, std::string_view path) {
        put(path_at, path);
        return call(function, fd, path_at, path.size());
    }
    wasi::Errno rename(uint32_t from_fd, std::string_view from, uint32_t to_fd, std::string_view to) {
        put(path_at, from);
        put(other_path_at, to);
        return call(wasi::p1::path_rename, from_fd, path_at, from.size(), to_fd, other_path_at, to.size());
    }
    wasi::Errno stat(uint32_t fd, std::string_view path, bool follow = true) {
        put(path_at, path);
        return call(wasi::p1::path_filestat_get, fd, follow ? 1 : 0, path_at, path.size(), out);
    }
    wasi::Errno write(uint32_t fd, std::string_view text) {
        put(data_at, text);
        put_iovec(0, data_at, static_cast<uint32_t>(text.size()));
        return call(wasi::p1::fd_write, fd, iovecs_at, 1, out);
    }
    /// Up to 100 bytes.
    std::string read(uint32_t fd) {
        put_iovec(0, data_at, 100);
        EXPECT_EQ(call(wasi::p1::fd_read, fd, iovecs_at, 1, out), wasi::Errno::success);
        return std::string(memory.begin() + data_at, memory.begin() + data_at + load<uint32_t>(out));
    }

    const wasi::Layout* layout = &wasi::preview1_layout;
    TemporaryDirectory directory;
    Grants grants{.streams = {0, 1, 2}, .clock = ClockMode::real, .random = RandomMode::system};
    static constexpr uint64_t max_open_files = 16;
    sandbox::Account account{Ledger::create({}), {}};
    std::unique_ptr<sandbox::GrantedPolicy> policy;
    std::unique_ptr<CountingPolicy> counting;
    std::unique_ptr<wasi::Preview1> state;
    std::vector<uint8_t> memory;
};

}  // namespace wsb::testing

namespace wsb::wasi {
inline void PrintTo(Errno error, std::ostream* stream) {
    *stream << errno_name(error);
}
}  // namespace wsb::wasi
