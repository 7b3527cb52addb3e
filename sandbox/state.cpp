// SPDX-License-Identifier: Apache-2.0
#include "sandbox/state.h"

#include "engine/base/result.h"
#include "engine/runtime/store.h"
#include "sandbox/imports.h"
#include "sandbox/sha256.h"
#include "wasi/landlock.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::sandbox {
namespace {

Config config_of(const Spec& spec) {
    Config config;
    config.features = spec.features;
    config.compile_threads = spec.compile_threads;
    config.lazy_translation = spec.is_lazy;
    config.tier = spec.tier;
    config.max_stack_bytes = spec.limits.stack_bytes;
    config.module_limits = spec.limits.module;
    return config;
}

StoreLimits store_limits(const SandboxLimits& limits) {
    StoreLimits store;
    store.table_elements = limits.table_elements.value_or(store.table_elements);
    store.instances = static_cast<uint32_t>(
        std::min<uint64_t>(limits.instances.value_or(store.instances), store.instances));
    return store;
}

std::chrono::nanoseconds thread_cpu_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Result<v1::Module> module_of(const Engine& engine, const Spec& spec) {
    if (const auto* path = std::get_if<std::filesystem::path>(&spec.module))
        return v1::Module::from_file(engine, *path);
    if (const auto* bytes = std::get_if<std::vector<uint8_t>>(&spec.module))
        return v1::Module::compile(engine, *bytes);
    if (const auto* text = std::get_if<ModuleText>(&spec.module))
        return v1::Module::from_wat(engine, text->text);
    return fail(ErrorCode::bad_usage, "no module was given");
}

/// A host function that is counted, and looks whether it may still be called.
struct Counted {
    HostFunction inner;
    std::string module, name;
    Account* account;

    static CallResult<void> invoke(void* callable, Caller& caller, uint64_t* slots) noexcept {
        const auto& self = *static_cast<const Counted*>(callable);
        if (!self.account->charge(Resource::host_calls, 1))
            return std::unexpected(
                Failure(Trap{TrapCode::interrupted, self.account->last_limit()->message(), {}}));
        self.account->audit().host_call(self.module, self.name);
        return self.inner.invoke(self.inner.callable.get(), caller, slots);
    }
};

}  // namespace

Result<std::shared_ptr<const Loaded>> load(const Spec& spec) {
    if (spec.error)
        return std::unexpected(*spec.error);
    if (!spec.audit.failure().empty())
        return fail(ErrorCode::io_error, spec.audit.failure());
    auto loaded = std::make_shared<Loaded>(Loaded{spec, Engine(config_of(spec)), std::nullopt, {}, {}});
    WSB_TRY_ASSIGN(loaded->module, module_of(loaded->engine, spec));
    if (const auto* path = std::get_if<std::filesystem::path>(&spec.module))
        loaded->source = path->string();
    if (spec.audit.impl() != nullptr || spec.module_sha256)
        loaded->sha256 = sha256_hex(loaded->module->bytes());
    if (spec.module_sha256 && loaded->sha256 != *spec.module_sha256)
        return fail(ErrorCode::bad_usage, fmt::format("the module's SHA-256 is {}, but {} was asked for",
                                                      loaded->sha256, *spec.module_sha256));
    return loaded;
}

Result<std::unique_ptr<SandboxState>> SandboxState::create(std::shared_ptr<const Loaded> loaded) {
    std::unique_ptr<SandboxState> state(new SandboxState(std::move(loaded)));
    const Spec& spec = state->m_loaded->spec;
    const AuditTrail audit(spec.audit.impl());
    state->m_account = std::make_shared<Account>(Ledger::create(spec.limits, spec.ledger_above), audit);
    audit.module_loaded(state->m_loaded->source, state->m_loaded->sha256,
                        state->m_loaded->module->bytes().size());
    if (auto linked = state->link(); !linked) {
        audit.denied("module", linked.error().message());
        return std::unexpected(std::move(linked).error());
    }
    return state;
}

SandboxState::~SandboxState() {
    if (m_instance)
        m_account->audit().instance_ended(m_report.fuel, ledger()->peak(Resource::memory));
}

HostFunction SandboxState::counted(const HostDefinition& definition) {
    HostFunction function;
    function.type = definition.function.type;
    function.callable = std::make_shared<Counted>(
        Counted{definition.function, definition.module, definition.name, m_account.get()});
    function.invoke = &Counted::invoke;
    return function;
}

Result<void> SandboxState::link() {
    const Spec& spec = m_loaded->spec;
    const auto imports = m_loaded->module->imports();
    WSB_TRY(check_imports(imports, spec));
    WSB_TRY_ASSIGN(m_policy, GrantedPolicy::create(spec.grants, spec.limits.open_files, *m_account));
    if (uses_wasi(imports)) {
        WSB_TRY_ASSIGN(m_wasi, wasi::Preview1::create(*m_policy));
        WSB_TRY(m_wasi->define_in(m_linker, imports));
    }
    for (const HostDefinition& definition : spec.functions)
        WSB_TRY(m_linker.define(definition.module, definition.name, counted(definition)));
    return {};
}

std::optional<std::chrono::nanoseconds> SandboxState::left_of(std::optional<Ns> of_call,
                                                              Resource total) const noexcept {
    const uint64_t left = ledger()->available(total);
    if (left == UINT64_MAX)
        return of_call;
    const Ns total_left(static_cast<int64_t>(std::min<uint64_t>(left, INT64_MAX)));
    return std::min(total_left, of_call.value_or(total_left));
}

void SandboxState::begin_clocks() noexcept {
    m_account->begin();
    m_wall_before = Clock::now();
    m_cpu_before = thread_cpu_time();
    m_report = {};
}

void SandboxState::arm(StoreRef store) noexcept {
    const SandboxLimits& limits = m_loaded->spec.limits;
    const auto time = left_of(limits.timeout, Resource::wall_time);
    const bool is_bounded = time && *time <= Clock::time_point::max() - m_wall_before;
    store.set_deadline(is_bounded ? std::optional(m_wall_before + *time) : std::nullopt);
    store.set_cpu_time(left_of(limits.cpu_time, Resource::cpu_time));
    store.set_cancellation(m_loaded->spec.cancellation);
    store.set_fuel(limits.fuel);
    m_fuel_before = store.fuel_consumed();
}

CallResult<void> SandboxState::make_first() {
    WSB_TRY_ASSIGN(m_store, v1::Store::create(m_loaded->engine, store_limits(m_loaded->spec.limits)));
    if (!m_store->impl().set_account(m_account))
        return fail(ErrorCode::limit_exceeded, "store");
    arm(*m_store);
    WSB_TRY_ASSIGN(const Instance instance, m_linker.instantiate(*m_store, *m_loaded->module));
    m_instance = instance;
    return {};
}

/// The slot of the pool serves each instance after the first.
CallResult<void> SandboxState::make_another() {
    if (!m_pool) {
        m_store.reset();
        WSB_TRY_ASSIGN(m_pre, m_linker.instantiate_pre(*m_loaded->module));
        PoolOptions options;
        options.slots = 1;
        options.limits = store_limits(m_loaded->spec.limits);
        WSB_TRY_ASSIGN(m_pool, Pool::create(m_loaded->engine, options));
    }
    const SandboxLimits& limits = m_loaded->spec.limits;
    TakeOptions options;
    options.fuel = limits.fuel;
    const auto time = left_of(limits.timeout, Resource::wall_time);
    if (time && *time <= Clock::time_point::max() - m_wall_before)
        options.deadline = m_wall_before + *time;
    options.cancellation = m_loaded->spec.cancellation.impl();
    options.account = m_account;
    m_fuel_before = 0;
    WSB_TRY_ASSIGN(auto taken, m_pool->take(*m_pre, options));
    m_pooled.emplace(std::move(taken));
    m_instance = m_pooled->instance();
    return {};
}

/// A library that has something to set up exports this.
CallResult<void> SandboxState::initialize() {
    const auto initialize = m_instance->typed_function<void()>("_initialize");
    return initialize ? (*initialize)() : CallResult<void>();
}

std::optional<SandboxFailure> SandboxState::start(bool initializes) {
    begin_clocks();
    CallResult<void> made = make_first();
    if (made && initializes)
        made = initialize();
    if (made)
        m_account->audit().instance_created();
    return finish(made ? nullptr : &made.error());
}

Result<void> SandboxState::confine_thread() const {
    const auto rules = wasi::landlock_rules(m_policy->preopens());
    const auto confined = wasi::confine_thread(rules);
    if (confined)
        return {};
    if (confined.error() == wasi::Errno::nosys)
        return fail(ErrorCode::io_error, "the kernel has no Landlock, or it is switched off");
    return fail(ErrorCode::io_error, "Landlock: " + std::string(wasi::errno_name(confined.error())));
}

std::optional<SandboxFailure> SandboxState::restart() {
    m_instance.reset();
    m_pooled.reset();
    ++m_generation;
    m_account->audit().instance_ended(m_report.fuel, ledger()->peak(Resource::memory));
    begin_clocks();
    CallResult<void> made;
    if (auto again = m_policy->restart(); !again)
        made = std::unexpected(Failure(std::move(again).error()));
    if (made && m_wasi != nullptr) {
        if (auto again = m_wasi->restart(); !again)
            made = std::unexpected(Failure(std::move(again).error()));
    }
    if (made)
        made = make_another();
    if (made)
        made = initialize();
    if (made)
        m_account->audit().instance_created();
    return finish(made ? nullptr : &made.error());
}

std::optional<SandboxFailure> SandboxState::begin_call() {
    if (!m_instance)
        return SandboxFailure(Error{ErrorCode::bad_usage, no_offset, no_function, 0, 0,
                                    "the sandbox has no instance: resetting it failed"});
    if (m_depth++ > 0)
        return std::nullopt;
    begin_clocks();
    arm(m_instance->store());
    return std::nullopt;
}

std::optional<SandboxFailure> SandboxState::end_call(const Failure* failure) {
    if (--m_depth > 0)
        return failure != nullptr ? std::optional(judge(*failure)) : std::nullopt;
    return finish(failure);
}

std::optional<SandboxFailure> SandboxState::finish(const Failure* failure) {
    m_report.wall_time = Clock::now() - m_wall_before;
    m_report.cpu_time = thread_cpu_time() - m_cpu_before;
    Ledger& accounts = *ledger();
    accounts.add(Resource::wall_time, static_cast<uint64_t>(m_report.wall_time.count()));
    accounts.add(Resource::cpu_time, static_cast<uint64_t>(m_report.cpu_time.count()));
    if (m_instance)
        m_report.fuel = m_instance->store().fuel_consumed() - m_fuel_before;
    else if (m_store)
        m_report.fuel = m_store->fuel_consumed() - m_fuel_before;
    m_report.memory_bytes = accounts.used(Resource::memory);
    m_report.peak_memory_bytes = accounts.peak(Resource::memory);
    if (failure == nullptr)
        return std::nullopt;
    SandboxFailure judged = judge(*failure);
    m_report.limit = judged.limit();
    const AuditTrail& audit = m_account->audit();
    if (const Exit* const exit = judged.exit())
        m_report.exit = exit->status;
    else if (judged.limit() &&
             (!m_account->last_limit() || m_account->last_limit()->resource != judged.limit()->resource))
        audit.limit_reached(*judged.limit());
    if (judged.trap() != nullptr)
        audit.trapped(judged.trap()->message());
    return judged;
}

SandboxFailure SandboxState::judge(const Failure& failure) const {
    if (const Trap* const trap = failure.trap())
        return {failure, limit_of(*trap)};
    if (const Error* const error = failure.error())
        return {failure, limit_of(*error)};
    return {failure};
}

std::optional<LimitReached> SandboxState::limit_of(const Trap& trap) const {
    const SandboxLimits& limits = m_loaded->spec.limits;
    const auto& last = m_account->last_limit();
    const auto of_time = [&](Resource resource, std::optional<Ns> of_call, Ns passed) -> LimitReached {
        if (const auto total = ledger()->tightest(resource, 0); total && total->asked >= total->limit)
            return *total;
        const auto allowed = static_cast<uint64_t>(of_call.value_or(Ns(0)).count());
        return {resource, allowed, static_cast<uint64_t>(passed.count()), false};
    };
    switch (trap.code) {
        case TrapCode::interrupted:
            if (trap.interruption == Interruption::deadline)
                return of_time(Resource::wall_time, limits.timeout, m_report.wall_time);
            if (trap.interruption == Interruption::cpu_time)
                return of_time(Resource::cpu_time, limits.cpu_time, m_report.cpu_time);
            return trap.interruption == Interruption::none ? last : std::nullopt;
        case TrapCode::out_of_fuel:
            if (last && last->resource == Resource::fuel)
                return last;
            return LimitReached{Resource::fuel, limits.fuel.value_or(0), limits.fuel.value_or(0) + 1, false};
        case TrapCode::allocation_failure:
            if (last && last->resource == Resource::memory)
                return last;
            if (limits.memory_bytes)
                return LimitReached{Resource::memory, *limits.memory_bytes, *limits.memory_bytes + 1, false};
            return std::nullopt;
        case TrapCode::stack_overflow:
            return LimitReached{Resource::stack, limits.stack_bytes, limits.stack_bytes + 1, false};
        default: return std::nullopt;
    }
}

std::optional<LimitReached> SandboxState::limit_of(const Error& error) const {
    if (error_kind(error.code) != ErrorKind::limit)
        return std::nullopt;
    if (m_account->last_limit())
        return m_account->last_limit();
    const SandboxLimits& limits = m_loaded->spec.limits;
    const auto kind = m_store ? m_store->last_limit_reached() : std::nullopt;
    if (kind == LimitKind::memory_bytes && limits.memory_bytes)
        return LimitReached{Resource::memory, *limits.memory_bytes, *limits.memory_bytes + 1, false};
    if (kind == LimitKind::table_elements && limits.table_elements)
        return LimitReached{Resource::table_elements, *limits.table_elements, *limits.table_elements + 1,
                            false};
    return std::nullopt;
}

SandboxResult<uint32_t> SandboxState::run() {
    if (auto refused = begin_call())
        return std::unexpected(*std::move(refused));
    const auto start = m_instance->typed_function<void()>("_start");
    CallResult<void> outcome = start ? (*start)() : CallResult<void>(std::unexpected(Failure(start.error())));
    auto failure = end_call(outcome ? nullptr : &outcome.error());
    if (!failure)
        return 0;
    if (failure->exit() != nullptr)
        return failure->exit()->status;
    return std::unexpected(*std::move(failure));
}

}  // namespace wsb::sandbox
