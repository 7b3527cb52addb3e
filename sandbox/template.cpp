// SPDX-License-Identifier: Apache-2.0
#include "sandbox/template.h"

#include "engine/base/check.h"
#include "engine/base/result.h"
#include "engine/runtime/store.h"
#include "sandbox/imports.h"
#include "sandbox/sha256.h"
#include "wasi/preview1.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::sandbox {
namespace {

Config config_of(const Spec& spec) {
    Config config;
    config.features = spec.features;
    config.compile_threads = spec.compile_threads;
    config.lazy_translation = spec.is_lazy;
    config.tier = spec.tier;
    config.background_compilation = spec.background_compilation;
    config.guard_regions = spec.guard_regions;
    config.code_names = spec.code_names;
    config.canonical_nans = spec.canonical_nans;
    config.max_stack_bytes = spec.limits.stack_bytes;
    config.module_limits = spec.limits.module;
    return config;
}

Result<v1::Module> module_of(const Engine& engine, const Spec& spec) {
    if (const auto* path = std::get_if<std::filesystem::path>(&spec.module))
        return v1::Module::from_file(engine, *path);
    if (const auto* bytes = std::get_if<std::shared_ptr<const std::vector<uint8_t>>>(&spec.module))
        return v1::Module::compile(engine, **bytes);
    if (const auto* text = std::get_if<ModuleText>(&spec.module))
        return v1::Module::from_wat(engine, text->text);
    return fail(ErrorCode::bad_usage, "no module was given");
}

/// Of the sandbox whose code calls: every store that a template's instances live in has one.
Account& account_of(const Caller& caller) noexcept {
    runtime::StoreAccount* const account = caller.store().impl().account();
    WSB_ASSERT(account != nullptr);
    return static_cast<Account&>(*account);
}

wasi::Preview1& guest_of(const Caller& caller) noexcept {
    return *account_of(caller).guest();
}

/// A host function that is counted, and looks whether it may still be called.
struct Counted {
    HostFunction inner;
    std::string module, name;

    static bool invoke(void* callable, Caller& caller, uint64_t* slots) noexcept {
        const auto& self = *static_cast<const Counted*>(callable);
        Account& account = account_of(caller);
        if (!account.charge(Resource::host_calls, 1)) {
            detail::set_failure(caller, Trap{TrapCode::interrupted, account.last_limit()->message(), {}});
            return false;
        }
        account.audit().host_call(self.module, self.name);
        if (self.inner.invoke(self.inner.callable.get(), caller, slots)) [[likely]]
            return true;
        if (const auto& why = caller.store().impl().pending(); why && why->is_trap(TrapCode::host_error))
            detail::set_failure(caller, self.named(*why->trap()));
        return false;
    }

    /// What failed is said by name.
    [[nodiscard]] Failure named(const Trap& trap) const {
        Trap with_name = trap;
        with_name.detail = fmt::format("{}.{}: {}", module, name, trap.detail);
        return with_name;
    }
};

HostFunction counted(const HostDefinition& definition) {
    HostFunction function = definition.function;
    function.callable =
        std::make_shared<Counted>(Counted{definition.function, definition.module, definition.name});
    function.invoke = &Counted::invoke;
    function.entry = nullptr;
    return function;
}

}  // namespace

StoreLimits store_limits(const SandboxLimits& limits) {
    StoreLimits store;
    store.table_elements = limits.table_elements.value_or(store.table_elements);
    store.instances = static_cast<uint32_t>(
        std::min<uint64_t>(limits.instances.value_or(store.instances), store.instances));
    return store;
}

Result<std::shared_ptr<const Loaded>> load(const Spec& spec) {
    if (spec.error)
        return std::unexpected(*spec.error);
    if (!spec.audit.failure().empty())
        return fail(ErrorCode::io_error, spec.audit.failure());
    auto loaded = std::make_shared<Loaded>(Loaded{spec, Engine(config_of(spec)), std::nullopt, {}, {}});
    WSB_TRY_ASSIGN(loaded->module, module_of(loaded->engine, spec));
    if (const auto* path = std::get_if<std::filesystem::path>(&spec.module))
        loaded->source = path->string();
    if (spec.audit.impl() != nullptr || spec.module_sha256)
        loaded->sha256 = sha256_hex(loaded->module->bytes());
    if (spec.module_sha256 && loaded->sha256 != *spec.module_sha256)
        return fail(ErrorCode::bad_usage, fmt::format("the module's SHA-256 is {}, but {} was asked for",
                                                      loaded->sha256, *spec.module_sha256));
    return loaded;
}

Result<std::shared_ptr<const Template>> Template::create(std::shared_ptr<const Loaded> loaded) {
    std::shared_ptr<Template> made(new Template(std::move(loaded)));
    WSB_TRY(made->link());
    return std::shared_ptr<const Template>(std::move(made));
}

Result<void> Template::link() {
    const Spec& spec = m_loaded->spec;
    const auto imports = m_loaded->module->imports();
    WSB_TRY(check_imports(imports, spec));
    m_uses_wasi = sandbox::uses_wasi(imports);
    if (m_uses_wasi)
        WSB_TRY(wasi::Preview1::define_in(m_linker, imports, &guest_of));
    for (const HostDefinition& definition : spec.functions) {
        const bool is_imported = std::ranges::any_of(imports, [&](const ImportType& import) {
            return import.module == definition.module && import.name == definition.name;
        });
        if (is_imported && definition.function.reads_memory)
            WSB_TRY(v1::detail::MessageExports::check(
                *m_loaded->module, fmt::format("{}.{}", definition.module, definition.name),
                definition.function.uses_allocator));
        WSB_TRY(m_linker.define(definition.module, definition.name, counted(definition)));
    }
    return {};
}

CallResult<Instance> Template::instantiate(StoreRef store) const {
    return m_linker.instantiate(store, *m_loaded->module);
}

Result<Template::Slots> Template::made_slots() const {
    const std::scoped_lock lock(m_mutex);
    if (!m_slots) {
        WSB_TRY_ASSIGN(auto pre, m_linker.instantiate_pre(*m_loaded->module));
        PoolOptions options;
        options.slots = slots;
        options.limits = store_limits(m_loaded->spec.limits);
        WSB_TRY_ASSIGN(auto pool, Pool::create(m_loaded->engine, options));
        m_slots.emplace(std::move(pre), std::move(pool));
    }
    return *m_slots;
}

CallResult<std::optional<PooledInstance>> Template::take(const TakeOptions& options) const {
    WSB_TRY_ASSIGN(const Slots made, made_slots());
    auto taken = made.pool.take(made.pre, options);
    if (taken)
        return *std::move(taken);
    const Error* const error = taken.error().error();
    const bool is_refused = error != nullptr && error->code == ErrorCode::limit_exceeded;
    if (is_refused && made.pool.statistics().slots_taken >= slots)
        return std::nullopt;
    return std::unexpected(std::move(taken).error());
}

}  // namespace wsb::sandbox
