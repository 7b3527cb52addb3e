// SPDX-License-Identifier: Apache-2.0
// What the entry of a host function needs of the store that it is called from. Self-contained: entries are
// made from C++ callables in the public API's headers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wsb::runtime {

class Store;
struct VmContext;
struct VmInstance;

/// How a host function ended.
enum class HostOutcome : uint32_t {
    returned,  ///< results are in the slots
    trapped,   ///< VmContext::trap says why
};

/// A host function: parameters begin at `slots[0]`, results are written from `slots[0]` on (there is room
/// for the larger of the two). `caller` is the calling instance, null when called by the host itself.
/// Must not throw.
using HostEntry = HostOutcome (*)(void* environment, VmContext& context, VmInstance* caller,
                                  uint64_t* slots) noexcept;

/// VmFunc::host_environment: addresses, so that a call which needs no more does not have to ask.
struct HostPlace {
    const void* definition = nullptr;    ///< what was given to Store::host_func
    Store* store = nullptr;              ///< whose function it is
    const size_t* root_count = nullptr;  ///< HostRoots::size
    const bool* is_sliced = nullptr;  ///< VmContext::is_sliced: whether Store wants to be asked after a call
};

}  // namespace wsb::runtime
