// SPDX-License-Identifier: Apache-2.0
// Instance: the state around a VmInstance, and what it owns.
#pragma once

#include "engine/runtime/extern_type.h"
#include "engine/runtime/global.h"
#include "engine/runtime/memory.h"
#include "engine/runtime/table.h"
#include "engine/runtime/tier.h"
#include "engine/runtime/trap.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace wsb::runtime {

/// Anything imported or exported; the order of the alternatives is that of ExternKind. Never null.
using ExternItem = std::variant<VmFunc*, Table*, Memory*, Global*, Tag*>;

/// What an instance can change of itself, without memories.
struct InstanceState {
    std::vector<std::pair<uint32_t, std::array<Slot, 2>>> globals;  ///< the mutable ones of its own
    std::vector<std::vector<Slot>> tables;                          ///< its own
    std::vector<std::span<const Slot>> elems;
    std::vector<std::span<const uint8_t>> datas;
};

/// Owned by its store (or, until it is finished, by instantiate). Its address is stable.
class Instance {
public:
    Instance(Store& store, std::shared_ptr<const CompiledModule> compiled);
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    ~Instance();

    [[nodiscard]] Store& store() const noexcept { return *m_store; }
    [[nodiscard]] const Module& module() const noexcept { return m_compiled->module; }
    [[nodiscard]] const std::shared_ptr<const CompiledModule>& compiled() const noexcept {
        return m_compiled;
    }
    [[nodiscard]] VmInstance& vm() noexcept { return m_vm; }

    /// Null unless there is such an export.
    [[nodiscard]] const Export* find_export(std::string_view name);
    [[nodiscard]] ExternItem item(ExternKind kind, uint32_t index) const noexcept;
    /// Null unless there is such an export, and it is a memory. Quick for the name that was asked for last:
    /// calls of the host ask each time.
    [[nodiscard]] Memory* find_memory(std::string_view name);

    [[nodiscard]] const Tag* tag(TagIdx index) const noexcept { return m_tags[index.value]; }
    [[nodiscard]] std::span<const Slot> elem(uint32_t index) const noexcept { return m_elems[index]; }
    [[nodiscard]] std::span<const uint8_t> data(uint32_t index) const noexcept { return m_datas[index]; }
    /// Its place among the instances of the store was charged: given back at the end.
    void set_charged() noexcept { m_is_charged = true; }
    void drop_elem(uint32_t index) noexcept {
        m_elems[index] = {};
        m_has_dropped = true;
    }
    /// Objects that its globals, tables and segments refer to.
    void mark_roots(Heap& heap) const noexcept;
    void drop_data(uint32_t index) noexcept {
        m_datas[index] = {};
        m_has_dropped = true;
    }

    /// What `restore` needs of the instance as it is now. Throws std::bad_alloc.
    [[nodiscard]] InstanceState state();
    /// Globals, tables and segments as they were; memories go their own way. Nothing may refer to objects.
    void restore(const InstanceState& state) noexcept;
    [[nodiscard]] std::span<const std::unique_ptr<Memory>> own_memories() const noexcept {
        return m_own_memories;
    }

private:
    friend class Instantiation;

    Store* m_store;
    std::shared_ptr<const CompiledModule> m_compiled;
    VmInstance m_vm;
    bool m_is_charged = false;

    // Index spaces, imports first: what m_vm points to.
    std::vector<VmFunc*> m_funcs;
    std::vector<VmMemory*> m_memories;
    std::vector<VmTable*> m_tables;
    std::vector<VmGlobal*> m_globals;
    std::vector<Tag*> m_tags;
    std::vector<const TypeInfo*> m_type_infos;

    // Its own. Sized once, so that addresses are stable.
    std::vector<VmFunc> m_own_funcs;
    std::vector<std::unique_ptr<Memory>> m_own_memories;
    std::vector<std::unique_ptr<Table>> m_own_tables;
    std::vector<Global> m_own_globals;
    std::vector<std::unique_ptr<Tag>> m_own_tags;

    std::vector<std::vector<Slot>> m_elem_slots;    ///< evaluated
    std::vector<std::span<const Slot>> m_elems;     ///< into those; empty when dropped
    std::vector<std::span<const uint8_t>> m_datas;  ///< into the module's bytes; empty when dropped
    bool m_has_dropped = false;                     ///< some segment, since `state`
    std::unordered_map<std::string_view, uint32_t> m_export_index;  ///< filled at the first search
    const Export* m_last_memory = nullptr;                          ///< that find_memory found
};

[[nodiscard]] inline Instance& owner_of(const VmInstance& instance) noexcept {
    return *static_cast<Instance*>(instance.owner);
}

/// Instantiates a module. Spec: exec/modules#exec-instantiation
/// `imports` are in the module's order. On a trap of a segment or of the start function the instance has
/// become part of the store, since what it wrote elsewhere may refer to it; on an error or a trap before
/// that, nothing of it remains.
/// @return unknown_import or incompatible_import with names and types; limit_exceeded;
/// out_of_memory; feature_disabled for constant expressions that cannot be executed; a Trap; an
/// Exit.
[[nodiscard]] CallResult<Instance*> instantiate(Store& store, std::shared_ptr<const CompiledModule> compiled,
                                                std::span<const ExternItem> imports);

/// The functions of a module, but for the instance they live in.
[[nodiscard]] std::vector<VmFunc> own_funcs(const CompiledModule& compiled);

/// The type of an item, canonical, with current sizes.
[[nodiscard]] ExternType item_type(const TypeRegistry& registry, const ExternItem& item);

/// Whether an item may serve an import. Spec: valid/matching#match-externtype
/// @return incompatible_import.
[[nodiscard]] Result<void> check_import(const TypeRegistry& registry, const Module& module,
                                        const Import& import, const ExternItem& item);
/// The same for a memory that is of no store.
[[nodiscard]] Result<void> check_import(const TypeRegistry& registry, const Module& module,
                                        const Import& import, const MemoryType& memory);

/// The type that an import declares, in the module's own indices.
[[nodiscard]] ExternType import_type(const Module& module, const Import& import);
/// The type of an export, in the module's own indices.
[[nodiscard]] ExternType export_type(const Module& module, const Export& item);
/// "unknown import: env.log (function (i32) -> ())".
[[nodiscard]] Error unknown_import(const Module& module, const Import& import);

}  // namespace wsb::runtime
