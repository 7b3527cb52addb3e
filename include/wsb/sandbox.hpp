// SPDX-License-Identifier: Apache-2.0
// Sandbox: a module that runs with what it was given, within its limits, and nothing else.
//
//     using namespace wsb::literals;
//     auto sandbox = wsb::Sandbox::builder()
//         .module_file("plugin.wasm")
//         .limits({.fuel = 10'000'000, .memory_bytes = 64_MiB, .timeout = 250ms})
//         .allow_dir("/srv/data", "/data", wsb::DirAccess::read_only)
//         .env("LANG", "C")
//         .function("host", "log", [](std::string_view text) { … })
//         .audit(wsb::AuditLog::json_lines("audit.jsonl"))
//         .build();                                          // Result<Sandbox>
//     auto sum = sandbox->call<int32_t>("add", 2, 3);        // SandboxResult<int32_t>
//     auto greeting = sandbox->call<std::string>("greet", "Ada");
#pragma once

#include "wsb/audit.hpp"
#include "wsb/engine.hpp"
#include "wsb/grants.hpp"
#include "wsb/limits.hpp"
#include "wsb/message.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsb {
namespace sandbox {
struct Spec;
class SandboxState;
}  // namespace sandbox

inline namespace v1 {

/// Why a call of a sandbox brought no result. Value type.
class SandboxFailure {
public:
    SandboxFailure(Failure cause, std::optional<LimitReached> limit = {}) noexcept
        : m_cause(std::move(cause)), m_limit(limit) {}

    /// The limit that ended it; nullopt if it was something else.
    [[nodiscard]] const std::optional<LimitReached>& limit() const noexcept { return m_limit; }
    /// Null unless it is one; limits that end running code are traps too.
    [[nodiscard]] const Trap* trap() const noexcept { return m_cause.trap(); }
    [[nodiscard]] const Exit* exit() const noexcept { return m_cause.exit(); }
    [[nodiscard]] const Error* error() const noexcept { return m_cause.error(); }
    [[nodiscard]] const Failure& cause() const noexcept { return m_cause; }
    [[nodiscard]] bool is_cancelled() const noexcept {
        return trap() != nullptr && trap()->interruption == Interruption::cancelled;
    }
    /// One line for people: the limit if it was one.
    [[nodiscard]] std::string message() const;
    /// For those who only want to tell: limit_exceeded, the error itself, or bad_usage with the text.
    operator Error() const;

private:
    Failure m_cause;
    std::optional<LimitReached> m_limit;
};

/// What calls of a sandbox return. Converts to Result<T>.
template <class T>
using SandboxResult = std::expected<T, SandboxFailure>;

/// What the last call took, whatever its end was.
struct CallReport {
    uint64_t fuel = 0;
    std::chrono::nanoseconds wall_time{};
    std::chrono::nanoseconds cpu_time{};  ///< of the thread that called
    uint64_t memory_bytes = 0;          ///< held at its end: linear memories, tables, objects, and the host's
    uint64_t peak_memory_bytes = 0;     ///< of the sandbox so far
    std::optional<uint32_t> exit;       ///< the guest's exit status, if it said one
    std::optional<LimitReached> limit;  ///< that ended it
};

/// An import, and what it takes to have it.
struct ImportNeed {
    std::string module, name;
    std::string grant;  ///< e.g. "a directory: allow_dir, or --dir HOST[::GUEST][:ro]"
    bool is_granted = false;
};

class SandboxBuilder;
template <class Signature>
class SandboxFunction;

namespace detail {
// Around each call. A call within a call is part of it.
[[nodiscard]] std::optional<SandboxFailure> begin_call(sandbox::SandboxState& state);
[[nodiscard]] std::optional<SandboxFailure> end_call(sandbox::SandboxState& state, const Failure* failure);
/// Without one (a reset failed) begin_call returns a failure.
[[nodiscard]] bool has_instance(const sandbox::SandboxState& state) noexcept;
[[nodiscard]] Instance instance_of(sandbox::SandboxState& state);
/// Another one after each reset.
[[nodiscard]] uint64_t generation_of(const sandbox::SandboxState& state) noexcept;
}  // namespace detail

/// One instance with its accounts. Belongs to one thread at a time, and may move to another between calls;
/// only the source of its cancellation token, its ledger and its audit log may be used meanwhile. Move-only.
class Sandbox {
public:
    [[nodiscard]] static SandboxBuilder builder();
    Sandbox(Sandbox&&) noexcept;
    Sandbox& operator=(Sandbox&&) noexcept;
    ~Sandbox();

    /// Calls an export: `call<int32_t>("add", 2, 3)`. R is void, a type with WasmType, a tuple of them, or a
    /// message: a string, bytes, or a structure (message.hpp, json.hpp). The types of the arguments must be
    /// the export's; a message takes two parameters, see docs/guest-abi.md.
    template <class R, class... Args>
    [[nodiscard]] SandboxResult<R> call(std::string_view name, const Args&... args) {
        auto function = typed_function<R(std::decay_t<const Args>...)>(name);
        if (!function)
            return std::unexpected(SandboxFailure(std::move(function).error()));
        return (*function)(args...);
    }
    /// An export with its signature checked once. It may be called as long as the sandbox exists, after
    /// resets too.
    /// @return unknown_export or signature_mismatch.
    template <class Signature>
    [[nodiscard]] Result<SandboxFunction<Signature>> typed_function(std::string_view name);
    /// The same with values of the types that the export has.
    [[nodiscard]] SandboxResult<std::vector<Value>> call_values(std::string_view name,
                                                                std::span<const Value> args);
    /// Runs a command, its "_start". @return its exit status.
    [[nodiscard]] SandboxResult<uint32_t> run();

    /// A fresh instance instead of this one, with nothing left over from before: memory, globals, tables,
    /// objects, files, output. What the ledger counts altogether stays. Takes microseconds from the second
    /// time on.
    /// @return what building it may return; then it can only be reset again or destroyed.
    [[nodiscard]] SandboxResult<void> reset();
    /// Another sandbox with the same module, grants and limits, accounts of its own below the same ledger,
    /// and a fresh instance.
    [[nodiscard]] SandboxResult<Sandbox> clone() const;

    [[nodiscard]] const CallReport& last_call() const noexcept;
    /// What the module imports, and whether it has it.
    [[nodiscard]] std::vector<ImportNeed> explain() const;
    /// Standard output and error since the last time, if they are captured.
    [[nodiscard]] std::string take_output();

    /// A second wall: the kernel (Landlock) confines the calling thread, and those it starts, to the
    /// directories granted here, whatever this library does wrong. No other path can be opened, made, renamed
    /// or removed by them any more, nor programs run; what is open stays so. It cannot be undone: for threads
    /// that do nothing but run this sandbox, or for whole processes before they start threads.
    /// @return io_error where the kernel has no Landlock.
    [[nodiscard]] Result<void> confine_thread() const;

    [[nodiscard]] const std::shared_ptr<Ledger>& ledger() const noexcept;
    [[nodiscard]] Module module() const;
    /// The engine's side. Calls made through it have the limits of the last call, and are not reported.
    [[nodiscard]] Instance instance() const;
    [[nodiscard]] StoreRef store() const;

    /// For the library itself.
    explicit Sandbox(std::unique_ptr<sandbox::SandboxState> state) noexcept;

private:
    std::unique_ptr<sandbox::SandboxState> m_state;
};

/// See Sandbox::typed_function.
template <class R, class... Args>
class SandboxFunction<R(Args...)> {
public:
    [[nodiscard]] SandboxResult<R> operator()(const Args&... args) {
        if (!detail::has_instance(*m_state))
            return std::unexpected(*detail::begin_call(*m_state));
        if (m_generation != detail::generation_of(*m_state)) {
            auto again = detail::MessageFunc<R, Args...>::find(detail::instance_of(*m_state), m_name);
            if (!again)
                return std::unexpected(SandboxFailure(std::move(again).error()));
            m_function = *again;
            m_generation = detail::generation_of(*m_state);
        }
        if (auto refused = detail::begin_call(*m_state))
            return std::unexpected(*std::move(refused));
        CallResult<R> outcome = m_function.call(m_name, args...);
        if (auto failure = detail::end_call(*m_state, outcome ? nullptr : &outcome.error()))
            return std::unexpected(*std::move(failure));
        if constexpr (std::is_void_v<R>)
            return {};
        else
            return *std::move(outcome);
    }

private:
    friend class Sandbox;
    [[nodiscard]] static Result<SandboxFunction> find(sandbox::SandboxState& state, std::string_view name) {
        if (!detail::has_instance(state))
            return std::unexpected(Error(*detail::begin_call(state)));
        auto function = detail::MessageFunc<R, Args...>::find(detail::instance_of(state), name);
        if (!function)
            return std::unexpected(std::move(function).error());
        return SandboxFunction(state, name, *function);
    }
    SandboxFunction(sandbox::SandboxState& state, std::string_view name,
                    const detail::MessageFunc<R, Args...>& function)
        : m_state(&state), m_name(name), m_function(function), m_generation(detail::generation_of(state)) {}

    sandbox::SandboxState* m_state;
    std::string m_name;
    detail::MessageFunc<R, Args...> m_function;
    uint64_t m_generation;
};

/// Says what a sandbox is to be. Everything that is not given is denied. Not synchronized; may be built from
/// more than once.
class SandboxBuilder {
public:
    SandboxBuilder();
    SandboxBuilder(const SandboxBuilder&);
    SandboxBuilder(SandboxBuilder&&) noexcept;
    SandboxBuilder& operator=(const SandboxBuilder&);
    SandboxBuilder& operator=(SandboxBuilder&&) noexcept;
    ~SandboxBuilder();

    // The module: one of these.
    SandboxBuilder& module_file(const std::filesystem::path& path);  ///< binary or text
    SandboxBuilder& module_bytes(std::vector<uint8_t> bytes);
    SandboxBuilder& module_text(std::string text);
    /// Refuses any other module.
    SandboxBuilder& module_sha256(std::string hexadecimal);

    SandboxBuilder& limits(const SandboxLimits& limits);
    /// Accounts that other sandboxes are charged to as well.
    SandboxBuilder& ledger(std::shared_ptr<Ledger> above);
    /// Ends calls; see CancellationSource.
    SandboxBuilder& cancellation(CancellationToken token);

    SandboxBuilder& allow_dir(std::string host, std::string guest, DirAccess access = DirAccess::read_only);
    SandboxBuilder& allow_dir(DirGrant grant);
    /// A directory in memory, empty at first and after each reset.
    SandboxBuilder& memory_dir(std::string guest, uint64_t max_bytes = uint64_t{64} << 20);
    /// A socket that listens at "ADDRESS:PORT", or one that is connected to it: the guest gets the
    /// descriptor, and nothing else of the network.
    SandboxBuilder& listen(std::string address);
    SandboxBuilder& connect(std::string address);
    SandboxBuilder& env(std::string name, std::string value);
    SandboxBuilder& args(std::vector<std::string> args);  ///< the first is the program's name
    SandboxBuilder& allow_clock(ClockMode mode = ClockMode::real);
    SandboxBuilder& clock_start(std::chrono::sys_time<std::chrono::nanoseconds> time);  ///< of those not real
    SandboxBuilder& allow_random(RandomMode mode = RandomMode::system, uint64_t seed = 0);
    SandboxBuilder& inherit_stdio();
    SandboxBuilder& stdio(int input, int output, int error);  ///< host descriptors; -1: closed
    SandboxBuilder& capture_output();
    SandboxBuilder& input(std::string text);  ///< what standard input has, anew after each reset
    SandboxBuilder& on_input(std::function<size_t(std::span<char> target)> give);
    SandboxBuilder& on_output(std::function<void(int stream, std::string_view text)> take);
    /// All of the above at once, instead of what was given so far.
    SandboxBuilder& grants(Grants grants);

    /// A function of the host's, its type deduced; checked against the import when the sandbox is built. A
    /// call of it may come from any thread that runs a sandbox built from this.
    template <class F>
    SandboxBuilder& function(std::string_view module, std::string_view name, F&& callable) {
        return define(module, name, HostFunction::from(std::forward<F>(callable)));
    }
    SandboxBuilder& define(std::string_view module, std::string_view name, HostFunction function);

    SandboxBuilder& audit(AuditLog log);
    SandboxBuilder& features(Features features);
    /// Translates functions when they are first called.
    SandboxBuilder& lazy(bool is_lazy = true);
    /// What runs functions; see Config::tier.
    SandboxBuilder& tier(TierChoice tier);
    /// See Config::background_compilation.
    SandboxBuilder& background_compilation(bool is_wanted = true);
    /// See Config::guard_regions.
    SandboxBuilder& guard_regions(bool are_wanted);
    /// Who is told the names of functions in machine code; see Config::code_names.
    SandboxBuilder& code_names(const CodeNames& names);
    SandboxBuilder& compile_threads(unsigned threads);
    /// See Config::canonical_nans.
    SandboxBuilder& canonical_nans(bool is_wanted = true);
    /// The same inputs give the same results on every machine: canonical NaNs, a virtual clock, random bytes
    /// that depend on the seed alone. Relaxed vector instructions have one meaning anyway.
    SandboxBuilder& deterministic(uint64_t seed = 0) {
        return canonical_nans().allow_clock(ClockMode::virtual_).allow_random(RandomMode::seeded, seed);
    }

    /// Everything from a manifest, instead of what was given so far but for functions and the log; what is
    /// called afterwards wins. What is wrong with it is said by build.
    SandboxBuilder& manifest_file(const std::filesystem::path& path);

    /// Loads, checks the imports against the grants, instantiates, and runs the start function and
    /// "_initialize".
    /// @return what is wrong, with the import, grant or limit.
    [[nodiscard]] Result<Sandbox> build() const;
    /// The same, with the trap or limit if it was one.
    [[nodiscard]] SandboxResult<Sandbox> try_build() const;
    /// What the module imports, and whether it would have it. Runs nothing.
    [[nodiscard]] Result<std::vector<ImportNeed>> explain() const;

    /// For the library itself.
    [[nodiscard]] sandbox::Spec& spec() noexcept { return *m_spec; }

private:
    std::unique_ptr<sandbox::Spec> m_spec;
};

template <class Signature>
Result<SandboxFunction<Signature>> Sandbox::typed_function(std::string_view name) {
    return SandboxFunction<Signature>::find(*m_state, name);
}

}  // namespace v1
}  // namespace wsb
