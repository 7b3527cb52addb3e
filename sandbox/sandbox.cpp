// SPDX-License-Identifier: Apache-2.0
// The public face of sandboxes.
#include "wsb/sandbox.hpp"

#include "engine/api/guard.h"
#include "engine/base/result.h"
#include "sandbox/imports.h"
#include "sandbox/manifest.h"
#include "sandbox/state.h"

namespace wsb {
inline namespace v1 {

std::string SandboxFailure::message() const {
    if (m_limit && trap() != nullptr && trap()->interruption == Interruption::none &&
        trap()->code == TrapCode::interrupted)
        return m_limit->message();
    return m_limit ? m_limit->message() + " (" + m_cause.message() + ")" : m_cause.message();
}

SandboxFailure::operator Error() const {
    if (const Error* const found = error(); found != nullptr && !m_limit)
        return *found;
    Error converted;
    converted.code = m_limit ? ErrorCode::limit_exceeded : ErrorCode::bad_usage;
    converted.detail = message();
    return converted;
}

namespace detail {

std::optional<SandboxFailure> begin_call(sandbox::SandboxState& state) {
    return state.begin_call();
}
std::optional<SandboxFailure> end_call(sandbox::SandboxState& state, const Failure* failure) {
    return state.end_call(failure);
}
bool has_instance(const sandbox::SandboxState& state) noexcept {
    return state.has_instance();
}
Instance instance_of(sandbox::SandboxState& state) {
    return state.instance();
}
uint64_t generation_of(const sandbox::SandboxState& state) noexcept {
    return state.generation();
}

}  // namespace detail

Sandbox::Sandbox(std::unique_ptr<sandbox::SandboxState> state) noexcept : m_state(std::move(state)) {}
Sandbox::Sandbox(Sandbox&&) noexcept = default;
Sandbox& Sandbox::operator=(Sandbox&&) noexcept = default;
Sandbox::~Sandbox() = default;

SandboxBuilder Sandbox::builder() {
    return SandboxBuilder();
}

SandboxResult<std::vector<Value>> Sandbox::call_values(std::string_view name, std::span<const Value> args) {
    if (auto refused = m_state->begin_call())
        return std::unexpected(*std::move(refused));
    const auto function = m_state->instance().func(name);
    auto outcome = function ? function->call(args)
                            : CallResult<std::vector<Value>>(std::unexpected(Failure(function.error())));
    if (auto failure = m_state->end_call(outcome ? nullptr : &outcome.error()))
        return std::unexpected(*std::move(failure));
    return *std::move(outcome);
}

SandboxResult<uint32_t> Sandbox::run() {
    return m_state->run();
}

SandboxResult<void> Sandbox::reset() {
    if (auto failure = m_state->restart())
        return std::unexpected(*std::move(failure));
    return {};
}

namespace {

using sandbox::SandboxState;

SandboxResult<Sandbox> started(Result<std::unique_ptr<SandboxState>> created, SandboxState::Place place) {
    if (!created)
        return std::unexpected(SandboxFailure(std::move(created).error()));
    if (auto failure = (*created)->start(true, place))
        return std::unexpected(*std::move(failure));
    return Sandbox(*std::move(created));
}

}  // namespace

SandboxResult<Sandbox> Sandbox::clone() const {
    return started(SandboxState::create_like(*m_state), SandboxState::Place::slot);
}

const CallReport& Sandbox::last_call() const noexcept {
    return m_state->last_call();
}

std::vector<ImportNeed> Sandbox::explain() const {
    const sandbox::Loaded& loaded = m_state->loaded();
    return sandbox::needs_of(loaded.module->imports(), loaded.spec);
}

std::string Sandbox::take_output() {
    return m_state->take_output();
}
Result<void> Sandbox::confine_thread() const {
    return m_state->confine_thread();
}
const std::shared_ptr<Ledger>& Sandbox::ledger() const noexcept {
    return m_state->ledger();
}
Module Sandbox::module() const {
    return *m_state->loaded().module;
}
Instance Sandbox::instance() const {
    return m_state->instance();
}
StoreRef Sandbox::store() const {
    return m_state->store();
}

SandboxBuilder::SandboxBuilder() : m_spec(std::make_unique<sandbox::Spec>()) {}
SandboxBuilder::SandboxBuilder(const SandboxBuilder& other)
    : m_spec(std::make_unique<sandbox::Spec>(*other.m_spec)) {}
SandboxBuilder::SandboxBuilder(SandboxBuilder&&) noexcept = default;
SandboxBuilder& SandboxBuilder::operator=(const SandboxBuilder& other) {
    *m_spec = *other.m_spec;
    return *this;
}
SandboxBuilder& SandboxBuilder::operator=(SandboxBuilder&&) noexcept = default;
SandboxBuilder::~SandboxBuilder() = default;

SandboxBuilder& SandboxBuilder::module_file(const std::filesystem::path& path) {
    m_spec->module = path;
    return *this;
}
SandboxBuilder& SandboxBuilder::module_bytes(std::vector<uint8_t> bytes) {
    m_spec->module = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
    return *this;
}
SandboxBuilder& SandboxBuilder::module_text(std::string text) {
    m_spec->module = sandbox::ModuleText{std::move(text)};
    return *this;
}
SandboxBuilder& SandboxBuilder::module_sha256(std::string hexadecimal) {
    m_spec->module_sha256 = std::move(hexadecimal);
    return *this;
}
SandboxBuilder& SandboxBuilder::limits(const SandboxLimits& limits) {
    m_spec->limits = limits;
    return *this;
}
SandboxBuilder& SandboxBuilder::ledger(std::shared_ptr<Ledger> above) {
    m_spec->ledger_above = std::move(above);
    return *this;
}
SandboxBuilder& SandboxBuilder::cancellation(CancellationToken token) {
    m_spec->cancellation = std::move(token);
    return *this;
}
SandboxBuilder& SandboxBuilder::allow_dir(std::string host, std::string guest, DirAccess access) {
    return allow_dir({std::move(host), std::move(guest), access});
}
SandboxBuilder& SandboxBuilder::allow_dir(DirGrant grant) {
    m_spec->grants.dirs.push_back(std::move(grant));
    return *this;
}
SandboxBuilder& SandboxBuilder::memory_dir(std::string guest, uint64_t max_bytes) {
    DirGrant grant;
    grant.guest = std::move(guest);
    grant.source = DirSource::memory;
    grant.max_memory_bytes = max_bytes;
    return allow_dir(std::move(grant));
}
SandboxBuilder& SandboxBuilder::input(std::string text) {
    m_spec->grants.input = std::move(text);
    return *this;
}
SandboxBuilder& SandboxBuilder::on_input(std::function<size_t(std::span<char> target)> give) {
    m_spec->grants.on_input = std::move(give);
    return *this;
}
SandboxBuilder& SandboxBuilder::on_output(std::function<void(int stream, std::string_view text)> take) {
    m_spec->grants.on_output = std::move(take);
    return *this;
}
SandboxBuilder& SandboxBuilder::listen(std::string address) {
    m_spec->grants.listen.push_back(std::move(address));
    return *this;
}
SandboxBuilder& SandboxBuilder::connect(std::string address) {
    m_spec->grants.connect.push_back(std::move(address));
    return *this;
}
SandboxBuilder& SandboxBuilder::env(std::string name, std::string value) {
    m_spec->grants.env.push_back({std::move(name), std::move(value)});
    return *this;
}
SandboxBuilder& SandboxBuilder::args(std::vector<std::string> args) {
    m_spec->grants.args = std::move(args);
    return *this;
}
SandboxBuilder& SandboxBuilder::allow_clock(ClockMode mode) {
    m_spec->grants.clock = mode;
    return *this;
}
SandboxBuilder& SandboxBuilder::clock_start(std::chrono::sys_time<std::chrono::nanoseconds> time) {
    m_spec->grants.clock_start_ns =
        static_cast<uint64_t>(std::max<int64_t>(time.time_since_epoch().count(), 0));
    return *this;
}
SandboxBuilder& SandboxBuilder::allow_random(RandomMode mode, uint64_t seed) {
    m_spec->grants.random = mode;
    m_spec->grants.random_seed = seed;
    return *this;
}
SandboxBuilder& SandboxBuilder::inherit_stdio() {
    return stdio(0, 1, 2);
}
SandboxBuilder& SandboxBuilder::stdio(int input, int output, int error) {
    m_spec->grants.streams = {input, output, error};
    return *this;
}
SandboxBuilder& SandboxBuilder::capture_output() {
    m_spec->grants.captures_output = true;
    return *this;
}
SandboxBuilder& SandboxBuilder::grants(Grants grants) {
    m_spec->grants = std::move(grants);
    return *this;
}
SandboxBuilder& SandboxBuilder::define(std::string_view module, std::string_view name,
                                       HostFunction function) {
    m_spec->functions.push_back({std::string(module), std::string(name), std::move(function)});
    return *this;
}
SandboxBuilder& SandboxBuilder::audit(AuditLog log) {
    m_spec->audit = std::move(log);
    return *this;
}
SandboxBuilder& SandboxBuilder::features(Features features) {
    m_spec->features = features;
    return *this;
}
SandboxBuilder& SandboxBuilder::lazy(bool is_lazy) {
    m_spec->is_lazy = is_lazy;
    return *this;
}
SandboxBuilder& SandboxBuilder::tier(TierChoice tier) {
    m_spec->tier = tier;
    return *this;
}
SandboxBuilder& SandboxBuilder::guard_regions(bool are_wanted) {
    m_spec->guard_regions = are_wanted;
    return *this;
}
SandboxBuilder& SandboxBuilder::code_names(const CodeNames& names) {
    m_spec->code_names = names;
    return *this;
}
SandboxBuilder& SandboxBuilder::compile_threads(unsigned threads) {
    m_spec->compile_threads = threads;
    return *this;
}
SandboxBuilder& SandboxBuilder::background_compilation(bool is_wanted) {
    m_spec->background_compilation = is_wanted;
    return *this;
}
SandboxBuilder& SandboxBuilder::canonical_nans(bool is_wanted) {
    m_spec->canonical_nans = is_wanted;
    return *this;
}
SandboxBuilder& SandboxBuilder::manifest_file(const std::filesystem::path& path) {
    auto manifest = sandbox::load_manifest(path);
    if (!manifest) {
        if (!m_spec->error)
            m_spec->error = std::move(manifest).error();
        return *this;
    }
    if (auto applied = sandbox::apply_manifest(*manifest, *m_spec); !applied && !m_spec->error)
        m_spec->error = std::move(applied).error();
    return *this;
}

SandboxResult<Sandbox> SandboxBuilder::try_build() const {
    auto loaded = api::guarded([&] { return sandbox::load(*m_spec); });
    if (!loaded) {
        const bool is_limit = loaded.error().code == ErrorCode::limit_exceeded;
        return std::unexpected(
            SandboxFailure(std::move(loaded).error(),
                           is_limit ? std::optional(LimitReached{Resource::module}) : std::nullopt));
    }
    return started(SandboxState::create(*std::move(loaded)), SandboxState::Place::own_store);
}

Result<Sandbox> SandboxBuilder::build() const {
    auto built = try_build();
    if (!built)
        return std::unexpected(Error(built.error()));
    return *std::move(built);
}

Result<std::vector<ImportNeed>> SandboxBuilder::explain() const {
    WSB_TRY_ASSIGN(const auto loaded, sandbox::load(*m_spec));
    return sandbox::needs_of(loaded->module->imports(), *m_spec);
}

}  // namespace v1
}  // namespace wsb
