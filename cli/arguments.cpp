// SPDX-License-Identifier: Apache-2.0
// The command line. CLI11 splits it, the meaning of each value is checked here.
#include "cli/arguments.h"

#include "cli/features.h"
#include "cli/help.h"
#include "engine/base/result.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>

#ifndef WSB_VERSION
#define WSB_VERSION "0.1.0"
#endif

namespace wsb::cli {
namespace {

constexpr uint64_t max_fuel = uint64_t{1} << 62;
constexpr uint64_t min_stack_bytes = uint64_t{64} << 10, max_stack_bytes = uint64_t{1} << 30;

/// The options as texts.
struct Texts {
    std::string invoke, tier = "auto", fuel, max_memory, max_stack, stats, wasm;
    std::vector<std::string> dirs, listen, connect, env, features;
    Features run_features = default_features;
    ValidateCommand validate;
    InspectCommand inspect;
    WatToWasmCommand wat_to_wasm;
    WasmToWatCommand wasm_to_wat;
    std::string wat_output;
    bool is_lazy = false;
};

/// The parser and the subcommands that it knows.
struct Parser {
    CLI::App app;
    CLI::App* run = nullptr;
    CLI::App* validate = nullptr;
    CLI::App* inspect = nullptr;
    CLI::App* wat_to_wasm = nullptr;
    CLI::App* wasm_to_wat = nullptr;

    explicit Parser(Texts& texts) {
        app.set_version_flag("--version", "wasm-sandbox " WSB_VERSION);
        app.require_subcommand(1);
        // Everything from FILE on is left unread: it is the guest's.
        run = app.add_subcommand("run")->prefix_command();
        run->add_option("--invoke", texts.invoke);
        run->add_option("--tier", texts.tier);
        run->add_flag("--lazy", texts.is_lazy);
        run->add_option("--fuel", texts.fuel);
        run->add_option("--max-memory", texts.max_memory);
        run->add_option("--max-stack", texts.max_stack);
        run->add_option("--dir", texts.dirs)->allow_extra_args(false);
        run->add_option("--listen", texts.listen)->allow_extra_args(false);
        run->add_option("--connect", texts.connect)->allow_extra_args(false);
        run->add_option("--env", texts.env)->allow_extra_args(false);
        // A flag, so that only "--stats=FILE" takes a value.
        run->add_flag("--stats{-}", texts.stats);
        validate = app.add_subcommand("validate");
        validate->add_option("FILE", texts.validate.files)->required();
        inspect = app.add_subcommand("inspect");
        inspect->add_option("FILE", texts.inspect.file)->required();
        inspect->add_flag("--json", texts.inspect.as_json);
        wat_to_wasm = app.add_subcommand("wat2wasm");
        wat_to_wasm->add_option("FILE", texts.wat_to_wasm.input)->required();
        wat_to_wasm->add_option("-o,--output", texts.wat_to_wasm.output)->required();
        wasm_to_wat = app.add_subcommand("wasm2wat");
        wasm_to_wat->add_option("FILE", texts.wasm_to_wat.input)->required();
        wasm_to_wat->add_option("-o,--output", texts.wat_output);
        for (CLI::App* const subcommand : {run, validate, inspect, wat_to_wasm, wasm_to_wat}) {
            subcommand->add_option("--wasm", texts.wasm);
            subcommand->add_option("--features", texts.features)->allow_extra_args(false);
        }
    }

    /// The subcommand that was given; empty if none.
    [[nodiscard]] std::string given() const {
        for (const CLI::App* const subcommand : {run, validate, inspect, wat_to_wasm, wasm_to_wat}) {
            if (subcommand->parsed())
                return subcommand->get_name();
        }
        return {};
    }
};

std::unexpected<Error> bad_usage(const std::string& subcommand, const std::string& what) {
    return fail(ErrorCode::bad_usage, fmt::format("{}\nTry \"wasm-sandbox {}{}--help\".", what, subcommand,
                                                  subcommand.empty() ? "" : " "));
}

Result<std::optional<uint64_t>> optional_size(const std::string& flag, const std::string& text) {
    if (text.empty())
        return std::nullopt;
    auto size = sandbox::parse_size_bytes(text);
    if (!size)
        return bad_usage("run", flag + ": " + size.error().detail);
    return *size;
}

Result<std::optional<uint64_t>> parse_fuel(const std::string& text) {
    if (text.empty())
        return std::nullopt;
    uint64_t fuel = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fuel);
    if (error != std::errc{} || end != text.data() + text.size() || fuel > max_fuel)
        return bad_usage("run",
                         fmt::format("--fuel: \"{}\" must be a number of units, at most {}", text, max_fuel));
    return fuel;
}

Result<void> add_grants(const Texts& texts, sandbox::Grants& grants) {
    for (const std::string& text : texts.dirs) {
        auto grant = sandbox::parse_dir_grant(text);
        if (!grant)
            return bad_usage("run", "--dir: " + grant.error().detail);
        grants.dirs.push_back(*std::move(grant));
    }
    for (const std::string& text : texts.env) {
        auto grant = sandbox::parse_env_grant(text);
        if (!grant)
            return bad_usage("run", "--env: " + grant.error().detail);
        grants.env.push_back(*std::move(grant));
    }
    grants.listen = texts.listen;
    grants.connect = texts.connect;
    return {};
}

Result<Command> run_command(const Texts& texts, const std::vector<std::string>& rest) {
    if (rest.empty())
        return bad_usage("run", "FILE is missing");
    if (rest.front().starts_with('-'))
        return bad_usage("run", fmt::format("unknown option {}", rest.front()));
    RunCommand command;
    sandbox::RunOptions& options = command.options;
    options.file = rest.front();
    options.args.assign(rest.begin() + 1, rest.end());
    options.features = texts.run_features;
    options.is_lazy = texts.is_lazy;
    if (!texts.invoke.empty())
        options.invoke = texts.invoke;
    if (texts.tier == "interp")
        options.tier = sandbox::ExecutionTier::interpreter;
    else if (texts.tier != "auto")
        return bad_usage("run", fmt::format("--tier: \"{}\" must be interp or auto", texts.tier));
    WSB_TRY_ASSIGN(options.fuel, parse_fuel(texts.fuel));
    WSB_TRY_ASSIGN(options.max_memory_bytes, optional_size("--max-memory", texts.max_memory));
    WSB_TRY_ASSIGN(options.max_stack_bytes, optional_size("--max-stack", texts.max_stack));
    if (options.max_stack_bytes &&
        (*options.max_stack_bytes < min_stack_bytes || *options.max_stack_bytes > max_stack_bytes))
        return bad_usage("run", "--max-stack: must be between 64KiB and 1GiB");
    WSB_TRY(add_grants(texts, options.grants));
    if (!texts.stats.empty())
        command.stats_file = texts.stats;
    return command;
}

/// Leaves what the command is usually given, unless the options say otherwise.
Result<void> set_features(const Parser& parser, const Texts& texts, Features& features) {
    auto chosen = parse_features(texts.wasm, texts.features, features);
    if (!chosen)
        return bad_usage(parser.given(), chosen.error().detail);
    features = *chosen;
    return {};
}

Result<Command> to_command(const Parser& parser, Texts& texts) {
    for (Features* const features : {&texts.run_features, &texts.validate.features, &texts.inspect.features,
                                     &texts.wat_to_wasm.features, &texts.wasm_to_wat.features})
        WSB_TRY(set_features(parser, texts, *features));
    if (parser.run->parsed())
        return run_command(texts, parser.run->remaining());
    if (parser.validate->parsed())
        return std::move(texts.validate);
    if (parser.inspect->parsed())
        return std::move(texts.inspect);
    if (parser.wat_to_wasm->parsed())
        return std::move(texts.wat_to_wasm);
    if (!texts.wat_output.empty())
        texts.wasm_to_wat.output = texts.wat_output;
    return std::move(texts.wasm_to_wat);
}

}  // namespace

Result<Command> parse_command_line(int argc, const char* const* argv) {
    Texts texts;
    Parser parser(texts);
    try {
        parser.app.parse(argc, argv);
        return to_command(parser, texts);
    } catch (const CLI::CallForHelp&) {
        return PrintCommand{std::string(help_for(parser.given()))};
    } catch (const CLI::CallForVersion&) {
        return PrintCommand{"wasm-sandbox " WSB_VERSION "\n"};
    } catch (const CLI::Error& error) {
        if (argc > 1 && parser.given().empty())
            return bad_usage("", fmt::format("unknown subcommand or option {}", argv[1]));
        if (argc <= 1)
            return bad_usage("", "a subcommand is missing: run, validate, inspect, wat2wasm, wasm2wat");
        return bad_usage(parser.given(), error.what());
    }
}

}  // namespace wsb::cli
