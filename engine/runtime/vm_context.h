// SPDX-License-Identifier: Apache-2.0
// The structures that executing code touches: one definition for all tiers. Standard layout; addresses
// are stable for the life of the store. Everything else of the runtime is built around them.
#pragma once

#include "engine/base/index.h"
#include "engine/isa/canon.h"
#include "engine/isa/traps.h"
#include "engine/runtime/host_place.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace wsb::lower {
struct Code;
}

namespace wsb::runtime {

/// 64 bits, untagged: i32 zero-extended, f32 in the low half, references as below; v128 takes two.
using Slot = uint64_t;

struct Exception;
struct TypeInfo;
struct VmContext;
struct VmInstance;
class Store;

/// A function of a store. A funcref is the address of one; null is 0.
struct VmFunc {
    CanonId type = 0;
    uint32_t param_slots = 0;
    uint32_t result_slots = 0;
    const lower::Code* code = nullptr;   ///< Wasm functions
    VmInstance* instance = nullptr;      ///< Wasm functions: where it lives
    const void* native_entry = nullptr;  ///< Code::native_entry, if that is final when modules are loaded
    HostEntry host = nullptr;            ///< host functions
    void* host_environment = nullptr;    ///< a HostPlace, owned by the store
    FuncIdx index;                       ///< in its module; host functions: no meaning
};

/// A linear memory. The base never moves: growth makes reserved pages accessible.
struct VmMemory {
    uint8_t* base = nullptr;
    uint64_t size_bytes = 0;  ///< of a shared memory always 0, so that code for others finds nothing in it
    const std::atomic<uint64_t>* shared_size_bytes = nullptr;  ///< shared memories only

    [[nodiscard]] bool is_shared() const noexcept { return shared_size_bytes != nullptr; }
    [[nodiscard]] uint64_t current_size_bytes() const noexcept {
        return is_shared() ? shared_size_bytes->load() : size_bytes;
    }
};

/// What an instance without memories has as its first one.
inline constinit VmMemory no_memory{};

/// A table: elements are reference slots (funcref: VmFunc*, externref: handle, null: 0).
struct VmTable {
    Slot* elements = nullptr;
    uint64_t size = 0;
};

/// A global: 16 bytes so that v128 fits.
struct VmGlobal {
    alignas(16) Slot value[2] = {0, 0};
};

/// What code of one instance reaches. Arrays are indexed by the module's index spaces.
struct VmInstance {
    VmContext* context = nullptr;
    VmFunc** funcs = nullptr;
    VmMemory** memories = nullptr;
    VmMemory* first_memory = &no_memory;  ///< memories[0], or an empty one
    VmTable** tables = nullptr;
    VmGlobal** globals = nullptr;
    /// By module type index, null for functions; null if the module has no other types.
    const TypeInfo* const* type_infos = nullptr;
    void* owner = nullptr;  ///< the runtime::Instance around it
};

/// An entry from the host that is under way, and where the guest code below it stands (null if there is
/// none): how frames of all nested entries are found.
struct Activation {
    const uint64_t* outer_ip = nullptr;  ///< the cell that called the host
    Slot* outer_sp = nullptr;
    const Activation* outer = nullptr;
};

/// Execution state of one store; one thread at a time.
struct VmContext {
    Store* store = nullptr;
    Slot* stack_begin = nullptr;  ///< guest stack, lowest slot
    Slot* stack_limit = nullptr;  ///< frames must end below it
    Slot* stack_top = nullptr;    ///< where the next entry from the host may put its frame
    int64_t fuel_left = 0;        ///< true remaining fuel while no guest code runs (host calls included)
    /// Fuel behind that of this slice: when the slice is used up, Store::next_slice looks whether the run may
    /// go on. 0: there is one slice, which is all.
    uint64_t fuel_reserve = 0;
    int64_t fuel_asked = 0;  ///< for a bulk operation that did not get it
    bool is_sliced = false;
    bool fuel_is_limited = false;
    uint32_t host_depth = 0;                 ///< nested host → guest entries
    const Activation* activation = nullptr;  ///< the innermost entry
    // Set when execution stops early:
    TrapCode trap = TrapCode::none;
    const uint64_t* trap_ip = nullptr;       ///< the cell that trapped, called the host or allocates
    Slot* trap_sp = nullptr;                 ///< its frame
    const Exception* uncaught = nullptr;     ///< with TrapCode::uncaught_exception
    VmInstance* handler_instance = nullptr;  ///< where a caught exception goes on, at trap_ip, trap_sp
};

/// Upper bound of fuel; also what "unlimited" counts down from.
inline constexpr int64_t fuel_unlimited = int64_t{1} << 62;

static_assert(std::is_standard_layout_v<VmContext> && std::is_standard_layout_v<VmInstance> &&
              std::is_standard_layout_v<VmFunc>);

}  // namespace wsb::runtime
