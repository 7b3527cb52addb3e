// SPDX-License-Identifier: Apache-2.0
// Bytes to Module. The only maker of a Module.
#pragma once

#include "engine/base/deadline.h"
#include "engine/base/result.h"
#include "engine/module/module.h"

#include <span>

namespace wsb::binary {

/// Decodes a binary module. Counts are bounded by limits.h and by the bytes left before anything is
/// allocated. Bodies are only delimited here (locals decoded, expression left as bytes): the body
/// reader of validate/ finds what is malformed inside them.
/// @return malformed or limit errors with the byte offset; never invalid ones.
[[nodiscard]] Result<Module> decode(std::vector<uint8_t> bytes, Features features = default_features,
                                    Deadline deadline = {});
[[nodiscard]] Result<Module> decode(std::span<const uint8_t> bytes, Features features = default_features);

}  // namespace wsb::binary
