// SPDX-License-Identifier: Apache-2.0
#include "spec-tests/script_runner.h"

#include "spec-tests/script_thread.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wsb::spec {

namespace {

[[nodiscard]] std::string_view kind_name(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::malformed: return "malformed";
        case ErrorKind::invalid: return "invalid";
        case ErrorKind::unlinkable: return "unlinkable";
        case ErrorKind::limit: return "limit";
        case ErrorKind::io: return "io";
        case ErrorKind::usage: return "usage";
    }
    return "unknown";
}

template <class Values>
[[nodiscard]] std::string describe_all(const Values& values) {
    std::string text;
    for (const auto& value : values)
        text += (text.empty() ? "" : " ") + describe(value);
    return text.empty() ? "nothing" : text;
}

/// Machine code leaves no function to the interpreter, whatever instructions it has (docs/jit.md).
[[nodiscard]] std::optional<std::string> left_behind(const Engine& engine, const Module& module) {
    const CodeStatistics code = module.code_statistics();
    if (engine.config().tier != TierChoice::jit || code.machine_functions == code.functions)
        return std::nullopt;
    return fmt::format("machine code of {} functions out of {}", code.machine_functions, code.functions);
}

}  // namespace

/// Refused for another reason than the suite's reference gives, with cause: custom descriptors read the index
/// of an exact type as u32 (the proposal's text; producers write it so), the reference as a signed number, so
/// `62 62` is no index to it. In exact.wast the section ends too early either way.
[[nodiscard]] static bool is_known_difference(ErrorCode code, std::string_view expected) noexcept {
    return code == ErrorCode::section_size_mismatch && expected == "malformed storage type";
}

bool text_matches(std::string_view got, std::string_view expected) noexcept {
    return got.starts_with(expected) || expected.starts_with(got);
}

ScriptRunner::ScriptRunner(Engine engine, Store store)
    : m_engine(std::move(engine)), m_store(std::move(store)), m_linker(m_engine) {}

ScriptRunner::ScriptRunner(ScriptRunner&&) noexcept = default;
ScriptRunner::~ScriptRunner() = default;

Result<ScriptRunner> ScriptRunner::create(const Engine& engine) {
    WSB_TRY_ASSIGN(Store store, Store::create(engine));
    ScriptRunner runner(engine, std::move(store));
    WSB_TRY(define_spectest(runner.m_linker, runner.m_store));
    return runner;
}

std::optional<std::string> ScriptRunner::run(const text::ScriptCommand& command) {
    return std::visit([&](const auto& body) { return run_body(body); }, command.body);
}

Result<Module> ScriptRunner::compile(const text::ScriptModule& module) const {
    WSB_TRY_ASSIGN(const auto bytes, module.assemble(m_engine.config().features));
    return Module::compile(m_engine, bytes);
}

const Instance* ScriptRunner::find(const std::string& name) const {
    if (name.empty())
        return m_current ? &*m_current : nullptr;
    const auto found = m_instances.find(name);
    return found == m_instances.end() ? nullptr : &found->second;
}

ScriptRunner::Verdict ScriptRunner::instantiate(const Module& module, const std::string& name) {
    m_current.reset();
    m_instances.erase(name);
    m_shared.erase(name);
    auto instance = m_linker.instantiate(m_store, module);
    if (!instance)
        return "instantiation: " + instance.error().message();
    m_current = *instance;
    if (!name.empty())
        m_instances.insert_or_assign(name, *instance);
    return std::nullopt;
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::ScriptModule& module) {
    auto compiled = compile(module);
    if (!compiled) {
        // What follows must not be run on an earlier instance.
        m_current.reset();
        m_instances.erase(module.name);
        m_shared.erase(module.name);
        return "module: " + compiled.error().message();
    }
    if (auto left = left_behind(m_engine, *compiled))
        return left;
    if (!module.is_definition)
        return instantiate(*compiled, module.name);
    m_last_definition = *compiled;
    if (!module.name.empty())
        m_definitions.insert_or_assign(module.name, *compiled);
    return std::nullopt;
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::ScriptInstance& instance) {
    const auto found = m_definitions.find(instance.definition);
    if (found != m_definitions.end())
        return instantiate(found->second, instance.name);
    if (!instance.definition.empty() || !m_last_definition)
        return "no such definition: " + instance.definition;
    return instantiate(*m_last_definition, instance.name);
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::ScriptRegister& command) {
    if (const auto shared = m_shared.find(command.module); shared != m_shared.end()) {
        for (const auto& [name, memory] : shared->second) {
            if (auto defined = m_linker.define(command.as, name, memory); !defined)
                return defined.error().message();
        }
        return std::nullopt;
    }
    const Instance* instance = find(command.module);
    if (instance == nullptr)
        return "no such instance: " + command.module;
    if (auto registered = m_linker.instance(command.as, *instance); !registered)
        return registered.error().message();
    return std::nullopt;
}

CallResult<std::vector<Value>> ScriptRunner::act(const text::ScriptAction& action) {
    const auto failed = [](Error error) { return std::unexpected(Failure(std::move(error))); };
    if (const auto* get = std::get_if<text::ScriptGet>(&action)) {
        const Instance* instance = find(get->module);
        if (instance == nullptr)
            return failed(fail(ErrorCode::bad_usage, "no such instance: " + get->module).error());
        auto global = instance->global(get->global);
        if (!global)
            return failed(std::move(global).error());
        return std::vector{global->get()};
    }
    const auto& invoke = std::get<text::ScriptInvoke>(action);
    const Instance* instance = find(invoke.module);
    if (instance == nullptr)
        return failed(fail(ErrorCode::bad_usage, "no such instance: " + invoke.module).error());
    auto func = instance->func(invoke.function);
    if (!func)
        return failed(std::move(func).error());
    std::vector<Value> args;
    for (const auto& value : invoke.args) {
        auto arg = argument(value);
        if (!arg)
            return failed(std::move(arg).error());
        args.push_back(*arg);
    }
    return func->call(args);
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::ScriptAction& action) {
    auto outcome = act(action);
    if (!outcome)
        return "action: " + outcome.error().message();
    return std::nullopt;
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::AssertReturn& assertion) {
    auto outcome = act(assertion.action);
    if (!outcome)
        return fmt::format("expected {}, got {}", describe_all(assertion.expected),
                           outcome.error().message());
    bool same = outcome->size() == assertion.expected.size();
    for (size_t i = 0; same && i < outcome->size(); ++i)
        same = matches((*outcome)[i], assertion.expected[i]);
    if (same)
        return std::nullopt;
    return fmt::format("expected {}, got {}", describe_all(assertion.expected), describe_all(*outcome));
}

ScriptRunner::Verdict ScriptRunner::expect_trap(const Failure& failure, std::string_view text) const {
    if (failure.trap() != nullptr && text_matches(trap_text(failure.trap()->code), text))
        return std::nullopt;
    return fmt::format("expected trap \"{}\", got {}", text, failure.message());
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::AssertTrap& assertion) {
    if (const auto* action = std::get_if<text::ScriptAction>(&assertion.subject)) {
        auto outcome = act(*action);
        if (outcome)
            return fmt::format("expected trap \"{}\", got {}", assertion.text, describe_all(*outcome));
        return expect_trap(outcome.error(), assertion.text);
    }
    auto compiled = compile(std::get<text::ScriptModule>(assertion.subject));
    if (!compiled)
        return "module: " + compiled.error().message();
    if (auto left = left_behind(m_engine, *compiled))
        return left;
    auto instance = m_linker.instantiate(m_store, *compiled);
    if (instance)
        return fmt::format("expected trap \"{}\", got an instance", assertion.text);
    return expect_trap(instance.error(), assertion.text);
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::AssertExhaustion& assertion) {
    auto outcome = act(assertion.action);
    if (outcome)
        return fmt::format("expected trap \"{}\", got {}", assertion.text, describe_all(*outcome));
    return expect_trap(outcome.error(), assertion.text);
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::AssertException& assertion) {
    auto outcome = act(assertion.action);
    if (!outcome && outcome.error().is_trap(TrapCode::uncaught_exception))
        return std::nullopt;
    return "expected an exception, got " + (outcome ? describe_all(*outcome) : outcome.error().message());
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::AssertModule& assertion) {
    using Kind = text::AssertModule::Kind;
    const auto verdict = [&](const Error& error, ErrorKind wanted) -> Verdict {
        if (error_kind(error.code) == wanted && text_matches(error.text(), assertion.text))
            return std::nullopt;
        // The reference interpreter adds operands to some texts; ours adds its own.
        if (error_kind(error.code) == wanted && assertion.text.starts_with(error_text(error.code)))
            return std::nullopt;
        if (error_kind(error.code) == wanted && is_known_difference(error.code, assertion.text))
            return std::nullopt;
        return fmt::format("expected {} \"{}\", got {} \"{}\"", kind_name(wanted), assertion.text,
                           kind_name(error_kind(error.code)), error.message());
    };
    auto compiled = compile(assertion.module);
    if (assertion.kind == Kind::unlinkable) {
        if (!compiled)
            return "module: " + compiled.error().message();
        auto instance = m_linker.instantiate(m_store, *compiled);
        if (instance)
            return fmt::format("expected unlinkable \"{}\", got an instance", assertion.text);
        if (instance.error().error() == nullptr)
            return fmt::format("expected unlinkable \"{}\", got {}", assertion.text,
                               instance.error().message());
        return verdict(*instance.error().error(), ErrorKind::unlinkable);
    }
    const bool is_malformed = assertion.kind == Kind::malformed || assertion.kind == Kind::malformed_custom;
    const ErrorKind wanted = is_malformed ? ErrorKind::malformed : ErrorKind::invalid;
    if (compiled)
        return fmt::format("expected {} \"{}\", but the module was accepted", kind_name(wanted),
                           assertion.text);
    return verdict(compiled.error(), wanted);
}

}  // namespace wsb::spec
