// SPDX-License-Identifier: Apache-2.0
// Instance: a module with its state. Caller: the instance that called a host function.
#pragma once

#include "wsb/cancellation.hpp"
#include "wsb/extern.hpp"
#include "wsb/func.hpp"
#include "wsb/module.hpp"
#include "wsb/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsb {
namespace runtime {
class Instance;
struct VmInstance;
}  // namespace runtime

inline namespace v1 {

/// A module that was instantiated. Cheap handle, valid as long as its store; one thread at a time
/// together with it. Made by Linker::instantiate.
class Instance {
public:
    /// An export; nullopt if there is none of this name.
    [[nodiscard]] std::optional<Extern> get(std::string_view name) const;
    // An export of one kind. @return unknown_export if there is none of this name and kind.
    [[nodiscard]] Result<Func> func(std::string_view name) const;
    [[nodiscard]] Result<Memory> memory(std::string_view name = "memory") const;
    [[nodiscard]] Result<Table> table(std::string_view name) const;
    [[nodiscard]] Result<Global> global(std::string_view name) const;

    /// `instance.typed_function<int32_t(int32_t, int32_t)>("add")`: looked up and checked once.
    /// @return unknown_export or signature_mismatch.
    template <class Signature>
    [[nodiscard]] Result<TypedFunc<Signature>> typed_function(std::string_view name) const {
        auto found = func(name);
        if (!found)
            return std::unexpected(std::move(found).error());
        return found->typed<Signature>();
    }

    /// All exports in the module's order.
    [[nodiscard]] std::vector<std::pair<std::string, Extern>> exports() const;
    [[nodiscard]] Module module() const;
    [[nodiscard]] StoreRef store() const noexcept { return m_store; }

    /// For the library itself.
    Instance(StoreRef store, runtime::Instance& instance) noexcept : m_store(store), m_instance(&instance) {}
    [[nodiscard]] runtime::Instance& impl() const noexcept { return *m_instance; }

private:
    StoreRef m_store;
    runtime::Instance* m_instance;
};

/// What a host function knows of its call. Valid during the call only.
class Caller {
public:
    [[nodiscard]] StoreRef store() const noexcept { return m_store; }
    /// The calling instance; nullopt when the host called the function itself.
    [[nodiscard]] std::optional<Instance> instance() const noexcept;
    /// An export of the calling instance.
    [[nodiscard]] std::optional<Extern> get(std::string_view name) const;
    /// The memory that the calling instance exports under this name; nullopt if there is none.
    [[nodiscard]] std::optional<Memory> memory(std::string_view name = "memory") const;
    /// When the call has to end: what a function that waits or works for long asks.
    [[nodiscard]] CallContext context() const noexcept { return CallContext(m_store.impl()); }
    /// StoreRef::data, cast.
    template <class T>
    [[nodiscard]] T* data() const noexcept {
        return static_cast<T*>(m_store.data());
    }

    /// For the library itself.
    Caller(StoreRef store, runtime::VmInstance* instance) noexcept : m_store(store), m_instance(instance) {}

private:
    StoreRef m_store;
    runtime::VmInstance* m_instance;
};

}  // namespace v1
}  // namespace wsb
