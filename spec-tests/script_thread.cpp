// SPDX-License-Identifier: Apache-2.0
#include "spec-tests/script_thread.h"

#include <fmt/format.h>

#include <system_error>

namespace wsb::spec {

ScriptThread::ScriptThread(const Engine& engine, const text::ScriptThread& thread, SharedExports shared)
    : m_thread([this, engine, &thread, shared = std::move(shared)]() mutable {
          auto runner = ScriptRunner::create(engine);
          if (!runner) {
              m_failures = runner.error().message();
              return;
          }
          m_failures = runner->run_thread(thread, std::move(shared));
      }) {}

ScriptThread::~ScriptThread() {
    if (m_thread.joinable())
        m_thread.join();
}

std::optional<std::string> ScriptThread::join() {
    m_thread.join();
    return m_failures.empty() ? std::nullopt : std::optional(m_failures);
}

std::string ScriptRunner::run_thread(const text::ScriptThread& thread, SharedExports shared) {
    std::string failures;
    const auto note = [&](uint32_t line, const Verdict& failure) {
        if (failure)
            failures += fmt::format("{}line {}: {}", failures.empty() ? "" : "; ", line, *failure);
    };
    if (!thread.shared_module.empty())
        m_shared.insert_or_assign(thread.shared_module, std::move(shared));
    uint32_t line = 0;
    for (const auto& command : thread.commands) {
        line = command.line;
        note(line, run(command));
    }
    note(line, finish());
    return failures;
}

std::optional<std::string> ScriptRunner::finish() {
    std::string failures;
    for (const auto& [name, thread] : m_threads) {
        if (const auto failure = thread->join())
            failures += fmt::format("{}thread {}: {}", failures.empty() ? "" : "; ", name, *failure);
    }
    m_threads.clear();
    return failures.empty() ? std::nullopt : std::optional(failures);
}

/// What a thread may share: the module may be one that this thread was given itself.
std::optional<SharedExports> ScriptRunner::shared_exports(const std::string& module) const {
    if (const auto given = m_shared.find(module); given != m_shared.end())
        return given->second;
    const Instance* instance = find(module);
    if (instance == nullptr)
        return std::nullopt;
    SharedExports exports;
    for (const auto& [name, item] : instance->exports()) {
        const Memory* memory = std::get_if<Memory>(&item);
        if (memory == nullptr)
            continue;
        if (const auto shared = memory->shared())
            exports.emplace_back(name, *shared);
    }
    return exports;
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::ScriptThread& thread) {
    SharedExports shared;
    if (!thread.shared_module.empty()) {
        auto found = shared_exports(thread.shared_module);
        if (!found)
            return "no such instance: " + thread.shared_module;
        shared = *std::move(found);
    }
    if (m_threads.contains(thread.name))
        return "a thread of this name is running: " + thread.name;
    try {
        m_threads.emplace(thread.name, std::make_unique<ScriptThread>(m_engine, thread, std::move(shared)));
    } catch (const std::system_error& error) {
        return std::string("no thread: ") + error.what();
    }
    return std::nullopt;
}

ScriptRunner::Verdict ScriptRunner::run_body(const text::ScriptWait& wait) {
    const auto found = m_threads.find(wait.thread);
    if (found == m_threads.end())
        return "no such thread: " + wait.thread;
    Verdict verdict = found->second->join();
    m_threads.erase(found);
    return verdict;
}

}  // namespace wsb::spec
