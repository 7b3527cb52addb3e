// SPDX-License-Identifier: Apache-2.0
// Instantiation. Spec: exec/modules#exec-instantiation
#include "engine/base/check.h"
#include "engine/runtime/const_eval.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/operations.h"
#include "engine/runtime/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::runtime {

/// The steps in order. Until `finish`, nothing outside the new instance has changed.
class Instantiation {
public:
    Instantiation(Store& store, std::unique_ptr<Instance> instance) noexcept
        : m_store(store), m_owned(std::move(instance)), m_instance(*m_owned), m_module(m_instance.module()) {}

    Result<void> link(std::span<const ExternItem> imports);
    CallResult<void> allocate();
    /// Gives the instance to the store, runs active segments and the start function.
    CallResult<Instance*> finish();

private:
    void bind(const ExternItem& item);
    void make_type_infos();
    void make_funcs();
    CallResult<void> make_globals();
    CallResult<void> make_tables();
    Result<void> make_memories();
    CallResult<void> make_segments();
    CallResult<void> evaluate_offsets();
    void publish() noexcept;
    [[nodiscard]] TrapCode run_segments() noexcept;
    [[nodiscard]] CallResult<Slot> eval(const ConstExpr& expression) const {
        WSB_TRY_ASSIGN(const ConstValue value, evaluate(scope(), expression));
        return value[0];
    }
    [[nodiscard]] ConstScope scope() const noexcept {
        return {m_store, m_module, m_instance.m_globals, m_instance.m_funcs, m_instance.compiled()->executed};
    }
    [[nodiscard]] ValType canonical(ValType type) const noexcept {
        return to_canonical(type, m_module.canonical_types);
    }

    Store& m_store;
    std::unique_ptr<Instance> m_owned;
    Instance& m_instance;
    const Module& m_module;
    std::vector<uint64_t> m_elem_offsets;  ///< of active segments, by segment
    std::vector<uint64_t> m_data_offsets;
};

Result<void> Instantiation::link(std::span<const ExternItem> imports) {
    WSB_CHECK(imports.size() == m_module.imports.size());
    for (size_t i = 0; i < imports.size(); ++i) {
        const Import& import = m_module.imports[i];
        if (!import_matches(m_store.registry(), m_module, import, imports[i])) {
            return fail(ErrorCode::incompatible_import,
                        fmt::format("{}.{}: expected {}, found {}", import.module, import.name,
                                    to_string(import_type(m_module, import)),
                                    to_string(item_type(m_store.registry(), imports[i]))));
        }
        bind(imports[i]);
    }
    return {};
}

void Instantiation::bind(const ExternItem& item) {
    if (const auto* func = std::get_if<VmFunc*>(&item))
        m_instance.m_funcs.push_back(*func);
    else if (const auto* table = std::get_if<Table*>(&item))
        m_instance.m_tables.push_back(*table);
    else if (const auto* memory = std::get_if<Memory*>(&item))
        m_instance.m_memories.push_back(*memory);
    else if (const auto* global = std::get_if<Global*>(&item))
        m_instance.m_globals.push_back(*global);
    else if (const auto* tag = std::get_if<Tag*>(&item))
        m_instance.m_tags.push_back(*tag);
}

CallResult<void> Instantiation::allocate() {
    make_type_infos();
    make_funcs();
    for (size_t i = m_module.imported_tags; i < m_module.tags.size(); ++i) {
        const CanonId type = m_module.canonical_types[m_module.tags[i].type.value];
        m_instance.m_own_tags.push_back(std::make_unique<Tag>(type));
        m_instance.m_tags.push_back(m_instance.m_own_tags.back().get());
    }
    WSB_TRY(make_globals());
    WSB_TRY(make_tables());
    WSB_TRY(make_memories());
    WSB_TRY(make_segments());
    WSB_TRY(evaluate_offsets());
    publish();
    return {};
}

void Instantiation::make_type_infos() {
    const bool has_objects =
        std::ranges::any_of(m_module.types, [](const SubType& type) { return type.func() == nullptr; });
    if (!has_objects)
        return;
    for (size_t i = 0; i < m_module.types.size(); ++i)
        m_instance.m_type_infos.push_back(m_module.types[i].func() != nullptr
                                              ? nullptr
                                              : &m_store.heap().type_info(m_module.canonical_types[i]));
    m_instance.vm().type_infos = m_instance.m_type_infos.data();
}

void Instantiation::make_funcs() {
    std::vector<VmFunc>& own = m_instance.m_own_funcs;
    const size_t first = m_module.imported_funcs;
    own.resize(m_module.funcs.size() - first);
    m_instance.m_funcs.reserve(m_module.funcs.size());
    for (size_t i = 0; i < own.size(); ++i) {
        VmFunc& func = own[i];
        func.index = FuncIdx(first + i);
        const FuncType& type = m_module.func_type(func.index);
        func.type = m_module.canonical_types[m_module.funcs[first + i].value];
        func.param_slots = slot_count_of(type.params);
        func.result_slots = slot_count_of(type.results);
        func.code = &m_instance.compiled()->codes[i];
        func.instance = &m_instance.vm();
        m_instance.m_funcs.push_back(&func);
    }
}

CallResult<void> Instantiation::make_globals() {
    for (size_t i = m_module.imported_globals; i < m_module.globals.size(); ++i) {
        const syntax::Global& global = m_module.globals[i];
        WSB_TRY_ASSIGN(const ConstValue value, evaluate(scope(), global.init));
        const GlobalType type{canonical(global.type.type), global.type.is_mutable};
        m_instance.m_own_globals.push_back(std::make_unique<Global>(type, value[0], value[1]));
        m_instance.m_globals.push_back(m_instance.m_own_globals.back().get());
    }
    return {};
}

CallResult<void> Instantiation::make_tables() {
    for (size_t i = m_module.imported_tables; i < m_module.tables.size(); ++i) {
        const syntax::Table& table = m_module.tables[i];
        TableType type = table.type;
        type.element = canonical(type.element);
        Slot init = 0;
        if (table.init) {
            WSB_TRY_ASSIGN(init, eval(*table.init));
        }
        WSB_TRY_ASSIGN(auto made, Table::create(m_store, type, init));
        m_instance.m_tables.push_back(made.get());
        m_instance.m_own_tables.push_back(std::move(made));
    }
    return {};
}

Result<void> Instantiation::make_memories() {
    for (size_t i = m_module.imported_memories; i < m_module.memories.size(); ++i) {
        WSB_TRY_ASSIGN(auto made, Memory::create(m_store, m_module.memories[i].type));
        m_instance.m_memories.push_back(made.get());
        m_instance.m_own_memories.push_back(std::move(made));
    }
    return {};
}

CallResult<void> Instantiation::make_segments() {
    m_instance.m_elems.resize(m_module.elems.size());
    for (size_t i = 0; i < m_module.elems.size(); ++i) {
        const ElemSegment& segment = m_module.elems[i];
        if (segment.mode == ElemSegment::Mode::declarative)
            continue;
        std::vector<Slot>& slots = m_instance.m_elems[i];
        slots.reserve(segment.size());
        for (const FuncIdx func : segment.funcs)
            slots.push_back(reinterpret_cast<uintptr_t>(m_instance.m_funcs[func.value]));
        for (const ConstExpr& expression : segment.exprs) {
            WSB_TRY_ASSIGN(const Slot slot, eval(expression));
            slots.push_back(slot);
        }
    }
    m_instance.m_datas.reserve(m_module.datas.size());
    for (const DataSegment& segment : m_module.datas)
        m_instance.m_datas.push_back(m_module.view(segment.bytes));
    return {};
}

/// Offsets depend on globals only, so they are known before anything outside changes.
CallResult<void> Instantiation::evaluate_offsets() {
    m_elem_offsets.resize(m_module.elems.size());
    for (size_t i = 0; i < m_module.elems.size(); ++i) {
        if (m_module.elems[i].mode == ElemSegment::Mode::active) {
            WSB_TRY_ASSIGN(m_elem_offsets[i], eval(m_module.elems[i].offset));
        }
    }
    m_data_offsets.resize(m_module.datas.size());
    for (size_t i = 0; i < m_module.datas.size(); ++i) {
        if (m_module.datas[i].mode == DataSegment::Mode::active) {
            WSB_TRY_ASSIGN(m_data_offsets[i], eval(m_module.datas[i].offset));
        }
    }
    return {};
}

void Instantiation::publish() noexcept {
    VmInstance& vm = m_instance.vm();
    vm.funcs = m_instance.m_funcs.data();
    vm.memories = m_instance.m_memories.data();
    if (!m_instance.m_memories.empty())
        vm.first_memory = m_instance.m_memories.front();
    vm.tables = m_instance.m_tables.data();
    vm.globals = m_instance.m_globals.data();
}

TrapCode Instantiation::run_segments() noexcept {
    VmInstance& vm = m_instance.vm();
    for (uint32_t i = 0; i < m_module.elems.size(); ++i) {
        const ElemSegment& segment = m_module.elems[i];
        if (segment.mode != ElemSegment::Mode::active)
            continue;
        const TrapCode trap =
            table_init(vm, i, segment.table.value, m_elem_offsets[i], 0, m_instance.elem(i).size());
        if (trap != TrapCode::none)
            return trap;
        elem_drop(vm, i);
    }
    for (uint32_t i = 0; i < m_module.datas.size(); ++i) {
        const DataSegment& segment = m_module.datas[i];
        if (segment.mode != DataSegment::Mode::active)
            continue;
        const TrapCode trap =
            memory_init(vm, i, segment.memory.value, m_data_offsets[i], 0, m_instance.data(i).size());
        if (trap != TrapCode::none)
            return trap;
        data_drop(vm, i);
    }
    return TrapCode::none;
}

CallResult<Instance*> Instantiation::finish() {
    // Before the first effect: from here on other instances may come to refer to this one.
    m_store.adopt(std::move(m_owned));
    if (const TrapCode trap = run_segments(); trap != TrapCode::none)
        return std::unexpected(Failure(Trap{trap, "active segment", {}}));
    if (m_module.start) {
        Slot unused = 0;
        if (auto started = m_store.call(*m_instance.m_funcs[m_module.start->value], &unused); !started)
            return std::unexpected(std::move(started).error());
    }
    return &m_instance;
}

CallResult<Instance*> instantiate(Store& store, std::shared_ptr<const CompiledModule> compiled,
                                  std::span<const ExternItem> imports) {
    // Canonical types are numbers of one engine.
    if (compiled->registry != store.engine().registry)
        return fail(ErrorCode::bad_usage, "module and store belong to different engines");
    auto instance = std::make_unique<Instance>(store, std::move(compiled));
    if (!store.charge_instance())
        return fail(ErrorCode::limit_exceeded, "number of instances of the store");
    instance->set_charged();
    // Nothing is collected while constant expressions make objects that nothing refers to yet.
    if (store.heap().is_due())
        store.collect();
    Instantiation instantiation(store, std::move(instance));
    WSB_TRY(instantiation.link(imports));
    WSB_TRY(instantiation.allocate());
    return instantiation.finish();
}

}  // namespace wsb::runtime
