// SPDX-License-Identifier: Apache-2.0
// Instantiation. Spec: exec/modules#exec-instantiation
#include "engine/base/check.h"
#include "engine/runtime/const_eval.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/operations.h"
#include "engine/runtime/prepared.h"
#include "engine/runtime/store.h"

#include <algorithm>

namespace wsb::runtime {

/// The steps in order. Until `finish`, nothing outside the new instance has changed.
class Instantiation {
public:
    /// `prepared` may be null. `place`: null unless memories are to be resettable.
    Instantiation(Store& store, std::unique_ptr<Instance> instance, const Prepared* prepared,
                  const MemorySpace* place) noexcept
        : m_store(store),
          m_owned(std::move(instance)),
          m_instance(*m_owned),
          m_module(m_instance.module()),
          m_prepared(prepared),
          m_place(place) {}

    Result<void> check(std::span<const ExternItem> imports) const;
    /// Imports have been checked.
    CallResult<void> allocate(std::span<const ExternItem> imports);
    /// Gives the instance to the store and runs active segments.
    CallResult<Instance*> finish();

private:
    void bind(const ExternItem& item);
    void make_type_infos();
    void make_funcs();
    CallResult<void> make_globals();
    CallResult<void> make_tables();
    Result<void> make_memories();
    Result<std::unique_ptr<Memory>> make_memory(size_t index);
    CallResult<void> make_segments();
    CallResult<void> evaluate_offsets();
    void publish() noexcept;
    [[nodiscard]] TrapCode run_segments() noexcept;
    [[nodiscard]] bool is_in_image(const DataSegment& segment) const noexcept {
        const uint32_t memory = segment.memory.value;
        return m_images != nullptr && memory >= m_module.imported_memories &&
               (*m_images)[memory - m_module.imported_memories].is_complete();
    }
    [[nodiscard]] CallResult<Slot> eval(const ConstExpr& expression) const {
        WSB_TRY_ASSIGN(const ConstValue value, evaluate(scope(), expression));
        return value[0];
    }
    [[nodiscard]] ConstScope scope() const noexcept {
        return {&m_store, m_module, m_instance.m_globals, m_instance.m_funcs,
                m_instance.compiled()->executed};
    }
    [[nodiscard]] ValType canonical(ValType type) const noexcept {
        return to_canonical(type, m_module.canonical_types);
    }

    Store& m_store;
    std::unique_ptr<Instance> m_owned;
    Instance& m_instance;
    const Module& m_module;
    const Prepared* m_prepared;
    const MemorySpace* m_place;
    /// By memory of its own, or none: those that are complete have the content already.
    const std::deque<MemoryImage>* m_images = nullptr;
    // Of active segments, by segment: what is prepared, or evaluated here.
    std::span<const uint64_t> m_elem_offsets;
    std::span<const uint64_t> m_data_offsets;
    std::vector<uint64_t> m_own_elem_offsets;
    std::vector<uint64_t> m_own_data_offsets;
};

Result<void> Instantiation::check(std::span<const ExternItem> imports) const {
    WSB_CHECK(imports.size() == m_module.imports.size());
    for (size_t i = 0; i < imports.size(); ++i)
        WSB_TRY(check_import(m_store.registry(), m_module, m_module.imports[i], imports[i]));
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

CallResult<void> Instantiation::allocate(std::span<const ExternItem> imports) {
    for (const ExternItem& item : imports)
        bind(item);
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

std::vector<VmFunc> own_funcs(const CompiledModule& compiled) {
    const Module& module = compiled.module;
    const size_t first = module.imported_funcs;
    std::vector<VmFunc> own(module.funcs.size() - first);
    for (size_t i = 0; i < own.size(); ++i) {
        VmFunc& func = own[i];
        func.index = FuncIdx(first + i);
        const FuncType& type = module.func_type(func.index);
        func.type = module.canonical_types[module.funcs[first + i].value];
        func.param_slots = slot_count_of(type.params);
        func.result_slots = slot_count_of(type.results);
        func.code = &compiled.codes[i];
        func.native_entry = func.code->native_entry.load(std::memory_order_relaxed);
    }
    return own;
}

void Instantiation::make_funcs() {
    std::vector<VmFunc>& own = m_instance.m_own_funcs;
    if (m_prepared != nullptr)
        own.assign(m_prepared->funcs().begin(), m_prepared->funcs().end());
    else
        own = own_funcs(*m_instance.compiled());
    m_instance.m_funcs.reserve(m_module.funcs.size());
    for (VmFunc& func : own) {
        func.instance = &m_instance.vm();
        m_instance.m_funcs.push_back(&func);
    }
}

CallResult<void> Instantiation::make_globals() {
    m_instance.m_own_globals.reserve(m_module.globals.size() - m_module.imported_globals);
    for (size_t i = m_module.imported_globals; i < m_module.globals.size(); ++i) {
        const syntax::Global& global = m_module.globals[i];
        WSB_TRY_ASSIGN(const ConstValue value, evaluate(scope(), global.init));
        const GlobalType type{canonical(global.type.type), global.type.is_mutable};
        m_instance.m_globals.push_back(&m_instance.m_own_globals.emplace_back(type, value[0], value[1]));
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

Result<std::unique_ptr<Memory>> Instantiation::make_memory(size_t index) {
    const MemoryType& type = m_module.memories[index].type;
    if (m_place == nullptr || type.is_shared)
        return Memory::create(m_store, type);
    const size_t own_index = index - m_module.imported_memories;
    const MemoryImage& image = (*m_images)[own_index];
    return Memory::create_resettable(
        m_store, type, {own_index == 0 ? *m_place : MemorySpace(), image.is_complete() ? &image : nullptr});
}

Result<void> Instantiation::make_memories() {
    if (m_place != nullptr)
        m_images = &m_prepared->images();
    for (size_t i = m_module.imported_memories; i < m_module.memories.size(); ++i) {
        WSB_TRY_ASSIGN(auto made, make_memory(i));
        m_instance.m_memories.push_back(made.get());
        m_instance.m_own_memories.push_back(std::move(made));
    }
    return {};
}

CallResult<void> Instantiation::make_segments() {
    m_instance.m_elem_slots.resize(m_module.elems.size());
    m_instance.m_elems.resize(m_module.elems.size());
    for (size_t i = 0; i < m_module.elems.size(); ++i) {
        const ElemSegment& segment = m_module.elems[i];
        if (segment.mode == ElemSegment::Mode::declarative)
            continue;
        std::vector<Slot>& slots = m_instance.m_elem_slots[i];
        slots.reserve(segment.size());
        for (const FuncIdx func : segment.funcs)
            slots.push_back(reinterpret_cast<uintptr_t>(m_instance.m_funcs[func.value]));
        for (const ConstExpr& expression : segment.exprs) {
            WSB_TRY_ASSIGN(const Slot slot, eval(expression));
            slots.push_back(slot);
        }
        m_instance.m_elems[i] = slots;
    }
    m_instance.m_datas.reserve(m_module.datas.size());
    for (const DataSegment& segment : m_module.datas)
        m_instance.m_datas.push_back(m_module.view(segment.bytes));
    return {};
}

/// Offsets depend on globals only, so they are known before anything outside changes.
CallResult<void> Instantiation::evaluate_offsets() {
    if (m_prepared != nullptr) {
        m_elem_offsets = m_prepared->elem_offsets();
        m_data_offsets = m_prepared->data_offsets();
        return {};
    }
    m_own_elem_offsets.resize(m_module.elems.size());
    for (size_t i = 0; i < m_module.elems.size(); ++i) {
        if (m_module.elems[i].mode == ElemSegment::Mode::active) {
            WSB_TRY_ASSIGN(m_own_elem_offsets[i], eval(m_module.elems[i].offset));
        }
    }
    m_own_data_offsets.resize(m_module.datas.size());
    for (size_t i = 0; i < m_module.datas.size(); ++i) {
        if (m_module.datas[i].mode == DataSegment::Mode::active) {
            WSB_TRY_ASSIGN(m_own_data_offsets[i], eval(m_module.datas[i].offset));
        }
    }
    m_elem_offsets = m_own_elem_offsets;
    m_data_offsets = m_own_data_offsets;
    return {};
}

void Instantiation::publish() noexcept {
    VmInstance& vm = m_instance.vm();
    vm.funcs = m_instance.m_funcs.data();
    vm.memories = m_instance.m_memories.data();
    if (!m_instance.m_memories.empty()) {
        vm.first_memory = m_instance.m_memories.front();
        // Machine code counts on it, whoever made the memory.
        WSB_CHECK(!m_instance.compiled()->has_guard_regions ||
                  !can_be_guarded(m_module.memories.front().type) ||
                  static_cast<const Memory*>(vm.first_memory)->is_guarded());
    }
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
        m_instance.m_elem_slots[i] = {};
    }
    for (uint32_t i = 0; i < m_module.datas.size(); ++i) {
        const DataSegment& segment = m_module.datas[i];
        if (segment.mode != DataSegment::Mode::active)
            continue;
        if (is_in_image(segment)) {
            data_drop(vm, i);
            continue;
        }
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
    return &m_instance;
}

CallResult<void> run_start(Instance& instance) {
    const Module& module = instance.module();
    if (!module.start)
        return {};
    Slot unused = 0;
    return instance.store().call(*std::get<VmFunc*>(instance.item(ExternKind::func, module.start->value)),
                                 &unused);
}

namespace {

/// A place for an instance in the store.
Result<std::unique_ptr<Instance>> begin(Store& store, std::shared_ptr<const CompiledModule> compiled) {
    // Canonical types are numbers of one engine.
    if (compiled->registry != store.engine().registry)
        return fail(ErrorCode::bad_usage, "module and store belong to different engines");
    store.note_thread();
    auto instance = std::make_unique<Instance>(store, std::move(compiled));
    if (!store.charge_instance())
        return fail(ErrorCode::limit_exceeded, "number of instances of the store");
    instance->set_charged();
    // Nothing is collected while constant expressions make objects that nothing refers to yet.
    if (store.heap().is_due())
        store.collect();
    return instance;
}

CallResult<Instance*> populate(Store& store, const Prepared& prepared, const MemorySpace* place) {
    WSB_TRY_ASSIGN(auto instance, begin(store, prepared.compiled()));
    WSB_TRY_ASSIGN(const auto imports, prepared.enter(store));
    Instantiation instantiation(store, std::move(instance), &prepared, place);
    WSB_TRY(instantiation.allocate(imports));
    return instantiation.finish();
}

CallResult<Instance*> started(CallResult<Instance*> instance) {
    if (instance)
        WSB_TRY(run_start(**instance));
    return instance;
}

}  // namespace

CallResult<Instance*> instantiate(Store& store, std::shared_ptr<const CompiledModule> compiled,
                                  std::span<const ExternItem> imports) {
    WSB_TRY_ASSIGN(auto instance, begin(store, std::move(compiled)));
    Instantiation instantiation(store, std::move(instance), nullptr, nullptr);
    WSB_TRY(instantiation.check(imports));
    WSB_TRY(instantiation.allocate(imports));
    return started(instantiation.finish());
}

CallResult<Instance*> instantiate(Store& store, const Prepared& prepared) {
    return started(populate(store, prepared, nullptr));
}

CallResult<Instance*> populate(Store& store, const Prepared& prepared, const MemorySpace& memory) {
    return populate(store, prepared, &memory);
}

}  // namespace wsb::runtime
