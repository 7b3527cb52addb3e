// SPDX-License-Identifier: Apache-2.0
#include "sandbox/state.h"

#include "engine/base/result.h"
#include "engine/runtime/store.h"
#include "wasi/landlock.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::sandbox {
namespace {

std::chrono::nanoseconds thread_cpu_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

SandboxState::SandboxState(std::shared_ptr<const Loaded> loaded) : m_loaded(std::move(loaded)) {
    const Spec& spec = m_loaded->spec;
    const AuditTrail audit(spec.audit.impl());
    m_account = std::make_shared<Account>(Ledger::create(spec.limits, spec.ledger_above), audit);
    audit.module_loaded(m_loaded->source, m_loaded->sha256, m_loaded->module->bytes().size());
}

Result<std::unique_ptr<SandboxState>> SandboxState::create(std::shared_ptr<const Loaded> loaded) {
    std::unique_ptr<SandboxState> state(new SandboxState(std::move(loaded)));
    auto linked = Template::create(state->m_loaded);
    if (!linked) {
        state->m_account->audit().denied("module", linked.error().message());
        return std::unexpected(std::move(linked).error());
    }
    state->m_template = *std::move(linked);
    WSB_TRY(state->take_grants());
    return state;
}

Result<std::unique_ptr<SandboxState>> SandboxState::create_like(const SandboxState& other) {
    std::unique_ptr<SandboxState> state(new SandboxState(other.m_loaded));
    state->m_template = other.m_template;
    WSB_TRY(state->take_grants());
    return state;
}

SandboxState::~SandboxState() {
    if (m_instance)
        m_account->audit().instance_ended(m_report.fuel, ledger()->peak(Resource::memory));
}

Result<void> SandboxState::take_grants() {
    const Spec& spec = m_loaded->spec;
    WSB_TRY_ASSIGN(m_policy, GrantedPolicy::create(spec.grants, spec.limits.open_files, *m_account));
    if (m_template->uses_wasi()) {
        WSB_TRY_ASSIGN(m_wasi, wasi::Preview1::create(*m_policy));
        m_account->set_guest(m_wasi.get());
    }
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

/// A moment so late that it cannot be told is none.
std::optional<SandboxState::Clock::time_point> SandboxState::deadline() const noexcept {
    const auto time = left_of(m_loaded->spec.limits.timeout, Resource::wall_time);
    if (!time || *time > Clock::time_point::max() - m_wall_before)
        return std::nullopt;
    return m_wall_before + *time;
}

void SandboxState::arm(StoreRef store) noexcept {
    const SandboxLimits& limits = m_loaded->spec.limits;
    store.set_deadline(deadline());
    store.set_cpu_time(left_of(limits.cpu_time, Resource::cpu_time));
    store.set_cancellation(m_loaded->spec.cancellation);
    store.set_fuel(limits.fuel);
    m_fuel_before = store.fuel_consumed();
}

CallResult<void> SandboxState::make_in_store() {
    WSB_TRY_ASSIGN(m_store, v1::Store::create(m_loaded->engine, store_limits(m_loaded->spec.limits)));
    if (!m_store->impl().set_account(m_account))
        return fail(ErrorCode::limit_exceeded, "store");
    arm(*m_store);
    WSB_TRY_ASSIGN(const Instance instance, m_template->instantiate(*m_store));
    m_instance = instance;
    return {};
}

CallResult<void> SandboxState::make_in_slot() {
    const SandboxLimits& limits = m_loaded->spec.limits;
    TakeOptions options;
    options.fuel = limits.fuel;
    options.deadline = deadline();
    options.cpu_time = left_of(limits.cpu_time, Resource::cpu_time);
    options.cancellation = m_loaded->spec.cancellation.impl();
    options.account = m_account;
    m_fuel_before = 0;
    WSB_TRY_ASSIGN(auto taken, m_template->take(options));
    if (!taken)
        return make_in_store();
    m_pooled.emplace(*std::move(taken));
    m_instance = m_pooled->instance();
    return {};
}

/// A library that has something to set up exports this.
CallResult<void> SandboxState::initialize() {
    const auto initialize = m_instance->typed_function<void()>("_initialize");
    return initialize ? (*initialize)() : CallResult<void>();
}

std::optional<SandboxFailure> SandboxState::start(bool initializes, Place place) {
    begin_clocks();
    CallResult<void> made = place == Place::slot ? make_in_slot() : make_in_store();
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
    if (m_depth > 0)
        return SandboxFailure(Error{ErrorCode::bad_usage, no_offset, no_function, 0, 0,
                                    "a sandbox cannot be reset while its code runs"});
    m_instance.reset();
    m_pooled.reset();
    m_store.reset();
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
        made = make_in_slot();
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
