// SPDX-License-Identifier: Apache-2.0
// InstancePre: a module with its imports, ready to be instantiated again and again.
#pragma once

#include "wsb/error.hpp"
#include "wsb/instance.hpp"
#include "wsb/module.hpp"
#include "wsb/store.hpp"
#include "wsb/trap.hpp"

#include <memory>
#include <utility>

namespace wsb {
namespace runtime {
class Prepared;
}  // namespace runtime

inline namespace v1 {

/// A module whose imports were found and matched once, and belong to no store: host functions and shared
/// memories. Made by Linker::instantiate_pre. Immutable; a cheap handle, copies share the rest. Safe to use
/// from any thread, in any number of stores of its engine.
class InstancePre {
public:
    /// What Linker::instantiate does, without searching for imports.
    /// @return limit_exceeded, out_of_memory, or the Trap or Exit of a segment or of the start function.
    [[nodiscard]] CallResult<Instance> instantiate(StoreRef store) const;
    [[nodiscard]] Module module() const;

    /// For the library itself.
    explicit InstancePre(std::shared_ptr<const runtime::Prepared> prepared) noexcept
        : m_prepared(std::move(prepared)) {}
    [[nodiscard]] const std::shared_ptr<const runtime::Prepared>& impl() const noexcept { return m_prepared; }

private:
    std::shared_ptr<const runtime::Prepared> m_prepared;
};

}  // namespace v1
}  // namespace wsb
