// SPDX-License-Identifier: Apache-2.0
#include "wsb/extern.hpp"

#include "engine/api/convert.h"
#include "engine/api/guard.h"
#include "engine/isa/limits.h"
#include "engine/semantics/atomic.h"

#include <fmt/format.h>

#include <cstring>

namespace wsb {
inline namespace v1 {

namespace {

Result<void> check_memory_type(const MemoryType& type) {
    const Limits& pages = type.limits_pages;
    if (type.page_size_log2 != 0 && type.page_size_log2 != MemoryType().page_size_log2)
        return fail(ErrorCode::invalid_page_size);
    const uint64_t most = limits::memory_pages(type.address == AddressType::i64, type.page_size_log2);
    if (pages.min > most || (pages.max && (*pages.max > most || *pages.max < pages.min)))
        return fail(ErrorCode::memory_size);
    if (type.is_shared && !pages.max)
        return fail(ErrorCode::shared_memory_without_max);
    return {};
}

/// Whether [offset, offset + length) is inside [0, size), without overflow.
constexpr bool is_inside(uint64_t offset, uint64_t length, uint64_t size) noexcept {
    return length <= size && offset <= size - length;
}

std::unexpected<Error> mismatch(const Value& value, ValType expected) {
    return fail(ErrorCode::signature_mismatch, api::value_mismatch(value, expected));
}

}  // namespace

// SharedMemory

Result<SharedMemory> SharedMemory::create(const MemoryType& type) {
    return api::guarded([&]() -> Result<SharedMemory> {
        if (!type.is_shared)
            return fail(ErrorCode::bad_usage, "type of a memory that is not shared");
        WSB_TRY(check_memory_type(type));
        WSB_TRY_ASSIGN(auto memory, runtime::SharedMemory::create(type));
        return SharedMemory(std::move(memory));
    });
}

MemoryType SharedMemory::type() const noexcept {
    return m_memory->current_type();
}
uint64_t SharedMemory::size_bytes() const noexcept {
    return m_memory->size_bytes();
}

std::optional<uint64_t> SharedMemory::grow(uint64_t delta_pages) const noexcept {
    const int64_t before = m_memory->grow(delta_pages);
    return before < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(before));
}

bool SharedMemory::read(uint64_t offset_bytes, std::span<uint8_t> target) const noexcept {
    if (!is_inside(offset_bytes, target.size(), size_bytes()))
        return false;
    // SAFETY: checked above; the memory never shrinks.
    semantics::copy_shared(target.data(), m_memory->base() + offset_bytes, target.size());
    return true;
}

bool SharedMemory::write(uint64_t offset_bytes, std::span<const uint8_t> source) const noexcept {
    if (!is_inside(offset_bytes, source.size(), size_bytes()))
        return false;
    // SAFETY: checked above; the memory never shrinks.
    semantics::copy_shared(m_memory->base() + offset_bytes, source.data(), source.size());
    return true;
}

// Memory

Result<Memory> Memory::create(StoreRef store, const MemoryType& type) {
    return api::guarded([&]() -> Result<Memory> {
        WSB_TRY(check_memory_type(type));
        WSB_TRY_ASSIGN(runtime::Memory* const memory, store.impl().new_memory(type));
        return Memory(store, *memory);
    });
}

MemoryType Memory::type() const noexcept {
    return m_memory->current_type();
}
uint64_t Memory::size_bytes() const noexcept {
    return m_memory->current_size_bytes();
}
uint64_t Memory::size_pages() const noexcept {
    return size_bytes() >> m_memory->type().page_size_log2;
}

std::optional<uint64_t> Memory::grow(uint64_t delta_pages) const noexcept {
    const int64_t before = m_memory->grow(delta_pages);
    return before < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(before));
}

std::optional<SharedMemory> Memory::shared() const {
    return m_memory->is_shared() ? std::optional(SharedMemory(m_memory->shared())) : std::nullopt;
}

std::span<uint8_t> Memory::data() const noexcept {
    m_memory->expose();
    return {m_memory->base, m_memory->size_bytes};
}

std::optional<std::span<uint8_t>> Memory::view(uint64_t offset_bytes, uint64_t length_bytes) const noexcept {
    const std::span<uint8_t> all = data();
    if (!is_inside(offset_bytes, length_bytes, all.size()))
        return std::nullopt;
    return all.subspan(offset_bytes, length_bytes);
}

bool Memory::read(uint64_t offset_bytes, std::span<uint8_t> target) const noexcept {
    if (const auto memory = shared())
        return memory->read(offset_bytes, target);
    if (!is_inside(offset_bytes, target.size(), m_memory->size_bytes))
        return false;
    if (!target.empty())
        std::memcpy(target.data(), m_memory->base + offset_bytes, target.size());
    return true;
}

bool Memory::write(uint64_t offset_bytes, std::span<const uint8_t> source) const noexcept {
    if (const auto memory = shared())
        return memory->write(offset_bytes, source);
    if (!is_inside(offset_bytes, source.size(), m_memory->size_bytes))
        return false;
    m_store.impl().note_thread();
    if (!source.empty())
        std::memcpy(m_memory->base + offset_bytes, source.data(), source.size());
    return true;
}

// Table

Result<Table> Table::create(StoreRef store, const TableType& type, const Value& init) {
    return api::guarded([&]() -> Result<Table> {
        if (!type.element.is_ref() || !api::value_fits(store.impl(), init, type.element))
            return mismatch(init, type.element);
        const Limits& limits = type.limits_elements;
        if (limits.max && *limits.max < limits.min)
            return fail(ErrorCode::size_minimum_greater);
        WSB_TRY_ASSIGN(runtime::Table* const table, store.impl().new_table(type, init.u64()));
        return Table(store, *table);
    });
}

TableType Table::type() const noexcept {
    return m_table->current_type();
}
uint64_t Table::size() const noexcept {
    return m_table->size;
}

std::optional<Value> Table::get(uint64_t index) const {
    if (index >= m_table->size)
        return std::nullopt;
    const runtime::Slot* slot = m_table->elements + index;
    return api::take(m_store.impl(), slot, m_table->type().element);
}

Result<void> Table::set(uint64_t index, const Value& value) const {
    if (index >= m_table->size)
        return fail(ErrorCode::bad_usage, fmt::format("element {} of {}", index, m_table->size));
    if (!api::value_fits(m_store.impl(), value, m_table->type().element))
        return mismatch(value, m_table->type().element);
    m_table->elements[index] = value.u64();
    return {};
}

std::optional<uint64_t> Table::grow(uint64_t delta, const Value& init) const noexcept {
    if (!api::value_fits(m_store.impl(), init, m_table->type().element))
        return std::nullopt;
    const int64_t before = m_table->grow(delta, init.u64());
    return before < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(before));
}

// Global

Result<Global> Global::create(StoreRef store, const GlobalType& type, const Value& init) {
    return api::guarded([&]() -> Result<Global> {
        if (!api::value_fits(store.impl(), init, type.type))
            return mismatch(init, type.type);
        return Global(store, *store.impl().new_global(type, init.raw()[0], init.raw()[1]));
    });
}

GlobalType Global::type() const noexcept {
    return m_global->type();
}

Value Global::get() const {
    const runtime::Slot* slot = m_global->value;
    return api::take(m_store.impl(), slot, m_global->type().type);
}

Result<void> Global::set(const Value& value) const {
    if (!m_global->type().is_mutable)
        return fail(ErrorCode::global_is_immutable);
    if (!api::value_fits(m_store.impl(), value, m_global->type().type))
        return mismatch(value, m_global->type().type);
    api::put(m_global->value, value);
    return {};
}

// Tag

Result<Tag> Tag::create(StoreRef store, const FuncType& type) {
    return api::guarded([&]() -> Result<Tag> {
        if (!type.results.empty())
            return fail(ErrorCode::non_empty_tag_result);
        WSB_TRY_ASSIGN(const CanonId id, store.impl().registry().intern_function(type));
        return Tag(store, *store.impl().new_tag(id));
    });
}

TagSignature Tag::type() const {
    return {*m_store.impl().registry().type(m_tag->type()).func()};
}

// Extern

ExternType type_of(const Extern& item) {
    return runtime::item_type(store_of(item).impl().registry(), api::to_item(item));
}

StoreRef store_of(const Extern& item) noexcept {
    return std::visit([](const auto& each) { return each.store(); }, item);
}

}  // namespace v1
}  // namespace wsb
