// SPDX-License-Identifier: Apache-2.0
// Exceptions of the guest in the host's hands, and how a host function throws one.
#pragma once

#include "wsb/extern.hpp"
#include "wsb/trap.hpp"

#include <optional>
#include <span>
#include <vector>

namespace wsb {
inline namespace v1 {

/// An exception: a tag and values. A handle, copied freely; valid like any reference to an object
/// (RootScope).
class Exception {
public:
    /// @return signature_mismatch if `values` are not what the tag takes, limit_exceeded, out_of_memory.
    [[nodiscard]] static Result<Exception> create(const Tag& tag, std::span<const Value> values);
    /// The one that ended a call with TrapCode::uncaught_exception; nullopt for every other failure.
    [[nodiscard]] static std::optional<Exception> of(StoreRef store, const Failure& failure) noexcept;

    /// The same tag as others of its kind have: compare with operator==.
    [[nodiscard]] Tag tag() const noexcept;
    [[nodiscard]] std::vector<Value> values() const;
    /// As an exnref.
    [[nodiscard]] Value reference() const noexcept;

    /// `return exception.thrown();` in a host function: throws it into the guest that called.
    [[nodiscard]] std::unexpected<Failure> thrown() const;

private:
    Exception(StoreRef store, uint64_t reference) noexcept : m_store(store), m_reference(reference) {}
    StoreRef m_store;
    uint64_t m_reference;
};

}  // namespace v1
}  // namespace wsb
