// SPDX-License-Identifier: Apache-2.0
// Constant expressions. Spec: valid/instructions#constant-expressions
#pragma once

#include "engine/base/result.h"
#include "engine/validate/body_state.h"

namespace wsb::validate {

/// Reads one constant expression after the other, in room that it keeps, with the rules for bodies,
/// restricted to the instructions that the table marks const_ok.
class ConstReader : private BodyState {
public:
    /// Functions that are named with ref.func are set in `declared_funcs`.
    ConstReader(const Module& module, std::vector<bool>& declared_funcs)
        : BodyState(module), m_declared_funcs(declared_funcs) {}

    /// Checks that an expression is constant and of type `expected`. It may read the immutable globals below
    /// `visible_globals`.
    [[nodiscard]] Result<void> run(const ConstExpr& expr, ValType expected, uint32_t visible_globals);

private:
    [[nodiscard]] bool step();
    [[nodiscard]] bool check_constant_global();
    [[nodiscard]] bool check_constant_reference();

    std::vector<bool>& m_declared_funcs;
    uint32_t m_visible_globals = 0;
};

}  // namespace wsb::validate
