// SPDX-License-Identifier: Apache-2.0
// Text and bytes of a script's modules, there and back.
#pragma once

#include "engine/text/wast.h"

#include <optional>
#include <string>
#include <vector>

namespace wsb::spec {

/// The valid modules of all commands, those of threads and of assertions included. Of others nothing is
/// required: what is malformed cannot be printed, and what is invalid only as far as it can be read.
[[nodiscard]] std::vector<const text::ScriptModule*> valid_modules(const text::Script& script,
                                                                   Features features);

/// Whether a valid module is the same after it was printed and parsed again, and after it was decoded and
/// encoded again. @return what is different, nullopt if nothing is.
[[nodiscard]] std::optional<std::string> round_trip(const text::ScriptModule& module, Features features);

}  // namespace wsb::spec
