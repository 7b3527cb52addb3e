// SPDX-License-Identifier: Apache-2.0
#include "spec-tests/round_trip.h"

#include "engine/binary/decoder.h"
#include "engine/binary/encoder.h"
#include "engine/text/wat.h"
#include "engine/validate/module_validator.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace wsb::spec {

namespace {

using Bytes = std::vector<uint8_t>;
using Verdict = std::optional<std::string>;

/// The first place where two are different, with what is around it in both.
[[nodiscard]] std::string difference(std::string_view one, std::string_view other) {
    const auto place = std::ranges::mismatch(one, other).in1 - one.begin();
    const size_t start = static_cast<size_t>(std::max<ptrdiff_t>(place - 40, 0));
    return fmt::format("at {}: \"{}\", then \"{}\"", place, one.substr(start, 80), other.substr(start, 80));
}

[[nodiscard]] std::string difference(const Bytes& one, const Bytes& other) {
    const auto hex = [](const Bytes& bytes) {
        std::string text;
        for (const uint8_t byte : bytes)
            text += fmt::format("{:02x} ", byte);
        return text;
    };
    return difference(hex(one), hex(other));
}

[[nodiscard]] Result<syntax::Module> load(const Bytes& bytes, Features features) {
    WSB_TRY_ASSIGN(syntax::Module module, binary::decode(bytes, features));
    TypeRegistry registry;
    WSB_TRY(validate::validate(module, registry));
    return module;
}

/// Bytes that may have been spelled otherwise than the encoder does it: then the second time is the same.
[[nodiscard]] Verdict through_encoder(const Bytes& bytes, const syntax::Module& module, Features features,
                                      bool is_canonical) {
    const Bytes encoded = binary::encode(module);
    if (is_canonical && encoded != bytes)
        return "decoded and encoded: " + difference(bytes, encoded);
    const auto again = load(encoded, features);
    if (!again)
        return "encoded, but not accepted: " + again.error().message();
    const Bytes encoded_again = binary::encode(*again);
    if (encoded_again != encoded)
        return "encoded twice: " + difference(encoded, encoded_again);
    return std::nullopt;
}

[[nodiscard]] Verdict through_text(const Bytes& bytes, const syntax::Module& module, Features features,
                                   bool is_canonical) {
    const std::string printed = text::print(module);
    const auto parsed = text::assemble(printed, features);
    if (!parsed)
        return "printed, but not accepted: " + parsed.error().message();
    if (is_canonical && *parsed != bytes)
        return "printed and parsed: " + difference(bytes, *parsed);
    const auto again = load(*parsed, features);
    if (!again)
        return "printed and parsed, but not accepted: " + again.error().message();
    const std::string printed_again = text::print(*again);
    if (printed_again != printed)
        return "printed twice: " + difference(printed, printed_again);
    return std::nullopt;
}

void collect(std::span<const text::ScriptCommand> commands, std::vector<const text::ScriptModule*>& modules) {
    for (const text::ScriptCommand& command : commands) {
        if (const auto* module = std::get_if<text::ScriptModule>(&command.body)) {
            modules.push_back(module);
        } else if (const auto* refused = std::get_if<text::AssertModule>(&command.body)) {
            modules.push_back(&refused->module);
        } else if (const auto* trap = std::get_if<text::AssertTrap>(&command.body)) {
            if (const auto* subject = std::get_if<text::ScriptModule>(&trap->subject))
                modules.push_back(subject);
        } else if (const auto* thread = std::get_if<text::ScriptThread>(&command.body)) {
            collect(thread->commands, modules);
        }
    }
}

}  // namespace

std::vector<const text::ScriptModule*> valid_modules(const text::Script& script, Features features) {
    std::vector<const text::ScriptModule*> modules;
    collect(script.commands, modules);
    std::erase_if(modules, [&](const text::ScriptModule* module) {
        const auto bytes = module->assemble(features);
        return !bytes || !load(*bytes, features);
    });
    return modules;
}

std::optional<std::string> round_trip(const text::ScriptModule& module, Features features) {
    const auto bytes = module.assemble(features);
    if (!bytes)
        return bytes.error().message();
    const auto loaded = load(*bytes, features);
    if (!loaded)
        return loaded.error().message();
    // What the assembler writes is in the shortest form; bytes of a script need not be.
    const bool is_canonical = module.form != text::ScriptModule::Form::binary;
    if (auto verdict = through_encoder(*bytes, *loaded, features, is_canonical))
        return verdict;
    return through_text(*bytes, *loaded, features, is_canonical);
}

}  // namespace wsb::spec
