// SPDX-License-Identifier: Apache-2.0
// Globals and exception tags: a value or an identity, with a canonical type.
#pragma once

#include "engine/isa/canon.h"
#include "engine/isa/types.h"
#include "engine/runtime/vm_context.h"

namespace wsb::runtime {

class Global final : public VmGlobal {
public:
    Global(const GlobalType& canonical_type, Slot low, Slot high) noexcept : m_type(canonical_type) {
        value[0] = low;
        value[1] = high;
    }
    [[nodiscard]] const GlobalType& type() const noexcept { return m_type; }

private:
    GlobalType m_type;
};

/// Its address is its identity.
class Tag final {
public:
    explicit Tag(CanonId type) noexcept : m_type(type) {}
    [[nodiscard]] CanonId type() const noexcept { return m_type; }

private:
    CanonId m_type;
};

}  // namespace wsb::runtime
