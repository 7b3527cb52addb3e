// SPDX-License-Identifier: Apache-2.0
// wasi_snapshot_preview1 for one guest: its functions over a policy and a table of descriptors. They check
// rights, counts and guest memory; what a descriptor then does is its own matter (descriptor.h).
//
// Pointers out of the memory give `fault`. `canceled` ends the guest (policy.h).
#pragma once

#include "wasi/abi.h"
#include "wasi/guest_memory.h"
#include "wasi/handle_table.h"
#include "wasi/policy.h"
#include "wsb/engine.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace wsb::wasi {

inline constexpr std::string_view preview1_module = "wasi_snapshot_preview1";
/// The draft before it: the same functions without sock_accept, see Layout.
inline constexpr std::string_view unstable_module = "wasi_unstable";

/// The state of one guest. One thread at a time. Must outlive the stores that use it, and the policy it.
class Preview1 {
public:
    /// Takes the policy's standard streams and preopens into the table.
    /// @return limit_exceeded if they are more than max_open_files or the policy allows.
    [[nodiscard]] static Result<std::unique_ptr<Preview1>> create(Policy& policy);
    Preview1(const Preview1&) = delete;
    Preview1& operator=(const Preview1&) = delete;
    /// Gives back what is still open.
    ~Preview1();

    /// As it was when it was made: what the guest opened is closed, and what it is given is taken anew. The
    /// policy's accounts are its own business. @return what create does.
    [[nodiscard]] Result<void> restart();

    /// Defines those functions of the table p1.def that are imported, of both versions. @return
    /// out_of_memory.
    [[nodiscard]] Result<void> define_in(Linker& linker, std::span<const ImportType> imports);
    /// The same for any guests: `find` says whose call it is. It must not fail.
    [[nodiscard]] static Result<void> define_in(Linker& linker, std::span<const ImportType> imports,
                                                Preview1& (*find)(const Caller& caller) noexcept);

    [[nodiscard]] Policy& policy() noexcept { return m_policy; }
    [[nodiscard]] HandleTable& handles() noexcept { return m_handles; }
    /// The memory of the calling instance, exported as "memory"; nullopt if there is none.
    [[nodiscard]] static std::optional<GuestMemory> memory_of(const Caller& caller);

    /// Ends the guest with this when the function has returned.
    [[nodiscard]] std::unexpected<Errno> end(Failure failure) {
        m_ending = std::move(failure);
        return refuse(Errno::canceled);
    }
    /// How the guest ends, after a function returned `canceled`.
    [[nodiscard]] Failure take_ending();

private:
    explicit Preview1(Policy& policy) noexcept : m_policy(policy), m_handles(policy.max_open_files()) {}

    Policy& m_policy;
    HandleTable m_handles;
    std::optional<Failure> m_ending;
};

/// Whether there is such a function: of preview 1, or of the draft before it.
[[nodiscard]] bool is_wasi_function(std::string_view module, std::string_view name) noexcept;

/// What a function sees: the guest's state, and its memory for the time of the call.
struct Call {
    Preview1& state;
    GuestMemory memory;
    const Layout& layout = preview1_layout;

    [[nodiscard]] Policy& policy() const noexcept { return state.policy(); }
    [[nodiscard]] HandleTable& handles() const noexcept { return state.handles(); }

    /// A new descriptor, charged. @return `mfile`, or what the policy says.
    [[nodiscard]] Outcome<uint32_t> add(Handle handle) const;
    /// Waits until the descriptor is ready, if it is one to wait for. @param events of poll(2).
    [[nodiscard]] Outcome<void> wait_for(const Descriptor& descriptor, short events) const;
};

/// The functions. Parameters are the guest's and unchecked.
namespace p1 {
#define WSB_P1(name, ...) [[nodiscard]] Outcome<void> name(Call& call __VA_OPT__(, ) __VA_ARGS__);
#define WSB_P1_EXIT(name, ...)
#include "wasi/p1.def"
#undef WSB_P1
#undef WSB_P1_EXIT
}  // namespace p1

}  // namespace wsb::wasi
