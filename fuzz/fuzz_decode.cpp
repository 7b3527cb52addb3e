// SPDX-License-Identifier: Apache-2.0
// Any bytes as a module: the API refuses them with a place inside of them, or gives a module all of whose
// declarations can be read. Validating and compiling give the same verdict.
#include "wsb/engine.hpp"

#include "fuzz/fuzz_target.h"

namespace wsb::fuzz {
namespace {

void require_place(const Error& error, size_t size_bytes) {
    require(error.offset_bytes != no_offset, "the error has an offset: " + error.message());
    require(error.offset_bytes <= size_bytes, "the offset is inside the input: " + error.message());
    require(error_kind(error.code) != ErrorKind::io && error_kind(error.code) != ErrorKind::unlinkable &&
                error_kind(error.code) != ErrorKind::usage,
            "loading is malformed, invalid or limited: " + error.message());
}

/// Compilation alone knows limits of the code that it makes.
[[nodiscard]] bool is_only_for_compilation(const Error& error) {
    return error_kind(error.code) == ErrorKind::limit || error.code == ErrorCode::feature_disabled;
}

void read_declarations(const Module& module) {
    size_t letters = module.name().size();
    for (const ImportType& import : module.imports())
        letters += import.module.size() + import.name.size();
    for (const ExportType& item : module.exports()) {
        letters += item.name.size();
        require(module.find_export(item.name).has_value(), "an export can be found");
    }
    for (const CustomSectionView& section : module.custom_sections())
        letters += section.name.size() + section.content.size();
    require(letters <= 3 * module.bytes().size(), "names are parts of the module");
}

void run(std::span<const uint8_t> bytes) {
    const Engine engine({.features = Features::up_to(4)});
    const auto verdict = Module::validate(engine, bytes);
    const auto module = Module::compile(engine, bytes);
    if (!verdict)
        require_place(verdict.error(), bytes.size());
    if (module) {
        require(verdict.has_value(), "what compiles is valid");
        read_declarations(*module);
        return;
    }
    require_place(module.error(), bytes.size());
    if (verdict)
        require(is_only_for_compilation(module.error()),
                "what is valid compiles: " + module.error().message());
    else if (!is_only_for_compilation(module.error()))
        require(verdict.error().message() == module.error().message(),
                "one verdict: " + verdict.error().message() + " / " + module.error().message());
}

}  // namespace
}  // namespace wsb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
    wsb::fuzz::run({data, size_bytes});
    return 0;
}
