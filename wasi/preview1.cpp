// SPDX-License-Identifier: Apache-2.0
// Setting up a guest's WASI state, and linking the functions of p1.def.
#include "wasi/preview1.h"

#include "engine/base/check.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <utility>

namespace wsb::wasi {
namespace {

constexpr std::array function_names{
#define WSB_P1(name, ...) std::string_view(#name),
#define WSB_P1_EXIT(name, ...) std::string_view(#name),
#include "wasi/p1.def"
#undef WSB_P1
#undef WSB_P1_EXIT
};

Handle stream_handle(std::shared_ptr<Descriptor> descriptor, bool is_input) noexcept {
    Handle handle;
    handle.type = descriptor->type();
    const Rights possible = descriptor->possible_rights();
    handle.base = possible & right::file & ~right::change & ~right::fd_read;
    handle.base |= possible & (is_input ? right::fd_read : right::fd_write);
    handle.on_write = Charge::output_bytes;
    handle.descriptor = std::move(descriptor);
    return handle;
}

/// Whose functions they are: one guest's, or that of whoever calls.
struct Guest {
    Preview1* only = nullptr;
    Preview1& (*find)(const Caller& caller) noexcept = nullptr;

    [[nodiscard]] Preview1& of(const Caller& caller) const noexcept {
        return only != nullptr ? *only : find(caller);
    }
};

/// One function as the linker takes it.
template <class... Args>
HostFunction host_function(Guest guest, std::string_view name, const Layout& layout,
                           Outcome<void> (*function)(Call&, Args...)) {
    return HostFunction::from(
        [guest, &layout, name, function](Caller& caller, Args... args) -> CallResult<uint32_t> {
            Preview1& state = guest.of(caller);
            const auto memory = Preview1::memory_of(caller);
            if (!memory) [[unlikely]]
                return host_trap("a module that uses WASI must export its memory as \"memory\"");
            Call call{state, *memory, layout};
            auto outcome = state.policy().charge(Charge::host_calls, 1, nullptr);
            if (outcome)
                outcome = function(call, args...);
            if (outcome)
                return static_cast<uint32_t>(Errno::success);
            if (outcome.error() == Errno::canceled)
                return std::unexpected(state.take_ending());
            if (outcome.error() == Errno::notcapable || outcome.error() == Errno::rofs)
                state.policy().denied(name, outcome.error());
            return static_cast<uint32_t>(outcome.error());
        });
}

CallResult<void> proc_exit(uint32_t status) {
    return exit_with(status);
}

}  // namespace

bool is_wasi_function(std::string_view module, std::string_view name) noexcept {
    constexpr std::string_view not_in_unstable = "sock_accept";
    if (module != preview1_module && (module != unstable_module || name == not_in_unstable))
        return false;
    return std::ranges::find(function_names, name) != function_names.end();
}

Result<std::unique_ptr<Preview1>> Preview1::create(Policy& policy) {
    std::unique_ptr<Preview1> state(new Preview1(policy));
    WSB_TRY(state->restart());
    return state;
}

Result<void> Preview1::restart() {
    m_handles = HandleTable(m_policy.max_open_files());
    m_ending.reset();
    const auto take = [&](uint32_t number, Handle handle) -> Result<void> {
        if (m_policy.charge(Charge::open_descriptors, 1, nullptr)) {
            if (m_handles.insert_at(number, std::move(handle)))
                return {};
            m_policy.refund(Charge::open_descriptors, 1, nullptr);
        }
        return fail(ErrorCode::limit_exceeded,
                    "more standard streams and directories than open files are allowed");
    };
    auto streams = m_policy.standard_streams();
    for (uint32_t number = 0; number < streams.size(); ++number) {
        if (streams[number])
            WSB_TRY(take(number, stream_handle(std::move(streams[number]), number == 0)));
    }
    uint32_t number = streams.size();
    for (const Preopen& preopen : m_policy.preopens())
        WSB_TRY(take(number++, handle_of(preopen)));
    return {};
}

Preview1::~Preview1() {
    m_policy.refund(Charge::open_descriptors, m_handles.count(), nullptr);
}

Failure Preview1::take_ending() {
    if (!m_ending)
        return m_policy.ending();
    Failure ending = *std::move(m_ending);
    m_ending.reset();
    return ending;
}

Outcome<uint32_t> Call::add(Handle handle) const {
    WSB_TRY(policy().charge(Charge::open_descriptors, 1, nullptr));
    auto number = handles().insert(std::move(handle));
    if (!number)
        policy().refund(Charge::open_descriptors, 1, nullptr);
    return number;
}

Outcome<void> Call::wait_for(const Descriptor& descriptor, short events) const {
    if (descriptor.wait_fd() < 0)
        return {};
    std::array entries{pollfd{descriptor.wait_fd(), events, 0}};
    return policy().wait(entries, std::nullopt);
}

std::optional<GuestMemory> Preview1::memory_of(const Caller& caller) {
    const auto memory = caller.memory();
    if (!memory)
        return std::nullopt;
    return GuestMemory(memory->data());
}

namespace {

Result<void> define_for(Guest guest, Linker& linker, std::span<const ImportType> imports) {
    const auto define = [&](const ImportType& import) -> Result<void> {
        const Layout& layout = import.module == preview1_module ? preview1_layout : unstable_layout;
#define WSB_P1(row, ...)     \
    if (import.name == #row) \
        return linker.define(import.module, #row, host_function(guest, #row, layout, &p1::row));
#define WSB_P1_EXIT(row, ...) \
    if (import.name == #row)  \
        return linker.function(import.module, #row, &row);
#include "wasi/p1.def"
#undef WSB_P1
#undef WSB_P1_EXIT
        WSB_UNREACHABLE();
    };
    for (const ImportType& import : imports) {
        if (is_wasi_function(import.module, import.name))
            WSB_TRY(define(import));
    }
    return {};
}

}  // namespace

Result<void> Preview1::define_in(Linker& linker, std::span<const ImportType> imports) {
    return define_for({.only = this}, linker, imports);
}

Result<void> Preview1::define_in(Linker& linker, std::span<const ImportType> imports,
                                 Preview1& (*find)(const Caller& caller) noexcept) {
    return define_for({.find = find}, linker, imports);
}

}  // namespace wsb::wasi
