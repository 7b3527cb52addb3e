// SPDX-License-Identifier: Apache-2.0
// Commands of a script that run on a thread of their own, with a store of their own.
#pragma once

#include "spec-tests/script_runner.h"

#include <string>
#include <thread>

namespace wsb::spec {

class ScriptThread {
public:
    /// Runs the commands until they end; `thread` must outlive this. `shared` is what the thread finds under
    /// the name of the module that it shares. Throws std::system_error if the system has no thread.
    ScriptThread(const Engine& engine, const text::ScriptThread& thread, SharedExports shared);
    ScriptThread(const ScriptThread&) = delete;
    ScriptThread& operator=(const ScriptThread&) = delete;
    ~ScriptThread();

    /// Waits for the end. @return what failed, nullopt if everything passed.
    [[nodiscard]] std::optional<std::string> join();

private:
    std::string m_failures;  ///< the thread's until it is joined
    std::thread m_thread;
};

}  // namespace wsb::spec
