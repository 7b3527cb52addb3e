// SPDX-License-Identifier: Apache-2.0
// Linker: names for what modules may import, and instantiation.
#pragma once

#include "wsb/config.hpp"
#include "wsb/error.hpp"
#include "wsb/extern.hpp"
#include "wsb/host_func.hpp"
#include "wsb/instance.hpp"
#include "wsb/instance_pre.hpp"
#include "wsb/module.hpp"
#include "wsb/store.hpp"
#include "wsb/trap.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace wsb {
inline namespace v1 {

/// Gives modules their imports. A module sees nothing that was not defined here. Host functions may
/// serve any store of the engine, shared memories any store at all; externs and instances only modules of
/// their own store. Defining a name again replaces it. Move-only; not synchronized: define first, then
/// instantiate from any thread.
class Linker {
public:
    explicit Linker(const Engine& engine);
    Linker(Linker&&) noexcept;
    Linker& operator=(Linker&&) noexcept;
    ~Linker();

    /// A host function with its type deduced:
    /// `linker.function("env", "log", [](int32_t level) { … })`.
    /// See HostFunction::from for what is allowed. @return out_of_memory.
    template <class F>
    Result<void> function(std::string_view module, std::string_view name, F&& callable) {
        return define(module, name, HostFunction::from(std::forward<F>(callable)));
    }
    /// A host function on values, with a type given at run time.
    Result<void> function(std::string_view module, std::string_view name, FuncType type,
                          RawFunction callable) {
        return define(module, name, HostFunction::raw(std::move(type), std::move(callable)));
    }
    Result<void> define(std::string_view module, std::string_view name, HostFunction function);
    /// Something that a store already has.
    Result<void> define(std::string_view module, std::string_view name, const Extern& item);
    /// A memory that stores share.
    Result<void> define(std::string_view module, std::string_view name, const SharedMemory& memory);
    /// All exports of an instance, under a module name.
    Result<void> instance(std::string_view module, const Instance& instance);

    /// What a name stands for in this store; a host function or a shared memory is entered into the store for
    /// it. nullopt if the name is not defined, belongs to another store, or a limit forbids it.
    [[nodiscard]] std::optional<Extern> get(StoreRef store, std::string_view module,
                                            std::string_view name) const;

    /// Instantiates a module: imports matched, globals, tables and memories made, active segments
    /// copied, start function run.
    /// @return an Error (unknown_import and incompatible_import name module, name, expected and
    /// found; limit_exceeded), or the Trap or Exit of a segment or of the start function. What a
    /// failed instantiation wrote into imported memories and tables stays, as the standard has it.
    [[nodiscard]] CallResult<Instance> instantiate(StoreRef store, const Module& module) const;

    /// Finds and matches the imports of a module, for any number of instances.
    /// @return unknown_import or incompatible_import as above; bad_usage, with the name, for an import that
    /// is defined as something of one store.
    [[nodiscard]] Result<InstancePre> instantiate_pre(const Module& module) const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace v1
}  // namespace wsb
