// SPDX-License-Identifier: Apache-2.0
#include "engine/binary/decoder.h"
#include "engine/runtime/engine_state.h"
#include "engine/validate/module_validator.h"

namespace wsb::runtime {

Result<std::shared_ptr<const CompiledModule>> load_module(const EngineState& engine,
                                                          std::vector<uint8_t> bytes) {
    WSB_TRY_ASSIGN(Module module, binary::decode(std::move(bytes), engine.config.features));
    // The tier's code points into the module, so it gets its final address before compilation.
    auto compiled = std::make_shared<CompiledModule>();
    compiled->module = std::move(module);
    compiled->registry = engine.registry;
    compiled->executed = engine.executed;
    WSB_TRY(validate::validate_declarations(compiled->module, *engine.registry));
    WSB_TRY(engine.tier->compile(
        *compiled, {.threads = engine.config.compile_threads, .is_lazy = engine.config.lazy_translation}));
    return std::shared_ptr<const CompiledModule>(std::move(compiled));
}

}  // namespace wsb::runtime
