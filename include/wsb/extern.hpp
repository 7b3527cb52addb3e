// SPDX-License-Identifier: Apache-2.0
// Memory, Table, Global, Tag: what instances share beside functions; Extern, any of these; and SharedMemory,
// which stores share.
#pragma once

#include "wsb/error.hpp"
#include "wsb/func.hpp"
#include "wsb/store.hpp"
#include "wsb/types.hpp"
#include "wsb/value.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace wsb {
namespace runtime {
class Memory;
class SharedMemory;
class Table;
class Global;
class Tag;
}  // namespace runtime

inline namespace v1 {

/// A linear memory that stores on different threads use at the same time: Linker::define gives it to any
/// store. A handle that keeps the memory; copies name the same one. Safe to use from any thread. Engines
/// refuse modules with shared memories unless Feature::threads is enabled.
class SharedMemory {
public:
    /// `type` must be shared and have a maximum. No store's limits count it until it is used there: then that
    /// store is charged with its size, and later with what its own code adds.
    /// @return memory_size, invalid_page_size, shared_memory_without_max, bad_usage, limit_exceeded or
    /// out_of_memory.
    [[nodiscard]] static Result<SharedMemory> create(const MemoryType& type);

    /// As declared, with the current size as minimum.
    [[nodiscard]] MemoryType type() const noexcept;
    /// Only grows.
    [[nodiscard]] uint64_t size_bytes() const noexcept;
    /// Adds zeroed pages of the type's size, charged to no store. @return the size before, in pages; nullopt
    /// if the maximum or the system refused.
    [[nodiscard]] std::optional<uint64_t> grow(uint64_t delta_pages) const noexcept;
    /// As of Memory. What other threads write at the same time may be seen in part.
    [[nodiscard]] bool read(uint64_t offset_bytes, std::span<uint8_t> target) const noexcept;
    [[nodiscard]] bool write(uint64_t offset_bytes, std::span<const uint8_t> source) const noexcept;

    /// The same memory.
    bool operator==(const SharedMemory& other) const noexcept = default;

    /// For the library itself.
    explicit SharedMemory(std::shared_ptr<runtime::SharedMemory> memory) noexcept
        : m_memory(std::move(memory)) {}
    [[nodiscard]] const std::shared_ptr<runtime::SharedMemory>& impl() const noexcept { return m_memory; }

private:
    std::shared_ptr<runtime::SharedMemory> m_memory;
};

/// A linear memory. Cheap handle, valid as long as its store; one thread at a time together with
/// it.
class Memory {
public:
    /// A new memory of the host's. @return memory_size, invalid_page_size, shared_memory_without_max,
    /// limit_exceeded or out_of_memory.
    [[nodiscard]] static Result<Memory> create(StoreRef store, const MemoryType& type);

    /// As declared, with the current size as minimum.
    [[nodiscard]] MemoryType type() const noexcept;
    [[nodiscard]] uint64_t size_bytes() const noexcept;
    /// 64 KiB each, or as MemoryType::page_size_log2 says.
    [[nodiscard]] uint64_t size_pages() const noexcept;
    /// Adds zeroed pages. @return the size before, in pages; nullopt if the maximum or a limit
    /// refused.
    [[nodiscard]] std::optional<uint64_t> grow(uint64_t delta_pages) const noexcept;

    /// Copies out of or into the memory. @return false, and nothing is copied, unless all of it is
    /// inside.
    [[nodiscard]] bool read(uint64_t offset_bytes, std::span<uint8_t> target) const noexcept;
    [[nodiscard]] bool write(uint64_t offset_bytes, std::span<const uint8_t> source) const noexcept;
    /// A little-endian value at an offset; nullopt or false if it is not inside.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::optional<T> load(uint64_t offset_bytes) const noexcept {
        T value;
        if (!read(offset_bytes, {reinterpret_cast<uint8_t*>(&value), sizeof value}))
            return std::nullopt;
        return value;
    }
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] bool store_value(uint64_t offset_bytes, const T& value) const noexcept {
        return write(offset_bytes, {reinterpret_cast<const uint8_t*>(&value), sizeof value});
    }

    /// For other stores, if this is a shared memory; otherwise nullopt.
    [[nodiscard]] std::optional<SharedMemory> shared() const;

    /// All bytes. Invalidated by growth: do not keep it over a call into the guest. Nothing of a shared
    /// memory, whose bytes other threads may be changing: use read and write.
    [[nodiscard]] std::span<uint8_t> data() const noexcept;
    /// Part of data(); nullopt unless all of it is inside. Invalidated like data().
    [[nodiscard]] std::optional<std::span<uint8_t>> view(uint64_t offset_bytes,
                                                         uint64_t length_bytes) const noexcept;
    [[nodiscard]] StoreRef store() const noexcept { return m_store; }

    /// For the library itself.
    Memory(StoreRef store, runtime::Memory& memory) noexcept : m_store(store), m_memory(&memory) {}
    [[nodiscard]] runtime::Memory& impl() const noexcept { return *m_memory; }

private:
    StoreRef m_store;
    runtime::Memory* m_memory;
};

/// A table of references. Cheap handle, valid as long as its store.
class Table {
public:
    /// A new table of the host's, filled with `init`. @return signature_mismatch, limit_exceeded or
    /// out_of_memory.
    [[nodiscard]] static Result<Table> create(StoreRef store, const TableType& type, const Value& init);

    /// As declared, with the current size as minimum.
    [[nodiscard]] TableType type() const noexcept;
    [[nodiscard]] uint64_t size() const noexcept;
    /// An element; nullopt beyond the end.
    [[nodiscard]] std::optional<Value> get(uint64_t index) const;
    /// @return bad_usage beyond the end, signature_mismatch for another type.
    [[nodiscard]] Result<void> set(uint64_t index, const Value& value) const;
    /// @return the size before; nullopt if the maximum, a limit or the type of `init` refused.
    [[nodiscard]] std::optional<uint64_t> grow(uint64_t delta, const Value& init) const noexcept;
    [[nodiscard]] StoreRef store() const noexcept { return m_store; }

    /// For the library itself.
    Table(StoreRef store, runtime::Table& table) noexcept : m_store(store), m_table(&table) {}
    [[nodiscard]] runtime::Table& impl() const noexcept { return *m_table; }

private:
    StoreRef m_store;
    runtime::Table* m_table;
};

/// A global variable. Cheap handle, valid as long as its store.
class Global {
public:
    /// A new global of the host's. @return signature_mismatch if `init` has another type.
    [[nodiscard]] static Result<Global> create(StoreRef store, const GlobalType& type, const Value& init);

    [[nodiscard]] GlobalType type() const noexcept;
    [[nodiscard]] Value get() const;
    /// @return global_is_immutable or signature_mismatch.
    [[nodiscard]] Result<void> set(const Value& value) const;
    [[nodiscard]] StoreRef store() const noexcept { return m_store; }

    /// For the library itself.
    Global(StoreRef store, runtime::Global& global) noexcept : m_store(store), m_global(&global) {}
    [[nodiscard]] runtime::Global& impl() const noexcept { return *m_global; }

private:
    StoreRef m_store;
    runtime::Global* m_global;
};

/// An exception tag. Cheap handle, valid as long as its store.
class Tag {
public:
    [[nodiscard]] static Result<Tag> create(StoreRef store, const FuncType& type);

    [[nodiscard]] TagSignature type() const;
    [[nodiscard]] StoreRef store() const noexcept { return m_store; }
    /// The same tag, not only one of the same type.
    bool operator==(const Tag& other) const noexcept { return m_tag == other.m_tag; }

    /// For the library itself.
    Tag(StoreRef store, runtime::Tag& tag) noexcept : m_store(store), m_tag(&tag) {}
    [[nodiscard]] runtime::Tag& impl() const noexcept { return *m_tag; }

private:
    StoreRef m_store;
    runtime::Tag* m_tag;
};

/// Anything that can be imported or exported. The order of the alternatives is that of ExternKind.
using Extern = std::variant<Func, Table, Memory, Global, Tag>;

[[nodiscard]] inline ExternKind kind(const Extern& item) noexcept {
    return static_cast<ExternKind>(item.index());
}
[[nodiscard]] ExternType type_of(const Extern& item);
[[nodiscard]] StoreRef store_of(const Extern& item) noexcept;

}  // namespace v1
}  // namespace wsb
