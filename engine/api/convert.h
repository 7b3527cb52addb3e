// SPDX-License-Identifier: Apache-2.0
// Values to slots and back, and whether a value may stand where a type is asked for.
#pragma once

#include "engine/runtime/operations.h"
#include "engine/runtime/store.h"
#include "wsb/extern.hpp"
#include "wsb/value.hpp"

#include <string>

namespace wsb::api {

// The API's, not the engine's structures of these names.
using v1::Global, v1::Memory, v1::Table;

/// Whether `value` has the canonical type `type`: numbers by kind; null for nullable references;
/// function references by the function's own type; host references if they are of this store.
[[nodiscard]] bool value_fits(runtime::Store& store, const Value& value, ValType type) noexcept;

/// "expected i32, found f64".
[[nodiscard]] std::string value_mismatch(const Value& value, ValType expected);

/// Writes a value that fits; returns the slot behind it.
inline runtime::Slot* put(runtime::Slot* slot, const Value& value) noexcept {
    *slot++ = value.raw()[0];
    if (value.kind() == ValType::v128)
        *slot++ = value.raw()[1];
    return slot;
}

/// Reads a value; advances `slot` behind it.
inline Value take(const runtime::Slot*& slot, ValType type) noexcept {
    const uint64_t low = *slot++;
    const uint64_t high = type.kind() == ValType::v128 ? *slot++ : 0;
    return Value::from_raw(type, low, high);
}

/// Between the API's handles and the runtime's items.
[[nodiscard]] Extern to_extern(StoreRef store, const runtime::ExternItem& item) noexcept;
[[nodiscard]] runtime::ExternItem to_item(const Extern& item) noexcept;

}  // namespace wsb::api
