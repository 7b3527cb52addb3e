// SPDX-License-Identifier: Apache-2.0
// Runs the commands of one script against the engine, by its public API.
#pragma once

#include "engine/text/wast.h"
#include "wsb/engine.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wsb::spec {

/// Whether what happened begins as the script expects, or the other way round: scripts and engines may
/// each say more than the other.
[[nodiscard]] bool text_matches(std::string_view got, std::string_view expected) noexcept;

/// Names and shared memories that a module exports.
using SharedExports = std::vector<std::pair<std::string, SharedMemory>>;

class ScriptThread;

/// One script's instances, or those of one of its threads. Single use; not thread-safe.
class ScriptRunner {
public:
    /// @return an error if the store cannot be made.
    [[nodiscard]] static Result<ScriptRunner> create(const Engine& engine);
    ScriptRunner(ScriptRunner&&) noexcept;
    ~ScriptRunner();

    /// Runs one command, which must outlive the runner. @return what was expected and what was got if it
    /// failed, nullopt if it passed.
    [[nodiscard]] std::optional<std::string> run(const text::ScriptCommand& command);
    /// Runs a thread's commands and finishes. @return what failed, by line; empty if everything passed.
    [[nodiscard]] std::string run_thread(const text::ScriptThread& thread, SharedExports shared);
    /// After the last command: joins the threads that nothing waited for. @return what failed in them.
    [[nodiscard]] std::optional<std::string> finish();

private:
    using Verdict = std::optional<std::string>;

    ScriptRunner(Engine engine, Store store);

    [[nodiscard]] Verdict run_body(const text::ScriptModule& module);
    [[nodiscard]] Verdict run_body(const text::ScriptInstance& instance);
    [[nodiscard]] Verdict run_body(const text::ScriptRegister& command);
    [[nodiscard]] Verdict run_body(const text::ScriptAction& action);
    [[nodiscard]] Verdict run_body(const text::AssertReturn& assertion);
    [[nodiscard]] Verdict run_body(const text::AssertTrap& assertion);
    [[nodiscard]] Verdict run_body(const text::AssertExhaustion& assertion);
    [[nodiscard]] Verdict run_body(const text::AssertException& assertion);
    [[nodiscard]] Verdict run_body(const text::AssertModule& assertion);
    [[nodiscard]] Verdict run_body(const text::ScriptThread& thread);
    [[nodiscard]] Verdict run_body(const text::ScriptWait& wait);

    [[nodiscard]] Result<Module> compile(const text::ScriptModule& module) const;
    [[nodiscard]] Verdict instantiate(const Module& module, const std::string& name);
    [[nodiscard]] Verdict expect_trap(const Failure& failure, std::string_view text) const;
    [[nodiscard]] const Instance* find(const std::string& name) const;
    [[nodiscard]] CallResult<std::vector<Value>> act(const text::ScriptAction& action);
    [[nodiscard]] Result<Value> argument(const text::ScriptValue& value);
    [[nodiscard]] bool matches(const Value& got, const text::ScriptValue& expected) const;
    [[nodiscard]] bool matches_reference(const Value& got, const text::ScriptValue& expected) const;

    [[nodiscard]] std::optional<SharedExports> shared_exports(const std::string& module) const;

    Engine m_engine;
    Store m_store;
    Linker m_linker;
    std::map<std::string, Instance> m_instances;
    std::map<std::string, Module> m_definitions;
    std::optional<Instance> m_current;
    std::optional<Module> m_last_definition;
    std::map<std::string, SharedExports> m_shared;  ///< modules that a thread was given, by name
    std::map<std::string, std::unique_ptr<ScriptThread>> m_threads;
};

/// Defines the host module "spectest" that the suite imports from.
[[nodiscard]] Result<void> define_spectest(Linker& linker, StoreRef store);

/// Text of values for failure messages.
[[nodiscard]] std::string describe(const Value& value);
[[nodiscard]] std::string describe(const text::ScriptValue& value);

}  // namespace wsb::spec
