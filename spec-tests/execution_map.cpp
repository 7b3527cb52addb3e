// SPDX-License-Identifier: Apache-2.0
#include "spec-tests/execution_map.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::spec {

namespace {

constexpr std::string_view begin_mark = "<!-- begin: written by wasm-spec --report -->\n";
constexpr std::string_view end_mark = "<!-- end: written by wasm-spec --report -->\n";

constexpr size_t files_named = 3;

struct Use {
    uint64_t count = 0;
    std::vector<std::string> files;
    bool is_by_suite = false;  ///< not only by own scripts
};

/// 1234567 as 1,234,567.
[[nodiscard]] std::string grouped(uint64_t number) {
    std::string digits = std::to_string(number);
    for (auto at = static_cast<ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<size_t>(at), 1, ',');
    return digits;
}

[[nodiscard]] std::string encoding(const OpInfo& row) {
    return row.prefix == 0 ? fmt::format("{:02x}", row.code) : fmt::format("{:02x} {}", row.prefix, row.code);
}

[[nodiscard]] std::vector<Use> uses_of(const Suite& suite, const std::vector<FileResult>& results) {
    std::vector<Use> uses(op_count);
    auto result = results.begin();
    for (const SuiteDirectory& directory : suite.directories) {
        if (!directory.not_run.empty())
            continue;
        for (size_t i = 0; i < directory.scripts.size(); ++i, ++result) {
            const auto file = directory.name / std::filesystem::path(result->path).filename();
            for (size_t op = 0; op < result->executed.size(); ++op) {
                if (result->executed[op] == 0)
                    continue;
                uses[op].count += result->executed[op];
                uses[op].files.push_back(file.string());
                uses[op].is_by_suite |= !directory.is_own;
            }
        }
    }
    return uses;
}

[[nodiscard]] bool is_wanted(const OpInfo& row, const std::vector<FileResult>& results) {
    return std::ranges::any_of(
        results, [&](const FileResult& file) { return features_of(file.path).has(row.feature); });
}

void add_directories(Report& report, const Suite& suite, const std::vector<FileResult>& results) {
    report.markdown +=
        suite.source_table +
        "\n| directory | files | passed | failed | skipped |\n| --- | --- | --- | --- | --- |\n";
    uint64_t files = 0;
    bool has_total = false;
    const auto total = [&] {
        report.markdown += fmt::format("| all of the suite | {} | {} | {} | 0 |\n", files,
                                       grouped(report.passed), grouped(report.failed));
        has_total = true;
    };
    auto result = results.begin();
    for (const SuiteDirectory& directory : suite.directories) {
        if (directory.is_own && !has_total)
            total();
        if (!directory.not_run.empty()) {
            report.markdown += fmt::format("| `{}` | {} | not run: {} | | |\n", directory.name,
                                           directory.scripts.size(), directory.not_run);
            continue;
        }
        uint64_t passed = 0, failed = 0;
        for (size_t i = 0; i < directory.scripts.size(); ++i, ++result) {
            passed += result->passed;
            failed += result->failed();
        }
        report.markdown += fmt::format("| `{}` | {} | {} | {} | 0 |\n", directory.name,
                                       directory.scripts.size(), grouped(passed), grouped(failed));
        files += directory.scripts.size();
        report.passed += passed;
        report.failed += failed;
    }
    if (!has_total)
        total();
}

void add_row(std::string& markdown, const OpInfo& row, const Use& use) {
    std::string files;
    for (size_t i = 0; i < std::min(files_named, use.files.size()); ++i)
        files += fmt::format("{}`{}`", i == 0 ? "" : ", ", use.files[i]);
    if (use.files.size() > files_named)
        files += fmt::format(" and {} more", use.files.size() - files_named);
    markdown +=
        fmt::format("| `{}` | `{}` | {} | {} |\n", row.text.view(), encoding(row), grouped(use.count), files);
}

void add_instructions(Report& report, const Suite& suite, const std::vector<FileResult>& results) {
    const auto uses = uses_of(suite, results);
    std::string executed;
    std::vector<Op> not_wanted, own_only;
    for (size_t i = 0; i < op_count; ++i) {
        const auto op = static_cast<Op>(i);
        if (uses[i].count != 0 && !uses[i].is_by_suite)
            own_only.push_back(op);
        if (uses[i].count != 0)
            add_row(executed, op_info(op), uses[i]);
        else
            (is_wanted(op_info(op), results) ? report.never_executed : not_wanted).push_back(op);
    }
    const auto list = [&](std::string_view title, const std::vector<Op>& ops) {
        if (ops.empty())
            return;
        report.markdown += fmt::format("\n{}:", title);
        for (const Op op : ops)
            report.markdown += fmt::format(" `{}`", op_info(op).text.view());
        report.markdown += ".\n";
    };
    const size_t wanted = op_count - not_wanted.size();
    report.markdown += fmt::format(
        "\n### Instructions\n\nOf {} instructions of the features that are on, {} "
        "were executed.\n",
        wanted, wanted - report.never_executed.size());
    list("**Failures**, never executed", report.never_executed);
    list("Executed by scripts of the project only, since the suite has no case", own_only);
    list("Of features that no script was run with", not_wanted);
    report.markdown += "\n| instruction | opcode | executed | by |\n| --- | --- | --- | --- |\n" + executed;
}

}  // namespace

Report make_report(const Suite& suite, const std::vector<FileResult>& results) {
    Report report;
    add_directories(report, suite, results);
    add_instructions(report, suite, results);
    return report;
}

Result<std::string> with_generated_part(std::string page, const std::string& markdown) {
    const size_t begin = page.find(begin_mark);
    const size_t end = page.find(end_mark);
    if (begin == std::string::npos || end == std::string::npos || end < begin)
        return fail(ErrorCode::io_error, "the page has no place for the report");
    const size_t first = begin + begin_mark.size();
    return page.replace(first, end - first, "\n" + markdown + "\n");
}

}  // namespace wsb::spec
