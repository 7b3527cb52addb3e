// SPDX-License-Identifier: Apache-2.0
// One run of a guest.
#include "sandbox/session.h"

#include "engine/base/result.h"
#include "sandbox/imports.h"
#include "sandbox/invoke_values.h"
#include "sandbox/policy.h"
#include "wasi/preview1.h"
#include "wsb/engine.hpp"

#include <fmt/format.h>

#include <ctime>
#include <exception>
#include <filesystem>
#include <utility>

namespace wsb::sandbox {
namespace {

uint64_t now_ns(clockid_t clock) noexcept {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

std::string exported_functions(const v1::Module& module) {
    std::string list;
    for (const ExportType& item : module.exports()) {
        if (const FuncType* const type = item.type.func())
            list += fmt::format("\n  {}: {}", item.name, to_string(*type));
    }
    return list.empty() ? "The module exports no functions." : "Exported functions:" + list;
}

/// Everything of one run. The order of members is that of dependence: the store goes first.
class Session {
public:
    Session(const RunOptions& options, RunReport& report)
        : m_options(options), m_report(report), m_engine(config_of(options)) {}

    void run() {
        if (auto outcome = load_and_run(); !outcome)
            record(outcome.error());
        if (m_store) {
            m_report.fuel = m_store->fuel_consumed();
            m_report.peak_memory_bytes = m_store->peak_memory_bytes();
            m_report.heap = m_store->heap_statistics();
        }
        if (m_module)
            m_report.code = m_module->code_statistics();
    }

private:
    static Config config_of(const RunOptions& options) noexcept {
        Config config;
        config.features = options.features;
        config.compile_threads = 0;
        config.lazy_translation = options.is_lazy;
        if (options.max_stack_bytes)
            config.max_stack_bytes = *options.max_stack_bytes;
        return config;
    }

    CallResult<void> load_and_run() {
        WSB_TRY_ASSIGN(m_module, v1::Module::from_file(m_engine, m_options.file));
        const v1::Module& module = *m_module;
        WSB_TRY(check(module));
        WSB_TRY(prepare());
        WSB_TRY_ASSIGN(const v1::Instance instance, m_linker->instantiate(*m_store, module));
        if (m_options.invoke)
            return invoke(instance, *m_options.invoke);
        WSB_TRY_ASSIGN(const auto start, instance.typed_function<void()>("_start"));
        return start();
    }

    /// Before anything of the guest exists.
    Result<void> check(const v1::Module& module) {
        const auto imports = module.imports();
        if (auto checked = check_imports(imports); !checked) {
            m_report.advice = import_advice(imports);
            return checked;
        }
        const std::string_view wanted = m_options.invoke ? std::string_view(*m_options.invoke) : "_start";
        const auto item = module.find_export(wanted);
        const FuncType* const type = item ? item->func() : nullptr;
        if (type == nullptr) {
            m_report.advice = exported_functions(module);
            if (m_options.invoke)
                return fail(ErrorCode::unknown_export, fmt::format("no function \"{}\"", wanted));
            m_report.advice.insert(0, "To call one of its exports give --invoke NAME.\n");
            return fail(ErrorCode::unknown_export, "no function \"_start\": this is no WASI command");
        }
        if (m_options.invoke) {
            WSB_TRY_ASSIGN(m_args, parse_values(m_options.args, *type));
        } else if (!type->params.empty() || !type->results.empty()) {
            return fail(ErrorCode::signature_mismatch,
                        "\"_start\" must have the type () -> (), but has " + to_string(*type));
        }
        return {};
    }

    Result<void> prepare() {
        Grants grants = m_options.grants;
        grants.args = {std::filesystem::path(m_options.file).filename().string()};
        if (!m_options.invoke)
            grants.args.insert(grants.args.end(), m_options.args.begin(), m_options.args.end());
        WSB_TRY_ASSIGN(m_policy, GrantedPolicy::create(grants));
        WSB_TRY_ASSIGN(m_wasi, wasi::Preview1::create(*m_policy));
        m_linker.emplace(m_engine);
        WSB_TRY(m_wasi->define_in(*m_linker));
        StoreLimits limits;
        if (m_options.max_memory_bytes)
            limits.memory_bytes = *m_options.max_memory_bytes;
        WSB_TRY_ASSIGN(m_store, v1::Store::create(m_engine, limits));
        m_store->set_fuel(m_options.fuel);
        return {};
    }

    CallResult<void> invoke(const v1::Instance& instance, const std::string& name) {
        // A library that has something to set up exports this.
        if (name != "_initialize") {
            if (const auto initialize = instance.typed_function<void()>("_initialize"))
                WSB_TRY((*initialize)());
        }
        WSB_TRY_ASSIGN(const v1::Func function, instance.func(name));
        WSB_TRY_ASSIGN(m_report.results, function.call(m_args));
        return {};
    }

    void record(const Failure& failure) {
        if (const Exit* const exit = failure.exit()) {
            m_report.ending = Ending::exited;
            m_report.status = static_cast<int>(exit->status & 0xff);
        } else if (const Trap* const trap = failure.trap()) {
            record_trap(*trap);
        } else if (const Error* const error = failure.error()) {
            m_report.error = *error;
            m_report.status = status_for(*error);
            m_report.ending = m_report.status == status_limit        ? Ending::limit
                              : m_report.status == status_unloadable ? Ending::unloadable
                                                                     : Ending::refused;
            if (m_store && m_store->last_limit_reached() == LimitKind::memory_bytes)
                m_report.advice = "The module begins with more memory than --max-memory allows.";
        }
    }

    void record_trap(const Trap& trap) {
        m_report.trap = trap;
        const bool is_memory = trap.code == TrapCode::allocation_failure &&
                               m_store->last_limit_reached() == LimitKind::memory_bytes;
        const bool is_limit = trap.code == TrapCode::out_of_fuel || is_memory;
        m_report.ending = is_limit ? Ending::limit : Ending::trapped;
        m_report.status = is_limit ? status_limit : status_trap;
        if (is_memory)
            m_report.advice = "The guest's objects fill its memory; give more with --max-memory SIZE.";
        else if (is_limit)
            m_report.advice = "Give more with --fuel N, or leave --fuel out for no limit.";
        else if (trap.code == TrapCode::stack_overflow)
            m_report.advice = "If the recursion is meant, give more with --max-stack SIZE.";
        else if (m_store->last_limit_reached() == LimitKind::memory_bytes)
            m_report.advice = "The guest was refused memory before this; give more with --max-memory SIZE.";
    }

    const RunOptions& m_options;
    RunReport& m_report;
    Engine m_engine;
    std::optional<v1::Module> m_module;
    std::vector<Value> m_args;
    std::unique_ptr<GrantedPolicy> m_policy;
    std::unique_ptr<wasi::Preview1> m_wasi;
    std::optional<Linker> m_linker;
    std::optional<v1::Store> m_store;
};

}  // namespace

int status_for(const Error& error) noexcept {
    // An import that nothing provides was denied; one of the wrong type does not link.
    if (error.code == ErrorCode::unknown_import)
        return status_refused;
    switch (error_kind(error.code)) {
        case ErrorKind::malformed:
        case ErrorKind::invalid:
        case ErrorKind::unlinkable: return status_unloadable;
        case ErrorKind::limit: return status_limit;
        case ErrorKind::io:
        case ErrorKind::usage: break;
    }
    return status_refused;
}

RunReport run(const RunOptions& options) noexcept {
    const uint64_t wall_start = now_ns(CLOCK_MONOTONIC);
    const uint64_t cpu_start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    RunReport report;
    report.ending = Ending::returned;
    report.status = 0;
    try {
        Session(options, report).run();
    } catch (const std::exception& exception) {
        Error error;
        error.code = ErrorCode::out_of_memory;
        error.detail = exception.what();
        report.error = std::move(error);
        report.ending = Ending::limit;
        report.status = status_limit;
    }
    report.wall_ns = now_ns(CLOCK_MONOTONIC) - wall_start;
    report.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    return report;
}

}  // namespace wsb::sandbox
