// SPDX-License-Identifier: Apache-2.0
// The command line. CLI11 splits it, the meaning of each value is checked here.
#include "cli/arguments.h"

#include "cli/features.h"
#include "cli/help.h"
#include "engine/base/result.h"
#include "sandbox/grants.h"
#include "sandbox/manifest.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>

#ifndef WSB_VERSION
#define WSB_VERSION "0.1.0"
#endif

namespace wsb::cli {
namespace {

constexpr uint64_t max_fuel = uint64_t{1} << 62;
constexpr uint64_t min_stack_bytes = uint64_t{64} << 10, max_stack_bytes = uint64_t{1} << 30;

/// The options as texts.
struct Texts {
    std::string invoke, tier = "interp", fuel, timeout, stats, wasm, manifest, audit;
    std::string max_memory, max_stack, max_table, max_instances, max_open_files, max_output;
    std::vector<std::string> dirs, env, features, listen, connect, profile;
    std::string manifest_file, audit_file;
    bool is_deterministic = false;
    Features run_features = default_features;
    ValidateCommand validate;
    InspectCommand inspect;
    DisasCommand disas;
    std::string disas_function, cpu;
    WatToWasmCommand wat_to_wasm;
    WasmToWatCommand wasm_to_wat;
    std::string wat_output;
    bool is_lazy = false, is_background = false, is_confined = false, is_debugged = false;
};

// Each adds the options of a subcommand.

void add_features(CLI::App& command, Texts& texts) {
    command.add_option("--wasm", texts.wasm);
    command.add_option("--features", texts.features)->allow_extra_args(false);
}

void add_run(CLI::App& run, Texts& texts) {
    // Everything from FILE on is left unread: it is the guest's.
    run.prefix_command();
    run.add_option("--invoke", texts.invoke);
    run.add_option("--tier", texts.tier);
    run.add_flag("--lazy", texts.is_lazy);
    run.add_flag("--background", texts.is_background);
    run.add_option("--profile", texts.profile)->allow_extra_args(false);
    run.add_flag("--gdb", texts.is_debugged);
    run.add_option("--fuel", texts.fuel);
    run.add_option("--max-memory", texts.max_memory);
    run.add_option("--max-stack", texts.max_stack);
    run.add_option("--max-table", texts.max_table);
    run.add_option("--max-instances", texts.max_instances);
    run.add_option("--max-open-files", texts.max_open_files);
    run.add_option("--max-output", texts.max_output);
    run.add_option("--timeout", texts.timeout);
    run.add_option("--manifest", texts.manifest);
    run.add_option("--audit", texts.audit);
    run.add_flag("--deterministic", texts.is_deterministic);
    run.add_flag("--landlock", texts.is_confined);
    run.add_option("--dir", texts.dirs)->allow_extra_args(false);
    run.add_option("--listen", texts.listen)->allow_extra_args(false);
    run.add_option("--connect", texts.connect)->allow_extra_args(false);
    run.add_option("--env", texts.env)->allow_extra_args(false);
    // A flag, so that only "--stats=FILE" takes a value.
    run.add_flag("--stats{-}", texts.stats);
    add_features(run, texts);
}

void add_validate(CLI::App& validate, Texts& texts) {
    validate.add_option("FILE", texts.validate.files)->required();
    add_features(validate, texts);
}

void add_inspect(CLI::App& inspect, Texts& texts) {
    inspect.add_option("FILE", texts.inspect.file)->required();
    inspect.add_flag("--json", texts.inspect.as_json);
    add_features(inspect, texts);
}

void add_disas(CLI::App& disas, Texts& texts) {
    disas.add_option("FILE", texts.disas.file)->required();
    disas.add_option("FUNC", texts.disas_function);
    disas.add_option("--cpu", texts.cpu);
    add_features(disas, texts);
}

void add_wat_to_wasm(CLI::App& convert, Texts& texts) {
    convert.add_option("FILE", texts.wat_to_wasm.input)->required();
    convert.add_option("-o,--output", texts.wat_to_wasm.output)->required();
    add_features(convert, texts);
}

void add_wasm_to_wat(CLI::App& convert, Texts& texts) {
    convert.add_option("FILE", texts.wasm_to_wat.input)->required();
    convert.add_option("-o,--output", texts.wat_output);
    add_features(convert, texts);
}

void add_manifest(CLI::App& manifest, Texts& texts) {
    manifest.require_subcommand(1);
    manifest.add_subcommand("check")->add_option("FILE", texts.manifest_file)->required();
    manifest.add_subcommand("schema");
}

void add_audit(CLI::App& audit, Texts& texts) {
    audit.require_subcommand(1);
    audit.add_subcommand("verify")->add_option("FILE", texts.audit_file)->required();
}

struct Subcommand {
    const char* name;
    void (*add_options)(CLI::App& command, Texts& texts);
};
constexpr Subcommand subcommands[] = {
    {"run", add_run},           {"validate", add_validate},    {"inspect", add_inspect},
    {"disas", add_disas},       {"wat2wasm", add_wat_to_wasm}, {"wasm2wat", add_wasm_to_wat},
    {"manifest", add_manifest}, {"audit", add_audit},
};

/// Knows all subcommands, or only the one that `first` names: options take longer to declare than many a
/// guest takes to run.
struct Parser {
    CLI::App app;

    Parser(Texts& texts, std::string_view first) {
        app.set_version_flag("--version", "wasm-sandbox " WSB_VERSION);
        app.require_subcommand(1);
        const bool is_known =
            std::ranges::find(subcommands, first, &Subcommand::name) != std::end(subcommands);
        for (const Subcommand& subcommand : subcommands) {
            if (!is_known || subcommand.name == first)
                subcommand.add_options(*app.add_subcommand(subcommand.name), texts);
        }
    }

    /// The subcommand that was given; empty if none.
    [[nodiscard]] std::string given() const {
        const auto parsed = app.get_subcommands();
        return parsed.empty() ? std::string() : parsed.front()->get_name();
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

Result<void> add_grants(const Texts& texts, Grants& grants) {
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
        // A flag wins over the manifest.
        std::erase_if(grants.env, [&](const EnvGrant& other) { return other.name == grant->name; });
        grants.env.push_back(*std::move(grant));
    }
    grants.listen.insert(grants.listen.end(), texts.listen.begin(), texts.listen.end());
    grants.connect.insert(grants.connect.end(), texts.connect.begin(), texts.connect.end());
    return {};
}

Result<std::optional<uint64_t>> optional_count(const std::string& flag, const std::string& text) {
    if (text.empty())
        return std::nullopt;
    uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count > UINT32_MAX)
        return bad_usage("run", fmt::format("{}: \"{}\" must be a whole number", flag, text));
    return count;
}

/// Replaces what a flag was given for.
template <class T, class U>
void replace(T& target, const std::optional<U>& value) {
    if (value)
        target = *value;
}

Result<void> set_limits(const Texts& texts, SandboxLimits& limits) {
    WSB_TRY_ASSIGN(const auto fuel, parse_fuel(texts.fuel));
    replace(limits.total_fuel, fuel);
    WSB_TRY_ASSIGN(const auto memory, optional_size("--max-memory", texts.max_memory));
    replace(limits.memory_bytes, memory);
    WSB_TRY_ASSIGN(const auto stack, optional_size("--max-stack", texts.max_stack));
    if (stack && (*stack < min_stack_bytes || *stack > max_stack_bytes))
        return bad_usage("run", "--max-stack: must be between 64KiB and 1GiB");
    replace(limits.stack_bytes, stack);
    WSB_TRY_ASSIGN(const auto table, optional_count("--max-table", texts.max_table));
    replace(limits.table_elements, table);
    WSB_TRY_ASSIGN(const auto instances, optional_count("--max-instances", texts.max_instances));
    replace(limits.instances, instances);
    WSB_TRY_ASSIGN(const auto files, optional_count("--max-open-files", texts.max_open_files));
    replace(limits.open_files, files);
    WSB_TRY_ASSIGN(const auto output, optional_size("--max-output", texts.max_output));
    replace(limits.output_bytes, output);
    if (texts.timeout.empty())
        return {};
    const auto timeout = sandbox::parse_duration(texts.timeout);
    if (!timeout)
        return bad_usage("run", "--timeout: " + timeout.error().detail);
    // One call is all there is, and compiling is part of the run.
    limits.total_time = limits.module.compile_time = *timeout;
    limits.timeout.reset();
    return {};
}

/// Without a manifest: the standard streams, clocks and random bytes.
Result<void> begin_grants(const Texts& texts, sandbox::RunOptions& options) {
    Grants& grants = options.grants;
    if (texts.manifest.empty()) {
        grants.streams = {0, 1, 2};
        grants.clock = ClockMode::real;
        grants.random = RandomMode::system;
    } else {
        auto manifest = sandbox::load_manifest(texts.manifest);
        if (!manifest)
            return fail(ErrorCode::bad_usage, manifest.error().detail);
        sandbox::Spec spec;
        if (texts.audit.empty()) {
            if (auto applied = sandbox::apply_manifest(*manifest, spec); !applied)
                return bad_usage("run", "--manifest: " + applied.error().detail);
        } else {
            manifest->audit_file.reset();
            WSB_TRY(sandbox::apply_manifest(*manifest, spec));
        }
        options.limits = spec.limits;
        options.grants = spec.grants;
        options.audit = spec.audit;
        options.sha256 = spec.module_sha256;
        options.canonical_nans = spec.canonical_nans;
        if (options.file.empty() && manifest->module_path)
            options.file = manifest->module_path->string();
    }
    if (texts.is_deterministic) {
        options.canonical_nans = true;
        grants.clock = ClockMode::virtual_;
        grants.random = RandomMode::seeded;
    }
    return {};
}

/// Who is told the names of functions.
Result<void> set_code_names(const Texts& texts, sandbox::RunOptions& options) {
    CodeNames& names = options.code_names;
    for (const std::string& tool : texts.profile) {
        if (tool == "perf-map")
            names.perf_map = true;
        else if (tool == "jitdump")
            names.jitdump = true;
        else
            return bad_usage("run", fmt::format("--profile: \"{}\" must be perf-map or jitdump", tool));
    }
    names.gdb = texts.is_debugged;
    if (names.are_wanted() && options.tier == TierChoice::interpreter)
        return bad_usage("run",
                         fmt::format("{}: only machine code has names; give --tier jit or auto as well",
                                     texts.profile.empty() ? "--gdb" : "--profile"));
    return {};
}

Result<Command> run_command(const Texts& texts, const std::vector<std::string>& rest) {
    if (rest.empty() && texts.manifest.empty())
        return bad_usage("run", "FILE is missing");
    if (!rest.empty() && rest.front().starts_with('-'))
        return bad_usage("run", fmt::format("unknown option {}", rest.front()));
    RunCommand command;
    sandbox::RunOptions& options = command.options;
    if (!rest.empty()) {
        options.file = rest.front();
        options.args.assign(rest.begin() + 1, rest.end());
    }
    options.features = texts.run_features;
    options.is_lazy = texts.is_lazy;
    options.confines_thread = texts.is_confined;
    if (!texts.invoke.empty())
        options.invoke = texts.invoke;
    if (texts.tier == "auto")
        options.tier = TierChoice::automatic;
    else if (texts.tier == "jit" && !Engine::has_jit())
        return bad_usage("run", "--tier: jit is not in this build, or not for this processor");
    else if (texts.tier == "jit" && texts.is_lazy)
        return bad_usage(
            "run", "--lazy: machine code is made when the module is loaded; leave out --lazy or --tier jit");
    else if (texts.tier == "jit")
        options.tier = TierChoice::jit;
    else if (texts.tier != "interp")
        return bad_usage("run", fmt::format("--tier: \"{}\" must be interp, jit or auto", texts.tier));
    options.background_compilation = texts.is_background;
    if (texts.is_background && options.tier != TierChoice::automatic)
        return bad_usage("run", "--background: only --tier auto compiles while the program runs");
    WSB_TRY(set_code_names(texts, options));
    WSB_TRY(begin_grants(texts, options));
    WSB_TRY(set_limits(texts, options.limits));
    WSB_TRY(add_grants(texts, options.grants));
    if (!texts.audit.empty()) {
        auto log = AuditLog::open(texts.audit);
        if (!log)
            return bad_usage("run", "--audit: " + log.error().detail);
        options.audit = *std::move(log);
    }
    if (!texts.stats.empty())
        command.stats_file = texts.stats;
    return command;
}

Result<Command> disas_command(Texts& texts, std::span<const char* const> arguments) {
    DisasCommand& command = texts.disas;
    if (!texts.disas_function.empty())
        command.function = texts.disas_function;
    if (texts.cpu == "x86-64-v2")
        command.processor = jit::Processor::x86_64_v2;
    else if (texts.cpu == "x86-64-v3")
        command.processor = jit::Processor::x86_64_v3;
    else if (!texts.cpu.empty())
        return bad_usage("disas", fmt::format("--cpu: \"{}\" must be x86-64-v2 or x86-64-v3", texts.cpu));
    command.arguments.assign(arguments.begin(), arguments.end());
    return std::move(command);
}

/// Leaves what the command is usually given, unless the options say otherwise.
Result<void> set_features(const Parser& parser, const Texts& texts, Features& features) {
    auto chosen = parse_features(texts.wasm, texts.features, features);
    if (!chosen)
        return bad_usage(parser.given(), chosen.error().detail);
    features = *chosen;
    return {};
}

/// `arguments`: the whole command's, without the program's name.
Result<Command> to_command(const Parser& parser, Texts& texts, std::span<const char* const> arguments) {
    for (Features* const features :
         {&texts.run_features, &texts.validate.features, &texts.inspect.features, &texts.disas.features,
          &texts.wat_to_wasm.features, &texts.wasm_to_wat.features})
        WSB_TRY(set_features(parser, texts, *features));
    const std::string given = parser.given();
    if (given == "run")
        return run_command(texts, parser.app.get_subcommand("run")->remaining());
    if (given == "validate")
        return std::move(texts.validate);
    if (given == "inspect")
        return std::move(texts.inspect);
    if (given == "disas")
        return disas_command(texts, arguments);
    if (given == "wat2wasm")
        return std::move(texts.wat_to_wasm);
    if (given == "manifest")
        return ManifestCommand{texts.manifest_file};
    if (given == "audit")
        return AuditCommand{texts.audit_file};
    if (!texts.wat_output.empty())
        texts.wasm_to_wat.output = texts.wat_output;
    return std::move(texts.wasm_to_wat);
}

}  // namespace

Result<Command> parse_command_line(int argc, const char* const* argv) {
    Texts texts;
    Parser parser(texts, argc > 1 ? argv[1] : "");
    try {
        parser.app.parse(argc, argv);
        return to_command(parser, texts, std::span(argv, static_cast<size_t>(argc)).subspan(1));
    } catch (const CLI::CallForHelp&) {
        return PrintCommand{std::string(help_for(parser.given()))};
    } catch (const CLI::CallForVersion&) {
        return PrintCommand{"wasm-sandbox " WSB_VERSION "\n"};
    } catch (const CLI::Error& error) {
        if (argc > 1 && parser.given().empty())
            return bad_usage("", fmt::format("unknown subcommand or option {}", argv[1]));
        if (argc <= 1)
            return bad_usage("",
                             "a subcommand is missing: run, validate, inspect, disas, wat2wasm, wasm2wat, "
                             "manifest, audit");
        return bad_usage(parser.given(), error.what());
    }
}

}  // namespace wsb::cli
