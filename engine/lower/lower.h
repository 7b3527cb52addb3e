// SPDX-License-Identifier: Apache-2.0
// Bodies to register form: validation and translation in one pass.
#pragma once

#include "engine/base/result.h"
#include "engine/lower/frame_bound.h"
#include "engine/lower/lower_sink.h"
#include "engine/validate/body_reader.h"

namespace wsb::lower {

/// Validates and lowers functions of a module one after the other, in room that it keeps. The module's
/// declarations have been validated.
class FunctionLowerer {
public:
    FunctionLowerer(const Module& module, const LowerOptions& options) noexcept
        : m_module(module),
          m_patience(options.patience),
          m_sink(options),
          m_reader(module, m_sink),
          m_bound_reader(module, m_bound) {}
    FunctionLowerer(const FunctionLowerer&) = delete;
    FunctionLowerer& operator=(const FunctionLowerer&) = delete;

    /// @return invalid, malformed or limit errors; limit_exceeded as well when patience is over.
    [[nodiscard]] Result<void> lower(FuncIdx func, Code& code);

    /// Validates one function only, and fills in what is known of it without lowering it. @return whether
    /// lowering it later cannot fail, but for lack of memory; or the errors that `lower` would return, but
    /// for those of the frame.
    [[nodiscard]] Result<bool> outline(FuncIdx func, Code& code);

private:
    const Module& m_module;
    const Patience m_patience;
    LowerSink m_sink;
    validate::BodyReader<LowerSink> m_reader;
    FrameBoundSink m_bound;
    validate::BodyReader<FrameBoundSink> m_bound_reader;
};

/// The same for one function.
[[nodiscard]] Result<void> lower_function(const Module& module, FuncIdx func, const LowerOptions& options,
                                          Code& code);

}  // namespace wsb::lower
