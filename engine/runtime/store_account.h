// SPDX-License-Identifier: Apache-2.0
// Whom a store asks before it takes something, beside its own limits: how the account of a sandbox, or of
// several together, is kept.
#pragma once

#include "engine/runtime/interrupt.h"

#include <cstdint>

namespace wsb::runtime {

/// Outlives the store, which calls it from the thread that runs it. None throws.
class StoreAccount {
public:
    virtual ~StoreAccount() = default;

    /// Told what may interrupt the store that it serves from now on; null: none any more.
    virtual void joined(Interrupts* interrupts) noexcept = 0;

    /// Bytes of linear memories, tables and objects. @return false: they are not to be taken.
    [[nodiscard]] virtual bool charge_memory(uint64_t size_bytes) noexcept = 0;
    virtual void release_memory(uint64_t size_bytes) noexcept = 0;
    /// What refuses, for people.
    [[nodiscard]] virtual uint64_t memory_limit_bytes() const noexcept = 0;
    [[nodiscard]] virtual bool charge_instance() noexcept = 0;
    virtual void release_instance() noexcept = 0;
    /// Fuel for the next slice. @return how much of it there is; less than `units` only if no more is left.
    [[nodiscard]] virtual uint64_t draw_fuel(uint64_t units) noexcept = 0;
    /// What was drawn and not used.
    virtual void return_fuel(uint64_t units) noexcept = 0;
};

}  // namespace wsb::runtime
