// SPDX-License-Identifier: Apache-2.0
// Runs a guest on file systems in memory that begin as directories of the host:
//   wasi-memory-runner memory|overlay WRITABLE READ_ONLY PROGRAM
// What the guest gets is as with `run --dir WRITABLE::/rw --dir READ_ONLY::/ro:ro PROGRAM`, but that nothing
// it does reaches the host.
#include "wasi/host_directory.h"
#include "wasi/host_stream.h"
#include "wasi/memory_files.h"
#include "wasi/preview1.h"
#include "wsb/linker.hpp"
#include "wsb/module.hpp"
#include "wsb/store.hpp"

#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/random.h>
#include <vector>

namespace wsb::testing {
namespace {

constexpr wasi::MemoryFileSystem::Options options{.max_bytes = uint64_t{64} << 20};

/// The process's standard streams, two directories, and the real clock.
class TwoDirectories final : public wasi::Policy {
public:
    TwoDirectories(std::shared_ptr<wasi::Descriptor> writable, std::shared_ptr<wasi::Descriptor> read_only) {
        m_preopens.push_back({"/rw", std::move(writable)});
        m_preopens.push_back({"/ro", std::move(read_only), wasi::Access::read_only});
        for (int number = 0; number < 3; ++number)
            m_streams[static_cast<size_t>(number)] =
                wasi::adopt_host(wasi::HostFd::borrowed(number)).value_or(nullptr);
    }

    [[nodiscard]] std::span<const std::string> args() const noexcept override { return m_args; }
    [[nodiscard]] std::span<const std::string> environment() const noexcept override { return {}; }
    [[nodiscard]] std::span<const wasi::Preopen> preopens() const noexcept override { return m_preopens; }
    [[nodiscard]] std::array<std::shared_ptr<wasi::Descriptor>, 3> standard_streams()
        const noexcept override {
        return m_streams;
    }
    [[nodiscard]] uint32_t max_open_files() const noexcept override { return 1024; }
    [[nodiscard]] wasi::Outcome<uint64_t> clock_resolution_ns(wasi::ClockId) noexcept override {
        return uint64_t{1};
    }
    [[nodiscard]] wasi::Outcome<uint64_t> clock_time_ns(wasi::ClockId) noexcept override {
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
    }
    [[nodiscard]] wasi::Outcome<void> wait(std::span<pollfd> descriptors,
                                           std::optional<uint64_t>) noexcept override {
        if (::poll(descriptors.data(), descriptors.size(), -1) < 0)
            return wasi::refuse_with_host_errno();
        return {};
    }
    [[nodiscard]] wasi::Outcome<void> random(std::span<uint8_t> target) noexcept override {
        if (::getrandom(target.data(), target.size(), 0) < 0)
            return wasi::refuse_with_host_errno();
        return {};
    }
    [[nodiscard]] wasi::Outcome<void> allow(const wasi::PathRequest&) override { return {}; }

private:
    std::vector<std::string> m_args{"program"};
    std::vector<wasi::Preopen> m_preopens;
    std::array<std::shared_ptr<wasi::Descriptor>, 3> m_streams;
};

Result<std::unique_ptr<wasi::MemoryFileSystem>> files_from(std::string_view way, const char* path) {
    auto lower =
        std::make_shared<wasi::HostDirectory>(wasi::HostFd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (way == "overlay")
        return wasi::MemoryFileSystem::overlay(lower, options);
    auto files = std::make_unique<wasi::MemoryFileSystem>(options);
    if (!files->copy_from(lower))
        return fail(ErrorCode::io_error, "cannot copy a directory");
    return files;
}

CallResult<void> run(std::string_view way, const char* writable, const char* read_only, const char* program) {
    WSB_TRY_ASSIGN(const auto first, files_from(way, writable));
    WSB_TRY_ASSIGN(const auto second, files_from(way, read_only));
    TwoDirectories policy(first->root(), second->root());
    if (!first->attach(policy) || !second->attach(policy))
        return fail(ErrorCode::limit_exceeded, "the directories do not fit");
    const Engine engine;
    WSB_TRY_ASSIGN(const Module module, Module::from_file(engine, program));
    WSB_TRY_ASSIGN(const auto state, wasi::Preview1::create(policy));
    Linker linker(engine);
    WSB_TRY(state->define_in(linker, module.imports()));
    WSB_TRY_ASSIGN(Store store, Store::create(engine));
    WSB_TRY_ASSIGN(const Instance instance, linker.instantiate(store, module));
    WSB_TRY_ASSIGN(const auto start, instance.typed_function<void()>("_start"));
    return start();
}

}  // namespace
}  // namespace wsb::testing

int main(int count, char** arguments) {
    if (count != 5) {
        std::fputs("usage: wasi-memory-runner memory|overlay WRITABLE READ_ONLY PROGRAM\n", stderr);
        return 2;
    }
    const auto outcome = wsb::testing::run(arguments[1], arguments[2], arguments[3], arguments[4]);
    if (outcome)
        return 0;
    if (const wsb::Exit* const exit = outcome.error().exit())
        return static_cast<int>(exit->status & 0xff);
    std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
    return 125;
}
