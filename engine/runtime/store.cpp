// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/store.h"

#include "engine/base/check.h"
#include "engine/runtime/operations.h"

#include <algorithm>
#include <new>

namespace wsb::runtime {

namespace {
constexpr size_t min_stack_bytes = size_t{64} << 10;
constexpr size_t max_stack_bytes = size_t{1} << 30;
constexpr size_t max_backtrace_frames = 64;
}  // namespace

Store::Store(std::shared_ptr<const EngineState> engine, const StoreLimits& limits) noexcept
    : m_engine(std::move(engine)), m_limits(limits) {}

Store::~Store() {
    leave_account();
}

Result<std::unique_ptr<Store>> Store::create(std::shared_ptr<const EngineState> engine,
                                             const StoreLimits& limits) {
    std::unique_ptr<Store> store(new Store(std::move(engine), limits));
    WSB_TRY(store->m_stack.reserve(stack_bytes(store->engine())));
    store->begin();
    return store;
}

std::unique_ptr<Store> Store::create_on(std::shared_ptr<const EngineState> engine, const StoreLimits& limits,
                                        PageRange stack) {
    std::unique_ptr<Store> store(new Store(std::move(engine), limits));
    store->m_stack.use(stack);
    store->begin();
    return store;
}

/// The stack is there.
void Store::begin() noexcept {
    m_context = VmContext{.store = this,
                          .stack_begin = m_stack.begin(),
                          .stack_limit = m_stack.end(),
                          .stack_top = m_stack.begin(),
                          .fuel_left = fuel_unlimited};
    if (samples())
        m_slice_units = std::min(m_engine->sample_units, slice_units);
    m_until_sample = m_slice_units;
    m_slices_unseen = 0;
    slice_again();
    if (m_engine->config.collect_always)
        m_heap.collect_always();
}

size_t Store::stack_bytes(const EngineState& engine) noexcept {
    return std::clamp(engine.config.max_stack_bytes, min_stack_bytes, max_stack_bytes);
}

Result<Memory*> Store::new_memory(const MemoryType& type) {
    WSB_TRY_ASSIGN(auto memory, Memory::create(*this, type));
    m_memories.push_back(std::move(memory));
    return m_memories.back().get();
}

Result<Memory*> Store::attach(std::shared_ptr<SharedMemory> shared) {
    if (const auto known = m_shared_memories.find(shared.get()); known != m_shared_memories.end())
        return known->second;
    WSB_TRY_ASSIGN(auto memory, Memory::attach(*this, std::move(shared)));
    m_memories.push_back(std::move(memory));
    return m_memories.back().get();
}

Result<Table*> Store::new_table(const TableType& canonical_type, Slot init) {
    WSB_TRY_ASSIGN(auto table, Table::create(*this, canonical_type, init));
    m_tables.push_back(std::move(table));
    return m_tables.back().get();
}

Global* Store::new_global(const GlobalType& canonical_type, Slot low, Slot high) {
    return &m_globals.emplace_back(canonical_type, low, high);
}

Tag* Store::new_tag(CanonId type) {
    return &m_tags.emplace_back(type);
}

HostFunc* Store::host_func(CanonId type, HostEntry entry, std::shared_ptr<void> environment) {
    HostFunc*& known = m_host_funcs_by_environment[environment.get()];
    if (known != nullptr)
        return known;
    const FuncType& signature = *registry().type(type).func();
    HostFunc& func = m_host_funcs.emplace_back();
    func.type = type;
    func.param_slots = slot_count_of(signature.params);
    func.result_slots = slot_count_of(signature.results);
    func.host = entry;
    func.host_environment = static_cast<HostPlace*>(&func);
    static_cast<HostPlace&>(func) = {environment.get(), this, &m_host_roots.size(), &m_context.is_sliced};
    func.environment = std::move(environment);
    known = &func;
    return known;
}

Result<Slot> Store::new_externref(std::any object) {
    if (m_externrefs.size() >= m_limits.externrefs) {
        static_cast<void>(refuse(LimitKind::externrefs));
        return fail(ErrorCode::limit_exceeded, "host references of the store");
    }
    m_externrefs.push_back(std::move(object));
    return host_reference(m_externrefs.size() - 1);
}

const std::any* Store::externref(Slot reference) const noexcept {
    const bool is_known = is_host_reference(reference) && reference >> 2 < m_externrefs.size();
    return is_known ? &m_externrefs[reference >> 2] : nullptr;
}

Instance* Store::adopt(std::unique_ptr<Instance> instance) {
    if (std::ranges::find(m_modules, instance->compiled()) == m_modules.end())
        m_modules.push_back(instance->compiled());
    m_instances.push_back(std::move(instance));
    return m_instances.back().get();
}

/// Leaves what `find` says for take_failure. Apart, so that a run which returns keeps little.
template <class Find>
[[gnu::cold, gnu::noinline]] void Store::keep_failure(Find find) noexcept {
    try {
        m_pending = find();
    } catch (const std::bad_alloc&) {
        m_pending = Failure(fail(ErrorCode::out_of_memory).error());
    }
}

bool Store::run(const VmFunc& func, Slot* slots) noexcept {
    VmContext& context = m_context;
    const bool is_too_deep = context.host_depth >= m_engine->config.max_host_depth;
    if (is_too_deep || (context.is_sliced && is_interrupted())) [[unlikely]] {
        keep_failure([&] {
            return is_too_deep ? Trap{TrapCode::stack_overflow, "host functions nested too deep", {}}
                               : interrupted_by(m_interruption);
        });
        return false;
    }
    if (context.is_sliced)
        begin_slice(func);
    note_thread();
    // A nested entry must leave the frames of the outer one as they were.
    Slot* const outer_top = context.stack_top;
    const TrapCode outer_trap = context.trap;
    const uint64_t* const outer_ip = context.trap_ip;
    Slot* const outer_sp = context.trap_sp;
    ++context.host_depth;
    context.trap = TrapCode::none;
    m_interruption = Interruption::none;
    m_pending.reset();
    const bool is_host = func.host != nullptr;
    const HostOutcome outcome = is_host ? func.host(func.host_environment, context, nullptr, slots)
                                        : m_engine->tier->invoke(context, func, slots);
    if (outcome == HostOutcome::trapped) [[unlikely]]
        keep_failure([&] { return complete_failure(!is_host); });
    --context.host_depth;
    context.stack_top = outer_top;
    context.trap = outer_trap;
    context.trap_ip = outer_ip;
    context.trap_sp = outer_sp;
    if (context.is_sliced && context.host_depth == 0)
        end_slice();
    return outcome == HostOutcome::returned;
}

Failure Store::take_failure() noexcept {
    WSB_ASSERT(m_pending.has_value());
    Failure failure = *std::move(m_pending);
    m_pending.reset();
    return failure;
}

CallResult<void> Store::call(const VmFunc& func, Slot* slots) noexcept {
    if (run(func, slots))
        return {};
    return std::unexpected(take_failure());
}

Failure Store::complete_failure(bool has_guest_frames) {
    if (!m_pending) {
        Trap trap{m_context.trap, {}, {}};
        describe(trap);
        if (has_guest_frames)
            trap.frames = backtrace();
        return trap;
    }
    Failure failure = take_failure();
    if (const Trap* trap = failure.trap(); trap != nullptr && has_guest_frames) {
        // Frames from a nested call, innermost, come first.
        if (trap->exception != 0)
            m_host_roots.add(trap->exception);
        Trap complete = *trap;
        for (TrapFrame& frame : backtrace()) {
            if (complete.frames.size() < max_backtrace_frames)
                complete.frames.push_back(std::move(frame));
        }
        return complete;
    }
    return failure;
}

/// What the host should know beside the code.
void Store::describe(Trap& trap) {
    // Allocation is refused rather than waited for.
    if (trap.code == TrapCode::allocation_failure && m_interruption != Interruption::none)
        trap.code = TrapCode::interrupted;
    if (trap.code == TrapCode::interrupted) {
        trap.interruption = m_interruption;
        trap.detail = interruption_text(m_interruption);
    }
    if (trap.code == TrapCode::allocation_failure && m_last_limit == LimitKind::memory_bytes) {
        const uint64_t limit_bytes = m_account != nullptr
                                         ? std::min(m_account->memory_limit_bytes(), m_limits.memory_bytes)
                                         : m_limits.memory_bytes;
        trap.detail = "the memory limit of " + std::to_string(limit_bytes) + " bytes is reached";
    }
    if (trap.code == TrapCode::uncaught_exception) {
        trap.exception = reference_to(m_context.uncaught);
        m_host_roots.add(trap.exception);
    }
}

std::vector<TrapFrame> Store::backtrace() const {
    std::vector<TrapFrame> frames;
    for (const GuestFrame& guest : m_engine->tier->backtrace(m_context, max_backtrace_frames)) {
        TrapFrame& frame = frames.emplace_back();
        frame.func_index = guest.func.value;
        frame.offset_bytes = guest.offset_bytes;
        if (guest.module == nullptr)
            continue;
        const Module& module = *guest.module;
        frame.module_name = module.names.module;
        const auto is_this = [&](const Export& item) {
            return item.kind == ExternKind::func && item.index == guest.func.value;
        };
        if (const auto name = module.names.funcs.find(guest.func.value); name != module.names.funcs.end())
            frame.func_name = name->second;
        else if (const auto found = std::ranges::find_if(module.exports, is_this);
                 found != module.exports.end())
            frame.func_name = found->name;
    }
    return frames;
}

bool Store::refuse(LimitKind limit) noexcept {
    m_last_limit = limit;
    return false;
}

bool Store::charge_memory(uint64_t size_bytes, uint32_t count) noexcept {
    if (count > 0 && m_memory_count >= m_limits.memories)
        return refuse(LimitKind::memories);
    // The limit may have been set below what is in use.
    if (size_bytes > m_limits.memory_bytes - std::min(m_memory_bytes, m_limits.memory_bytes))
        return refuse(LimitKind::memory_bytes);
    if (m_account != nullptr && !m_account->charge_memory(size_bytes))
        return refuse(LimitKind::memory_bytes);
    m_memory_count += count;
    m_memory_bytes += size_bytes;
    m_peak_memory_bytes = std::max(m_peak_memory_bytes, m_memory_bytes);
    return true;
}

void Store::release_memory(uint64_t size_bytes, uint32_t count) noexcept {
    m_memory_bytes -= size_bytes;
    m_memory_count -= count;
    if (m_account != nullptr)
        m_account->release_memory(size_bytes);
}

bool Store::charge_table(uint64_t elements, uint32_t count) noexcept {
    if (count > 0 && m_table_count >= m_limits.tables)
        return refuse(LimitKind::tables);
    if (elements > m_limits.table_elements - std::min(m_table_elements, m_limits.table_elements))
        return refuse(LimitKind::table_elements);
    if (m_account != nullptr && !m_account->charge_memory(elements * sizeof(Slot)))
        return refuse(LimitKind::memory_bytes);
    m_table_count += count;
    m_table_elements += elements;
    return true;
}

void Store::release_table(uint64_t elements, uint32_t count) noexcept {
    m_table_elements -= elements;
    m_table_count -= count;
    if (m_account != nullptr)
        m_account->release_memory(elements * sizeof(Slot));
}

bool Store::charge_instance() noexcept {
    if (m_instance_count >= m_limits.instances)
        return refuse(LimitKind::instances);
    if (m_account != nullptr && !m_account->charge_instance())
        return refuse(LimitKind::instances);
    ++m_instance_count;
    return true;
}

void Store::release_instance() noexcept {
    --m_instance_count;
    if (m_account != nullptr)
        m_account->release_instance();
}

uint64_t Store::accounted_bytes() const noexcept {
    return m_memory_bytes + m_table_elements * sizeof(Slot);
}

bool Store::set_account(std::shared_ptr<StoreAccount> account) noexcept {
    leave_account();
    if (account != nullptr) {
        if (!account->charge_memory(accounted_bytes()))
            return refuse(LimitKind::memory_bytes);
        uint32_t charged = 0;
        while (charged < m_instance_count && account->charge_instance())
            ++charged;
        if (charged < m_instance_count) {
            account->release_memory(accounted_bytes());
            for (; charged > 0; --charged)
                account->release_instance();
            return refuse(LimitKind::instances);
        }
    }
    m_account = std::move(account);
    if (m_account != nullptr)
        m_account->joined(&m_interrupts);
    slice_again();
    return true;
}

void Store::leave_account() noexcept {
    if (m_account == nullptr)
        return;
    m_account->release_memory(accounted_bytes());
    for (uint32_t i = 0; i < m_instance_count; ++i)
        m_account->release_instance();
    m_account->joined(nullptr);
    m_account.reset();
}

}  // namespace wsb::runtime
