// SPDX-License-Identifier: Apache-2.0
// wasm-spec: runs scripts of the official test suite and says what passed.
#include "spec-tests/isolation.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <unistd.h>

namespace {

using wsb::spec::FileResult;

struct Counts {
    uint64_t passed = 0;
    uint64_t failed = 0;

    void add(const FileResult& file) {
        passed += file.passed;
        failed += file.failed();
    }
    [[nodiscard]] nlohmann::json json() const {
        return {{"passed", passed}, {"failed", failed}, {"skipped", 0}};
    }
};

/// Scripts below a path, sorted.
std::vector<std::string> scripts_below(const std::string& path) {
    std::vector<std::string> scripts;
    if (!std::filesystem::is_directory(path))
        return {path};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
        if (entry.path().extension() == ".wast")
            scripts.push_back(entry.path().string());
    std::ranges::sort(scripts);
    return scripts;
}

void print_failures(const FileResult& file, size_t most) {
    for (size_t i = 0; i < std::min(most, file.failures.size()); ++i)
        fmt::print("{}:{}: {}\n", file.path, file.failures[i].line, file.failures[i].message);
    if (file.failures.size() > most)
        fmt::print("{}: {} more failures\n", file.path, file.failures.size() - most);
    if (file.not_reached != 0)
        fmt::print("{}: {} commands were not reached\n", file.path, file.not_reached);
}

nlohmann::json file_json(const FileResult& file) {
    nlohmann::json failures = nlohmann::json::array();
    for (const auto& failure : file.failures)
        failures.push_back({{"line", failure.line}, {"message", failure.message}});
    return {{"path", file.path}, {"passed", file.passed}, {"failed", file.failed()},
            {"skipped", 0},      {"failures", failures},  {"not_reached", file.not_reached}};
}

int report(const std::vector<FileResult>& files, const std::string& json_path, size_t most_failures) {
    Counts total;
    std::map<std::string, Counts> directories;
    nlohmann::json file_list = nlohmann::json::array();
    for (const FileResult& file : files) {
        print_failures(file, most_failures);
        total.add(file);
        directories[std::filesystem::path(file.path).parent_path().string()].add(file);
        file_list.push_back(file_json(file));
    }
    nlohmann::json directory_list;
    fmt::print("\n{:>9} {:>9}  directory\n", "passed", "failed");
    for (const auto& [name, counts] : directories) {
        fmt::print("{:>9} {:>9}  {}\n", counts.passed, counts.failed, name);
        directory_list[name] = counts.json();
    }
    if (!json_path.empty()) {
        const nlohmann::json document = {
            {"total", total.json()}, {"directories", directory_list}, {"files", file_list}};
        std::ofstream out(json_path);
        out << document.dump(2) << '\n';
        if (!out.flush()) {
            fmt::print(stderr, "wasm-spec: cannot write {}\n", json_path);
            return 2;
        }
    }
    fmt::print("{} passed, {} failed, 0 skipped\n", total.passed, total.failed);
    return total.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Runs scripts (.wast) of the official WebAssembly test suite; directories are searched.\n"
        "Ends with status 0 if every command passed.");
    std::vector<std::string> paths;
    std::string tier = "interp";
    std::string json_path;
    wsb::spec::RunOptions options;
    options.jobs = std::max(1u, std::thread::hardware_concurrency());
    size_t most_failures = 20;
    bool is_round_trip = false;
    app.add_option("PATH", paths, "Scripts or directories")->required()->check(CLI::ExistingPath);
    app.add_option("--tier", tier, "Execution tier")->check(CLI::IsMember({"interp"}))->capture_default_str();
    app.add_option("--json", json_path, "Write the results to this file");
    app.add_option("--timeout", options.timeout_seconds, "Seconds for one file")->capture_default_str();
    app.add_option("--jobs", options.jobs, "Files run at the same time")
        ->check(CLI::Range(1u, 1024u))
        ->capture_default_str();
    app.add_flag("--round-trip", is_round_trip,
                 "Run nothing: print and parse, decode and encode each valid module, and compare");
    app.add_option("--list-failures", most_failures, "Failures listed for one file")->capture_default_str();
    app.add_flag("--gc-stress", options.collects_always,
                 "Collect garbage before every allocation of an object");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    std::vector<std::string> scripts;
    for (const auto& path : paths)
        std::ranges::copy(scripts_below(path), std::back_inserter(scripts));
    if (scripts.empty()) {
        fmt::print(stderr, "wasm-spec: no .wast file found\n");
        return 2;
    }
    if (is_round_trip)
        options.task = wsb::spec::Task::round_trip;
    return report(wsb::spec::run_files(scripts, options), json_path, most_failures);
}
