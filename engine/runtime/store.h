// SPDX-License-Identifier: Apache-2.0
// Store: owner of everything that runs, accountant of limits and fuel, and the way into the guest.
#pragma once

#include "engine/base/result.h"
#include "engine/runtime/config.h"
#include "engine/runtime/engine_state.h"
#include "engine/runtime/global.h"
#include "engine/runtime/heap.h"
#include "engine/runtime/heap_statistics.h"
#include "engine/runtime/host_roots.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/interrupt.h"
#include "engine/runtime/memory.h"
#include "engine/runtime/stack.h"
#include "engine/runtime/store_account.h"
#include "engine/runtime/table.h"
#include "engine/runtime/trap.h"
#include "engine/runtime/vm_context.h"

#include <any>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace wsb::runtime {

/// A function of the host's.
struct HostFunc : VmFunc, HostPlace {
    std::shared_ptr<void> environment;  ///< keeps the definition alive
};
/// From a HostEntry's environment.
[[nodiscard]] inline HostFunc& host_func_of(void* environment) noexcept {
    return static_cast<HostFunc&>(*static_cast<HostPlace*>(environment));
}

/// How far a store has come, for `rewind`: how many it has of what, and its accounts.
struct StoreMark {
    size_t modules = 0, host_funcs = 0, globals = 0, tags = 0, memories = 0, tables = 0, instances = 0;
    uint64_t memory_bytes = 0;
    uint64_t table_elements = 0;
    uint32_t memory_count = 0;
    uint32_t table_count = 0;
    uint32_t instance_count = 0;
};

/// What there is when a slice of fuel is used up.
struct NextSlice {
    uint64_t units = 0;  ///< 0: there is no more fuel, or the run is interrupted
    bool is_interrupted = false;
};

/// One thread at a time. Addresses of what it owns are stable.
class Store {
public:
    /// @return out_of_memory if the guest stack cannot be reserved.
    [[nodiscard]] static Result<std::unique_ptr<Store>> create(std::shared_ptr<const EngineState> engine,
                                                               const StoreLimits& limits);
    /// The same on a stack of the caller's.
    [[nodiscard]] static std::unique_ptr<Store> create_on(std::shared_ptr<const EngineState> engine,
                                                          const StoreLimits& limits, PageRange stack);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store();

    /// Fuel between two polls: 30 to 100 µs of usual code; with a fault of a new page every four
    /// instructions, 4 ms. A poll of 30 ns is then a tenth of a percent.
    static constexpr uint64_t slice_units = uint64_t{1} << 15;
    /// Host calls that poll by themselves as far as they wait. Others may take half a millisecond each.
    static constexpr uint32_t host_calls_per_poll = 16;

    /// What an engine's stores have for a stack.
    [[nodiscard]] static size_t stack_bytes(const EngineState& engine) noexcept;

    [[nodiscard]] VmContext& context() noexcept { return m_context; }
    [[nodiscard]] const EngineState& engine() const noexcept { return *m_engine; }
    [[nodiscard]] const std::shared_ptr<const EngineState>& shared_engine() const noexcept {
        return m_engine;
    }
    [[nodiscard]] TypeRegistry& registry() const noexcept { return *m_engine->registry; }

    // What belongs to the host rather than to an instance.
    [[nodiscard]] Result<Memory*> new_memory(const MemoryType& type);
    /// The store's memory for a shared one: the same each time. @return limit_exceeded.
    [[nodiscard]] Result<Memory*> attach(std::shared_ptr<SharedMemory> shared);
    [[nodiscard]] Result<Table*> new_table(const TableType& canonical_type, Slot init);
    [[nodiscard]] Global* new_global(const GlobalType& canonical_type, Slot low, Slot high);
    [[nodiscard]] Tag* new_tag(CanonId type);
    /// The function of the store for a host environment: the same one each time, so that references
    /// to it are equal. `entry` is called with the HostFunc's HostPlace as its environment.
    [[nodiscard]] HostFunc* host_func(CanonId type, HostEntry entry, std::shared_ptr<void> environment);
    /// @return a host reference (object.h); limit_exceeded.
    [[nodiscard]] Result<Slot> new_externref(std::any object);
    /// Null if it is no host reference of this store.
    [[nodiscard]] const std::any* externref(Slot reference) const noexcept;

    [[nodiscard]] Heap& heap() noexcept { return m_heap; }
    /// A new object, zeroed. Collects when it is time, so guest frames must be as Tier::mark_roots finds
    /// them and nothing else may hold an object. @return null if the memory limit forbids it.
    [[nodiscard]] Object* new_object(const TypeInfo& type, uint64_t size_bytes) noexcept;
    /// Frees every object that no guest frame, global, table, segment or host root refers to.
    void collect() noexcept;
    [[nodiscard]] HeapStatistics heap_statistics() const noexcept;
    /// Objects in the hands of the host.
    [[nodiscard]] HostRoots& host_roots() noexcept { return m_host_roots; }
    /// Tells the host roots of a value that the host is about to get. Throws std::bad_alloc.
    void hand_to_host(Slot slot, ValType canonical_type);

    /// Takes an instance over, for as long as the store lives.
    Instance* adopt(std::unique_ptr<Instance> instance);
    /// Modules of the instances, each once: what frames of the guest stack can belong to.
    [[nodiscard]] std::span<const std::shared_ptr<const CompiledModule>> modules() const noexcept {
        return m_modules;
    }

    /// Runs a function of this store: parameters in `slots`, results out; there is room for both.
    /// @return whether it returned; if not, take_failure says why.
    [[nodiscard]] bool run(const VmFunc& func, Slot* slots) noexcept;
    /// A Trap with its backtrace, an Exit, or an Error that a host function gave.
    [[nodiscard]] Failure take_failure() noexcept;
    /// Both in one.
    [[nodiscard]] CallResult<void> call(const VmFunc& func, Slot* slots) noexcept;
    /// Where the frame of a Wasm function that the host calls next will begin: parameters that are put there
    /// need not be copied. Null if so many slots have no room, or to a function of the host's.
    [[nodiscard]] Slot* next_frame(const VmFunc& func, size_t slots) const noexcept {
        const auto room = static_cast<size_t>(m_context.stack_limit - m_context.stack_top);
        return func.host == nullptr && slots <= room ? m_context.stack_top : nullptr;
    }
    /// Leaves the reason for which a host function is about to return HostOutcome::trapped.
    void set_pending(Failure failure) { m_pending = std::move(failure); }
    [[nodiscard]] const std::optional<Failure>& pending() const noexcept { return m_pending; }
    /// The guest caught what it was.
    void drop_pending() noexcept { m_pending.reset(); }

    // Limits. Charging fails, and remembers which limit it was, if it would exceed it.
    [[nodiscard]] bool charge_memory(uint64_t size_bytes, uint32_t count) noexcept;
    void release_memory(uint64_t size_bytes, uint32_t count) noexcept;
    /// Told by a Memory: it stands for the shared memory in this store, from now on or no longer.
    void note_shared(const SharedMemory& shared, Memory& memory) { m_shared_memories[&shared] = &memory; }
    void forget_shared(const SharedMemory& shared) noexcept { m_shared_memories.erase(&shared); }
    [[nodiscard]] bool charge_table(uint64_t elements, uint32_t count) noexcept;
    void release_table(uint64_t elements, uint32_t count) noexcept;
    [[nodiscard]] bool charge_instance() noexcept;
    void release_instance() noexcept;
    void set_limits(const StoreLimits& limits) noexcept { m_limits = limits; }
    [[nodiscard]] const StoreLimits& limits() const noexcept { return m_limits; }
    [[nodiscard]] std::optional<LimitKind> last_limit_reached() const noexcept { return m_last_limit; }
    [[nodiscard]] uint64_t memory_bytes() const noexcept { return m_memory_bytes; }
    [[nodiscard]] uint64_t peak_memory_bytes() const noexcept { return m_peak_memory_bytes; }

    // Fuel, in units.
    void set_fuel(std::optional<uint64_t> units) noexcept;
    [[nodiscard]] std::optional<uint64_t> fuel_left() const noexcept;
    [[nodiscard]] uint64_t fuel_consumed() const noexcept;
    [[nodiscard]] bool consume_fuel(uint64_t units) noexcept;

    // Interruption. With anything that may interrupt, fuel is handed out in slices.
    [[nodiscard]] const Interrupts& interrupts() const noexcept { return m_interrupts; }
    [[nodiscard]] Interrupts& interrupts() noexcept { return m_interrupts; }
    void set_deadline(std::optional<Interrupts::Clock::time_point> deadline) noexcept;
    void set_cpu_time(std::optional<std::chrono::nanoseconds> most) noexcept;
    void set_cancel(std::shared_ptr<const CancelState> cancel) noexcept;
    /// Asked by what takes long without using fuel. When it says so, the operation ends early, however it
    /// can, and the call traps with `interrupted`.
    [[nodiscard]] bool is_interrupted() noexcept {
        return m_context.is_sliced && (m_interruption = m_interrupts.poll()) != Interruption::none;
    }
    /// As long as it does not.
    [[nodiscard]] Patience patience() noexcept {
        return {[](void* store) noexcept { return static_cast<Store*>(store)->is_interrupted(); }, this};
    }
    /// After each host call.
    [[nodiscard]] bool is_interrupted_after_host_call() noexcept {
        return m_context.is_sliced && ++m_host_calls % host_calls_per_poll == 0 && is_interrupted();
    }
    /// Whether slices of fuel are also what TierUp is told by.
    [[nodiscard]] bool samples() const noexcept { return m_engine->sample_units != 0; }
    /// Asked at the end of each slice: whether to look at what is running.
    [[nodiscard]] bool is_time_to_look() noexcept {
        if (m_slices_unseen == 0)
            return samples();
        --m_slices_unseen;
        return false;
    }
    /// What is running has its machine code: the next slices need not be looked at.
    void look_later() noexcept { m_slices_unseen = 3; }
    /// The slice is used up: polls, and hands out the next one, of at least `least` if there is as much.
    [[nodiscard]] NextSlice next_slice(uint64_t least) noexcept;

    /// Charges what the store has, and from now on everything, to an account beside its own limits; null: to
    /// none. Not while code runs. @return false if the account refuses what the store has.
    [[nodiscard]] bool set_account(std::shared_ptr<StoreAccount> account) noexcept;
    [[nodiscard]] StoreAccount* account() const noexcept { return m_account.get(); }

    // For pools. There must be no object of the heap when the mark is made.
    [[nodiscard]] StoreMark mark() const noexcept;
    /// Everything but the state of what was there at the mark: what came later goes, and accounts, limits,
    /// fuel and the embedder's pointer are as at first. No code of the store runs.
    void rewind(const StoreMark& mark, const StoreLimits& limits) noexcept;
    /// From here on `is_on_one_thread` says whether only this thread has run the store's code, or written
    /// its memories by the API.
    void watch_thread() noexcept {
        m_thread = thread_number();
        m_has_left_thread = false;
    }
    void note_thread() noexcept {
        if (!m_has_left_thread)
            m_has_left_thread = m_thread != thread_number();
    }
    [[nodiscard]] bool is_on_one_thread() noexcept {
        note_thread();
        return !m_has_left_thread;
    }

    /// The embedder's pointer, not owned.
    void* data = nullptr;

private:
    Store(std::shared_ptr<const EngineState> engine, const StoreLimits& limits) noexcept;
    void begin() noexcept;
    void forget_externrefs() noexcept;
    [[nodiscard]] bool refuse(LimitKind limit) noexcept;
    [[nodiscard]] uint64_t all_fuel() const noexcept;
    [[nodiscard]] uint64_t grant(uint64_t units) noexcept;
    void return_slice() noexcept;
    void slice_again() noexcept;
    void begin_slice(const VmFunc& func) noexcept;
    void end_slice() noexcept;
    void leave_account() noexcept;
    [[nodiscard]] uint64_t accounted_bytes() const noexcept;
    void mark_items() noexcept;
    template <class Find>
    void keep_failure(Find find) noexcept;
    [[nodiscard]] Failure complete_failure(bool has_guest_frames);
    void describe(Trap& trap);
    [[nodiscard]] std::vector<TrapFrame> backtrace() const;

    std::shared_ptr<const EngineState> m_engine;
    StoreLimits m_limits;
    GuestStack m_stack;
    VmContext m_context;
    std::optional<Failure> m_pending;
    Interrupts m_interrupts;
    Interruption m_interruption = Interruption::none;  ///< what the last poll found
    uint32_t m_host_calls = 0;
    std::shared_ptr<StoreAccount> m_account;

    uint64_t m_memory_bytes = 0;
    uint64_t m_peak_memory_bytes = 0;
    uint64_t m_table_elements = 0;
    uint32_t m_memory_count = 0;
    uint32_t m_table_count = 0;
    uint32_t m_instance_count = 0;
    std::optional<LimitKind> m_last_limit;
    uint64_t m_thread = 0;  ///< see watch_thread
    bool m_has_left_thread = true;
    uint64_t m_fuel_granted = fuel_unlimited;  ///< what fuel counts down from
    uint64_t m_fuel_consumed_before = 0;       ///< under earlier grants
    uint64_t m_slice_units = slice_units;      ///< what next_slice gives
    uint32_t m_slices_unseen = 0;              ///< see look_later
    uint64_t m_until_sample = slice_units;     ///< fuel from the next entry to the end of its slice

    std::vector<std::shared_ptr<const CompiledModule>> m_modules;
    Heap m_heap{*this};
    std::deque<HostFunc> m_host_funcs;
    std::unordered_map<const void*, HostFunc*> m_host_funcs_by_environment;
    std::deque<std::any> m_externrefs;  ///< by number of the host reference
    std::deque<Global> m_globals;
    std::deque<Tag> m_tags;
    std::unordered_map<const SharedMemory*, Memory*> m_shared_memories;
    HeapStatistics m_heap_statistics;  ///< times and counts; the rest is the heap's
    HostRoots m_host_roots;
    RootMaps m_root_maps;
    std::vector<std::unique_ptr<Memory>> m_memories;
    std::vector<std::unique_ptr<Table>> m_tables;
    std::vector<std::unique_ptr<Instance>> m_instances;
};

/// The store of a function.
[[nodiscard]] inline Store& store_of(const VmFunc& func) noexcept {
    return func.host != nullptr ? *static_cast<const HostFunc&>(func).store : *func.instance->context->store;
}

}  // namespace wsb::runtime
