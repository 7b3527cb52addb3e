// SPDX-License-Identifier: Apache-2.0
// Setting up a guest's WASI state, and linking the functions of p1.def.
#include "wasi/preview1.h"

#include "wasi/file_status.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>

namespace wsb::wasi {
namespace {

constexpr std::array function_names{
#define WSB_P1(name, ...) std::string_view(#name),
#define WSB_P1_EXIT(name, ...) std::string_view(#name),
#include "wasi/p1.def"
#undef WSB_P1
#undef WSB_P1_EXIT
};

/// What reading, writing and type of an inherited stream allow.
Rights stream_rights(int fd, FileType type, bool is_input) noexcept {
    Rights rights = rights_for(type) & (right::file & ~right::change);
    const int mode = ::fcntl(fd, F_GETFL) & O_ACCMODE;
    const bool can_read = mode != O_WRONLY;
    const bool can_write = mode != O_RDONLY;
    if (!(is_input && can_read))
        rights &= ~right::fd_read;
    if (!is_input && can_write)
        rights |= right::fd_write;
    return rights;
}

Result<Handle> open_stream(int number, int host_fd) {
    struct stat status{};
    if (::fstat(host_fd, &status) != 0)
        return fail(ErrorCode::io_error,
                    "standard stream " + std::to_string(number) + " cannot be used: fstat failed");
    Handle handle;
    handle.host = HostFd::borrowed(host_fd);
    handle.type = file_type_of_mode(status.st_mode);
    handle.base = stream_rights(host_fd, handle.type, number == 0);
    handle.own_flags = 0;
    return handle;
}

Handle handle_of(const Preopen& preopen) noexcept {
    Handle handle;
    handle.host = HostFd::borrowed(preopen.host_fd);
    handle.type = FileType::directory;
    const Rights denied = preopen.is_read_only ? right::change : 0;
    handle.base = right::directory & ~denied;
    handle.inheriting = (right::directory | right::file) & ~denied;
    handle.preopen = &preopen;
    handle.is_preopen = true;
    return handle;
}

/// One function as the linker takes it.
template <class... Args>
HostFunction host_function(Preview1& state, Outcome<void> (*function)(Call&, Args...)) {
    return HostFunction::from([&state, function](Caller& caller, Args... args) -> CallResult<uint32_t> {
        const auto memory = state.memory_of(caller);
        if (!memory) [[unlikely]]
            return host_trap("a module that uses WASI must export its memory as \"memory\"");
        Call call{state, *memory};
        const auto outcome = function(call, args...);
        return static_cast<uint32_t>(outcome ? Errno::success : outcome.error());
    });
}

CallResult<void> proc_exit(uint32_t status) {
    return exit_with(status);
}

}  // namespace

bool is_preview1_function(std::string_view name) noexcept {
    return std::ranges::find(function_names, name) != function_names.end();
}

Result<std::unique_ptr<Preview1>> Preview1::create(Policy& policy) {
    std::unique_ptr<Preview1> state(new Preview1(policy));
    const auto too_many = [] {
        return fail(ErrorCode::limit_exceeded,
                    "more standard streams and directories than open files are allowed");
    };
    const auto streams = policy.standard_streams();
    for (uint32_t number = 0; number < streams.size(); ++number) {
        if (streams[number] < 0)
            continue;
        WSB_TRY_ASSIGN(Handle handle, open_stream(static_cast<int>(number), streams[number]));
        if (!state->m_handles.insert_at(number, std::move(handle)))
            return too_many();
    }
    uint32_t number = streams.size();
    for (const Preopen& preopen : policy.preopens()) {
        if (!state->m_handles.insert_at(number++, handle_of(preopen)))
            return too_many();
    }
    return state;
}

std::optional<GuestMemory> Preview1::memory_of(const Caller& caller) noexcept {
    const auto instance = caller.instance();
    if (!instance)
        return std::nullopt;
    if (m_memory_owner != &instance->impl()) {
        m_memory = caller.memory();
        m_memory_owner = &instance->impl();
    }
    if (!m_memory)
        return std::nullopt;
    return GuestMemory(m_memory->data());
}

Result<void> Preview1::define_in(Linker& linker) {
#define WSB_P1(name, ...) WSB_TRY(linker.define(preview1_module, #name, host_function(*this, &p1::name)));
#define WSB_P1_EXIT(name, ...) WSB_TRY(linker.function(preview1_module, #name, &name));
#include "wasi/p1.def"
#undef WSB_P1
#undef WSB_P1_EXIT
    return {};
}

}  // namespace wsb::wasi
