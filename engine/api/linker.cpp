// SPDX-License-Identifier: Apache-2.0
#include "wsb/linker.hpp"

#include "engine/api/convert.h"
#include "engine/api/guard.h"
#include "engine/base/check.h"
#include "engine/runtime/prepared.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <variant>

namespace wsb {
inline namespace v1 {

namespace {

/// A HostFunction with its type entered into the engine.
struct HostDefinition : HostFunction {
    CanonId canonical_type = 0;

    [[nodiscard]] runtime::HostEntry entry_or_default() const noexcept;
};

/// The reason is pending.
void leave_trapped(runtime::Store& store, size_t roots_before) noexcept {
    runtime::VmContext& context = store.context();
    WSB_ASSERT(store.pending().has_value());
    const Trap* const trap = store.pending()->trap();
    context.trap = trap != nullptr ? trap->code : TrapCode::host_error;
    context.uncaught = nullptr;
    if (trap != nullptr && store.host_roots().has(trap->exception))
        context.uncaught = static_cast<const runtime::Exception*>(runtime::object_at(trap->exception));
    store.host_roots().shrink(roots_before);
}

runtime::HostOutcome enter_any(void* environment, runtime::VmContext&, runtime::VmInstance* instance,
                               runtime::Slot* slots) noexcept {
    return detail::enter_host(environment, instance, [&](const HostFunction& function, Caller& caller) {
        return function.invoke(function.callable.get(), caller, slots);
    });
}

runtime::HostEntry HostDefinition::entry_or_default() const noexcept {
    return entry != nullptr ? entry : &enter_any;
}

/// As detail::enter_host reads it.
std::shared_ptr<void> environment_of(const std::shared_ptr<HostDefinition>& host) noexcept {
    return std::shared_ptr<HostFunction>(host);
}

struct RawAdapter {
    FuncType type;
    RawFunction function;

    /// Values in and out; results are checked, since the guest relies on their types.
    CallResult<void> call(Caller& caller, uint64_t* slots) const {
        std::vector<Value> args;
        args.reserve(type.params.size());
        const uint64_t* next = slots;
        for (const ValType param : type.params)
            args.push_back(api::take(caller.store().impl(), next, param));
        std::vector<Value> results;
        results.reserve(type.results.size());
        for (const ValType result : type.results)
            results.push_back(Value::default_of(result));
        WSB_TRY(function(caller, args, results));
        uint64_t* slot = slots;
        for (size_t i = 0; i < results.size(); ++i) {
            if (!api::value_fits(caller.store().impl(), results[i], type.results[i])) {
                return host_trap(
                    fmt::format("result {}: {}", i + 1, api::value_mismatch(results[i], type.results[i])));
            }
            slot = api::put(slot, results[i]);
        }
        return {};
    }

    static bool invoke(void* callable, Caller& caller, uint64_t* slots) noexcept {
        auto outcome = detail::stop_exceptions(
            [&] { return static_cast<const RawAdapter*>(callable)->call(caller, slots); });
        if (!outcome) [[unlikely]]
            detail::set_failure(caller, std::move(outcome).error());
        return outcome.has_value();
    }
};

}  // namespace

void detail::set_failure(Caller& caller, Failure&& failure) noexcept {
    caller.store().impl().set_pending(std::move(failure));
}

runtime::HostOutcome detail::end_host_call(const runtime::HostPlace& place, bool has_succeeded,
                                           size_t roots_before) noexcept {
    runtime::Store& store = *place.store;
    if (!has_succeeded) {
        leave_trapped(store, roots_before);
        return runtime::HostOutcome::trapped;
    }
    store.host_roots().shrink(roots_before);
    if (!store.is_interrupted_after_host_call()) [[likely]]
        return runtime::HostOutcome::returned;
    store.context().trap = TrapCode::interrupted;
    return runtime::HostOutcome::trapped;
}

HostFunction HostFunction::raw(FuncType type, RawFunction function) {
    HostFunction host;
    host.type = type;
    host.callable = std::make_shared<RawAdapter>(std::move(type), std::move(function));
    host.invoke = &RawAdapter::invoke;
    return host;
}

struct Linker::Impl {
    using Definition = std::variant<std::shared_ptr<HostDefinition>, SharedMemory, Extern>;
    using Names = std::map<std::string, Definition, std::less<>>;

    explicit Impl(const Engine& for_engine) : engine(for_engine) {}

    void define(std::string_view module, std::string_view name, Definition definition) {
        auto names = modules.find(module);
        if (names == modules.end())
            names = modules.emplace(std::string(module), Names()).first;
        names->second.insert_or_assign(std::string(name), std::move(definition));
    }
    [[nodiscard]] const Definition* find(std::string_view module, std::string_view name) const {
        const auto names = modules.find(module);
        if (names == modules.end())
            return nullptr;
        const auto found = names->second.find(name);
        return found == names->second.end() ? nullptr : &found->second;
    }
    /// @return bad_usage for what belongs to a store.
    [[nodiscard]] static Result<runtime::PreparedImport> prepare(const Definition& definition) {
        if (const auto* host = std::get_if<std::shared_ptr<HostDefinition>>(&definition))
            return runtime::HostImport{(*host)->canonical_type, (*host)->entry_or_default(),
                                       environment_of(*host)};
        if (const auto* shared = std::get_if<SharedMemory>(&definition))
            return shared->impl();
        return fail(ErrorCode::bad_usage,
                    "belongs to one store; define a host function or a shared memory instead");
    }
    /// What `get` gives for each import of a module. @return unknown_import; its error, with the name.
    template <class Item, class Get>
    [[nodiscard]] Result<std::vector<Item>> imports_of(const syntax::Module& module, Get get) const {
        std::vector<Item> items;
        items.reserve(module.imports.size());
        for (const syntax::Import& import : module.imports) {
            const Definition* definition = find(import.module, import.name);
            if (definition == nullptr)
                return std::unexpected(runtime::unknown_import(module, import));
            auto item = get(*definition);
            if (!item) {
                return fail(item.error().code,
                            fmt::format("{}.{}: {}", import.module, import.name, item.error().detail));
            }
            items.push_back(*std::move(item));
        }
        return items;
    }
    /// Host functions and shared memories become ones of the store.
    /// @return bad_usage for what belongs to another store or engine, limit_exceeded.
    [[nodiscard]] Result<runtime::ExternItem> resolve(runtime::Store& store,
                                                      const Definition& definition) const {
        if (const auto* host = std::get_if<std::shared_ptr<HostDefinition>>(&definition)) {
            if (store.shared_engine() != engine.state())
                return fail(ErrorCode::bad_usage, "host function of another engine");
            return store.host_func((*host)->canonical_type, (*host)->entry_or_default(),
                                   environment_of(*host));
        }
        if (const auto* shared = std::get_if<SharedMemory>(&definition)) {
            WSB_TRY_ASSIGN(runtime::Memory* const memory, store.attach(shared->impl()));
            return memory;
        }
        const Extern& item = *std::get_if<Extern>(&definition);
        if (&store_of(item).impl() != &store)
            return fail(ErrorCode::bad_usage, "belongs to another store");
        return api::to_item(item);
    }

    Engine engine;
    std::map<std::string, Names, std::less<>> modules;
};

Linker::Linker(const Engine& engine) : m_impl(std::make_unique<Impl>(engine)) {}
Linker::Linker(Linker&&) noexcept = default;
Linker& Linker::operator=(Linker&&) noexcept = default;
Linker::~Linker() = default;

Result<void> Linker::define(std::string_view module, std::string_view name, HostFunction function) {
    return api::guarded([&]() -> Result<void> {
        auto definition = std::make_shared<HostDefinition>();
        WSB_TRY_ASSIGN(definition->canonical_type,
                       m_impl->engine.state()->registry->intern_function(function.type));
        static_cast<HostFunction&>(*definition) = std::move(function);
        m_impl->define(module, name, std::move(definition));
        return {};
    });
}

Result<void> Linker::define(std::string_view module, std::string_view name, const Extern& item) {
    return api::guarded([&]() -> Result<void> {
        m_impl->define(module, name, item);
        return {};
    });
}

Result<void> Linker::define(std::string_view module, std::string_view name, const SharedMemory& memory) {
    return api::guarded([&]() -> Result<void> {
        m_impl->define(module, name, memory);
        return {};
    });
}

Result<void> Linker::instance(std::string_view module, const Instance& instance) {
    return api::guarded([&]() -> Result<void> {
        for (const auto& [name, item] : instance.exports())
            m_impl->define(module, name, item);
        return {};
    });
}

std::optional<Extern> Linker::get(StoreRef store, std::string_view module, std::string_view name) const {
    const Impl::Definition* definition = m_impl->find(module, name);
    if (definition == nullptr)
        return std::nullopt;
    const auto item = m_impl->resolve(store.impl(), *definition);
    if (!item)
        return std::nullopt;
    return api::to_extern(store, *item);
}

CallResult<Instance> Linker::instantiate(StoreRef store, const Module& module) const {
    return api::guarded([&]() -> CallResult<Instance> {
        WSB_TRY_ASSIGN(const auto imports,
                       m_impl->imports_of<runtime::ExternItem>(
                           module.compiled()->module, [&](const Impl::Definition& definition) {
                               return m_impl->resolve(store.impl(), definition);
                           }));
        WSB_TRY_ASSIGN(runtime::Instance* const instance,
                       runtime::instantiate(store.impl(), module.compiled(), imports));
        return Instance(store, *instance);
    });
}

Result<InstancePre> Linker::instantiate_pre(const Module& module) const {
    return api::guarded([&]() -> Result<InstancePre> {
        const auto& compiled = module.compiled();
        if (compiled->registry != m_impl->engine.state()->registry)
            return fail(ErrorCode::bad_usage, "module and linker belong to different engines");
        WSB_TRY_ASSIGN(auto imports,
                       m_impl->imports_of<runtime::PreparedImport>(compiled->module, &Impl::prepare));
        WSB_TRY_ASSIGN(auto prepared, runtime::Prepared::create(compiled, std::move(imports)));
        return InstancePre(std::move(prepared));
    });
}

}  // namespace v1
}  // namespace wsb
