// SPDX-License-Identifier: Apache-2.0
// File systems in memory must answer as the host's do: the same operations on a directory of the host, a copy
// of it in memory, and an overlay over it.
#include "wasi/memory_files.h"

#include "tests/unit/wasi/wasi_fixture.h"
#include "wasi/host_directory.h"

#include <fcntl.h>
#include <functional>
#include <random>

namespace wsb::testing {
namespace {

using wasi::Errno;
using wasi::MemoryFileSystem;
namespace p1 = wasi::p1;
namespace right = wasi::right;
namespace oflag = wasi::oflag;
namespace fs = std::filesystem;

std::shared_ptr<wasi::Descriptor> host_directory(const fs::path& path) {
    return std::make_shared<wasi::HostDirectory>(
        wasi::HostFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
}

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// Grant 3 is the host's directory, 5 its copy in memory, 6 an overlay over another copy of it, "ro".
class MemoryTest : public WasiTest {
protected:
    static constexpr uint32_t memory_fd = 5, overlay_fd = 6;

    void prepare() override {
        counting->grants.resize(2);
        files = std::make_unique<MemoryFileSystem>(options);
        ASSERT_TRUE(files->copy_from(host_directory(root() / "rw")));
        upper = MemoryFileSystem::overlay(host_directory(root() / "ro"), options);
        counting->grants.push_back({"/memory", files->root()});
        counting->grants.push_back({"/overlay", upper->root()});
        EXPECT_TRUE(files->attach(*counting));
        EXPECT_TRUE(upper->attach(*counting));
    }
    void TearDown() override {
        state.reset();
        EXPECT_EQ(read_text(root() / "ro" / "file"), "content");
    }
    Errno path2(auto function, uint32_t fd, std::string_view from, std::string_view to) {
        put(path_at, from);
        put(other_path_at, to);
        return call(function, fd, path_at, from.size(), fd, other_path_at, to.size());
    }
    Errno link(uint32_t fd, std::string_view from, std::string_view to) {
        put(path_at, from);
        put(other_path_at, to);
        return call(p1::path_link, fd, 0, path_at, from.size(), fd, other_path_at, to.size());
    }
    Errno symlink(uint32_t fd, std::string_view text, std::string_view path) {
        put(path_at, text);
        put(other_path_at, path);
        return call(p1::path_symlink, path_at, text.size(), fd, other_path_at, path.size());
    }
    std::string readlink(uint32_t fd, std::string_view path) {
        put(path_at, path);
        const Errno error = call(p1::path_readlink, fd, path_at, path.size(), data_at, 100, out);
        return error != Errno::success
                   ? std::string(wasi::errno_name(error))
                   : std::string(memory.begin() + data_at, memory.begin() + data_at + load<uint32_t>(out));
    }
    /// Opens, works, closes; what came of it as text.
    std::string use(uint32_t dir, std::string_view path, uint32_t oflags, wasi::Rights base, uint32_t fdflags,
                    bool follow, const std::function<std::string(uint32_t)>& work) {
        const Errno error = open(dir, path, oflags, base, fdflags, follow);
        if (error != Errno::success)
            return std::string(wasi::errno_name(error));
        const uint32_t fd = opened();
        std::string result = work(fd);
        EXPECT_EQ(call(p1::fd_close, fd), Errno::success);
        return result;
    }
    std::string status(uint32_t fd, std::string_view path, bool follow) {
        const Errno error = stat(fd, path, follow);
        if (error != Errno::success)
            return std::string(wasi::errno_name(error));
        const auto type = static_cast<wasi::FileType>(load<uint8_t>(out + 16));
        std::string text = std::to_string(static_cast<int>(type));
        // Sizes and links of directories are the host's own matter.
        if (type != wasi::FileType::directory)
            text += " " + std::to_string(load<uint64_t>(out + 24)) + " " +
                    std::to_string(load<uint64_t>(out + 32));
        return text;
    }
    /// Names by fd_readdir, with a buffer of this size.
    std::set<std::string> list(uint32_t fd, uint32_t buffer_bytes) {
        std::set<std::string> names;
        uint64_t cookie = 0;
        for (int calls = 0; calls < 2000; ++calls) {
            EXPECT_EQ(call(p1::fd_readdir, fd, data_at, buffer_bytes, cookie, out), Errno::success);
            const uint32_t used = load<uint32_t>(out);
            uint32_t at = 0;
            while (used - at >= 24 && used - at - 24 >= load<uint32_t>(data_at + at + 16)) {
                const uint32_t length = load<uint32_t>(data_at + at + 16);
                cookie = load<uint64_t>(data_at + at);
                const auto begin = memory.begin() + data_at + at + 24;
                EXPECT_TRUE(names.emplace(begin, begin + length).second);
                at += 24 + length;
            }
            if (used < buffer_bytes)
                return names;
        }
        ADD_FAILURE() << "no end";
        return names;
    }
    std::string perform(uint32_t fd, uint32_t choice, const std::string& a, const std::string& b,
                        uint32_t number) {
        const auto name = [](Errno error) { return std::string(wasi::errno_name(error)); };
        switch (choice) {
            case 0: return name(on_path(p1::path_create_directory, fd, a));
            case 1: return name(on_path(p1::path_remove_directory, fd, a));
            case 2: return name(on_path(p1::path_unlink_file, fd, a));
            case 3: return name(rename(fd, a, fd, b));
            case 4: return name(link(fd, a, b));
            case 5: return name(symlink(fd, b, a));
            case 6: return readlink(fd, a);
            case 7: return status(fd, a, number % 2 == 0);
            case 8:
                return use(fd, a, number % 16, right::fd_read | right::fd_seek, 0, number % 3 != 0,
                           [&](uint32_t file) {
                               put_iovec(0, data_at, 100);
                               const Errno error = call(p1::fd_read, file, iovecs_at, 1, out);
                               return error != Errno::success
                                          ? name(error)
                                          : std::string(memory.begin() + data_at,
                                                        memory.begin() + data_at + load<uint32_t>(out));
                           });
            default: break;
        }
        return use(fd, a, number % 16, all, number % 5 == 0 ? wasi::fdflag::append : 0, number % 3 != 0,
                   [&](uint32_t file) {
                       std::string done;
                       done += name(call(p1::fd_seek, file, number % 20, number % 3, out)) + " ";
                       done += name(write(file, a)) + " ";
                       if (number % 4 == 0)
                           done += name(call(p1::fd_filestat_set_size, file, number % 9)) + " ";
                       if (number % 7 == 0)
                           done += name(call(p1::fd_allocate, file, number % 13, 5)) + " ";
                       done += name(call(p1::fd_tell, file, out)) + " " + std::to_string(load<uint64_t>(out));
                       return done;
                   });
    }
    MemoryFileSystem::Options options;
    std::unique_ptr<MemoryFileSystem> files;
    std::unique_ptr<MemoryFileSystem> upper;
};

TEST_F(MemoryTest, AnswersAsTheHostDoes) {
    std::mt19937 random(7);
    const std::vector<std::string> names{
        "file",  "dir",    "link",      "a",        "b",        "dir/a",      "dir/b", "a/b",
        "a/b/c", "dir/..", "../secret", "out",      "updir",    "./a",        "a/",    "dir/",
        "link/", "file/",  "b/../a",    "dir/../a", "updir/a",  "absolute/x", ".",     "..",
        "a/./b", "dir//b", "link/../a", "b/b",      "b/a/../b", "a/.."};
    for (int step = 0; step < 20'000; ++step) {
        const auto choice = static_cast<uint32_t>(random() % 12);
        const std::string& a = names[random() % names.size()];
        const std::string& b = names[random() % names.size()];
        const auto number = static_cast<uint32_t>(random() % 5040);
        const std::string expected = perform(rw, choice, a, b, number);
        ASSERT_EQ(perform(memory_fd, choice, a, b, number), expected)
            << "step " << step << ", operation " << choice << " of " << a << ", " << b << ", " << number;
        ASSERT_EQ(perform(overlay_fd, choice, a, b, number), expected)
            << "overlay, step " << step << ", operation " << choice << " of " << a << ", " << b;
        if (step % 50 == 0) {
            ASSERT_EQ(list(memory_fd, 64 + number % 500), list(rw, 4096));
            ASSERT_EQ(list(overlay_fd, 4096), list(rw, 4096));
        }
    }
    EXPECT_EQ(read_text(root() / "secret"), "secret");
}

TEST_F(MemoryTest, MemoryIsChargedAndGivenBack) {
    const uint64_t before = files->used_bytes();
    const uint64_t charged = counting->used[wasi::Charge::host_memory_bytes];
    ASSERT_EQ(open(memory_fd, "big", oflag::creat, all), Errno::success);
    const uint32_t fd = opened();
    // A hole takes nothing.
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, uint64_t{1} << 40), Errno::success);
    EXPECT_LT(files->used_bytes() - before, 2000u);
    put_iovec(0, 0, 20'000);
    EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, uint64_t{1} << 39, out), Errno::success);
    EXPECT_GE(files->used_bytes() - before, 20'000u);
    EXPECT_EQ(counting->used[wasi::Charge::host_memory_bytes] - charged, files->used_bytes() - before);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, 0), Errno::success);
    EXPECT_LT(files->used_bytes() - before, 2000u);
    EXPECT_EQ(call(p1::fd_filestat_set_size, fd, ~uint64_t{0} >> 1), Errno::success);
    put_iovec(0, 0, 2);
    EXPECT_EQ(call(p1::fd_pwrite, fd, iovecs_at, 1, ~uint64_t{0} >> 1, out), Errno::fbig);
    // An open file that has no name any more keeps its content until it is closed.
    EXPECT_EQ(on_path(p1::path_unlink_file, memory_fd, "big"), Errno::success);
    EXPECT_EQ(call(p1::fd_close, fd), Errno::success);
    EXPECT_EQ(files->used_bytes(), before);
    EXPECT_EQ(counting->used[wasi::Charge::host_memory_bytes], charged);
}

TEST_F(MemoryTest, ItsSizeIsBounded) {
    options.max_bytes = 30'000;
    start();
    memory.assign(1U << 20, 'x');
    ASSERT_EQ(open(memory_fd, "big", oflag::creat, all), Errno::success);
    const uint32_t fd = opened();
    put_iovec(0, 65'536, 100'000);
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 1, out), Errno::success);
    EXPECT_LT(load<uint32_t>(out), 30'000u);
    EXPECT_EQ(call(p1::fd_write, fd, iovecs_at, 1, out), Errno::nospc);
    Errno error = Errno::success;
    for (int i = 0; i < 100 && error == Errno::success; ++i)
        error = on_path(p1::path_create_directory, memory_fd, "d" + std::to_string(i));
    EXPECT_EQ(error, Errno::nospc);
    EXPECT_LE(files->used_bytes(), 30'000u);
    // The policy's limit counts as well, and may end the guest.
    counting->limits[wasi::Charge::host_memory_bytes] = 0;
    EXPECT_EQ(on_path(p1::path_create_directory, overlay_fd, "new"), Errno::canceled);
}

TEST_F(MemoryTest, DeepTreesAreTakenDownWithoutRecursion) {
    options.max_bytes = uint64_t{256} << 20;
    start();
    uint32_t fd = memory_fd;
    for (int depth = 0; depth < 100'000; ++depth) {
        ASSERT_EQ(on_path(p1::path_create_directory, fd, "d"), Errno::success);
        ASSERT_EQ(open(fd, "d", oflag::directory, all & ~right::fd_write), Errno::success);
        if (fd != memory_fd) {
            ASSERT_EQ(call(p1::fd_close, fd), Errno::success);
        }
        fd = opened();
    }
    state.reset();
    files.reset();
}

TEST_F(MemoryTest, RemovedDirectoriesStayEmpty) {
    ASSERT_EQ(open(memory_fd, "dir", oflag::directory, all & ~right::fd_write), Errno::success);
    const uint32_t dir = opened();
    EXPECT_EQ(on_path(p1::path_remove_directory, memory_fd, "dir"), Errno::success);
    EXPECT_EQ(open(dir, "new", oflag::creat), Errno::noent);
    EXPECT_EQ(on_path(p1::path_create_directory, dir, "new"), Errno::noent);
    EXPECT_EQ(rename(memory_fd, "file", dir, "file"), Errno::noent);
}

TEST_F(MemoryTest, DescriptorsBeneathCannotGoUp) {
    ASSERT_EQ(open(memory_fd, "dir", oflag::directory, all & ~right::fd_write), Errno::success);
    const uint32_t dir = opened();
    for (const char* path : {"..", "../file", "./../file", "/file"})
        EXPECT_EQ(open(dir, path), Errno::notcapable) << path;
}

TEST_F(MemoryTest, KindsDoNotMix) {
    EXPECT_EQ(rename(rw, "file", memory_fd, "moved"), Errno::xdev);
    EXPECT_EQ(rename(memory_fd, "file", rw, "moved"), Errno::xdev);
    EXPECT_EQ(rename(memory_fd, "file", overlay_fd, "moved"), Errno::xdev);
    put(path_at, "file");
    put(other_path_at, "linked");
    EXPECT_EQ(call(p1::path_link, memory_fd, 0, path_at, 4, rw, other_path_at, 6), Errno::xdev);
}

TEST_F(MemoryTest, ReadOnlyGrantsOfIt) {
    counting->grants[2].access = wasi::Access::read_only;
    state = wasi::Preview1::create(*counting).value();
    EXPECT_EQ(on_path(p1::path_unlink_file, memory_fd, "file"), Errno::rofs);
    EXPECT_EQ(open(memory_fd, "file", oflag::trunc, right::fd_read), Errno::rofs);
    ASSERT_EQ(open(memory_fd, "file"), Errno::success);
    EXPECT_EQ(read(opened()), "content");
}

TEST_F(MemoryTest, TimesComeFromThePolicyAndCanBeSet) {
    EXPECT_EQ(on_path(p1::path_create_directory, memory_fd, "new"), Errno::success);
    EXPECT_EQ(stat(memory_fd, "new"), Errno::success);
    EXPECT_GT(load<uint64_t>(out + 48), 1'000'000'000'000'000'000u);
    put(path_at, "new");
    EXPECT_EQ(call(p1::path_filestat_set_times, memory_fd, 0, path_at, 3, 5, 7, 5), Errno::success);
    EXPECT_EQ(stat(memory_fd, "new"), Errno::success);
    EXPECT_EQ(load<uint64_t>(out + 40), 5u);
    EXPECT_EQ(load<uint64_t>(out + 48), 7u);
}

TEST_F(MemoryTest, CookiesSurviveChanges) {
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(on_path(p1::path_create_directory, memory_fd, "dir/" + std::to_string(i)), Errno::success);
    ASSERT_EQ(open(memory_fd, "dir", oflag::directory, right::fd_readdir), Errno::success);
    const uint32_t dir = opened();
    std::set<std::string> names;
    uint64_t cookie = 0;
    for (int i = 0; i < 52; ++i) {
        ASSERT_EQ(call(p1::fd_readdir, dir, data_at, 27, cookie, out), Errno::success);
        const uint32_t length = load<uint32_t>(data_at + 16);
        cookie = load<uint64_t>(data_at);
        std::string name(memory.begin() + data_at + 24, memory.begin() + data_at + 24 + length);
        EXPECT_TRUE(names.insert(name).second) << name;
        if (name.front() != '.') {
            EXPECT_EQ(on_path(p1::path_remove_directory, memory_fd, "dir/" + name), Errno::success);
        }
    }
    EXPECT_EQ(names.size(), 52u);
}

TEST_F(MemoryTest, AnOverlayLeavesWhatIsBelow) {
    ASSERT_EQ(open(overlay_fd, "link", 0, all), Errno::success);
    const uint32_t fd = opened();
    EXPECT_EQ(read(fd), "content");
    EXPECT_EQ(write(fd, "+more"), Errno::success);
    EXPECT_EQ(call(p1::fd_seek, fd, 0, 0, out), Errno::success);
    EXPECT_EQ(read(fd), "content+more");
    EXPECT_EQ(on_path(p1::path_unlink_file, overlay_fd, "out"), Errno::success);
    EXPECT_EQ(open(overlay_fd, "out", 0, right::fd_read, 0, false), Errno::noent);
    EXPECT_EQ(rename(overlay_fd, "dir", overlay_fd, "moved"), Errno::success);
    EXPECT_EQ(status(overlay_fd, "dir", true), "noent");
    EXPECT_TRUE(fs::is_symlink(root() / "ro" / "out"));
    EXPECT_TRUE(fs::is_directory(root() / "ro" / "dir"));
    // One that is open for reading sees what another writes.
    ASSERT_EQ(open(overlay_fd, "file"), Errno::success);
    EXPECT_EQ(read(opened()), "content+more");
}

TEST_F(MemoryTest, FillingIsChecked) {
    MemoryFileSystem empty({.max_bytes = 16'000});
    EXPECT_TRUE(empty.add_file("a/b/c", bytes_of("text")));
    EXPECT_EQ(empty.add_file("a/b/c", bytes_of("text")).error(), Errno::exist);
    EXPECT_EQ(empty.add_file("a/b/c/d", {}).error(), Errno::notdir);
    for (const char* path : {"", ".", "/", "..", "a/../b", "../b"})
        EXPECT_EQ(empty.add_file(path, {}).error(), Errno::inval) << path;
    EXPECT_EQ(empty.add_file(std::string("a\0b", 3), {}).error(), Errno::inval);
    EXPECT_EQ(empty.add_symlink("s", "").error(), Errno::inval);
    EXPECT_EQ(empty.add_link("l", "absent").error(), Errno::noent);
    EXPECT_EQ(empty.add_link("l", "a").error(), Errno::perm);
    EXPECT_TRUE(empty.add_link("l", "a/b/c"));
    const std::vector<uint8_t> big(20'000);
    EXPECT_EQ(empty.add_file("big", big).error(), Errno::nospc);
    EXPECT_LE(empty.used_bytes(), 16'000u);
}

}  // namespace
}  // namespace wsb::testing
