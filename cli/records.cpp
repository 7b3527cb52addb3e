// SPDX-License-Identifier: Apache-2.0
// wasm-sandbox manifest, wasm-sandbox audit
#include "cli/commands.h"
#include "cli/output.h"
#include "sandbox/manifest.h"
#include "wsb/audit.hpp"

#include <fmt/format.h>

namespace wsb::cli {
namespace {

int print(std::string_view text) {
    const auto printed = print_out(text);
    if (printed)
        return 0;
    complain(printed.error().detail);
    return sandbox::status_refused;
}

}  // namespace

int execute(const ManifestCommand& command) {
    if (command.file.empty())
        return print(sandbox::manifest_schema());
    const auto manifest = sandbox::load_manifest(command.file);
    if (!manifest) {
        complain(manifest.error().detail);
        return sandbox::status_refused;
    }
    std::string text;
    for (const std::string& line : sandbox::describe(*manifest))
        text += printable(line) + "\n";
    return print(text);
}

int execute(const AuditCommand& command) {
    const auto verdict = verify_audit(command.file);
    if (!verdict) {
        complain(fmt::format("{}: {}", command.file, verdict.error().detail));
        return sandbox::status_refused;
    }
    return print(fmt::format("{}: {} records, {} dropped, whole up to {}\n", printable(command.file),
                             verdict->records, verdict->dropped, verdict->last_hash));
}

}  // namespace wsb::cli
