// SPDX-License-Identifier: Apache-2.0
// Store: everything that running modules create, and its limits and fuel.
#pragma once

#include "engine/runtime/heap_statistics.h"  // IWYU pragma: export
#include "wsb/cancellation.hpp"
#include "wsb/config.hpp"
#include "wsb/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace wsb {
namespace runtime {
class Store;
}  // namespace runtime

inline namespace v1 {

/// A store without owning it: what handles and host functions refer to it by. Copied freely; valid
/// as long as the Store. One thread at a time, together with all handles into the store.
class StoreRef {
public:
    /// Replaces the remaining fuel: `units` (at most 2^62), or unlimited. Running out traps with
    /// out_of_fuel at the exact instruction; afterwards the store can be given fuel and used again.
    void set_fuel(std::optional<uint64_t> units) noexcept;
    /// Remaining units; nullopt while unlimited.
    [[nodiscard]] std::optional<uint64_t> fuel_left() const noexcept;
    /// Units consumed since the store was made, counted also while unlimited.
    [[nodiscard]] uint64_t fuel_consumed() const noexcept;
    /// Takes units away, as if the guest had executed that much: how a host function charges for
    /// work.
    /// @return false if there is less fuel than that; then none is left.
    [[nodiscard]] bool consume_fuel(uint64_t units) noexcept;

    // What ends calls early: with TrapCode::interrupted, whose Trap::interruption says what did, at most 10
    // ms late whatever the guest does. Host functions end in time if they wait through Caller::context. A
    // call that begins too late runs nothing. Afterwards the store can be used again, but an instruction on
    // many bytes or elements may have stopped in its middle.

    /// No call of the store goes on beyond it; nullopt: none. Stays until it is set again.
    void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) noexcept;
    /// Processor time that calls may still take, from now on, of the thread that sets it and makes them.
    void set_cpu_time(std::optional<std::chrono::nanoseconds> most) noexcept;
    void set_cancellation(const CancellationToken& token) noexcept;

    /// Takes effect for what is created or grown from now on.
    void set_limits(const StoreLimits& limits) noexcept;
    [[nodiscard]] const StoreLimits& limits() const noexcept;
    /// The limit that most recently refused something; nullopt if none ever did.
    [[nodiscard]] std::optional<LimitKind> last_limit_reached() const noexcept;

    /// Frees objects of the guest that nothing refers to any more. The engine does it by itself when it pays.
    void collect_garbage() noexcept;

    [[nodiscard]] HeapStatistics heap_statistics() const noexcept;

    /// Bytes of all linear memories and of the objects' heap now, and at most so far.
    [[nodiscard]] uint64_t memory_bytes() const noexcept;
    [[nodiscard]] uint64_t peak_memory_bytes() const noexcept;

    /// One pointer for the embedder, not owned; null at first. Host functions reach it by
    /// Caller::store.
    void set_data(void* data) noexcept;
    [[nodiscard]] void* data() const noexcept;

    /// For the library itself.
    explicit StoreRef(runtime::Store& store) noexcept : m_store(&store) {}
    [[nodiscard]] runtime::Store& impl() const noexcept { return *m_store; }

protected:
    StoreRef() noexcept = default;
    runtime::Store* m_store = nullptr;
};

/// Objects of the guest (structures, arrays, exceptions) that the host gets hold of stay alive until the
/// scope in which it got them ends: each call of a host function is one, further ones are made by this
/// class, and what is got outside of all stays as long as the store. A Value that refers to an object whose
/// scope has ended fits no type any more, so the store refuses it. Scopes of a store end in reverse order.
class RootScope {
public:
    explicit RootScope(StoreRef store) noexcept;
    RootScope(const RootScope&) = delete;
    RootScope& operator=(const RootScope&) = delete;
    ~RootScope();

private:
    StoreRef m_store;
    size_t m_size_before;
};

/// Owns instances, memories, tables, globals, functions and the guest stack; all of them live until
/// it is destroyed. Move-only; handles stay valid when it moves. Must not be destroyed while its
/// code runs.
class Store : public StoreRef {
public:
    /// Reserves the guest stack. @return out_of_memory.
    [[nodiscard]] static Result<Store> create(const Engine& engine, const StoreLimits& limits = {});

    Store(Store&& other) noexcept;
    Store& operator=(Store&& other) noexcept;
    ~Store();

private:
    explicit Store(std::unique_ptr<runtime::Store> store) noexcept;
    std::unique_ptr<runtime::Store> m_owned;
};

}  // namespace v1
}  // namespace wsb
