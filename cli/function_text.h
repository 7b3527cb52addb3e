// SPDX-License-Identifier: Apache-2.0
// A function as wasm instructions, and below each the machine code that was made for it.
#pragma once

#include "engine/base/error.h"
#include "engine/runtime/tier.h"
#include "engine/text/wat.h"
#include "jit/code_names.h"
#include "jit/listing.h"

#include <string>

namespace wsb::cli {

class FunctionText {
public:
    /// The module was compiled to machine code, and outlives this.
    FunctionText(const runtime::CompiledModule& module, jit::Processor processor)
        : m_module(module), m_processor(processor), m_name_of(module.module), m_bodies(module.module) {}

    /// @return out_of_memory, or what is wrong with the disassembler.
    [[nodiscard]] Result<std::string> operator()(FuncIdx func);

private:
    const runtime::CompiledModule& m_module;
    jit::Processor m_processor;
    jit::FuncNamer m_name_of;
    text::BodyPrinter m_bodies;
};

}  // namespace wsb::cli
