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
/// others by what they refer to, which must be of this store and, if it is an object, in the host's hands.
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

/// Reads a value, which the host holds from now on; advances `slot` behind it. Throws std::bad_alloc.
inline Value take(runtime::Store& store, const runtime::Slot*& slot, ValType type) {
    const uint64_t low = *slot++;
    if (type.is_ref())
        store.hand_to_host(low, type);
    const uint64_t high = type.kind() == ValType::v128 ? *slot++ : 0;
    return Value::from_raw(type, low, high);
}

/// Between the API's handles and the runtime's items.
[[nodiscard]] Extern to_extern(StoreRef store, const runtime::ExternItem& item) noexcept;
[[nodiscard]] runtime::ExternItem to_item(const Extern& item) noexcept;

}  // namespace wsb::api
