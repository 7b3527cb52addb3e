// SPDX-License-Identifier: Apache-2.0
// What a sandbox and its clones share: the module with all that was said of it, linked once, and slots of a
// pool for their instances.
#pragma once

#include "sandbox/account.h"
#include "sandbox/spec.h"
#include "wsb/engine.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace wsb::sandbox {

/// A module that a description names. Immutable.
struct Loaded {
    Spec spec;
    Engine engine;
    std::optional<v1::Module> module;  ///< always there once loaded
    std::string source;
    std::string sha256;
};

/// @return also limit errors.
[[nodiscard]] Result<std::shared_ptr<const Loaded>> load(const Spec& spec);

/// Limits of the engine's that a sandbox's say something about.
[[nodiscard]] StoreLimits store_limits(const SandboxLimits& limits);

/// Functions of the host find the sandbox that calls by the account of its store. Safe to use from any
/// thread.
class Template {
public:
    /// Finds and checks the imports. @return unknown_import and others, with the import.
    [[nodiscard]] static Result<std::shared_ptr<const Template>> create(std::shared_ptr<const Loaded> loaded);

    [[nodiscard]] const Loaded& loaded() const noexcept { return *m_loaded; }
    [[nodiscard]] const std::shared_ptr<const Loaded>& shared_loaded() const noexcept { return m_loaded; }
    [[nodiscard]] bool uses_wasi() const noexcept { return m_uses_wasi; }

    /// In a store that has an Account.
    [[nodiscard]] CallResult<Instance> instantiate(StoreRef store) const;
    /// One in a slot; `options.account` is an Account. @return nullopt if all slots are taken.
    [[nodiscard]] CallResult<std::optional<PooledInstance>> take(const TakeOptions& options) const;

    /// Instances at a time; each keeps up to 256 KiB of each memory when it is free.
    static constexpr uint32_t slots = 1000;

private:
    struct Slots {
        InstancePre pre;
        Pool pool;
    };

    explicit Template(std::shared_ptr<const Loaded> loaded)
        : m_loaded(std::move(loaded)), m_linker(m_loaded->engine) {}
    [[nodiscard]] Result<void> link();
    [[nodiscard]] Result<Slots> made_slots() const;

    std::shared_ptr<const Loaded> m_loaded;
    Linker m_linker;
    bool m_uses_wasi = false;
    mutable std::mutex m_mutex;
    mutable std::optional<Slots> m_slots;  ///< from the first time that they are asked for
};

}  // namespace wsb::sandbox
