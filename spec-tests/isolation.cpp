// SPDX-License-Identifier: Apache-2.0
#include "spec-tests/isolation.h"

#include "spec-tests/counting.h"
#include "spec-tests/round_trip.h"
#include "spec-tests/script_runner.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wsb::spec {

namespace {

using Clock = std::chrono::steady_clock;

// In the child: one JSON line with the lines of all commands, then one for the verdict of each command, in
// order. A script that cannot be read or parsed has one verdict and no commands.

void send(int fd, const nlohmann::json& message) {
    const std::string line = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    for (size_t sent = 0; sent < line.size();) {
        const ssize_t count = write(fd, line.data() + sent, line.size() - sent);
        if (count <= 0)
            _exit(1);
        sent += static_cast<size_t>(count);
    }
}

/// How often threads go round while they wait for each other is chance: in scripts that start some, an
/// instruction counts once.
[[nodiscard]] nlohmann::json nonzero(const OpCounts& counts, const text::Script& script) {
    const bool has_threads = std::ranges::any_of(script.commands, [](const text::ScriptCommand& command) {
        return std::holds_alternative<text::ScriptThread>(command.body);
    });
    auto list = nlohmann::json::array();
    for (size_t op = 0; op < counts.size(); ++op)
        if (const uint64_t count = counts[op])
            list.push_back({op, has_threads ? 1 : count});
    return list;
}

void run_commands(const text::Script& script, Features features, const RunOptions& options, int fd) {
    auto lines = nlohmann::json::array();
    for (const auto& command : script.commands)
        lines.push_back(command.line);
    send(fd, {{"commands", lines}});
    Config config;
    config.features = features;
    config.collect_always = options.collects_always;
    config.lazy_translation = options.is_lazy;
    config.canonical_nans = options.canonical_nans;
    config.tier = options.tiers_up      ? TierChoice::automatic
                  : options.is_compiled ? TierChoice::jit
                                        : TierChoice::interpreter;
    if (options.tiers_up)
        config.tiering = {.sample_units = 1, .hot_samples = 2};
    const Engine engine(config);
    OpCounts executed{};
    if (options.counts_executions)
        count_executions(engine, executed);
    auto runner = ScriptRunner::create(engine);
    if (!runner)
        return send(fd, {{"line", 0}, {"failure", runner.error().message()}});
    for (const auto& command : script.commands) {
        if (const auto failure = runner->run(command))
            send(fd, {{"line", command.line}, {"failure", *failure}});
        else
            send(fd, {{"line", command.line}});
    }
    if (const auto failure = runner->finish())
        send(fd, {{"line", 0}, {"failure", *failure}});
    if (options.counts_executions)
        send(fd, {{"executed", nonzero(executed, script)}});
}

void round_trip_modules(const text::Script& script, Features features, int fd) {
    const auto modules = valid_modules(script, features);
    auto lines = nlohmann::json::array();
    for (const auto* module : modules)
        lines.push_back(module->line);
    send(fd, {{"commands", lines}});
    for (const auto* module : modules) {
        if (const auto failure = round_trip(*module, features))
            send(fd, {{"line", module->line}, {"failure", *failure}});
        else
            send(fd, {{"line", module->line}});
    }
}

void run_child(const std::string& path, const RunOptions& options, int fd) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return send(fd, {{"line", 0}, {"failure", std::string("cannot be read: ") + std::strerror(errno)}});
    std::string source((std::istreambuf_iterator<char>(file)), {});
    auto script = text::parse_script(std::move(source));
    if (!script)
        return send(fd, {{"line", script.error().line}, {"failure", "script: " + script.error().message()}});
    if (options.task == Task::round_trip)
        round_trip_modules(*script, features_of(path), fd);
    else
        run_commands(*script, features_of(path), options, fd);
}

// In the parent

struct Child {
    pid_t pid = -1;
    int fd = -1;
    size_t index = 0;                ///< of the file
    std::vector<uint32_t> commands;  ///< their lines
    std::string pending;
    Clock::time_point deadline;
    bool timed_out = false;
};

void take_line(Child& child, FileResult& result, const std::string& line) {
    const auto message = nlohmann::json::parse(line, nullptr, false);
    if (message.is_discarded())
        return;
    if (message.contains("commands")) {
        child.commands = message["commands"].get<std::vector<uint32_t>>();
        return;
    }
    if (message.contains("executed")) {
        result.executed.resize(op_count);
        for (const auto& pair : message["executed"])
            result.executed[pair[0].get<size_t>()] = pair[1];
        return;
    }
    if (message.contains("failure"))
        result.failures.push_back({message["line"], message["failure"]});
    else
        ++result.passed;
}

/// Starts the process for one file. nullopt if the system has no room for it; errno says why.
[[nodiscard]] std::optional<Child> start(const std::string& path, size_t index, const RunOptions& options) {
    int fds[2];
    if (pipe(fds) != 0)
        return std::nullopt;
    const pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        run_child(path, options, fds[1]);
        _exit(0);
    }
    const int reason = errno;
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        errno = reason;
        return std::nullopt;
    }
    Child child;
    child.pid = pid;
    child.fd = fds[0];
    child.index = index;
    child.deadline = Clock::now() + std::chrono::seconds(options.timeout_seconds);
    return child;
}

/// Reads what there is. @return false at the end of the stream.
[[nodiscard]] bool read_some(Child& child, FileResult& result) {
    char buffer[1 << 16];
    const ssize_t count = read(child.fd, buffer, sizeof buffer);
    if (count <= 0)
        return false;
    child.pending.append(buffer, static_cast<size_t>(count));
    size_t start = 0;
    for (size_t end; (end = child.pending.find('\n', start)) != std::string::npos; start = end + 1)
        take_line(child, result, child.pending.substr(start, end - start));
    child.pending.erase(0, start);
    return true;
}

/// The command that was running when the process ended early has failed, and so have those behind it.
void finish(Child& child, FileResult& result) {
    int status = 0;
    close(child.fd);
    waitpid(child.pid, &status, 0);
    const uint64_t done = result.passed + result.failures.size();
    const bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (is_clean && done >= child.commands.size())
        return;
    const std::string how = child.timed_out ? "timed out"
                            : WIFSIGNALED(status)
                                ? fmt::format("crashed: {}", strsignal(WTERMSIG(status)))
                                : fmt::format("the process ended with status {}", WEXITSTATUS(status));
    result.failures.push_back({done < child.commands.size() ? child.commands[done] : 0, how});
    if (child.commands.size() > done + 1)
        result.not_reached = child.commands.size() - done - 1;
}

}  // namespace

std::optional<Feature> feature_of_directory(std::string_view name) noexcept {
    // The upstream copies of threads, and the legacy folder of the specification's own repository.
    if (name.starts_with("threads"))
        return Feature::threads;
    if (name.starts_with("legacy"))
        return Feature::legacy_exceptions;
    return find_feature(name);
}

Features features_of(const std::string& path) {
    const auto directory = std::filesystem::absolute(path).parent_path();
    Features features = Features::up_to(directory.filename() == "threads" ? 1 : 3);
    if (const auto named = feature_of_directory(directory.filename().string()))
        features.enable(*named);
    return features;
}

std::vector<FileResult> run_files(const std::vector<std::string>& paths, const RunOptions& options) {
    std::vector<FileResult> results(paths.size());
    for (size_t i = 0; i < paths.size(); ++i)
        results[i].path = paths[i];
    std::vector<Child> children;
    size_t next = 0;
    while (next < paths.size() || !children.empty()) {
        while (next < paths.size() && children.size() < options.jobs) {
            if (auto child = start(paths[next], next, options))
                children.push_back(*std::move(child));
            else
                results[next].failures.push_back(
                    {0, std::string("no process for it: ") + std::strerror(errno)});
            ++next;
        }
        std::vector<pollfd> polls;
        for (const Child& child : children)
            polls.push_back({child.fd, POLLIN, 0});
        poll(polls.data(), polls.size(), 100);
        for (size_t i = children.size(); i-- > 0;) {
            Child& child = children[i];
            if (Clock::now() > child.deadline && !child.timed_out) {
                child.timed_out = true;
                kill(child.pid, SIGKILL);
            }
            if (polls[i].revents == 0 || read_some(child, results[child.index]))
                continue;
            finish(child, results[child.index]);
            children.erase(children.begin() + static_cast<ptrdiff_t>(i));
        }
    }
    return results;
}

}  // namespace wsb::spec
