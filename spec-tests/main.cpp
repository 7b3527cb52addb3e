// SPDX-License-Identifier: Apache-2.0
// wasm-spec: runs scripts of the official test suite and says what passed.
#include "spec-tests/execution_map.h"
#include "wsb/config.hpp"

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

[[nodiscard]] int complain(const wsb::Error& error) {
    fmt::print(stderr, "wasm-spec: {}\n", error.message());
    return 2;
}

/// Reads a whole file. @return io
[[nodiscard]] wsb::Result<std::string> read_page(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        return wsb::fail(wsb::ErrorCode::io_error, path + " cannot be read");
    return std::string((std::istreambuf_iterator<char>(in)), {});
}

/// Where a page and what it should be part, for whoever reads the failure.
void print_difference(std::string_view old_page, std::string_view new_page) {
    const auto [old_at, new_at] = std::ranges::mismatch(old_page, new_page);
    const auto line_at = [](std::string_view page, auto at) {
        const auto offset = static_cast<size_t>(at - page.begin());
        const size_t begin = page.substr(0, offset).rfind('\n') + 1;
        return page.substr(begin, page.find('\n', offset) - begin);
    };
    fmt::print("the page says:   {}\nthe run said:    {}\n", line_at(old_page, old_at),
               line_at(new_page, new_at));
}

/// Runs a suite, counting what is executed, and writes or compares the page.
int run_report(const std::vector<std::string>& roots, const std::string& page_path, bool only_compares,
               wsb::spec::RunOptions options, size_t most_failures) {
    auto suite = wsb::spec::open_suite(roots[0], roots.size() > 1 ? roots[1] : "");
    if (!suite)
        return complain(suite.error());
    auto page = read_page(page_path);
    if (!page)
        return complain(page.error());
    std::vector<std::string> scripts;
    for (const auto& directory : suite->directories)
        if (directory.not_run.empty())
            std::ranges::copy(directory.scripts, std::back_inserter(scripts));
    options.counts_executions = true;
    const auto results = wsb::spec::run_files(scripts, options);
    for (const FileResult& file : results)
        print_failures(file, most_failures);
    const auto report = wsb::spec::make_report(*suite, results);
    for (const wsb::Op op : report.never_executed)
        fmt::print("never executed: {}\n", wsb::op_info(op).text.view());
    auto updated = wsb::spec::with_generated_part(*page, report.markdown);
    if (!updated)
        return complain(updated.error());
    const bool is_same = *updated == *page;
    if (only_compares && !is_same) {
        fmt::print("{} is not what the suite says now; wasm-spec --report writes it\n", page_path);
        print_difference(*page, *updated);
    } else if (!is_same) {
        std::ofstream out(page_path, std::ios::binary);
        out << *updated;
        if (!out.flush())
            return complain(wsb::fail(wsb::ErrorCode::io_error, page_path + " cannot be written").error());
    }
    fmt::print("{} instructions never executed\n", report.never_executed.size());
    fmt::print("{} passed, {} failed, 0 skipped\n", report.passed, report.failed);
    const bool is_good = report.failed == 0 && report.never_executed.empty() && (is_same || !only_compares);
    return is_good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Runs scripts (.wast) of the official WebAssembly test suite; directories are searched.\n"
        "Ends with status 0 if every command passed, and with --report every instruction was executed.");
    std::vector<std::string> paths;
    std::string tier = "interp";
    std::string json_path;
    std::string page_path;
    bool only_compares = false;
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
    app.add_flag("--lazy", options.is_lazy, "Translate each function when it is first called");
    app.add_flag("--canonical-nans", options.canonical_nans, "Compute canonical NaNs only");
    app.add_flag("--jit", options.is_compiled, "Run machine code");
    app.add_flag("--auto", options.tiers_up, "Begin in the interpreter, and change to machine code at once");
    app.add_flag("--gc-stress", options.collects_always,
                 "Collect garbage before every allocation of an object");
    auto* const report_option =
        app.add_option("--report", page_path,
                       "Run the suite in the first PATH, and the own scripts in the second one, count what "
                       "they execute, and write the result into this page")
            ->check(CLI::ExistingFile);
    app.add_flag("--compare", only_compares, "Do not write the page; fail if it says something else")
        ->needs(report_option);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    if ((options.is_compiled || options.tiers_up) && !wsb::Engine::has_jit()) {
        constexpr int skipped = 77;  // what CTest takes for it
        fmt::print("skipped: no machine code in this build, or not for this processor\n");
        return skipped;
    }
    if (!page_path.empty())
        return run_report(paths, page_path, only_compares, options, most_failures);
    std::vector<std::string> scripts;
    for (const auto& path : paths)
        std::ranges::copy(wsb::spec::scripts_below(path), std::back_inserter(scripts));
    if (scripts.empty()) {
        fmt::print(stderr, "wasm-spec: no .wast file found\n");
        return 2;
    }
    if (is_round_trip)
        options.task = wsb::spec::Task::round_trip;
    return report(wsb::spec::run_files(scripts, options), json_path, most_failures);
}
