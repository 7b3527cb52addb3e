// SPDX-License-Identifier: Apache-2.0
// Runs a guest on file systems in memory that begin as directories of the host:
//   wasi-memory-runner memory|overlay WRITABLE READ_ONLY PROGRAM
// What the guest gets is as with `run --dir WRITABLE::/rw --dir READ_ONLY::/ro:ro PROGRAM`, but that nothing
// it does reaches the host.
#include "sandbox/policy.h"
#include "tests/unit/wasi/counting_policy.h"
#include "wasi/host_directory.h"
#include "wasi/memory_files.h"
#include "wasi/preview1.h"
#include "wsb/linker.hpp"
#include "wsb/module.hpp"
#include "wsb/store.hpp"

#include <cstdio>
#include <fcntl.h>
#include <string_view>

namespace wsb::testing {
namespace {

constexpr wasi::MemoryFileSystem::Options options{.max_bytes = uint64_t{64} << 20};

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
    Grants grants;
    grants.args = {program};
    grants.streams = {0, 1, 2};
    grants.clock = ClockMode::real;
    grants.random = RandomMode::system;
    constexpr uint64_t max_open_files = 1024;
    sandbox::Account account{Ledger::create({}), {}};
    WSB_TRY_ASSIGN(const auto inner, sandbox::GrantedPolicy::create(grants, max_open_files, account));
    CountingPolicy policy(*inner);
    WSB_TRY_ASSIGN(const auto first, files_from(way, writable));
    WSB_TRY_ASSIGN(const auto second, files_from(way, read_only));
    policy.grants.push_back({"/rw", first->root()});
    policy.grants.push_back({"/ro", second->root(), wasi::Access::read_only});
    if (!first->attach(policy) || !second->attach(policy))
        return fail(ErrorCode::limit_exceeded, "the directories do not fit");
    const Engine engine;
    WSB_TRY_ASSIGN(const Module module, Module::from_file(engine, program));
    WSB_TRY_ASSIGN(const auto state, wasi::Preview1::create(policy));
    Linker linker(engine);
    WSB_TRY(state->define_in(linker));
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
