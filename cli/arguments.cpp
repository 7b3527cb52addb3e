// SPDX-License-Identifier: Apache-2.0
// The command line: which options a subcommand has, and what their values mean.
#include "cli/arguments.h"

#include "cli/features.h"
#include "cli/help.h"
#include "cli/options.h"
#include "engine/base/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#ifndef WSB_VERSION
#define WSB_VERSION "0.1.0"
#endif

namespace wsb::cli {
namespace {

constexpr uint64_t max_fuel = uint64_t{1} << 62;
constexpr uint64_t min_stack_bytes = uint64_t{64} << 10, max_stack_bytes = uint64_t{1} << 30;

[[nodiscard]] std::unexpected<Error> bad_usage(std::string what) {
    return fail(ErrorCode::bad_usage, std::move(what));
}

/// What is common to all subcommands.
struct Common {
    bool wants_help = false;
    std::string wasm;
    std::vector<std::string> features;
};

/// Reads the options that all subcommands have, and those given here.
/// @return the words that are no options; an error too if help is wanted, so that nothing else is done.
[[nodiscard]] Result<std::vector<std::string>> read(Words words, Common& common, std::vector<Option> options,
                                                    Order order = Order::mixed) {
    options.push_back({"--help", &common.wants_help, 'h'});
    options.push_back({"--wasm", &common.wasm});
    options.push_back({"--features", &common.features});
    std::vector<std::string> rest;
    const auto outcome = read_options(words, options, order, rest);
    if (common.wants_help)
        return bad_usage("help is wanted");
    if (!outcome)
        return std::unexpected(outcome.error());
    return rest;
}

/// Leaves what the subcommand usually gives, unless the options say otherwise.
[[nodiscard]] Result<void> set_features(const Common& common, Features& features) {
    WSB_TRY_ASSIGN(features, parse_features(common.wasm, common.features, features));
    return {};
}

[[nodiscard]] Result<std::string> only_file(std::vector<std::string> rest) {
    if (rest.empty())
        return bad_usage("FILE is missing");
    if (rest.size() > 1)
        return bad_usage(fmt::format("{} is one FILE too many", rest[1]));
    return std::move(rest.front());
}

[[nodiscard]] Result<std::optional<uint64_t>> optional_size(const std::string& flag,
                                                            const std::string& text) {
    if (text.empty())
        return std::nullopt;
    auto size = sandbox::parse_size_bytes(text);
    if (!size)
        return bad_usage(flag + ": " + size.error().detail);
    return *size;
}

[[nodiscard]] Result<std::optional<uint64_t>> parse_fuel(const std::string& text) {
    if (text.empty())
        return std::nullopt;
    uint64_t fuel = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fuel);
    if (error != std::errc{} || end != text.data() + text.size() || fuel > max_fuel)
        return bad_usage(fmt::format("--fuel: \"{}\" must be a number of units, at most {}", text, max_fuel));
    return fuel;
}

[[nodiscard]] Result<void> add_grants(const std::vector<std::string>& dirs,
                                      const std::vector<std::string>& env, sandbox::Grants& grants) {
    for (const std::string& text : dirs) {
        auto grant = sandbox::parse_dir_grant(text);
        if (!grant)
            return bad_usage("--dir: " + grant.error().detail);
        grants.dirs.push_back(*std::move(grant));
    }
    for (const std::string& text : env) {
        auto grant = sandbox::parse_env_grant(text);
        if (!grant)
            return bad_usage("--env: " + grant.error().detail);
        grants.env.push_back(*std::move(grant));
    }
    return {};
}

[[nodiscard]] Result<sandbox::ExecutionTier> parse_tier(const std::string& text) {
    if (text.empty() || text == "auto")
        return sandbox::RunOptions().tier;
    if (text == "interp")
        return sandbox::ExecutionTier::interpreter;
    return bad_usage(fmt::format("--tier: \"{}\" must be interp or auto", text));
}

[[nodiscard]] Result<Command> parse_run(Words words, Common& common) {
    std::string invoke, tier, fuel, max_memory, max_stack, stats;
    std::vector<std::string> dirs, env;
    // Everything from FILE on is the guest's.
    WSB_TRY_ASSIGN(const std::vector<std::string> rest, read(words, common,
                                                             {{"--invoke", &invoke},
                                                              {"--tier", &tier},
                                                              {"--fuel", &fuel},
                                                              {"--max-memory", &max_memory},
                                                              {"--max-stack", &max_stack},
                                                              {"--dir", &dirs},
                                                              {"--env", &env},
                                                              {"--stats", &stats, 0, "-"}},
                                                             Order::options_first));
    if (rest.empty())
        return bad_usage("FILE is missing");
    RunCommand command;
    sandbox::RunOptions& options = command.options;
    options.file = rest.front();
    options.args.assign(rest.begin() + 1, rest.end());
    WSB_TRY(set_features(common, options.features));
    if (!invoke.empty())
        options.invoke = invoke;
    WSB_TRY_ASSIGN(options.tier, parse_tier(tier));
    WSB_TRY_ASSIGN(options.fuel, parse_fuel(fuel));
    WSB_TRY_ASSIGN(options.max_memory_bytes, optional_size("--max-memory", max_memory));
    WSB_TRY_ASSIGN(options.max_stack_bytes, optional_size("--max-stack", max_stack));
    if (options.max_stack_bytes &&
        (*options.max_stack_bytes < min_stack_bytes || *options.max_stack_bytes > max_stack_bytes))
        return bad_usage("--max-stack: must be between 64KiB and 1GiB");
    WSB_TRY(add_grants(dirs, env, options.grants));
    if (!stats.empty())
        command.stats_file = stats;
    return command;
}

[[nodiscard]] Result<Command> parse_validate(Words words, Common& common) {
    ValidateCommand command;
    WSB_TRY_ASSIGN(command.files, read(words, common, {}));
    if (command.files.empty())
        return bad_usage("FILE is missing");
    WSB_TRY(set_features(common, command.features));
    return command;
}

[[nodiscard]] Result<Command> parse_inspect(Words words, Common& common) {
    InspectCommand command;
    WSB_TRY_ASSIGN(std::vector<std::string> rest, read(words, common, {{"--json", &command.as_json}}));
    WSB_TRY_ASSIGN(command.file, only_file(std::move(rest)));
    WSB_TRY(set_features(common, command.features));
    return command;
}

[[nodiscard]] Result<Command> parse_wat_to_wasm(Words words, Common& common) {
    WatToWasmCommand command;
    WSB_TRY_ASSIGN(std::vector<std::string> rest, read(words, common, {{"--output", &command.output, 'o'}}));
    WSB_TRY_ASSIGN(command.input, only_file(std::move(rest)));
    if (command.output.empty())
        return bad_usage("--output is missing");
    WSB_TRY(set_features(common, command.features));
    return command;
}

[[nodiscard]] Result<Command> parse_wasm_to_wat(Words words, Common& common) {
    WasmToWatCommand command;
    std::string output;
    WSB_TRY_ASSIGN(std::vector<std::string> rest, read(words, common, {{"--output", &output, 'o'}}));
    WSB_TRY_ASSIGN(command.input, only_file(std::move(rest)));
    if (!output.empty())
        command.output = output;
    WSB_TRY(set_features(common, command.features));
    return command;
}

struct Subcommand {
    std::string_view name;
    Result<Command> (*parse)(Words words, Common& common);
};
constexpr std::array<Subcommand, 5> subcommands{{{"run", parse_run},
                                                 {"validate", parse_validate},
                                                 {"inspect", parse_inspect},
                                                 {"wat2wasm", parse_wat_to_wasm},
                                                 {"wasm2wat", parse_wasm_to_wat}}};

[[nodiscard]] std::unexpected<Error> with_advice(std::string_view what, std::string_view subcommand) {
    return bad_usage(
        fmt::format("{}\nTry \"wasm-sandbox {}{}--help\".", what, subcommand, subcommand.empty() ? "" : " "));
}

}  // namespace

Result<Command> parse_command_line(int argc, const char* const* argv) {
    const Words words = Words(argv, static_cast<size_t>(argc)).subspan(argc > 0 ? 1 : 0);
    if (words.empty())
        return with_advice("a subcommand is missing: run, validate, inspect, wat2wasm, wasm2wat", "");
    const std::string_view first = words.front();
    if (first == "--help" || first == "-h")
        return PrintCommand{std::string(help_for(""))};
    if (first == "--version")
        return PrintCommand{"wasm-sandbox " WSB_VERSION "\n"};
    const auto* const subcommand = std::ranges::find(subcommands, first, &Subcommand::name);
    if (subcommand == subcommands.end())
        return with_advice(fmt::format("unknown subcommand or option {}", first), "");
    Common common;
    auto command = subcommand->parse(words.subspan(1), common);
    if (common.wants_help)
        return PrintCommand{std::string(help_for(subcommand->name))};
    if (!command)
        return with_advice(command.error().detail, subcommand->name);
    return command;
}

}  // namespace wsb::cli
