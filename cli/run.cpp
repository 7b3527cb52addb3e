// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox run
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "sandbox/invoke_values.h"

namespace wsb::cli {
namespace {

std::string stats_json(const sandbox::RunReport& report) {
    return fmt::format(
        R"({{"fuel":{},"wall_ns":{},"cpu_ns":{},"peak_memory_bytes":{},"tier":"{}","exit":{}}})"
        "\n",
        report.fuel, report.wall_ns, report.cpu_ns, report.peak_memory_bytes, report.tier,
        report.status);
}

/// @return false if the file could not be written.
bool write_stats(const std::string& file, const sandbox::RunReport& report) {
    const std::string text = stats_json(report);
    if (file == "-") {
        fmt::print(stderr, "{}", text);
        return true;
    }
    // SAFETY: uint8_t and char have the same representation.
    const auto written = write_file(file, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    if (!written)
        complain(written.error().detail);
    return written.has_value();
}

void explain(const std::string& file, const sandbox::RunReport& report) {
    if (report.trap)
        complain(fmt::format("{}: trap: {}", file, report.trap->to_string()));
    else if (report.error)
        complain_about(file, *report.error);
    if (!report.advice.empty())
        fmt::print(stderr, "{}\n", printable(report.advice));
}

}  // namespace

int execute(const RunCommand& command) {
    const sandbox::RunReport report = sandbox::run(command.options);
    std::string results;
    for (const Value& value : report.results)
        results += sandbox::to_text(value) + "\n";
    int status = report.status;
    if (const auto printed = print_out(results); !printed) {
        complain(printed.error().detail);
        status = sandbox::status_refused;
    }
    explain(command.options.file, report);
    if (command.stats_file && !write_stats(*command.stats_file, report) && status == 0)
        status = sandbox::status_refused;
    return status;
}

int execute(const PrintCommand& command) {
    return print_out(command.text) ? 0 : sandbox::status_refused;
}

}  // namespace wsb::cli
