// SPDX-License-Identifier: Apache-2.0
#include "engine/binary/decoder.h"
#include "engine/runtime/engine_state.h"
#include "engine/validate/module_validator.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::runtime {

namespace {

[[nodiscard]] Result<void> check(std::string_view what, uint64_t found, uint64_t most) {
    if (found <= most)
        return {};
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: {} found, {} allowed", what, found, most));
}

[[nodiscard]] Result<void> check_shape(const Module& module, const ModuleLimits& limits) {
    WSB_TRY(check("functions of the module", module.bodies.size(), limits.functions));
    uint64_t data_bytes = 0;
    for (const DataSegment& segment : module.datas)
        data_bytes += segment.bytes.size_bytes;
    WSB_TRY(check("bytes of data segments", data_bytes, limits.data_bytes));
    for (const auto& body : module.bodies) {
        WSB_TRY(check("bytes of a function", body.whole.size_bytes, limits.function_bytes));
        uint64_t locals = 0;
        for (const auto& run : body.locals)
            locals += run.count;
        WSB_TRY(check("locals of a function", locals, limits.locals));
    }
    return {};
}

/// A moment so late that it cannot be told is none.
[[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline_of(const ModuleLimits& limits) {
    const auto now = std::chrono::steady_clock::now();
    if (!limits.compile_time || *limits.compile_time > std::chrono::steady_clock::time_point::max() - now)
        return std::nullopt;
    return now + *limits.compile_time;
}

}  // namespace

Result<std::shared_ptr<const CompiledModule>> load_module(const EngineState& engine,
                                                          std::vector<uint8_t> bytes) {
    const ModuleLimits& limits = engine.config.module_limits;
    const auto deadline = deadline_of(limits);
    WSB_TRY(check("bytes of the module", bytes.size(), limits.size_bytes));
    WSB_TRY_ASSIGN(Module module,
                   binary::decode(std::move(bytes), engine.config.features, Deadline(deadline)));
    // The tier's code points into the module, so it gets its final address before compilation.
    auto compiled = std::make_shared<CompiledModule>();
    compiled->module = std::move(module);
    compiled->module.label_depth = std::min(compiled->module.label_depth, limits.nesting);
    WSB_TRY(check_shape(compiled->module, limits));
    compiled->registry = engine.registry;
    compiled->executed = engine.executed;
    compiled->canonical_nans = engine.config.canonical_nans;
    compiled->code_names = engine.config.code_names;
    compiled->has_guard_regions = engine.has_guard_regions;
    WSB_TRY(validate::validate_declarations(compiled->module, *engine.registry, Deadline(deadline)));
    WSB_TRY(engine.tier->compile(*compiled, {.threads = engine.config.compile_threads,
                                             .is_lazy = engine.config.lazy_translation,
                                             .deadline = deadline,
                                             .most_bytes = limits.compiled_bytes,
                                             .hot_samples = engine.config.tiering.hot_samples,
                                             .in_background = engine.config.background_compilation}));
    return std::shared_ptr<const CompiledModule>(std::move(compiled));
}

}  // namespace wsb::runtime
