// SPDX-License-Identifier: Apache-2.0
// One run of a guest on the command line: a sandbox, and what to tell about its end.
#include "sandbox/session.h"

#include "engine/base/result.h"
#include "sandbox/imports.h"
#include "sandbox/invoke_values.h"
#include "sandbox/state.h"

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

Spec spec_of(const RunOptions& options) {
    Spec spec;
    spec.module = std::filesystem::path(options.file);
    spec.module_sha256 = options.sha256;
    spec.limits = options.limits;
    spec.grants = options.grants;
    spec.grants.args = {std::filesystem::path(options.file).filename().string()};
    if (!options.invoke)
        spec.grants.args.insert(spec.grants.args.end(), options.args.begin(), options.args.end());
    spec.audit = options.audit;
    spec.features = options.features;
    spec.is_lazy = options.is_lazy;
    spec.canonical_nans = options.canonical_nans;
    spec.tier = options.tier;
    spec.background_compilation = options.background_compilation;
    spec.code_names = options.code_names;
    spec.compile_threads = 0;
    return spec;
}

std::string_view advice_for(Resource resource) noexcept {
    switch (resource) {
        case Resource::fuel: return "Give more with --fuel N, or leave --fuel out for no limit.";
        case Resource::wall_time: return "Give more with --timeout DURATION.";
        case Resource::stack: return "If the recursion is meant, give more with --max-stack SIZE.";
        case Resource::output: return "Give more with --max-output SIZE.";
        default: return "";
    }
}

class Session {
public:
    Session(const RunOptions& options, RunReport& report) : m_options(options), m_report(report) {}

    void run() {
        if (auto failure = load_and_run())
            record(*failure);
        if (m_state == nullptr)
            return;
        if (const auto store = m_state->last_store()) {
            m_report.fuel = store->fuel_consumed();
            m_report.peak_memory_bytes = store->peak_memory_bytes();
            m_report.heap = store->heap_statistics();
        }
    }

private:
    std::optional<SandboxFailure> load_and_run() {
        auto prepared = prepare();
        if (!prepared)
            return SandboxFailure(std::move(prepared).error());
        const bool initializes = m_options.invoke && *m_options.invoke != "_initialize";
        if (auto failure = m_state->start(initializes))
            return failure;
        return call();
    }

    Result<void> prepare() {
        WSB_TRY_ASSIGN(const auto loaded, load(spec_of(m_options)));
        if (m_options.tier != TierChoice::interpreter && Engine::has_jit())
            m_report.tier = m_options.tier == TierChoice::jit ? "jit" : "auto";
        m_module = loaded->module;
        WSB_TRY(check(*loaded->module));
        WSB_TRY_ASSIGN(m_state, SandboxState::create(loaded));
        if (m_options.confines_thread)
            WSB_TRY(m_state->confine_thread());
        return {};
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

    std::optional<SandboxFailure> call() {
        if (auto refused = m_state->begin_call())
            return refused;
        const std::string name = m_options.invoke.value_or("_start");
        const auto function = m_state->instance().func(name);
        auto outcome = function ? function->call(m_args)
                                : CallResult<std::vector<Value>>(std::unexpected(Failure(function.error())));
        if (auto failure = m_state->end_call(outcome ? nullptr : &outcome.error()))
            return failure;
        m_report.results = *std::move(outcome);
        return std::nullopt;
    }

    void record(const SandboxFailure& failure) {
        m_report.limit = failure.limit();
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
            if (failure.limit() && failure.limit()->resource == Resource::memory)
                m_report.advice = "The module begins with more memory than --max-memory allows.";
        }
    }

    void record_trap(const Trap& trap) {
        m_report.trap = trap;
        const auto& limit = m_report.limit;
        const bool is_limit = limit && limit->resource != Resource::stack;
        const bool is_timeout = limit && limit->resource == Resource::wall_time;
        m_report.ending = is_timeout ? Ending::timed_out : is_limit ? Ending::limit : Ending::trapped;
        m_report.status = is_timeout ? status_timeout : is_limit ? status_limit : status_trap;
        if (limit && limit->resource == Resource::memory)
            m_report.advice = "The guest's objects fill its memory; give more with --max-memory SIZE.";
        else if (limit)
            m_report.advice = advice_for(limit->resource);
        else if (const auto store = m_state->last_store();
                 store && store->last_limit_reached() == LimitKind::memory_bytes)
            m_report.advice = "The guest was refused memory before this; give more with --max-memory SIZE.";
    }

    const RunOptions& m_options;
    RunReport& m_report;
    std::optional<v1::Module> m_module;
    std::vector<Value> m_args;
    std::unique_ptr<SandboxState> m_state;

public:
    [[nodiscard]] const std::optional<v1::Module>& module() const noexcept { return m_module; }
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
        Session session(options, report);
        session.run();
        if (session.module())
            report.code = session.module()->code_statistics();
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
