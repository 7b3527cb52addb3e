// SPDX-License-Identifier: Apache-2.0
// All that was said of a sandbox that is to be built.
#pragma once

#include "engine/base/error.h"
#include "wsb/audit.hpp"
#include "wsb/cancellation.hpp"
#include "wsb/grants.hpp"
#include "wsb/host_func.hpp"
#include "wsb/limits.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace wsb::sandbox {

struct HostDefinition {
    std::string module, name;
    HostFunction function;
};

/// A module as text.
struct ModuleText {
    std::string text;
};

struct Spec {
    /// Bytes are shared by all copies.
    std::variant<std::monostate, std::filesystem::path, std::shared_ptr<const std::vector<uint8_t>>,
                 ModuleText>
        module;
    std::optional<std::string> module_sha256;
    SandboxLimits limits;
    Grants grants;
    std::vector<HostDefinition> functions;
    std::shared_ptr<Ledger> ledger_above;
    CancellationToken cancellation;
    AuditLog audit;
    Features features = default_features;
    bool is_lazy = false;
    bool canonical_nans = false;
    TierChoice tier = TierChoice::interpreter;
    bool background_compilation = false;
    bool guard_regions = true;
    CodeNames code_names;
    unsigned compile_threads = 1;
    /// What was wrong with what was said; the first.
    std::optional<Error> error;
};

}  // namespace wsb::sandbox
