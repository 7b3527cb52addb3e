// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox run
#include "cli/commands.h"
#include "cli/output.h"
#include "sandbox/invoke_values.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>

namespace wsb::cli {
namespace {

/// As many as a trap keeps.
constexpr size_t max_frames = 64;

std::string stats_json(const sandbox::RunReport& report) {
    return fmt::format(
        R"({{"fuel":{},"wall_ns":{},"cpu_ns":{},"peak_memory_bytes":{},"collections":{},"longest_pause_ns":{},"functions":{},"translated_functions":{},"translated_bytes":{},"machine_functions":{},"machine_bytes":{},"tier":"{}","exit":{}}})"
        "\n",
        report.fuel, report.wall_ns, report.cpu_ns, report.peak_memory_bytes, report.heap.collections,
        report.heap.longest_pause_ns, report.code.functions, report.code.translated_functions,
        report.code.translated_bytes, report.code.machine_functions, report.code.machine_bytes, report.tier,
        report.status);
}

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

/// Where statistics go. Opened before the guest runs, since later it may be too late (--landlock).
class StatsFile {
public:
    [[nodiscard]] bool open(const std::string& name) {
        m_name = name;
        if (name != "-")
            m_file.reset(std::fopen(name.c_str(), "wbe"));
        return is_good(name == "-" || m_file != nullptr);
    }
    [[nodiscard]] bool write(const std::string& text) {
        std::FILE* const target = m_file != nullptr ? m_file.get() : stderr;
        return is_good(std::fputs(text.c_str(), target) >= 0 && std::fflush(target) == 0);
    }

private:
    [[nodiscard]] bool is_good(bool is_done) const {
        if (!is_done)
            complain(fmt::format("{}: {}", m_name, std::strerror(errno)));
        return is_done;
    }

    std::string m_name;
    std::unique_ptr<std::FILE, CloseFile> m_file;
};

/// The frames, innermost first; a function that called itself over and over takes one line.
std::string backtrace_text(std::span<const TrapFrame> frames) {
    const auto same = [](const TrapFrame& one, const TrapFrame& other) {
        return one.func_index == other.func_index && one.offset_bytes == other.offset_bytes &&
               one.module_name == other.module_name;
    };
    std::string text;
    for (size_t i = 0; i < frames.size();) {
        size_t end = i + 1;
        while (end < frames.size() && same(frames[i], frames[end]))
            ++end;
        const TrapFrame& frame = frames[i];
        text += fmt::format(
            "\n  {:2}: {}{}{}", i, frame.module_name, frame.module_name.empty() ? "" : "!",
            frame.func_name.empty() ? fmt::format("function {}", frame.func_index) : frame.func_name);
        if (frame.offset_bytes != no_offset)
            text += fmt::format(" (offset {:#x})", frame.offset_bytes);
        if (end > i + 1)
            text += fmt::format(", {} times", end - i);
        i = end;
    }
    if (frames.size() >= max_frames)
        text += "\n  … more frames are not shown";
    return text;
}

void explain(const std::string& file, const sandbox::RunReport& report) {
    if (report.trap)
        complain(
            fmt::format("{}: trap: {}{}", file, report.trap->message(), backtrace_text(report.trap->frames)));
    else if (report.error)
        complain_about(file, *report.error);
    if (!report.advice.empty())
        fmt::print(stderr, "{}\n", printable(report.advice));
}

}  // namespace

int execute(const RunCommand& command) {
    StatsFile stats;
    if (command.stats_file && !stats.open(*command.stats_file))
        return sandbox::status_refused;
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
    if (command.stats_file && !stats.write(stats_json(report)) && status == 0)
        status = sandbox::status_refused;
    return status;
}

int execute(const PrintCommand& command) {
    return print_out(command.text) ? 0 : sandbox::status_refused;
}

}  // namespace wsb::cli
