// SPDX-License-Identifier: Apache-2.0
// Hash-consing of recursion groups. A group's key is its structure with references inside the group
// made relative to its start and all others replaced by canonical ids, so that equal keys mean
// equal types.
#include "engine/isa/canon.h"

#include "engine/base/check.h"
#include "engine/isa/abstract_types.h"
#include "engine/isa/limits.h"

#include <array>
#include <atomic>
#include <bit>
#include <unordered_map>

namespace wsb {

namespace {

/// Canonical ids are held in the bits of a HeapType, below those of abstract types.
constexpr CanonId canonical_ids = HeapType(HeapType::func).bits();

using GroupKey = std::vector<uint32_t>;

/// Seeded, so that a module cannot be made to fill one bucket.
struct GroupKeyHash {
    uint64_t seed = 0;
    size_t operator()(const GroupKey& key) const noexcept {
        uint64_t hash = seed;
        for (const uint32_t word : key) {
            hash ^= word;
            hash *= 0x9e3779b97f4a7c15;
            hash ^= hash >> 29;
        }
        return static_cast<size_t>(hash);
    }
};

struct Entry {
    SubType type;
    /// The type's supertypes from the root of its hierarchy down to itself.
    std::vector<CanonId> display;
};

constexpr size_t first_chunk_entries = 64;
constexpr unsigned first_chunk_bits = std::countr_zero(first_chunk_entries);
constexpr size_t chunk_count = 17;  // 64 * (2^17 - 1) entries, more than there are ids
static_assert(first_chunk_entries * ((size_t{1} << chunk_count) - 1) >= canonical_ids);

/// Entries in chunks that double in size and never move: readers need no lock. An id is known to a
/// reader only after its entry was written, and reaches other threads through the caller's own
/// synchronization.
class EntryTable {
public:
    EntryTable() noexcept = default;
    EntryTable(const EntryTable&) = delete;
    EntryTable& operator=(const EntryTable&) = delete;
    ~EntryTable() {
        for (auto& chunk : m_chunks)
            delete[] chunk.load(std::memory_order_relaxed);
    }

    [[nodiscard]] const Entry& operator[](CanonId id) const noexcept {
        const Place at = place(id);
        return m_chunks[at.chunk].load(std::memory_order_acquire)[at.slot];
    }
    [[nodiscard]] CanonId size() const noexcept { return m_size; }

    /// Takes back the newest, which nobody was told of. By the writer.
    void truncate(CanonId size) noexcept { m_size = size; }

    /// One writer at a time.
    CanonId append(Entry entry) {
        const Place at = place(m_size);
        Entry* chunk = m_chunks[at.chunk].load(std::memory_order_relaxed);
        if (chunk == nullptr) {
            chunk = std::make_unique<Entry[]>(first_chunk_entries << at.chunk).release();
            m_chunks[at.chunk].store(chunk, std::memory_order_release);
        }
        chunk[at.slot] = std::move(entry);
        return m_size++;
    }

private:
    struct Place {
        size_t chunk;
        size_t slot;
    };
    [[nodiscard]] static Place place(CanonId id) noexcept {
        const size_t number = size_t{id} + first_chunk_entries;
        const auto chunk = static_cast<size_t>(std::bit_width(number)) - 1 - first_chunk_bits;
        return {chunk, number - (first_chunk_entries << chunk)};
    }

    std::array<std::atomic<Entry*>, chunk_count> m_chunks{};
    CanonId m_size = 0;
};

/// Rewrites type references by `map`, which takes and returns a TypeIdx.
template <class Map>
[[nodiscard]] ValType map_type(ValType type, Map map) {
    if (!type.is_ref() || !type.heap().is_defined())
        return type;
    const HeapType heap = type.heap();
    return ValType::reference(heap.with_index(map(heap.type_index())), type.is_nullable());
}

template <class Map>
[[nodiscard]] SubType map_sub_type(const SubType& type, Map map) {
    SubType mapped = type;
    for (std::optional<TypeIdx>* const other : {&mapped.super, &mapped.descriptor, &mapped.describes})
        if (*other)
            *other = map(**other);
    if (auto* func = std::get_if<FuncType>(&mapped.composite)) {
        for (ValType& param : func->params)
            param = map_type(param, map);
        for (ValType& result : func->results)
            result = map_type(result, map);
    } else if (auto* structure = std::get_if<StructType>(&mapped.composite)) {
        for (FieldType& field : structure->fields)
            field.storage.type = map_type(field.storage.type, map);
    } else if (auto* array = std::get_if<ArrayType>(&mapped.composite)) {
        array->field.storage.type = map_type(array->field.storage.type, map);
    }
    return mapped;
}

/// What the type indices in a group's definition mean.
struct GroupScope {
    std::span<const CanonId> canonical;  ///< ids of the types before the group
    bool is_canonical = false;           ///< all indices are ids already

    [[nodiscard]] bool is_outer(uint32_t index) const noexcept {
        return is_canonical || index < canonical.size();
    }
    [[nodiscard]] CanonId outer_id(uint32_t index) const noexcept {
        return is_canonical ? index : canonical[index];
    }
    /// Place in the group of an index that is not outer.
    [[nodiscard]] uint32_t member(uint32_t index) const noexcept {
        return index - static_cast<uint32_t>(canonical.size());
    }
};

/// Writes the key of one group.
class KeyWriter {
public:
    explicit KeyWriter(const GroupScope& scope) : m_scope(scope) {
        constexpr size_t usual_words = 16;
        m_key.reserve(usual_words);
    }

    void add(const SubType& type) {
        m_key.push_back(static_cast<uint32_t>(type.composite.index()) | (type.is_final ? 4U : 0U) |
                        (type.super ? 8U : 0U) | (type.descriptor ? 16U : 0U) | (type.describes ? 32U : 0U));
        for (const std::optional<TypeIdx>& other : {type.super, type.descriptor, type.describes})
            if (other)
                add_index(other->value);
        if (const FuncType* func = type.func()) {
            m_key.push_back(static_cast<uint32_t>(func->params.size()));
            m_key.push_back(static_cast<uint32_t>(func->results.size()));
            for (const ValType param : func->params)
                add(param);
            for (const ValType result : func->results)
                add(result);
        } else if (const StructType* structure = type.structure()) {
            m_key.push_back(static_cast<uint32_t>(structure->fields.size()));
            for (const FieldType& field : structure->fields)
                add(field);
        } else if (const ArrayType* array = type.array()) {
            add(array->field);
        }
    }
    [[nodiscard]] GroupKey take() noexcept { return std::move(m_key); }

private:
    void add(const FieldType& field) {
        m_key.push_back(static_cast<uint32_t>(field.storage.packing) | (field.is_mutable ? 4U : 0U));
        add(field.storage.type);
    }
    void add(ValType type) {
        m_key.push_back(static_cast<uint32_t>(type.kind()) | (type.is_nullable() ? 0x100U : 0U) |
                        (type.is_ref() && type.heap().is_exact() ? 0x200U : 0U));
        if (!type.is_ref())
            return;
        if (type.heap().is_defined())
            add_index(type.heap().type_index().value);
        else
            m_key.push_back(type.heap().bits());
    }
    /// Relative indices have the top bit, which neither ids nor abstract types have.
    void add_index(uint32_t index) {
        m_key.push_back(m_scope.is_outer(index) ? m_scope.outer_id(index)
                                                : 0x80000000U | m_scope.member(index));
    }

    GroupScope m_scope;
    GroupKey m_key;
};

}  // namespace

ValType to_canonical(ValType type, std::span<const CanonId> canonical) noexcept {
    return map_type(type, [&](TypeIdx index) { return TypeIdx(canonical[index.value]); });
}

struct TypeRegistry::Impl {
    std::mutex mutex;  ///< of writers
    /// Key of a group to the id of its first member.
    std::unordered_map<GroupKey, CanonId, GroupKeyHash> groups{
        0, GroupKeyHash{static_cast<uint64_t>(reinterpret_cast<uintptr_t>(this)) | 1}};
    EntryTable entries;

    /// The id of the group's first member, which is written if it is not there yet.
    [[nodiscard]] Result<CanonId> intern(std::span<const SubType> group, const GroupScope& scope,
                                         Deadline& deadline) {
        KeyWriter writer(scope);
        for (const SubType& type : group) {
            WSB_TRY(deadline.check());
            writer.add(type);
        }
        GroupKey key = writer.take();
        const std::scoped_lock lock(mutex);
        const auto found = groups.find(key);
        if (found != groups.end())
            return found->second;
        const CanonId first = entries.size();
        if (auto added = add_group(group, scope, deadline); !added) {
            entries.truncate(first);
            return std::unexpected(std::move(added).error());
        }
        groups.emplace(std::move(key), first);
        return first;
    }

    [[nodiscard]] Result<void> add_group(std::span<const SubType> group, const GroupScope& scope,
                                         Deadline& deadline) {
        const CanonId first = entries.size();
        if (group.size() > canonical_ids - first)
            return fail(ErrorCode::limit_exceeded, "types of one engine");
        WSB_TRY(check_depths(group, scope));
        const auto to_id = [&](TypeIdx index) {
            return TypeIdx(scope.is_outer(index.value) ? scope.outer_id(index.value)
                                                       : first + scope.member(index.value));
        };
        for (const SubType& type : group) {
            WSB_TRY(deadline.check());
            Entry entry{map_sub_type(type, to_id), {}};
            if (entry.type.super) {
                const auto& above = entries[entry.type.super->value].display;
                entry.display.reserve(above.size() + 1);
                entry.display = above;
            }
            entry.display.push_back(entries.size());
            entries.append(std::move(entry));
        }
        return {};
    }

    /// Refuses chains of supertypes that are too long, before anything of the group is written.
    [[nodiscard]] Result<void> check_depths(std::span<const SubType> group, const GroupScope& scope) const {
        std::vector<size_t> depths;
        depths.reserve(group.size());
        for (const SubType& type : group) {
            size_t depth = 0;
            if (type.super && scope.is_outer(type.super->value)) {
                depth = entries[scope.outer_id(type.super->value)].display.size();
            } else if (type.super) {
                WSB_CHECK(scope.member(type.super->value) < depths.size());
                depth = depths[scope.member(type.super->value)] + 1;
            }
            if (depth > limits::subtype_depth)
                return fail(ErrorCode::limit_exceeded, "depth of supertypes");
            depths.push_back(depth);
        }
        return {};
    }
};

TypeRegistry::TypeRegistry() : m_impl(std::make_unique<Impl>()) {}
TypeRegistry::~TypeRegistry() = default;

Result<void> TypeRegistry::intern(std::span<const SubType> group, std::vector<CanonId>& canonical,
                                  Deadline deadline) {
    WSB_TRY_ASSIGN(const CanonId first, m_impl->intern(group, {.canonical = canonical}, deadline));
    for (uint32_t i = 0; i < group.size(); ++i)
        canonical.push_back(first + i);
    return {};
}

Result<CanonId> TypeRegistry::intern_function(const FuncType& canonical_type) {
    const SubType type{.is_final = true, .super = {}, .composite = canonical_type};
    Deadline none;
    return m_impl->intern({&type, 1}, {.canonical = {}, .is_canonical = true}, none);
}

const SubType& TypeRegistry::type(CanonId id) const noexcept {
    return m_impl->entries[id].type;
}

bool TypeRegistry::is_subtype(CanonId sub, CanonId super) const noexcept {
    if (sub == super)
        return true;
    const auto& below = m_impl->entries[sub].display;
    const size_t depth = m_impl->entries[super].display.size() - 1;
    return depth < below.size() && below[depth] == super;
}

bool TypeRegistry::matches(HeapType sub, HeapType super) const noexcept {
    if (sub == super)
        return true;
    if (!super.is_defined()) {
        return abstract_matches(
            sub.is_defined() ? abstract_above(type(sub.type_index().value)) : sub.abstract(),
            super.abstract());
    }
    if (sub.is_defined() && super.is_exact())
        return sub.is_exact() && sub.type_index() == super.type_index();
    if (sub.is_defined())
        return is_subtype(sub.type_index().value, super.type_index().value);
    const HeapType::Abstract bottom =
        type(super.type_index().value).func() != nullptr ? HeapType::nofunc : HeapType::none;
    return sub.is(bottom);
}

bool TypeRegistry::matches(ValType sub, ValType super) const noexcept {
    if (sub.is_bottom() || sub == super)
        return true;
    if (!sub.is_ref() || !super.is_ref())
        return false;
    if (sub.is_nullable() && !super.is_nullable())
        return false;
    return matches(sub.heap(), super.heap());
}

}  // namespace wsb
